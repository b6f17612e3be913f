/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <arrakis/reader.h>

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
#define LETTER_COUNT (sizeof letters - 1)
/* Bytes from here on would make the first letters likelier: they are thrown away. */
#define FAIR_END (256 - 256 % LETTER_COUNT)

arrakis_status arrakis_random_alphanum(char *out, size_t n, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_random_alphanum: out is NULL");
    unsigned char bytes[64];
    size_t filled = 0;
    while (filled < n) {
        ssize_t got = getrandom(bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            out[0] = '\0';
            return ark_fail(err, ARRAKIS_EIO, "no random bytes from the system: %s",
                            strerror(errno));
        }
        for (ssize_t i = 0; i < got && filled < n; i++)
            if (bytes[i] < FAIR_END)
                out[filled++] = letters[bytes[i] % LETTER_COUNT];
    }
    out[n] = '\0';
    return ARRAKIS_OK;
}

arrakis_status arrakis_random_group_id(char out[17], arrakis_error *err)
{
    return arrakis_random_alphanum(out, 16, err);
}
