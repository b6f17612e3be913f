/* SPDX-License-Identifier: Apache-2.0 */
/* A channel as JSON: what is read is written, read again, and the same. */
#include "channel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arrakis_channel *channel, *again;
    arrakis_error err;
    arrakis_status rc = arrakis_channel_from_json(&channel, (const char *)data, size, &err);
    if (rc < 0) {
        if (channel || rc != err.status || rc != ARRAKIS_EFORMAT || !err.message[0])
            abort();
        return 0;
    }
    arrakis_name_parts parts;
    if (arrakis_name_parse(&parts, arrakis_channel_name(channel), NULL) != ARRAKIS_OK)
        abort();
    ark_channel_samples(channel, 62500000);
    char *text = arrakis_channel_to_json(channel);
    if (!text || arrakis_channel_from_json(&again, text, strlen(text), &err) != ARRAKIS_OK)
        abort();
    char *text_again = arrakis_channel_to_json(again);
    if (!arrakis_channel_equal(channel, again) || !text_again || strcmp(text, text_again) != 0)
        abort();
    free(text);
    free(text_again);
    arrakis_channel_free(channel);
    arrakis_channel_free(again);
    return 0;
}
