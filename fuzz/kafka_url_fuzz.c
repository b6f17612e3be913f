/* SPDX-License-Identifier: Apache-2.0 */
/* A broker list: it comes from the command line, and from a server's answers. */
#include "kafka/brokers.h"
#include "kafka/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *url = malloc(size + 1);
    if (!url)
        return 0;
    memcpy(url, data, size);
    url[size] = 0;
    arrakis_error err = {0};
    arrakis_status rc = ark_kafka_brokers_check(url, &err);
    /* A list that is accepted has no character that librdkafka could take for something else. */
    if (rc != err.status || (rc == ARRAKIS_OK && (!*url || strpbrk(url, " \t\r\n\"'\\@?#"))))
        abort();
    free(url);
    return 0;
}
