/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for one descriptor until a deadline. */
#ifndef ARK_BASE_WAIT_H
#define ARK_BASE_WAIT_H

#include <arrakis/arrakis.h>

/* The time `timeout_ms` from now on the monotonic clock; INT64_MAX for a negative timeout. */
int64_t ark_wait_deadline(int timeout_ms);
/* Wait until fd is readable (true) or the deadline has passed (false; always for a negative
 * fd). */
bool ark_wait_fd(int fd, int64_t deadline_ns);

#endif
