/* SPDX-License-Identifier: Apache-2.0 */
/* A clock that nobody sets, for how long something takes. */
#ifndef CLI_MONOTONIC_H
#define CLI_MONOTONIC_H

#include <stdint.h>

int64_t monotonic_ns(void);

#endif
