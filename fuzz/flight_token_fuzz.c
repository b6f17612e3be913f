/* SPDX-License-Identifier: Apache-2.0 */
/* The claims of a token, and the URL after its first line end. */
#include "base/token.h"
#include "flight/auth.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    ark_token_fit fit = ark_token_check(text, "example.org", "arrakis.create:/A", 1000);
    if ((int)fit < ARK_TOKEN_FITS || fit > ARK_TOKEN_NARROW)
        abort();
    char *line = strchr(text, '\n');
    ark_url url;
    if (line && ark_url_parse(&url, line + 1, NULL) == ARRAKIS_OK)
        ark_url_is_loopback(&url);
    free(text);
    return 0;
}
