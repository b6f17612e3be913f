/* SPDX-License-Identifier: Apache-2.0 */
/* A bare consumer. mode=drain: read a backlog and drop it. mode=live: note when the last message
 * of each stride has arrived. mode=first: end when the first whole stride has arrived. */
#include "bare.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 1000, STRIDES = 1 << 14 };

typedef struct stride {
    size_t seen;
    int64_t at_ns;
} stride;

static size_t partitions;
static stride *strides;
static int64_t first_stride;
static bool whole;

/* The timestamp of a record is the begin of its block: it identifies the stride. */
static void note(const rd_kafka_message_t *message)
{
    int64_t number = (rd_kafka_message_timestamp(message, NULL) * 2 + 124) / 125 - first_stride;
    if (number < 0 || number >= STRIDES)
        return;
    if (++strides[number].seen == partitions) {
        strides[number].at_ns = bench_real_ns();
        whole = true;
    }
}

static void print_strides(void)
{
    printf(", \"strides\": {");
    const char *separator = "";
    for (int64_t i = 0; i < STRIDES; i++)
        if (strides[i].at_ns) {
            printf("%s\"%lld\": %lld", separator, (long long)(i + first_stride),
                   (long long)strides[i].at_ns);
            separator = ", ";
        }
    printf("}");
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    const char *mode = bench_text("mode", NULL);
    bool drain = !strcmp(mode, "drain"), first = !strcmp(mode, "first");
    partitions = (size_t)bench_number("partitions", 1);
    size_t wanted = partitions * (size_t)bench_number("strides", 0), count = 0, bytes = 0;
    strides = calloc(STRIDES, sizeof *strides);
    first_stride = bench_real_ns() / STRIDE_NS - 32;
    bench_span span = bench_start();
    int64_t end_ns = span.wall_ns + bench_number("seconds", 60) * 1000000000;
    rd_kafka_queue_t *queue;
    rd_kafka_t *rk = bare_consumer(partitions, drain, &queue);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, fd, &one, sizeof one);
    bare_assign(rk, bench_text("prefix", "bench"), partitions,
                drain ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END);
    rd_kafka_message_t *messages[BATCH];
    while (drain ? count < wanted && bench_clock_ns() < end_ns
                 : !(first && whole) && bench_clock_ns() < end_ns) {
        uint64_t events;
        if (read(fd, &events, sizeof events) < 0)
            events = 0;
        ssize_t n = rd_kafka_consume_batch_queue(queue, 0, messages, BATCH);
        for (ssize_t i = 0; i < n; i++) {
            if (messages[i]->err)
                fprintf(stderr, "%s\n", rd_kafka_message_errstr(messages[i]));
            count += !messages[i]->err;
            bytes += messages[i]->len;
            if (!drain && !messages[i]->err)
                note(messages[i]);
            rd_kafka_message_destroy(messages[i]);
        }
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        if (n <= 0)
            poll(&polled, 1, 1000);
    }
    span = bench_stop(span);
    printf("{\"messages\": %zu, \"bytes\": %zu, \"wall\": %.6f, \"cpu\": %.6f, \"thread\": %.6f, "
           "\"peak_kb\": %ld",
           count, bytes, (double)span.wall_ns * 1e-9, span.cpu_s, span.thread_s, bench_peak_kb());
    if (!drain)
        print_strides();
    printf("}\n");
    fflush(stdout);
    if (first) /* what is measured ends here */
        _exit(0);
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(strides);
    close(fd);
    return 0;
}
