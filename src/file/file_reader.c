/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "file/arrow_input.h"
#include "file/gwf_input.h"
#include "file/hdf5_input.h"
#include "file/input_files.h"

#include <arrakis/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct arrakis_file_reader {
    arrakis_channels *channels;
    ark_input_files files;
    size_t next; /* the file after the one that is open */
    int fd;
    const ark_input_format *format;
    ark_input *input; /* NULL: none is open */
};

static const ark_input_format *const formats[] = {&ark_hdf5_input_format, &ark_gwf_input_format,
                                                  &ark_arrow_input_format};
enum { FORMATS = sizeof formats / sizeof *formats, MAGIC_MAX = 8 };

static void close_file(arrakis_file_reader *r)
{
    if (r->input)
        r->format->close(r->input);
    if (r->fd >= 0)
        close(r->fd);
    r->input = NULL;
    r->fd = -1;
}

/* ------------------------------------------------------------------ a file */

/* What its first bytes tell. */
static arrakis_status find_format(arrakis_file_reader *r, arrakis_error *err)
{
    char first[MAGIC_MAX] = "";
    ssize_t got = pread(r->fd, first, sizeof first, 0);
    if (got < 0)
        return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    for (size_t i = 0; i < FORMATS; i++) {
        r->format = formats[i];
        if ((size_t)got >= r->format->magic_size &&
            memcmp(first, r->format->magic, r->format->magic_size) == 0)
            return ARRAKIS_OK;
    }
    return ark_fail(err, ARRAKIS_EFORMAT, "it begins with '%.*s', expected HDF5, GWF or Arrow",
                    (int)strnlen(first, sizeof first), first);
}

static arrakis_status open_input(arrakis_file_reader *r, const char *path, arrakis_error *err)
{
    struct stat about;
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is not waited for */
    if (r->fd < 0 || fstat(r->fd, &about) < 0)
        return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    if (!S_ISREG(about.st_mode))
        return ark_fail(err, ARRAKIS_EIO, "not a file");
    ARK_TRY(find_format(r, err));
    return r->format->open(&r->input, r->fd, r->channels, err);
}

/* The path of the file that is open, or was last. */
static const char *path_of(const arrakis_file_reader *r)
{
    return r->files.files[r->next - 1].path;
}

static arrakis_status open_next(arrakis_file_reader *r, arrakis_error *err)
{
    const char *path = r->files.files[r->next++].path;
    arrakis_status rc = open_input(r, path, err);
    if (rc < 0) {
        close_file(r);
        return ark_fail_within(err, rc, "%.250s", path);
    }
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the reader */

static arrakis_status set_up(arrakis_file_reader *r, const char *const *paths, size_t count,
                             arrakis_error *err)
{
    ARK_TRY(ark_input_files_find(&r->files, paths, count, err));
    return open_next(r, err);
}

arrakis_status arrakis_file_reader_open(arrakis_file_reader **out, const char *const *paths,
                                        size_t count, arrakis_channels *channels,
                                        arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_file_reader_open: out is NULL");
    *out = NULL;
    if (!channels || !paths || !count)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_file_reader_open: %s",
                        channels ? "no paths are given" : "channels is NULL");
    arrakis_file_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ark_no_memory(err, "a reader of files");
    r->fd = -1;
    r->channels = arrakis_channels_ref(channels);
    arrakis_status rc = set_up(r, paths, count, err);
    if (rc < 0)
        arrakis_file_reader_close(r);
    else
        *out = r;
    return rc;
}

arrakis_status arrakis_file_reader_next(arrakis_file_reader *r, arrakis_block **block,
                                        arrakis_error *err)
{
    if (block)
        *block = NULL;
    if (!r || !block)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_file_reader_next: %s is NULL",
                        r ? "block" : "reader");
    for (;;) {
        if (!r->input && r->next == r->files.count)
            return ARRAKIS_DONE;
        if (!r->input)
            ARK_TRY(open_next(r, err));
        arrakis_status rc = r->format->next(r->input, block, err);
        if (rc == ARRAKIS_OK)
            return rc;
        close_file(r);
        if (rc < 0)
            return ark_fail_within(err, rc, "%.250s", path_of(r));
    }
}

int64_t arrakis_file_reader_start_ns(const arrakis_file_reader *r)
{
    const ark_span_name *first = r ? &r->files.files[0].name : NULL;
    return first && first->length ? first->gps * ARRAKIS_SECOND_NS : ARRAKIS_UNSET;
}

int64_t arrakis_file_reader_end_ns(const arrakis_file_reader *r)
{
    const ark_span_name *last = r ? &r->files.files[r->files.count - 1].name : NULL;
    return last && last->length ? (last->gps + last->length) * ARRAKIS_SECOND_NS : ARRAKIS_UNSET;
}

void arrakis_file_reader_rewind(arrakis_file_reader *r)
{
    if (!r)
        return;
    close_file(r);
    r->next = 0;
}

void arrakis_file_reader_close(arrakis_file_reader *r)
{
    if (!r)
        return;
    close_file(r);
    ark_input_files_clear(&r->files);
    arrakis_channels_unref(r->channels);
    free(r);
}
