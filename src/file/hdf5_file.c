/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_file.h"

#include "base/error.h"
#include "block/bits.h"
#include "block/block.h"
#include "file/disk.h"
#include "file/hdf5_image.h"
#include "file/hdf5_load.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 65536, ALIGNMENT = 4096, CHUNKS_MAX = 65534 /* of a node in HDF5 */ };
#define NOWHERE UINT64_MAX

typedef struct column {
    arrakis_dtype dtype;
    size_t samples;  /* in the file being written; room is for as many as a whole one has */
    size_t stride;   /* samples in a block */
    uint64_t offset; /* of the first one, when they lie in one piece */
    size_t done;     /* samples that are written; those after them have not come, or are missing */
    uint8_t *valid;  /* bits; NULL: no sample before `done` is missing */
} column;

struct ark_file_writer {
    const ark_file_spec *spec;
    const ark_hdf5_module *module;
    ark_hdf5_image image;
    size_t count, strides; /* channels, and blocks of a file */
    column *columns;
    uint64_t data_size; /* of the image and what lies in one piece */
    uint8_t
        *held; /* what lies in one piece, until the file ends; NULL: it is written as it comes */
    /* of the file being written */
    int fd;
    int64_t start_ns;
    uint64_t end;                          /* what is appended goes there */
    uint8_t *filled, *shuffled, *deflated; /* of one block of a channel */
    size_t room;                           /* of `deflated`, which is the largest */
};

/* ------------------------------------------------------------------ a writer */

static void close_writer(ark_file_writer *w)
{
    for (size_t i = 0; w->columns && i < w->count; i++)
        free(w->columns[i].valid);
    free(w->columns);
    free(w->held);
    free(w->filled);
    free(w->shuffled);
    free(w->deflated);
    ark_hdf5_image_clear(&w->image);
    free(w);
}

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

/* Lay the channels' samples out behind the image. */
static void place_columns(ark_file_writer *w, size_t *largest)
{
    uint64_t at = round_up(w->image.size, ALIGNMENT);
    *largest = PIECE_SIZE;
    for (size_t i = 0; i < w->count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(w->spec->channels, i), &info);
        size_t stride = (size_t)llround(info.sample_rate * ((double)w->spec->stride_ns / 1e9));
        size_t size = stride * arrakis_dtype_size(info.dtype);
        w->columns[i] = (column){.dtype = info.dtype, .stride = stride, .offset = at};
        if (!w->spec->compression)
            at = round_up(at + size * w->strides, 8);
        if (size > *largest)
            *largest = size;
    }
    w->data_size = at;
}

static uint64_t data_begin(const ark_file_writer *w)
{
    return w->columns[0].offset;
}

static arrakis_status make_room(ark_file_writer *w, size_t largest, arrakis_error *err)
{
    w->room = largest + largest / 256 + 1024;
    w->filled = malloc(largest);
    if (w->spec->compression) {
        w->shuffled = malloc(largest);
        w->deflated = malloc(w->room);
    }
    if (!w->filled || (w->spec->compression && (!w->shuffled || !w->deflated)))
        return ark_no_memory(err, "blocks of %zu bytes", largest);
    return ARRAKIS_OK;
}

static arrakis_status set_up(ark_file_writer *w, arrakis_error *err)
{
    size_t largest;
    if (w->spec->compression && w->strides > CHUNKS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a file of %zu blocks: HDF5 has room for %d when they are compressed; the "
                        "files must be shorter",
                        w->strides, CHUNKS_MAX);
    w->columns = calloc(w->count, sizeof *w->columns);
    if (!w->columns)
        return ark_no_memory(err, "%zu channels in HDF5", w->count);
    ARK_TRY(ark_hdf5_load(&w->module, err));
    ARK_TRY(ark_hdf5_image_make(&w->image, w->spec->channels, w->spec->length_ns,
                                w->spec->compression ? w->spec->stride_ns : 0,
                                w->spec->compression, err));
    place_columns(w, &largest);
    return make_room(w, largest, err);
}

