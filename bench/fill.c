/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the input of the benchmarks: a file of messages, the list of channels, topics, a backlog
 * in them, or live messages. */
#include "messages.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static workload work;
static uint8_t *samples;
static arrakis_series *series;
static uint32_t *ids;

static void write_message(ark_buffer *buffer, size_t partition, size_t stride, int64_t time_ns)
{
    message_write(buffer, &work, partition, stride, time_ns, samples, series, ids);
}

static void topic_name(char *name, size_t size, size_t partition)
{
    snprintf(name, size, "arrakis-%s%04zu", work.prefix, partition);
}

/* ---- without a broker */

static void make_file(void)
{
    FILE *file = fopen(bench_text("file", NULL), "wb");
    if (!file)
        bench_fail("cannot write %s", bench_text("file", NULL));
    ark_buffer buffer = {0};
    for (size_t stride = 0; stride < work.strides; stride++)
        for (size_t p = 0; p < work.partitions; p++) {
            write_message(&buffer, p, stride, work.start_ns + (int64_t)stride * STRIDE_NS);
            uint32_t head[2] = {(uint32_t)p, (uint32_t)buffer.size};
            fwrite(head, sizeof head, 1, file);
            fwrite(buffer.data, buffer.size, 1, file);
        }
    if (fclose(file))
        bench_fail("cannot write %s", bench_text("file", NULL));
    ark_buffer_clear(&buffer);
}

static void print_channels(void)
{
    arrakis_channels *channels = workload_channels(&work, work.wanted);
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        char *json = arrakis_channel_to_json(arrakis_channels_get(channels, i));
        puts(json);
        arrakis_free(json);
    }
    arrakis_channels_unref(channels);
}

/* ---- with one */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK)
        bench_fail("%s", text);
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    (void)rk;
    (void)opaque;
    if (message->err)
        bench_fail("%s: %s", rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
}

static rd_kafka_t *make_producer(void)
{
    char text[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", bench_text("url", NULL));
    set(conf, "message.max.bytes", "10000000");
    set(conf, "linger.ms", "0");
    set(conf, "batch.num.messages", "1"); /* as publishers do, that confirm each block */
    /* One program stands for as many publishers as there are partitions. An idempotent producer
     * has five requests under way, which one broker answers at 1,300 to 4,000 per second. Without
     * errors the messages of a partition keep their order even so. */
    set(conf, "acks", "1");
    set(conf, "queue.buffering.max.messages", "200000");
    set(conf, "socket.nagle.disable", "true");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
    if (!rk)
        bench_fail("%s", text);
    return rk;
}

/* Publishers have a connection each, and a broker takes one request of a connection after the
 * other: so a few connections share the partitions. */
enum { CONNECTIONS = 4 };
static rd_kafka_t *connections[CONNECTIONS];

static rd_kafka_t *connection_of(size_t partition)
{
    return connections[partition % CONNECTIONS];
}

static void make_topics(rd_kafka_t *rk)
{
    enum { AT_ONCE = 250 };
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    for (size_t done = 0; done < work.partitions;) {
        rd_kafka_NewTopic_t *topics[AT_ONCE];
        size_t n = 0;
        for (; n < AT_ONCE && done < work.partitions; n++, done++) {
            char name[128], text[256];
            topic_name(name, sizeof name, done);
            topics[n] = rd_kafka_NewTopic_new(name, 1, 1, text, sizeof text);
        }
        rd_kafka_CreateTopics(rk, topics, n, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 60000);
        if (!event || rd_kafka_event_error(event))
            bench_fail("topics: %s", event ? rd_kafka_event_error_string(event) : "no answer");
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
        for (size_t i = 0; i < count; i++)
            if (rd_kafka_topic_result_error(results[i]))
                bench_fail("topic %s: %s", rd_kafka_topic_result_name(results[i]),
                           rd_kafka_topic_result_error_string(results[i]));
        rd_kafka_event_destroy(event);
        rd_kafka_NewTopic_destroy_array(topics, n);
    }
    rd_kafka_queue_destroy(queue);
}

/* A broker needs a while to have made topics. */
static void wait_for_topics(rd_kafka_t *rk, size_t count)
{
    for (bool all = false; !all;) {
        const struct rd_kafka_metadata *metadata;
        if (rd_kafka_metadata(rk, 0, NULL, &metadata, 30000))
            bench_fail("no metadata");
        all = metadata->topic_cnt == (int)count;
        for (int i = 0; all && i < metadata->topic_cnt; i++)
            all = !metadata->topics[i].err && metadata->topics[i].partition_cnt == 1 &&
                  !metadata->topics[i].partitions[0].err;
        rd_kafka_metadata_destroy(metadata);
    }
}

static rd_kafka_topic_t **open_topics(void)
{
    rd_kafka_topic_t **topics = bench_alloc(work.partitions * sizeof *topics);
    size_t counts[CONNECTIONS] = {0};
    for (size_t p = 0; p < work.partitions; p++) {
        char name[128];
        topic_name(name, sizeof name, p);
        counts[p % CONNECTIONS]++;
        if (!(topics[p] = rd_kafka_topic_new(connection_of(p), name, NULL)))
            bench_fail("topic %s", name);
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (counts[i])
            wait_for_topics(connections[i], counts[i]);
    return topics;
}

static void produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, ark_buffer *buffer, int64_t unix_ms)
{
    while (rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(0),
                             RD_KAFKA_V_VALUE(buffer->data, buffer->size),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                             RD_KAFKA_V_TIMESTAMP(unix_ms), RD_KAFKA_V_END))
        rd_kafka_poll(rk, 10);
    rd_kafka_poll(rk, 0);
}

