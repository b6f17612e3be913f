/* SPDX-License-Identifier: Apache-2.0 */
/* Closing a librdkafka handle within a bound: librdkafka 2.0 does not return from closing one that
 * had a topic assigned which has been deleted since, and any version may have to wait for a
 * broker. */
#ifndef ARK_READ_CLOSING_H
#define ARK_READ_CLOSING_H

#include <arrakis/arrakis.h>

#include <stdbool.h>

/* How long closing waits, for however many handles. arrakis.h states it. */
#define ARK_CLOSING_NS (2 * ARRAKIS_SECOND_NS)
/* How long it waits for what is left to itself, since it is known to take long. */
#define ARK_CLOSING_LEFT_NS (ARRAKIS_SECOND_NS / 5)
/* How long after that the process waits at its exit for what has not closed yet. */
#define ARK_CLOSING_EXIT_NS (2 * ARRAKIS_SECOND_NS)

/* What is being closed in parallel, each in a thread of its own. For one thread; must be waited
 * for. */
typedef struct ark_closing {
    struct ark_teardown *first;
} ark_closing;

#define ARK_CLOSING_NONE                                                                          \
    {                                                                                             \
        NULL                                                                                      \
    }

/* Call `close` in a thread. It closes handles and frees what belongs to them, which the caller
 * must not use any more. `version`: that of librdkafka, for the log; it must stay valid. */
void ark_closing_begin(ark_closing *closing, const char *version, void (*close)(void *opaque),
                       void *opaque);
/* Leave what was begun last to itself, as it waits for a broker: ark_closing_wait() waits only
 * ARK_CLOSING_LEFT_NS for it and logs nothing. `plain`: exit() need not wait for it. */
void ark_closing_leave(ark_closing *closing, bool plain);
/* Wait for all that was begun, ARK_CLOSING_NS together. What has not ended by then is logged and
 * continues by itself; exit() waits for it up to ARK_CLOSING_EXIT_NS after that. */
void ark_closing_wait(ark_closing *closing);
/* Whether something that was begun has not ended yet. Frees what has ended. */
bool ark_closing_pending(ark_closing *closing);
/* Wait for all that was begun, without a bound: for code that itself runs in a thread that is
 * waited for. */
void ark_closing_join(ark_closing *closing);
/* Wait in `to` for what was begun in `from`. */
void ark_closing_move(ark_closing *to, ark_closing *from);

#endif