static arrakis_status open_writer(ark_file_writer **out, const ark_file_spec *spec,
                                  arrakis_error *err)
{
    ark_file_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ark_no_memory(err, "a writer of HDF5 files");
    w->spec = spec;
    w->count = arrakis_channels_count(spec->channels);
    w->strides = (size_t)(spec->length_ns / spec->stride_ns);
    arrakis_status rc = set_up(w, err);
    if (rc < 0)
        close_writer(w);
    else
        *out = w;
    return rc;
}

/* Where there are many channels and few samples of each, a call for each would cost more than the
 * samples. Without memory they cost that. */
static void make_held(ark_file_writer *w)
{
    uint64_t size = w->data_size - data_begin(w);
    if (!w->held && !w->spec->compression && size <= w->spec->held_max)
        w->held = calloc(1, (size_t)size);
}

static arrakis_status begin_file(ark_file_writer *w, int fd, int64_t start_ns, arrakis_error *err)
{
    (void)err;
    for (size_t i = 0; i < w->count; i++) {
        free(w->columns[i].valid);
        w->columns[i].valid = NULL;
        w->columns[i].samples = w->columns[i].stride * w->strides;
        w->columns[i].done = 0;
    }
    make_held(
        w); /* not earlier: where channels have changed, the writer before has its own up to here */
    w->fd = fd;
    w->start_ns = start_ns;
    w->end = w->data_size;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ samples that are missing */

/* What reads as missing: NaN, or the number that is farthest from 0. The same as the fill value of
 * the datasets in the image. */
static void fill_value(uint8_t value[8], arrakis_dtype dtype)
{
    const float nan32 = NAN;
    const double nan64 = NAN;
    memset(value, dtype >= ARRAKIS_UINT8 ? 0xff : 0, 8);
    if (dtype == ARRAKIS_FLOAT32)
        memcpy(value, &nan32, sizeof nan32);
    else if (dtype == ARRAKIS_FLOAT64)
        memcpy(value, &nan64, sizeof nan64);
    else if (dtype < ARRAKIS_UINT8)
        value[arrakis_dtype_size(dtype) - 1] = 0x80;
}

static void fill_samples(uint8_t *to, size_t count, arrakis_dtype dtype)
{
    uint8_t value[8];
    size_t size = arrakis_dtype_size(dtype);
    fill_value(value, dtype);
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * size, value, size);
}

static void fill_missing(uint8_t *to, const arrakis_series *series)
{
    uint8_t value[8];
    size_t size = arrakis_dtype_size(series->dtype);
    fill_value(value, series->dtype);
    for (size_t i = 0; i < series->length; i++)
        if (!(series->valid[i / 8] >> i % 8 & 1))
            memcpy(to + i * size, value, size);
}

