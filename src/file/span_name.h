/* SPDX-License-Identifier: Apache-2.0 */
/* Names of files by LIGO-T010150: SITE-DESCRIPTION-GPS-LENGTH.EXTENSION. No I/O. */
#ifndef ARK_FILE_SPAN_NAME_H
#define ARK_FILE_SPAN_NAME_H

#include <arrakis/file.h>

enum {
    ARK_SPAN_NAME_PREFIX_SIZE = 101, /* SITE-DESCRIPTION and its end */
    ARK_SPAN_NAME_SIZE = 160,
    ARK_SPAN_NAME_LENGTH_MAX =
        ARRAKIS_RECORDER_LENGTH_MAX_NS / ARRAKIS_SECOND_NS, /* seconds in a file */
};

/* Whole seconds. */
typedef struct ark_span_name {
    int64_t gps, length;
    char extension[8];
} ark_span_name;

/* Make SITE-DESCRIPTION of what the channels have in common. */
void ark_span_name_prefix(char prefix[ARK_SPAN_NAME_PREFIX_SIZE],
                          const arrakis_channels *channels);
/* Make SITE-PARTITION of the channels of one partition; no two partitions have the same. EINVAL: they
 * are of several, or of none, or its id is too long. */
arrakis_status ark_span_name_partition(char prefix[ARK_SPAN_NAME_PREFIX_SIZE],
                                       const arrakis_channels *channels, arrakis_error *err);
/* EINVAL: the text is not SITE-DESCRIPTION. */
arrakis_status ark_span_name_check(const char *prefix, arrakis_error *err);

void ark_span_name_print(char text[ARK_SPAN_NAME_SIZE], const char *prefix,
                         const ark_span_name *name);
/* Whether `text` is the name of a file with that prefix, which begins at a multiple of its length,
 * or is within one span of `span` seconds (0: is not); `out` receives what it names. */
bool ark_span_name_parse(ark_span_name *out, const char *text, const char *prefix, int64_t span);
/* The same for a name with any prefix, and at any time, as others write them. */
bool ark_span_name_read(ark_span_name *out, const char *text);

#endif
