/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the log: what no return value reports. */
#ifndef ARK_BASE_LOG_H
#define ARK_BASE_LOG_H

#include <arrakis/arrakis.h>

/* Whether messages of this level are logged. To be checked before work that is only needed for a
 * message. */
bool ark_log_enabled(arrakis_log_level level);
/* Log a line. It may quote what a peer sent: control characters are replaced
 * (base/plain_text.h). */
void ark_log(arrakis_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
