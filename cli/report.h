/* SPDX-License-Identifier: Apache-2.0 */
/* Prints errors and the log of the library on stderr. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <arrakis/arrakis.h>

enum { EXIT_USAGE = 2 };

/** "arrakis-cli: ..." on stderr. @return 1, the exit code of a failure. */
int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The same for a wrong command line, followed by how to get the help of `command` (NULL: of the
 *  program). @return 2. */
int fail_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Print the error of a library call, unless the user has interrupted it. @return the exit code */
int finish(arrakis_status status, const arrakis_error *err);

/** Log a line of the program's own, of the level INFO. */
void report_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** "arrakis-cli: ..." on stderr, beside the frame on the screen: of what does not end the program. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Print a line on stderr, beside the frame on the screen. */
void report_line(const char *line);
/** Print log lines of the library of the level ARRAKIS_LOG_LEVEL (default: INFO) and above.
 *  `debug`: the contexts that are traced; NULL: none. @return 0, or the exit code after a message:
 *  there is no such context. */
int report_log(bool quiet, bool verbose, const char *debug);

#endif