static arrakis_status need_bits(column *c, arrakis_error *err)
{
    if (c->valid)
        return ARRAKIS_OK;
    c->valid = malloc(c->samples / 8 + 1);
    if (!c->valid)
        return ark_no_memory(err, "a mask of %zu samples", c->samples);
    memset(c->valid, 0xff, c->samples / 8 + 1);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ samples */

static arrakis_status append_bytes(ark_file_writer *w, const void *data, size_t size,
                                   arrakis_error *err)
{
    ARK_TRY(ark_disk_write(w->fd, data, size, w->end, err));
    w->end += size;
    return ARRAKIS_OK;
}

/* First the first bytes of all samples, then their second bytes, and so on. */
static void shuffle_bytes(uint8_t *to, const uint8_t *samples, size_t count, size_t size)
{
    for (size_t byte = 0; byte < size; byte++)
        for (size_t i = 0; i < count; i++)
            *to++ = samples[i * size + byte];
}

static arrakis_status put_chunk(ark_file_writer *w, size_t i, const uint8_t *samples, size_t count,
                                arrakis_error *err)
{
    column *c = &w->columns[i];
    size_t size = arrakis_dtype_size(c->dtype), chunk = c->done / c->stride;
    if (chunk > 0 && count < c->stride) { /* all chunks of a channel have the same size */
        memmove(w->filled, samples, count * size);
        fill_samples(w->filled + count * size, c->stride - count, c->dtype);
        samples = w->filled;
        count = c->stride;
    }
    shuffle_bytes(w->shuffled, samples, count, size);
    size_t deflated =
        w->module->deflate(w->deflated, w->room, w->shuffled, count * size, w->spec->compression);
    if (!deflated || deflated > UINT32_MAX)
        return ark_no_memory(err, "deflating %zu bytes", count * size);
    ark_hdf5_image_set_chunk(&w->image, i, chunk, w->end, (uint32_t)deflated);
    return append_bytes(w, w->deflated, deflated, err);
}

/* Write the next samples of a channel. */
static arrakis_status put_samples(ark_file_writer *w, size_t i, const uint8_t *samples,
                                  size_t count, arrakis_error *err)
{
    column *c = &w->columns[i];
    size_t size = arrakis_dtype_size(c->dtype);
    if (w->spec->compression)
        ARK_TRY(put_chunk(w, i, samples, count, err));
    else if (w->held)
        memcpy(w->held + (c->offset - data_begin(w)) + c->done * size, samples, count * size);
    else
        ARK_TRY(ark_disk_write(w->fd, samples, count * size, c->offset + c->done * size, err));
    c->done += count;
    return ARRAKIS_OK;
}

/* Write all samples of a channel before sample `to` that have not come. */
static arrakis_status put_gap(ark_file_writer *w, size_t i, size_t to, arrakis_error *err)
{
    column *c = &w->columns[i];
    assert(c->done <= to && to <= c->stride * w->strides);
    if (c->done == to)
        return ARRAKIS_OK;
    ARK_TRY(need_bits(c, err));
    ark_bits_clear(c->valid, c->done, to - c->done);
    fill_samples(w->filled, c->stride, c->dtype);
    while (c->done < to) {
        size_t left = to - c->done;
        ARK_TRY(put_samples(w, i, w->filled, left < c->stride ? left : c->stride, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status add_series(ark_file_writer *w, size_t i, const arrakis_series *series,
                                 size_t first, arrakis_error *err)
{
    column *c = &w->columns[i];
    size_t missing = series->valid ? arrakis_series_missing(*series) : 0;
    if (missing == series->length)
        return ARRAKIS_OK; /* put_gap() writes it, when anything follows */
    ARK_TRY(put_gap(w, i, first, err));
    if (!missing)
        return put_samples(w, i, series->samples, series->length, err);
    ARK_TRY(need_bits(c, err));
    ark_bits_copy_zeros(c->valid, first, series->valid, 0, series->length);
    memcpy(w->filled, series->samples, series->length * arrakis_dtype_size(c->dtype));
    fill_missing(w->filled, series);
    return put_samples(w, i, w->filled, series->length, err);
}

static arrakis_status add_block(ark_file_writer *w, const arrakis_block *block, arrakis_error *err)
{
    size_t stride = (size_t)((arrakis_block_start_ns(block) - w->start_ns) / w->spec->stride_ns);
    for (size_t i = 0; i < w->count; i++) {
        arrakis_series series;
        ark_block_series(&series, block, w->spec->order[i]);
        ARK_TRY(add_series(w, i, &series, stride * w->columns[i].stride, err));
    }
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the end of a file */

/* Append a mask: a byte per sample, 1: it is missing. */
static arrakis_status append_mask(ark_file_writer *w, const column *c, arrakis_error *err)
{
    for (size_t at = 0; at < c->samples;) {
        size_t n = 0;
        for (; n < PIECE_SIZE && at < c->samples; n++, at++)
            w->filled[n] = !(c->valid[at / 8] >> at % 8 & 1);
        ARK_TRY(append_bytes(w, w->filled, n, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status end_column(ark_file_writer *w, size_t i, arrakis_error *err)
{
    column *c = &w->columns[i];
    const bool none = c->done == 0;
    if (!none || w->spec->compression) /* every chunk is somewhere */
        ARK_TRY(put_gap(w, i, c->samples, err));
    if (!w->spec->compression)
        ark_hdf5_image_set_samples(&w->image, i, none ? NOWHERE : c->offset);
    const bool some = c->valid && !none;
    ark_hdf5_image_set_mask(&w->image, i, some ? w->end : NOWHERE, none);
    return some ? append_mask(w, c, err) : ARRAKIS_OK;
}

/* Where the samples of a channel end that are written together with those of the next one. */
static uint64_t held_end(const ark_file_writer *w, size_t i, bool *whole)
{
    const column *c = &w->columns[i];
    uint64_t next = i + 1 < w->count ? w->columns[i + 1].offset : w->data_size;
    *whole = c->done == c->stride * w->strides;
    return *whole ? next : c->offset + c->done * arrakis_dtype_size(c->dtype);
}

/* Write what is held, whole channels that follow each other at once. What has no sample remains a
 * hole. */
static arrakis_status write_held(ark_file_writer *w, arrakis_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        bool whole;
        uint64_t at = w->columns[i].offset, end = held_end(w, i, &whole);
        if (w->columns[i].done == 0)
            continue;
        while (whole && i + 1 < w->count && w->columns[i + 1].done)
            end = held_end(w, ++i, &whole);
        ARK_TRY(
            ark_disk_write(w->fd, w->held + (at - data_begin(w)), (size_t)(end - at), at, err));
    }
    return ARRAKIS_OK;
}

static arrakis_status write_end(ark_file_writer *w, uint64_t *size, arrakis_error *err)
{
    for (size_t i = 0; i < w->count; i++)
        ARK_TRY(end_column(w, i, err));
    if (w->held)
        ARK_TRY(write_held(w, err));
    /* nanoseconds of today do not fit into a double */
    double start = (double)(w->start_ns / ARRAKIS_SECOND_NS) +
                   (double)(w->start_ns % ARRAKIS_SECOND_NS) / 1e9;
    ark_hdf5_image_set_file(&w->image, w->end, w->count, start);
    ARK_TRY(ark_disk_write(w->fd, w->image.bytes, w->image.size, 0, err));
    if (ftruncate(w->fd, (off_t)w->end) < 0) /* the last samples may be a hole */
        return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    *size = w->end;
    return ARRAKIS_OK;
}

/* The image of a file that ends before a whole one would. Its samples are where those of a whole
 * one are. */
static arrakis_status shorten_image(ark_file_writer *w, ark_hdf5_image *shorter,
                                    int64_t duration_ns, arrakis_error *err)
{
    int64_t chunk_ns = w->spec->stride_ns < duration_ns ? w->spec->stride_ns : duration_ns;
    ARK_TRY(ark_hdf5_image_make(shorter, w->spec->channels, duration_ns,
                                w->spec->compression ? chunk_ns : 0, w->spec->compression, err));
    if (shorter->size > round_up(w->image.size, ALIGNMENT))
        return ark_fail(err, ARRAKIS_EFORMAT, "libhdf5 makes a shorter file's image larger");
    ark_hdf5_image_copy_chunks(shorter, &w->image, w->count);
    for (size_t i = 0; i < w->count; i++)
        ARK_TRY(ark_file_spec_samples(
            &w->columns[i].samples, arrakis_channels_get(w->spec->channels, i), duration_ns, err));
    return ARRAKIS_OK;
}

static arrakis_status end_file(ark_file_writer *w, int64_t end_ns, uint64_t *size,
                               arrakis_error *err)
{
    ark_hdf5_image shorter = {NULL, 0, NULL, 0}, whole = w->image;
    if (end_ns - w->start_ns == w->spec->length_ns)
        return write_end(w, size, err);
    arrakis_status rc = shorten_image(w, &shorter, end_ns - w->start_ns, err);
    if (rc >= 0) {
        w->image = shorter;
        rc = write_end(w, size, err);
        w->image = whole;
    }
    ark_hdf5_image_clear(&shorter);
    return rc;
}

const ark_file_format ark_hdf5_file_format = {
    .name = "hdf5",
    .extension = "h5",
    .compresses = true,
    .open = open_writer,
    .close = close_writer,
    .begin = begin_file,
    .add = add_block,
    .end = end_file,
};
