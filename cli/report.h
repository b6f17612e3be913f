/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to stderr: errors and the library's log. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <arrakis/arrakis.h>

enum { EXIT_USAGE = 2 };

/** "arrakis-cli: ..." on stderr. @return 1, the exit code of a failure. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The same for what was typed wrongly, with the way to the help of `command` (NULL: of the
 *  program). @return 2. */
int fail_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The exit code of a call to the library: its error is printed, unless the user had
 *  ended it by then. */
int finish(arrakis_status status, const arrakis_error *err);

/** Have the library's log lines on stderr, from ARRAKIS_LOG_LEVEL, else INFO, on. */
void report_log(bool quiet, bool verbose);

#endif
