/* SPDX-License-Identifier: Apache-2.0 */
/* Times as text: what is read is in range, and is read again from what is written for it. */
#include <arrakis/arrakis.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1400000000000000000)
/* Unix time, and with it the written form, ends here. */
#define LAST INT64_C(8907407254854775807)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    int64_t gps_ns = -1, again_ns = -1;
    arrakis_error err;
    arrakis_status rc = arrakis_time_parse(&gps_ns, text, NOW, &err);
    if (rc != ARRAKIS_OK && rc != ARRAKIS_EFORMAT)
        abort();
    if (rc == ARRAKIS_OK && gps_ns < 0)
        abort();
    char written[32];
    arrakis_time_format(written, gps_ns);
    if (rc == ARRAKIS_OK && gps_ns < LAST &&
        (arrakis_time_parse(&again_ns, written, NOW, &err) != ARRAKIS_OK ||
         again_ns != gps_ns - gps_ns % 1000000))
        abort();
    free(text);
    return 0;
}