/* A site's backlog takes a broker minutes: what is under way may take as long as some of it
 * arrives. */
static void wait_for_connection(rd_kafka_t *rk)
{
    enum { PATIENCE_MS = 60000 };
    for (int left = rd_kafka_outq_len(rk); rd_kafka_flush(rk, PATIENCE_MS);) {
        if (rd_kafka_outq_len(rk) >= left)
            bench_fail("%d messages were not delivered, and none in %d s", left,
                       PATIENCE_MS / 1000);
        left = rd_kafka_outq_len(rk);
    }
}

static void wait_for_delivery(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        wait_for_connection(connections[i]);
}

/* The timestamp of a message is the begin of its block, so that it is found by its time. A
 * partition whose leader is not ready refuses the messages that are under way, and takes them
 * after those that follow: so nothing follows before each partition has its first one. */
static void make_backlog(rd_kafka_topic_t **topics)
{
    ark_buffer buffer = {0};
    for (size_t stride = 0; stride < work.strides; stride++) {
        for (size_t p = 0; p < work.partitions; p++) {
            int64_t time_ns = work.start_ns + (int64_t)stride * STRIDE_NS;
            write_message(&buffer, p, stride, time_ns);
            produce(connection_of(p), topics[p], &buffer, (time_ns + UNIX_FROM_GPS_NS) / 1000000);
        }
        if (stride == 0)
            wait_for_delivery();
    }
    ark_buffer_clear(&buffer);
}

static void sleep_until(int64_t real_ns)
{
    struct timespec when = {real_ns / 1000000000, real_ns % 1000000000};
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &when, NULL))
        ;
}

/* One block per partition and stride, at the end of the stride; the samples do not change. The
 * timestamp of a record is the begin of its block, by which the bare loop identifies the
 * stride. */
static void go_live(rd_kafka_topic_t **topics)
{
    ark_buffer *buffers = calloc(work.partitions, sizeof *buffers);
    int64_t first = bench_real_ns() / STRIDE_NS * STRIDE_NS + STRIDE_NS;
    int64_t end = first + bench_number("seconds", 10) * 1000000000, worst = 0;
    if (!buffers)
        bench_fail("out of memory");
    for (size_t p = 0; p < work.partitions; p++)
        write_message(&buffers[p], p, 0, 0);
    /* the time column is where two messages of different times differ */
    ark_buffer other = {0};
    write_message(&other, 0, 0, -1);
    size_t at = 0;
    while (at < other.size && other.data[at] == buffers[0].data[at])
        at++;
    double cpu = bench_cpu_s();
    for (int64_t t = first; t < end; t += STRIDE_NS) {
        sleep_until(t + STRIDE_NS);
        int64_t gps_ns = t - UNIX_FROM_GPS_NS;
        for (size_t p = 0; p < work.partitions; p++) {
            for (size_t row = 0; row < work.channels; row++)
                memcpy(buffers[p].data + at + 8 * row, &gps_ns, 8);
            produce(connection_of(p), topics[p], &buffers[p], t / 1000000);
        }
        int64_t late = bench_real_ns() - t - STRIDE_NS;
        worst = late > worst ? late : worst;
    }
    printf("{\"cpu\": %.3f, \"worst_ms\": %.3f}\n",
           (bench_cpu_s() - cpu) * 1e9 / (double)(end - first), (double)worst * 1e-6);
    for (size_t p = 0; p < work.partitions; p++)
        ark_buffer_clear(&buffers[p]);
    ark_buffer_clear(&other);
    free(buffers);
}

static void send_all(const char *what)
{
    rd_kafka_topic_t **topics = open_topics();
    if (!strcmp(what, "backlog"))
        make_backlog(topics);
    else
        go_live(topics);
    wait_for_delivery();
    for (size_t p = 0; p < work.partitions; p++)
        rd_kafka_topic_destroy(topics[p]);
    free(topics);
}

static void with_broker(const char *what)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        connections[i] = make_producer();
    if (!strcmp(what, "topics"))
        make_topics(connections[0]);
    else
        send_all(what);
    for (size_t i = 0; i < CONNECTIONS; i++)
        rd_kafka_destroy(connections[i]);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    work = workload_read();
    samples = bench_alloc(work.channels * work.samples * arrakis_dtype_size(work.dtype));
    series = bench_alloc(work.channels * sizeof *series);
    ids = bench_alloc(work.channels * sizeof *ids);
    const char *what = bench_text("make", NULL);
    if (!strcmp(what, "file"))
        make_file();
    else if (!strcmp(what, "channels"))
        print_channels();
    else
        with_broker(what);
    free(samples);
    free(series);
    free(ids);
    return 0;
}
