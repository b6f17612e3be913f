/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in an event loop that also does something else: here, it prints once per second how many
 * came. epoll BROKER BLOCKS NAME... */
#include <arrakis/reader.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static arrakis_error err;

static void check(arrakis_status rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static arrakis_stream *open_stream(const char *broker, const char *const *names, size_t count)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_request request = ARRAKIS_REQUEST_INIT;
    arrakis_client *client;
    arrakis_stream *stream;
    to.kafka_url = broker;
    check(arrakis_client_open(&client, &to, NULL, &err));
    check(arrakis_client_stream(client, &stream, names, count, &request, &err));
    arrakis_client_close(client);
    return stream;
}

static void watch(int loop, int fd)
{
    struct epoll_event event;
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return fprintf(stderr, "usage: %s BROKER BLOCKS NAME...\n", argv[0]), 2;
    const char *const *names = (const char *const *)argv + 3;
    arrakis_stream *stream = open_stream(argv[1], names, (size_t)(argc - 3));
    const struct itimerspec every_second = {{1, 0}, {1, 0}};
    int loop = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    timerfd_settime(timer, 0, &every_second, NULL);
    watch(loop, timer);
    watch(loop, arrakis_stream_fd(stream));
    long blocks = 0, wanted = atol(argv[2]);
    for (;;) {
        /* Take all blocks that are ready before waiting: the last call sets the next deadline of
         * the stream. */
        arrakis_block *block;
        arrakis_status rc = ARRAKIS_OK;
        while (blocks < wanted && rc == ARRAKIS_OK) {
            check(rc = arrakis_stream_next(stream, 0, &block, &err));
            blocks += rc == ARRAKIS_OK;
            arrakis_block_unref(block); /* NULL is fine */
        }
        if (blocks == wanted || rc == ARRAKIS_DONE)
            break;
        struct epoll_event event;
        uint64_t seconds;
        if (epoll_wait(loop, &event, 1, -1) == 1 && event.data.fd == timer &&
            read(timer, &seconds, sizeof seconds) > 0)
            printf("%ld blocks, %.3f s behind\n", blocks,
                   (double)arrakis_stream_lag_ns(stream, 0) * 1e-9);
    }
    printf("%ld blocks\n", blocks);
    arrakis_stream_close(stream);
    close(timer);
    close(loop);
    return 0;
}
