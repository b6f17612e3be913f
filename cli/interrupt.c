/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include "report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>

/* Both live as long as the program: NULL and -1 before interrupt_install(). */
static arrakis_cancel *cancel;
static int dump_fd = -1;                  /* readable: a dump is wanted */
static volatile sig_atomic_t dump_wanted; /* so that it need not be read to know */

static void on_signal(int number)
{
    (void)number;
    arrakis_cancel_set(cancel);
}

static void want_dump(int number)
{
    (void)number;
    int before = errno;
    dump_wanted = 1;
    if (eventfd_write(dump_fd, 1) < 0)
        errno = EAGAIN; /* so many are wanted already */
    errno = before;
}

int interrupt_install(void)
{
    arrakis_error err;
    if (arrakis_cancel_new(&cancel, &err) < 0)
        return fail("%s", err.message);
    if ((dump_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        return fail("no descriptor for signals: %s", strerror(errno));
    struct sigaction dump = {.sa_handler = want_dump, .sa_flags = SA_RESTART};
    sigemptyset(&dump.sa_mask);
    sigaction(SIGUSR1, &dump, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

bool interrupt_seen(void)
{
    return arrakis_cancel_is_set(cancel);
}

arrakis_cancel *interrupt_cancel(void)
{
    return cancel;
}

void interrupt_dump(const arrakis_stream *stream)
{
    eventfd_t count;
    if (!dump_wanted)
        return;
    dump_wanted = 0; /* before the read: a signal in between makes the descriptor readable again */
    if (eventfd_read(dump_fd, &count) < 0)
        return;
    char *state = arrakis_stream_dump(stream);
    report_line(state ? state : "out of memory");
    arrakis_free(state);
}

void interrupt_wait_or_dump(int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = dump_fd, .events = POLLIN},
                              {.fd = arrakis_cancel_fd(cancel), .events = POLLIN}};
    poll(polled, 3, -1); /* the caller looks what it was, if anything */
}

bool interrupt_wait(int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = arrakis_cancel_fd(cancel), .events = POLLIN}};
    while (!interrupt_seen() && poll(polled, 2, -1) < 0 && errno == EINTR)
        ;
    return !interrupt_seen();
}
