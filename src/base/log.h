/* SPDX-License-Identifier: Apache-2.0 */
/* The library's one way of saying something that is nobody's return value. */
#ifndef ARK_BASE_LOG_H
#define ARK_BASE_LOG_H

#include <arrakis/arrakis.h>

/* Whether messages of this level are logged: ask before work that only serves a message. */
bool ark_log_enabled(arrakis_log_level level);
/* The line is made plain (base/plain_text.h): what a peer sent may be quoted as it is. */
void ark_log(arrakis_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
