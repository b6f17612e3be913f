/* SPDX-License-Identifier: Apache-2.0 */
/* usage: soak_tool read kafka=URL|server=URL [tolerance=SECONDS] [forward=0] CHANNELS.jsonl
 *        soak_tool publish kafka=URL CHANNELS.jsonl
 *
 * A daemon on the public header, for soak.py: it reads or publishes all channels of the file, live,
 * until SIGINT or SIGTERM, and keeps nothing but what the library keeps. The file has the channels of
 * one partition behind each other; partitions are numbered as they come in it. Samples are int32, and
 * are what sample_of() makes of the channel's index and of their time. On standard output, times in GPS
 * nanoseconds:
 *
 *     block TIME NOW MASK          handed out; MASK is hexadecimal, bit P: all of partition P is there
 *                                  and right
 *     partial TIME P               some of partition P's samples are there
 *     wrong TIME P NAME            a sample is not what it should be
 *     open, ended STATUS TEXT      a stream was opened; it came to an end and is opened again
 *     sent TIME STATUS NOW TEXT    a block was published, or not
 *     skipped TIME                 blocks up to here are not published: they are too old by now
 *     heap BYTES                   each second: what malloc() has handed out and not got back
 *     stats NAME VALUE...          at the end, of the last stream
 *
 * The library's log goes to standard error. */
#include <arrakis/arrakis.h>

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PARTITIONS = 256,
    SAMPLES = 256,                 /* of a block */
    PUBLISH_TIMEOUT_MS = 30000,    /* long enough for a leader to be replaced */
    LATENCY_NS = 50000000,         /* a block is published this long after its end */
    REOPEN_NS = ARRAKIS_SECOND_NS, /* between two tries to open a stream */
};
static const int64_t too_old_ns = 20 * ARRAKIS_SECOND_NS; /* to be published */

static arrakis_error err;
static arrakis_channels *channels;
/* by a channel's place in the file */
static int *partition_of;
static uint32_t *index_of;
static const char **names;
static size_t channel_count, partition_count;

/* ---- the end */

static volatile sig_atomic_t stopped;
static arrakis_cancel *cancel;

static void stop(int number)
{
    (void)number;
    stopped = 1;
    arrakis_cancel_set(cancel);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "soak_tool: %s: %s\n", what, err.message);
    exit(1);
}

static void print_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    fprintf(stderr, "%lld.%03ld %d %s\n", (long long)now.tv_sec, now.tv_nsec / 1000000, (int)level,
            message);
}

/* ---- channels and samples */

static void load(const char *path)
{
    if (arrakis_channels_load(&channels, path, &err) < 0)
        fail(path);
    channel_count = arrakis_channels_count(channels);
    partition_of = calloc(channel_count, sizeof *partition_of);
    index_of = calloc(channel_count, sizeof *index_of);
    names = calloc(channel_count, sizeof *names);
    const char *last = "";
    for (size_t i = 0; partition_of && index_of && names && i < channel_count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        if (strcmp(info.partition_id, last) != 0)
            partition_count++;
        last = info.partition_id;
        partition_of[i] = (int)partition_count - 1;
        index_of[i] = (uint32_t)info.partition_index;
        names[i] = info.name;
    }
    if (!channel_count || partition_count > PARTITIONS) {
        snprintf(err.message, sizeof err.message, "%zu partitions, expected 1 to %d",
                 partition_count, PARTITIONS);
        fail(path);
    }
}

/* Sample n since time 0; `channel` is a place in the file. soak.py has the same. */
static int32_t sample_of(size_t channel, int64_t n)
{
    uint32_t mixed = (uint32_t)n * UINT32_C(2654435761) + index_of[channel] * UINT32_C(40503);
    return (int32_t)(mixed & 0x7fffffff);
}

static int64_t first_sample(int64_t time_ns, size_t length, int64_t duration_ns)
{
    return time_ns / duration_ns * (int64_t)length;
}

/* ---- reading */

enum { WHOLE, PARTLY, MISSING, WRONG };

static int check_series(size_t channel, arrakis_series series, int64_t start_ns, int64_t lasts_ns)
{
    const int32_t *samples = series.samples;
    size_t missing = arrakis_series_missing(series);
    int64_t n = first_sample(start_ns, series.length, lasts_ns);
    for (size_t i = 0; i < series.length; i++) {
        bool there = !series.valid || (series.valid[i / 8] >> i % 8 & 1);
        if (there && samples[i] != sample_of(channel, n + (int64_t)i))
            return WRONG;
    }
    return !missing ? WHOLE : missing == series.length ? MISSING : PARTLY;
}

