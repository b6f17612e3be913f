/* SPDX-License-Identifier: Apache-2.0 */
/* A bare producer of the same bytes: for each stride, one message per partition, then wait until
 * all are delivered. */
#include "bare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t pending;

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err)
        bench_fail("%s", rd_kafka_err2str(message->err));
    pending--;
}

static rd_kafka_t *make_producer(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const settings[][2] = {{"bootstrap.servers", bench_text("url", NULL)},
                                       {"message.max.bytes", "10000000"},
                                       {"enable.idempotence", "true"},
                                       {"linger.ms", "0"},
                                       {"socket.nagle.disable", "true"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (rd_kafka_conf_set(conf, settings[i][0], settings[i][1], text, sizeof text))
            bench_fail("%s", text);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk)
        bench_fail("%s", text);
    return rk;
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    size_t partitions = (size_t)bench_number("partitions", 1);
    size_t strides = (size_t)bench_number("strides", 10);
    rd_kafka_t *rk = make_producer();
    rd_kafka_topic_t **topics = bench_alloc(partitions * sizeof *topics);
    FILE *file = fopen(bench_text("file", NULL), "rb");
    uint32_t head[2];
    if (!file || fread(head, sizeof head, 1, file) != 1)
        bench_fail("cannot read %s", bench_text("file", NULL));
    char *message = bench_alloc(head[1]);
    if (fread(message, head[1], 1, file) != 1)
        bench_fail("cannot read %s", bench_text("file", NULL));
    fclose(file);
    for (size_t p = 0; p < partitions; p++) {
        char name[128];
        snprintf(name, sizeof name, "arrakis-%s%04zu", bench_text("prefix", "bench"), p);
        topics[p] = rd_kafka_topic_new(rk, name, NULL);
    }
    bench_span sum = {0};
    for (size_t i = 0; i < strides; i++) {
        bench_span span = bench_start();
        for (size_t p = 0; p < partitions; p++) {
            pending++;
            if (rd_kafka_produce(topics[p], 0, 0, message, head[1], NULL, 0, NULL))
                bench_fail("not produced");
        }
        while (pending)
            rd_kafka_poll(rk, 1000);
        span = bench_stop(span);
        if (i >= 3) { /* connected by then */
            sum.wall_ns += span.wall_ns;
            sum.cpu_s += span.cpu_s;
        }
    }
    printf("{\"blocks\": %zu, \"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n", strides - 3,
           (double)sum.wall_ns * 1e-9, sum.cpu_s, bench_peak_kb());
    for (size_t p = 0; p < partitions; p++)
        rd_kafka_topic_destroy(topics[p]);
    rd_kafka_destroy(rk);
    free(topics);
    free(message);
    return 0;
}
