/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text. Each call writes at most NUMBER_SIZE bytes to `p`, without a terminating zero,
 * and returns the end of them. */
#ifndef CLI_JSON_NUMBER_H
#define CLI_JSON_NUMBER_H

#include <stdint.h>

enum { NUMBER_SIZE = 32 };

char *put_unsigned(char *p, uint64_t value);
char *put_signed(char *p, int64_t value);
/** The fewest digits that read back as the same double, laid out as Python's repr does: "1.0",
 *  "1e+16", "nan", "inf". */
char *put_double(char *p, double value);
/** The same, but with "NaN", "Infinity" and "-Infinity" as in Python's json. */
char *put_json_double(char *p, double value);
/** The fewest digits that read back as the same float, for people. */
char *put_float(char *p, float value);

#endif
