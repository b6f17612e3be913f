/* SPDX-License-Identifier: Apache-2.0 */
/* The least work to find the channels of a broker: list its topics, read those whose names begin
 * with arrakis-metadata- to their ends, and drop the records. */
#include "bare.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    bench_span span = bench_start();
    rd_kafka_queue_t *queue;
    rd_kafka_t *rk = bare_consumer(4, true, &queue);
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(rk, 1, NULL, &metadata, 30000))
        bench_fail("no metadata");
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (!strncmp(metadata->topics[i].topic, "arrakis-metadata-", 17))
            rd_kafka_topic_partition_list_add(list, metadata->topics[i].topic, 0)->offset = 0;
    rd_kafka_metadata_destroy(metadata);
    int64_t left = 0, count = 0, ends[64];
    for (int i = 0; i < list->cnt && i < 64; i++) {
        int64_t low;
        if (rd_kafka_query_watermark_offsets(rk, list->elems[i].topic, 0, &low, &ends[i], 10000))
            bench_fail("no watermarks");
        left += ends[i] > low;
    }
    rd_kafka_assign(rk, list);
    while (left) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 1000);
        if (!message)
            continue;
        for (int i = 0; !message->err && i < list->cnt; i++)
            if (!strcmp(list->elems[i].topic, rd_kafka_topic_name(message->rkt)))
                left -= message->offset + 1 == ends[i];
        count++;
        rd_kafka_message_destroy(message);
    }
    span = bench_stop(span);
    printf("{\"messages\": %lld, \"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n",
           (long long)count, (double)span.wall_ns * 1e-9, span.cpu_s, bench_peak_kb());
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return 0;
}
