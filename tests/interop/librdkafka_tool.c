/* SPDX-License-Identifier: Apache-2.0 */
/* usage: librdkafka_tool [VERSION]: print the version of the librdkafka that this program has loaded;
 * the status is 1 when it is not VERSION. */
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    puts(rd_kafka_version_str());
    return argc > 1 && strcmp(argv[1], rd_kafka_version_str()) != 0;
}
