/* SPDX-License-Identifier: Apache-2.0 */
/* How far recording has got, in a file of its own. */
#ifndef ARK_FILE_NOTED_TIME_H
#define ARK_FILE_NOTED_TIME_H

#include "file/span_name.h"

enum { ARK_NOTED_FILES_MAX = 8 };

/* A file that recording ended in: its rest is missing until it is written again. */
typedef struct ark_ended_file {
    ark_span_name name;
    uint64_t part; /* of its samples that it has, in billionths; 0: not known */
} ark_ended_file;

typedef struct ark_noted_time {
    int64_t time_ns; /* GPS; ARRAKIS_UNSET: none is noted */
    bool within; /* within a span: it is noted with its nanoseconds, otherwise in whole seconds */
    ark_ended_file ended[ARK_NOTED_FILES_MAX]; /* the latest one last */
    size_t count;
} ark_noted_time;

/* What a file of the directory `fd` has. `path` is the directory's, for the log. */
ark_noted_time ark_noted_time_read(int fd, const char *name, const char *path);
/* Write a time, first under the name `part`; `prefix` is that of the files. False: it is what it
 * was, and errno tells why. */
bool ark_noted_time_write(int fd, const char *name, const char *part, const char *prefix,
                          const ark_noted_time *noted);

/* That file, if it is one that recording ended in; NULL: it is not. */
const ark_ended_file *ark_noted_time_ended(const ark_noted_time *noted, const ark_span_name *name);
/* Whether a file has some time of those. */
bool ark_noted_time_meets(const ark_noted_time *noted, const ark_span_name *name);
/* Have such a file as the latest one, or with another part of its samples. Of too many the earliest one
 * is forgotten. */
void ark_noted_time_add(ark_noted_time *noted, const ark_span_name *name, uint64_t part);
/* Forget those that end at `gps` or before. */
void ark_noted_time_forget(ark_noted_time *noted, int64_t gps);

#endif
