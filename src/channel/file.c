/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/file.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE_MAX ((size_t)1 << 20)

/* Reads the lines of a file, none longer than LINE_SIZE_MAX. */
typedef struct line_reader {
    int fd;
    size_t start, end; /* of the bytes in `buffer` that have not been used */
    bool at_end;
    size_t number; /* of the last line */
    uint64_t size; /* bytes that were read */
    const ark_channel_file_limits *limits;
    char buffer[LINE_SIZE_MAX + 1];
} line_reader;

static arrakis_status fill_buffer(line_reader *reader, const char *path, arrakis_error *err)
{
    memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    if (reader->end == sizeof reader->buffer)
        return ark_fail(err, ARRAKIS_EFORMAT, "%s:%zu: the line is longer than %zu bytes", path,
                        reader->number + 1, LINE_SIZE_MAX);
    ssize_t got;
    do
        got = read(reader->fd, reader->buffer + reader->end, sizeof reader->buffer - reader->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return ark_fail(err, ARRAKIS_EIO, "reading %s: %s", path, strerror(errno));
    reader->size += (uint64_t)got;
    if (reader->size > reader->limits->file_size)
        return ark_fail(err, ARRAKIS_EFORMAT, "%s: it is longer than %llu bytes", path,
                        (unsigned long long)reader->limits->file_size);
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    return ARRAKIS_OK;
}

/* The next line, without its end. DONE: there are no more. */
static arrakis_status next_line(line_reader *reader, const char *path, const char **line,
                                size_t *size, arrakis_error *err)
{
    size_t looked = 0; /* bytes of the line that have been searched for its end */
    for (;;) {
        char *first = reader->buffer + reader->start;
        size_t here = reader->end - reader->start;
        char *line_end = memchr(first + looked, '\n', here - looked);
        if (line_end || (reader->at_end && here)) {
            *line = first;
            *size = line_end ? (size_t)(line_end - first) : here;
            reader->start += *size + (line_end != NULL);
            reader->number++;
            return ARRAKIS_OK;
        }
        if (reader->at_end)
            return ARRAKIS_DONE;
        looked = here;
        ARK_TRY(fill_buffer(reader, path, err));
    }
}

static bool is_blank(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", line[i]) || !line[i])
            return false;
    return true;
}

static arrakis_status add_line(arrakis_channels *channels, const char *line, size_t size,
                               arrakis_error *err)
{
    arrakis_channel *channel;
    arrakis_status rc = arrakis_channel_from_json(&channel, line, size, err);
    if (rc == ARRAKIS_OK)
        rc = arrakis_channels_add(channels, channel, err);
    arrakis_channel_unref(channel);
    if (rc == ARRAKIS_EINVAL) /* a repeated name is an error of the file, not of the caller */
        rc = ARRAKIS_EFORMAT;
    if (rc < 0 && err)
        err->status = rc;
    return rc;
}

static arrakis_status load_lines(arrakis_channels *channels, line_reader *reader, const char *path,
                                 arrakis_error *err)
{
    const char *line;
    size_t size;
    arrakis_status rc;
    while ((rc = next_line(reader, path, &line, &size, err)) == ARRAKIS_OK) {
        if (is_blank(line, size))
            continue;
        rc = arrakis_channels_count(channels) < reader->limits->channels
                 ? add_line(channels, line, size, err)
                 : ark_fail(err, ARRAKIS_EFORMAT, "one channel more than %zu",
                            reader->limits->channels);
        if (rc < 0)
            return ark_fail_within(err, rc, "%s:%zu", path, reader->number);
    }
    return rc == ARRAKIS_DONE ? ARRAKIS_OK : rc;
}

arrakis_status ark_channel_file_load(arrakis_channels **out, const char *path,
                                     const ark_channel_file_limits *limits, arrakis_error *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ark_fail(err, ARRAKIS_EIO, "opening %s: %s", path, strerror(errno));
    arrakis_channels *channels = NULL;
    line_reader *reader =
        malloc(sizeof *reader); /* not calloc(): the pages of its buffer are used one by one */
    arrakis_status rc;
    if (!reader) {
        rc = ark_no_memory(err, "reading %s", path);
    } else {
        memset(reader, 0, offsetof(line_reader, buffer));
        reader->fd = fd;
        reader->limits = limits;
        rc = arrakis_channels_new(&channels, err);
        if (rc == ARRAKIS_OK)
            rc = load_lines(channels, reader, path, err);
    }
    free(reader);
    close(fd);
    if (rc < 0) {
        arrakis_channels_unref(channels);
        return rc;
    }
    *out = channels;
    return ARRAKIS_OK;
}

arrakis_status arrakis_channels_load(arrakis_channels **out, const char *path, arrakis_error *err)
{
    static const ark_channel_file_limits limits = {UINT64_C(1) << 30, 4000000};
    if (!out || !path)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channels_load: %s is NULL",
                        out ? "path" : "out");
    return ark_channel_file_load(out, path, &limits, err);
}