static void print_mask(const size_t *whole, const size_t *all)
{
    char hex[PARTITIONS / 4 + 1];
    size_t digits = (partition_count + 3) / 4;
    for (size_t d = 0; d < digits; d++) {
        unsigned four = 0;
        for (size_t b = 0; b < 4; b++) {
            size_t p = 4 * d + b;
            four |= (unsigned)(p < partition_count && whole[p] == all[p]) << b;
        }
        hex[digits - 1 - d] = "0123456789abcdef"[four];
    }
    hex[digits] = 0;
    puts(hex);
}

static void report_block(const arrakis_block *block)
{
    size_t whole[PARTITIONS] = {0}, some[PARTITIONS] = {0}, all[PARTITIONS] = {0};
    int64_t start_ns = arrakis_block_start_ns(block), lasts_ns = arrakis_block_duration_ns(block);
    for (size_t i = 0; i < channel_count; i++) {
        int p = partition_of[i];
        int how = check_series(i, arrakis_block_series(block, i), start_ns, lasts_ns);
        all[p]++;
        whole[p] += how == WHOLE;
        some[p] += how != MISSING;
        if (how == WRONG)
            printf("wrong %" PRId64 " %d %s\n", start_ns, p, names[i]);
    }
    for (size_t p = 0; p < partition_count; p++)
        if (some[p] && whole[p] != all[p])
            printf("partial %" PRId64 " %zu\n", start_ns, p);
    printf("block %" PRId64 " %" PRId64 " ", start_ns, arrakis_gps_now_ns());
    print_mask(whole, all);
}

static void report_heap(void)
{
    static int64_t next_ns;
    int64_t now_ns = arrakis_gps_now_ns();
    if (now_ns < next_ns)
        return;
    next_ns = now_ns / ARRAKIS_SECOND_NS * ARRAKIS_SECOND_NS + ARRAKIS_SECOND_NS;
    /* What is free goes back, so that resident memory shows what is needed, and not the most that was
     * needed at one time since the start: after a fault all that was published meanwhile comes at once. */
    malloc_trim(0);
    struct mallinfo2 info = mallinfo2();
    printf("heap %zu\n", info.uordblks + info.hblkhd);
}

static void report_stats(const arrakis_stream *stream)
{
    arrakis_stats s = ARRAKIS_STATS_INIT;
    arrakis_stream_stats(stream, &s);
    printf("stats messages %" PRIu64 " undecodable %" PRIu64 " unwanted %" PRIu64 " late %" PRIu64
           " duplicate %" PRIu64 " mismatched %" PRIu64 " overflow %" PRIu64 " blocks %" PRIu64
           " gaps %" PRIu64 " fast_forwards %" PRIu64 " errors %" PRIu64 "\n",
           s.messages, s.undecodable, s.unwanted, s.late, s.duplicate, s.mismatched, s.overflow,
           s.blocks, s.gaps, s.fast_forwards, s.errors);
}

static arrakis_status read_stream(arrakis_client *client, const arrakis_request *request)
{
    arrakis_stream *stream;
    arrakis_status rc =
        arrakis_client_stream(client, &stream, names, channel_count, request, &err);
    if (rc < 0)
        return rc;
    puts("open");
    while (!stopped) {
        arrakis_block *block;
        rc = arrakis_stream_next(stream, 1000, &block, &err);
        if (rc == ARRAKIS_OK)
            report_block(block);
        arrakis_block_unref(block);
        report_heap();
        if (rc != ARRAKIS_OK && rc != ARRAKIS_TIMEOUT)
            break;
    }
    report_stats(stream);
    arrakis_stream_close(stream);
    return rc;
}

static void read_all(const arrakis_connection *to, const arrakis_client_options *options,
                     const arrakis_request *request)
{
    arrakis_client *client;
    if (arrakis_client_open(&client, to, options, &err) < 0)
        fail("cannot open a client");
    while (!stopped) {
        arrakis_status rc = read_stream(client, request);
        if (stopped)
            break;
        printf("ended %s %s\n", arrakis_status_name(rc), rc < 0 ? err.message : "");
        nanosleep(&(struct timespec){REOPEN_NS / ARRAKIS_SECOND_NS, 0}, NULL);
    }
    arrakis_client_close(client);
}

