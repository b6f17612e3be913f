/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting without the GIL, ended at once by a signal whose Python handler raises, as Ctrl-C's does. */
#ifndef PYARK_WAIT_H
#define PYARK_WAIT_H

#include "binding.h"

/* The time of a deadline `timeout_ms` from now; negative, as the timeout itself may be: none. */
int64_t pyark_wait_deadline(int64_t timeout_ms);
bool pyark_wait_is_over(int64_t deadline);
/* The milliseconds until a deadline, 0 when it has passed; negative: there is none. */
int64_t pyark_wait_left(int64_t deadline);
/*
 * Waits until one of two descriptors is readable (`other` may be -1), or the deadline has passed, for a second at most:
 * another thread may have taken the news of the descriptor, so the caller looks again. -1: a signal's handler raised.
 * Log lines that come meanwhile are handed on.
 */
int pyark_wait_look(int fd, int other, int64_t deadline);

/* A call of the library. */
typedef arrakis_status (*pyark_wait_fn)(void *argument, arrakis_error *err);
/*
 * The same for one descriptor. When it is readable, `take` is called at once and without the GIL, which need not be had
 * for each message of a block; and again while it returns ARRAKIS_TIMEOUT. It does not wait. *status: what it returned,
 * or ARRAKIS_TIMEOUT. -1: it was not called.
 */
int pyark_wait_take(int fd, int64_t deadline, pyark_wait_fn take, void *argument,
                    arrakis_status *status, arrakis_error *err);

/*
 * Runs a call of the library that may take long, without the GIL. In the main thread, a handler that raises sets
 * `cancel` (NULL: the call cannot be canceled); the call is waited for all the same.
 *
 * Returns 0 and the status; -1: a handler raised. What the call returned is then the caller's to free.
 */
int pyark_wait_call(pyark_wait_fn fn, void *argument, arrakis_cancel *cancel,
                    arrakis_status *status, arrakis_error *err);

#endif
