/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Only the main thread takes the signals (threads are made with them blocked), so a handle that it
 * has set to NULL here is no longer in use by the handler. */
static atomic_bool seen;
static _Atomic(arrakis_client *) the_client;
static _Atomic(arrakis_stream *) the_stream;
static int event = -1;

static void cancel(void)
{
    arrakis_client *client = atomic_load(&the_client);
    arrakis_stream *stream = atomic_load(&the_stream);
    if (client)
        arrakis_client_cancel(client);
    if (stream)
        arrakis_stream_cancel(stream);
}

static void handle(int number)
{
    (void)number;
    int saved = errno;
    const uint64_t one = 1;
    atomic_store(&seen, true);
    if (event >= 0 && write(event, &one, sizeof one) < 0)
        errno = 0; /* it is set already */
    cancel();
    errno = saved;
}

void interrupt_install(void)
{
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {.sa_handler = handle, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool interrupt_seen(void)
{
    return atomic_load(&seen);
}

int interrupt_fd(void)
{
    return event;
}

bool interrupt_wait(int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = event, .events = POLLIN}};
    while (!interrupt_seen() && poll(polled, 2, -1) < 0 && errno == EINTR)
        ;
    return !interrupt_seen();
}

void interrupt_client(arrakis_client *client)
{
    atomic_store(&the_client, client);
    if (interrupt_seen())
        cancel();
}

void interrupt_stream(arrakis_stream *stream)
{
    atomic_store(&the_stream, stream);
    if (interrupt_seen())
        cancel();
}