/* ---- publishing */

static arrakis_block *make_block(int64_t start_ns, int64_t stride_ns, int32_t *samples,
                                 arrakis_series *series)
{
    for (size_t i = 0; i < channel_count; i++) {
        int64_t n = first_sample(start_ns, series[i].length, stride_ns);
        series[i].samples = samples + i * SAMPLES;
        for (size_t k = 0; k < series[i].length; k++)
            samples[i * SAMPLES + k] = sample_of(i, n + (int64_t)k);
    }
    arrakis_block *block;
    if (arrakis_block_new(&block, channels, start_ns, stride_ns, series, &err) < 0)
        fail("cannot make a block");
    return block;
}

static void wait_until(int64_t gps_ns)
{
    int64_t due_ns = arrakis_gps_to_unix_ns(gps_ns);
    struct timespec due = {due_ns / ARRAKIS_SECOND_NS, due_ns % ARRAKIS_SECOND_NS};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &due, NULL); /* a signal ends it early */
}

static void publish_all(arrakis_publisher *publisher, int64_t stride_ns, arrakis_series *series)
{
    int32_t *samples = calloc(channel_count * SAMPLES, sizeof *samples);
    int64_t next_ns = arrakis_gps_now_ns() / stride_ns * stride_ns;
    for (; samples && !stopped; next_ns += stride_ns) {
        if (arrakis_gps_now_ns() - next_ns > too_old_ns) {
            next_ns = arrakis_gps_now_ns() / stride_ns * stride_ns;
            printf("skipped %" PRId64 "\n", next_ns);
        }
        wait_until(next_ns + stride_ns + LATENCY_NS);
        if (stopped)
            break;
        arrakis_block *block = make_block(next_ns, stride_ns, samples, series);
        arrakis_status rc = arrakis_publisher_publish(publisher, block, PUBLISH_TIMEOUT_MS, &err);
        printf("sent %" PRId64 " %s %" PRId64 " %s\n", next_ns, arrakis_status_name(rc),
               arrakis_gps_now_ns(), rc < 0 ? err.message : "");
        arrakis_block_unref(block);
        report_heap();
    }
    free(samples);
}

static void publish(const arrakis_connection *to)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    arrakis_publisher *publisher;
    arrakis_series *series = calloc(channel_count, sizeof *series);
    for (size_t i = 0; series && i < channel_count; i++) {
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        series[i].dtype = ARRAKIS_INT32;
        series[i].length = (size_t)(info.sample_rate * (double)info.stride_ns * 1e-9 + 0.5);
        if (series[i].length > SAMPLES)
            fail("too many samples in a block");
    }
    options.publisher_id = info.publisher;
    options.channels = channels;
    if (!series || arrakis_publisher_open(&publisher, to, &options, &err) < 0)
        fail("cannot open a publisher");
    puts("open");
    publish_all(publisher, info.stride_ns, series);
    arrakis_publisher_close(publisher);
    free(series);
}

int main(int argc, char **argv)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    for (int i = 2; i < argc - 1; i++) {
        if (!strncmp(argv[i], "kafka=", 6))
            to.kafka_url = argv[i] + 6;
        else if (!strncmp(argv[i], "server=", 7))
            to.url = argv[i] + 7;
        else if (!strncmp(argv[i], "tolerance=", 10))
            request.latency_tolerance_ns = (int64_t)(atof(argv[i] + 10) * 1e9);
        else if (!strcmp(argv[i], "forward=0"))
            request.fast_forward = false;
    }
    bool reads = argc > 3 && !strcmp(argv[1], "read");
    if (!reads && !(argc > 3 && !strcmp(argv[1], "publish"))) {
        fprintf(stderr, "usage: soak_tool read|publish OPTION=VALUE... CHANNELS.jsonl\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    arrakis_log_set(ARRAKIS_LOG_INFO, print_log, NULL);
    if (arrakis_cancel_new(&cancel, &err) < 0)
        fail("cannot make a cancel");
    to.cancel = cancel;
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    load(argv[argc - 1]);
    if (!to.url)
        options.metadata_path = argv[argc - 1];
    if (reads)
        read_all(&to, &options, &request);
    else
        publish(&to);
    free(partition_of);
    free(index_of);
    free(names);
    arrakis_cancel_unref(cancel);
    arrakis_channels_unref(channels);
    return 0;
}
