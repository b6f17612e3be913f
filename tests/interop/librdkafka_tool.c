/* SPDX-License-Identifier: Apache-2.0 */
/* usage: librdkafka_tool: print the version of the librdkafka that our programs run on. */
#include <librdkafka/rdkafka.h>

#include <stdio.h>

int main(void)
{
    return puts(rd_kafka_version_str()) == EOF;
}
