/* SPDX-License-Identifier: Apache-2.0 */
#include "file/noted_time.h"

#include "base/log.h"

#include <arrakis/reader.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = 2048, DECIMALS = 9 };

static bool same_name(const ark_span_name *a, const ark_span_name *b)
{
    return a->gps == b->gps && a->length == b->length && strcmp(a->extension, b->extension) == 0;
}

static size_t index_of(const ark_noted_time *noted, const ark_span_name *name)
{
    size_t i = 0;
    while (i < noted->count && !same_name(&noted->ended[i].name, name))
        i++;
    return i;
}

const ark_ended_file *ark_noted_time_ended(const ark_noted_time *noted, const ark_span_name *name)
{
    const size_t i = index_of(noted, name);
    return i < noted->count ? &noted->ended[i] : NULL;
}

bool ark_noted_time_meets(const ark_noted_time *noted, const ark_span_name *name)
{
    for (size_t i = 0; i < noted->count; i++) {
        const ark_span_name *ended = &noted->ended[i].name;
        if (name->gps < ended->gps + ended->length && ended->gps < name->gps + name->length)
            return true;
    }
    return false;
}

static void drop_ended(ark_noted_time *noted, size_t at)
{
    noted->count--;
    memmove(noted->ended + at, noted->ended + at + 1, (noted->count - at) * sizeof *noted->ended);
}

void ark_noted_time_add(ark_noted_time *noted, const ark_span_name *name, uint64_t part)
{
    const size_t i = index_of(noted, name);
    if (i < noted->count) {
        noted->ended[i].part = part;
        return;
    }
    if (noted->count == ARK_NOTED_FILES_MAX)
        drop_ended(noted, 0);
    noted->ended[noted->count++] = (ark_ended_file){*name, part};
}

void ark_noted_time_forget(ark_noted_time *noted, int64_t gps)
{
    for (size_t i = noted->count; i-- > 0;)
        if (noted->ended[i].name.gps + noted->ended[i].name.length <= gps)
            drop_ended(noted, i);
}

/* A time at the begin of a text, whole seconds or with nine decimals (`within`). Returns what
 * follows it; NULL: there is none. */
static const char *parse_time(const char *text, int64_t *time_ns, bool *within)
{
    char *end;
    int64_t ns = 0, seconds = strtoll(text, &end, 10);
    if (end == text || seconds < 0 || seconds >= ARRAKIS_TIME_MAX_NS / ARRAKIS_SECOND_NS)
        return NULL;
    *within = *end == '.' && strspn(end + 1, "0123456789") == DECIMALS;
    if (*within)
        ns = strtoll(end + 1, &end, 10);
    *time_ns = seconds * ARRAKIS_SECOND_NS + ns;
    return end;
}

/* A name in each line, and what part of its samples that file has, in billionths. Other lines are passed over. */
static void read_ended(ark_noted_time *noted, char *text)
{
    for (char *end; (end = strchr(text, '\n')); text = end + 1) {
        ark_span_name name;
        *end = '\0';
        char *space = strchr(text, ' ');
        if (space)
            *space = '\0';
        if (ark_span_name_read(&name, text))
            ark_noted_time_add(noted, &name, space ? strtoull(space + 1, NULL, 10) : 0);
    }
}

static bool read_time(int fd, ark_noted_time *noted)
{
    char text[TEXT_SIZE];
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const char *rest = parse_time(text, &noted->time_ns, &noted->within);
    if (!rest || *rest != '\n') {
        noted->time_ns = ARRAKIS_UNSET;
        return false;
    }
    read_ended(noted, text + (rest - text) + 1);
    return true;
}

ark_noted_time ark_noted_time_read(int directory, const char *name, const char *path)
{
    ark_noted_time noted = {.time_ns = ARRAKIS_UNSET};
    /* not blocking: it may be a pipe that nobody writes to */
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return noted;
    if (fd < 0 || !read_time(fd, &noted))
        ark_log(ARRAKIS_LOG_WARNING, "%s/%s is not a GPS time: it is not used", path, name);
    if (fd >= 0)
        close(fd);
    return noted;
}

static bool write_all(int fd, const char *text, size_t size)
{
    ssize_t n = write(fd, text, size);
    if (n >= 0 && (size_t)n < size)
        errno = ENOSPC;
    return n >= 0 && (size_t)n == size;
}

static size_t print_time(char text[TEXT_SIZE], const char *prefix, const ark_noted_time *noted)
{
    const int64_t seconds = noted->time_ns / ARRAKIS_SECOND_NS;
    int n = noted->within ? snprintf(text, TEXT_SIZE, "%" PRId64 ".%09" PRId64 "\n", seconds,
                                     noted->time_ns % ARRAKIS_SECOND_NS)
                          : snprintf(text, TEXT_SIZE, "%" PRId64 "\n", seconds);
    for (size_t i = 0; i < noted->count; i++) {
        char name[ARK_SPAN_NAME_SIZE];
        ark_span_name_print(name, prefix, &noted->ended[i].name);
        n += snprintf(text + n, TEXT_SIZE - (size_t)n, "%s %" PRIu64 "\n", name,
                      noted->ended[i].part);
    }
    return (size_t)n;
}

bool ark_noted_time_write(int directory, const char *name, const char *part, const char *prefix,
                          const ark_noted_time *noted)
{
    char text[TEXT_SIZE];
    size_t n = print_time(text, prefix, noted);
    unlinkat(directory, part, 0); /* it may be anything, such as a pipe that nobody reads */
    int fd = openat(directory, part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool written = fd >= 0 && write_all(fd, text, n) && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0 && close(fd) < 0 && written) {
        written = false;
        error = errno;
    }
    if (written) {
        written = renameat(directory, part, directory, name) == 0;
        error = errno;
    }
    if (!written) {
        unlinkat(directory, part, 0);
        errno = error;
    }
    return written;
}
