/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>

/* Only the main thread takes the signals (threads are made with them blocked), so a handle that it
 * has set to NULL here is no longer in use by the handler. */
static atomic_bool seen;
static _Atomic(arrakis_client *) the_client;
static _Atomic(arrakis_stream *) the_stream;

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
    atomic_store(&seen, true);
    cancel();
}

void interrupt_install(void)
{
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
