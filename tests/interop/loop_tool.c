/* SPDX-License-Identifier: Apache-2.0 */
/* usage: loop_tool stream URL METADATA START|live END|none [FETCH_WAIT_NS]
 *        loop_tool reader URL METADATA START|live
 *
 * A program with an event loop of its own, which never lets the library wait. Prints "open", then a
 * line for each block of the file's channels: its time and how many samples are missing; with
 * `reader` the number of its stream before that. A line "ping" on its standard input is answered with
 * "pong"; after "rest" nothing is taken until there is another; "forward" makes a reader skip to the end,
 * and prints what that returned and how many partitions were moved. Questions to the broker may take a
 * minute. At the end of the request or of its input it prints how many milliseconds the longest call
 * without a wait took, how many the close took, and a stream's messages and errors. The time in which the
 * thread could have run, and the machine ran others, is not counted. */
#include <arrakis/reader.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct loop {
    arrakis_reader *reader; /* NULL: the stream has it */
    arrakis_stream *stream;
    double longest_ms;
    bool resting;
} loop;

/* How long the thread has waited for a processor; 0 where the kernel does not count it. */
static double delayed_ms(void)
{
    static int file = -1;
    if (file < 0)
        file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    char text[128];
    ssize_t size = file < 0 ? -1 : pread(file, text, sizeof text - 1, 0);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    char *second;
    strtoull(text, &second, 10);
    return (double)strtoull(second, NULL, 10) * 1e-6;
}

/* Stands still while the thread waits for a processor. */
static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6 - delayed_ms();
}

static void print_log(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    fprintf(stderr, "%d: %s\n", (int)level, message);
}

static size_t missing(const arrakis_block *block)
{
    size_t count = 0;
    for (size_t i = 0; i < arrakis_channels_count(arrakis_block_channels(block)); i++)
        count += arrakis_series_missing(arrakis_block_series(block, i));
    return count;
}

/* One call that must not wait. */
static arrakis_status take(loop *l, arrakis_error *err)
{
    size_t stream = 0;
    arrakis_block *block = NULL;
    double before = now_ms();
    arrakis_status rc = l->reader ? arrakis_reader_next(l->reader, 0, &stream, &block, err)
                                  : arrakis_stream_next(l->stream, 0, &block, err);
    double took = now_ms() - before;
    if (took > l->longest_ms)
        l->longest_ms = took;
    if (rc == ARRAKIS_OK) {
        if (l->reader)
            printf("%zu ", stream);
        printf("%lld %zu\n", (long long)arrakis_block_start_ns(block), missing(block));
    }
    arrakis_block_unref(block);
    return rc;
}

/* false: the end of the input. */
static bool obey(loop *l)
{
    char line[64];
    ssize_t size = read(STDIN_FILENO, line, sizeof line);
    l->resting = size > 0 && strncmp(line, "rest", 4) == 0;
    if (l->resting)
        puts("resting");
    if (size > 0 && strncmp(line, "ping", 4) == 0)
        puts("pong");
    if (size > 0 && l->reader && strncmp(line, "forward", 7) == 0) {
        size_t moved = 0;
        arrakis_error err;
        arrakis_status rc = arrakis_reader_fast_forward(l->reader, ARRAKIS_UNSET, &moved, &err);
        printf("forward %s %zu\n", arrakis_status_name(rc) + strlen("ARRAKIS_"), moved);
    }
    return size > 0;
}

static arrakis_status run(loop *l, arrakis_error *err)
{
    struct pollfd ready[2] = {
        {.fd = l->reader ? arrakis_reader_fd(l->reader) : arrakis_stream_fd(l->stream),
         .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    for (;;) {
        arrakis_status rc = ARRAKIS_TIMEOUT;
        while (!l->resting && (rc = take(l, err)) == ARRAKIS_OK)
            ;
        fflush(stdout);
        if (rc != ARRAKIS_TIMEOUT)
            return rc;
        int first = l->resting ? 1 : 0;
        if (poll(ready + first, (nfds_t)(2 - first), -1) > 0 && ready[1].revents && !obey(l))
            return ARRAKIS_DONE;
    }
}

static int64_t read_time(const char *text)
{
    return strcmp(text, "live") == 0 || strcmp(text, "none") == 0 ? ARRAKIS_UNSET
                                                                  : strtoll(text, NULL, 10);
}

static arrakis_status open_loop(loop *l, char **argv, arrakis_error *err)
{
    arrakis_channels *channels = NULL;
    arrakis_kafka_options kafka = ARRAKIS_KAFKA_OPTIONS_INIT;
    arrakis_stream_options stream = ARRAKIS_STREAM_OPTIONS_INIT;
    kafka.start_ns = stream.start_ns = read_time(argv[4]);
    kafka.request_timeout_ns = 60 * ARRAKIS_SECOND_NS;
    kafka.fetch_wait_ns = argv[5] && argv[6] ? strtoll(argv[6], NULL, 10) : 0;
    arrakis_status rc = arrakis_channels_load(&channels, argv[3], err);
    if (rc == ARRAKIS_OK)
        rc = arrakis_kafka_reader_new(&l->reader, argv[2], channels, &kafka, err);
    arrakis_channels_unref(channels);
    if (rc < 0)
        return rc;
    if (strcmp(argv[1], "reader") == 0)
        return arrakis_reader_open(l->reader, err);
    stream.end_ns = read_time(argv[5]);
    rc = arrakis_stream_open(&l->stream, l->reader, &stream, err);
    l->reader = NULL;
    return rc;
}

int main(int argc, char **argv)
{
    bool reader = argc == 5 && strcmp(argv[1], "reader") == 0;
    if (!reader && (argc < 6 || argc > 7 || strcmp(argv[1], "stream") != 0)) {
        fprintf(stderr,
                "usage: %s stream URL METADATA START|live END|none [FETCH_WAIT_NS]\n"
                "       %s reader URL METADATA START|live\n",
                argv[0], argv[0]);
        return 2;
    }
    arrakis_log_set(ARRAKIS_LOG_INFO, print_log, NULL);
    arrakis_error err = {ARRAKIS_OK, ""};
    loop l = {NULL, NULL, 0, false};
    arrakis_status rc = open_loop(&l, argv, &err);
    if (rc >= 0) {
        puts("open");
        rc = run(&l, &err);
    }
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    if (l.stream)
        arrakis_stream_stats(l.stream, &stats);
    double before = now_ms();
    arrakis_stream_close(l.stream);
    arrakis_reader_close(l.reader);
    printf("longest %.0f close %.0f messages %llu errors %llu\n", l.longest_ms, now_ms() - before,
           (unsigned long long)stats.messages, (unsigned long long)stats.errors);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", arrakis_status_name(rc), err.message);
    return rc < 0;
}
