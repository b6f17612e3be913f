/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include "report.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>

static arrakis_cancel *cancel; /* lives as long as the program; NULL before interrupt_install() */

static void on_signal(int number)
{
    (void)number;
    arrakis_cancel_set(cancel);
}

int interrupt_install(void)
{
    arrakis_error err;
    if (arrakis_cancel_new(&cancel, &err) < 0)
        return fail("%s", err.message);
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

bool interrupt_wait(int fd)
{
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                              {.fd = arrakis_cancel_fd(cancel), .events = POLLIN}};
    while (!interrupt_seen() && poll(polled, 2, -1) < 0 && errno == EINTR)
        ;
    return !interrupt_seen();
}
