/* SPDX-License-Identifier: Apache-2.0 */
#include "file/hdf5_input.h"

#include "base/error.h"
#include "base/log.h"
#include "block/bits.h"
#include "channel/channel.h"
#include "channel/stride.h"
#include "file/disk.h"
#include "file/hdf5_list.h"
#include "file/input_block.h"
#include "gwf/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LENGTH_MAX_S 86400.0
#define CHUNK_FREE 1048576 /* 1 MiB: what a chunk may have when it is larger than its data set */
#define PIECE_BYTES 33554432.0 /* 32 MiB: what a block has, where strides and chunks allow it */

struct ark_input {
    int fd;
    uint64_t size;      /* of the file */
    ark_hdf5_list list; /* one per channel that is wanted */
    int64_t start_ns, length_ns, next_ns, piece_ns;
    ark_input_block block;
    ark_buffer stored, chunk, mask;
};

static void close_input(ark_input *in)
{
    ark_hdf5_list_clear(&in->list);
    ark_input_block_clear(&in->block);
    ark_buffer_clear(&in->stored);
    ark_buffer_clear(&in->chunk);
    ark_buffer_clear(&in->mask);
    free(in);
}

/* ------------------------------------------------------------------ what the file has */

static const arrakis_channel *channel_of(const ark_input *in, size_t i)
{
    return arrakis_channels_get(in->block.known, i);
}

/* GPS seconds to nanoseconds; a double has too few digits for all of them. */
static int64_t to_ns(double seconds)
{
    double whole = floor(seconds);
    return (int64_t)whole * ARRAKIS_SECOND_NS + llround((seconds - whole) * 1e9);
}

/* What is in a file is inside it, and what is made of it has bounds. */
static arrakis_status check_dataset(const ark_input *in, const ark_hdf5_dataset *d,
                                    arrakis_error *err)
{
    size_t width = arrakis_dtype_size(d->dtype);
    uint64_t at = d->places[0].address;
    if (d->chunk > ARK_INPUT_BLOCK_MAX / width)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "chunks of %" PRIu64 " samples, expected at most %zu bytes", d->chunk,
                        ARK_INPUT_BLOCK_MAX);
    if (d->chunk > d->samples && d->chunk * width > CHUNK_FREE)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a chunk of %" PRIu64 " samples, expected at most the %" PRIu64
                        " that there are, or %d bytes",
                        d->chunk, d->samples, CHUNK_FREE);
    if (d->chunk) /* each is checked when it is read */
        return ARRAKIS_OK;
    if (at != ARK_HDF5_NOWHERE && (at > in->size || d->samples > (in->size - at) / width))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "%" PRIu64 " samples at byte %" PRIu64
                        ", expected them before the file's end at byte %" PRIu64,
                        d->samples, at, in->size);
    return ARRAKIS_OK;
}

/* All channels last equally long: the first that is found tells how long, by the rate that the
 * channel has: `dx`, which may be rounded, is near it. */
static arrakis_status check_span(ark_input *in, size_t i, arrakis_error *err)
{
    const ark_hdf5_found *f = &in->list.channels[i];
    double length = (double)f->samples.samples / ark_info(channel_of(in, i)).sample_rate;
    if (!(f->x0 >= 0 && f->x0 <= (double)(ARRAKIS_TIME_MAX_NS / ARRAKIS_SECOND_NS)) ||
        !(length > 0 && length <= LENGTH_MAX_S))
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "%g s from GPS %g on, expected a GPS time and up to a day", length, f->x0);
    if (in->length_ns == 0) {
        in->start_ns = to_ns(f->x0);
        in->length_ns = to_ns(length);
    }
    int64_t wanted = ark_channel_all_samples(channel_of(in, i), in->length_ns);
    if (to_ns(f->x0) != in->start_ns || wanted < 1 || (uint64_t)wanted != f->samples.samples)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "%" PRIu64 " samples from GPS %.9f on, expected %" PRId64
                        " from GPS %.9f on, as other channels have",
                        f->samples.samples, f->x0, wanted, (double)in->start_ns / 1e9);
    return ARRAKIS_OK;
}

static arrakis_status check_channel(ark_input *in, size_t i, arrakis_error *err)
{
    const ark_hdf5_found *f = &in->list.channels[i];
    double rate = 1 / f->dx;
    ARK_TRY(ark_input_block_check(channel_of(in, i), f->samples.dtype, rate, err));
    ARK_TRY(check_span(in, i, err));
    ARK_TRY(check_dataset(in, &f->samples, err));
    if (!f->mask.places)
        return ARRAKIS_OK;
    if (f->mask.samples != f->samples.samples)
        return ark_fail(err, ARRAKIS_EFORMAT, "a mask of %" PRIu64 " samples, expected %" PRIu64,
                        f->mask.samples, f->samples.samples);
    return check_dataset(in, &f->mask, err);
}

static uint64_t samples_of_chunk(const ark_hdf5_dataset *d)
{
    return d->chunk < d->samples ? d->chunk : d->samples;
}

/* How long a chunk of a channel, or of its mask, lasts, in strides. */
static int64_t chunk_strides(const ark_input *in, size_t i, int64_t own_ns)
{
    const ark_hdf5_found *f = &in->list.channels[i];
    uint64_t own = samples_of_chunk(&f->samples), mask = samples_of_chunk(&f->mask);
    double strides = (double)(own > mask ? own : mask) / ark_info(channel_of(in, i)).sample_rate /
                     ((double)own_ns / 1e9);
    return (int64_t)ceil(strides - 1e-6);
}

/* Blocks of whole strides, and of whole chunks, so that each is inflated once. */
static void choose_piece(ark_input *in, int64_t own_ns)
{
    double bytes = 1;
    int64_t chunk = 1;
    for (size_t i = 0; i < in->list.count; i++)
        if (in->list.channels[i].samples.places) {
            arrakis_channel_info info = ark_info(channel_of(in, i));
            bytes += (double)own_ns / 1e9 * info.sample_rate *
                     (double)(arrakis_dtype_size(info.dtype) + 1);
            int64_t strides = chunk_strides(in, i, own_ns);
            chunk = strides > chunk ? strides : chunk;
        }
    int64_t most = (int64_t)(PIECE_BYTES / bytes);
    int64_t whole = in->length_ns / own_ns + 1;
    most = most > whole ? whole : most;
    in->piece_ns = (most > chunk ? most / chunk * chunk : chunk) * own_ns;
}

static arrakis_status check_channels(ark_input *in, arrakis_error *err)
{
    int64_t own_ns;
    size_t found = 0;
    for (size_t i = 0; i < in->list.count; i++) {
        if (!in->list.channels[i].samples.places)
            continue;
        found++;
        arrakis_status rc = check_channel(in, i, err);
        if (rc < 0)
            return ark_fail_within(err, rc, "channel '%.200s'", ark_info(channel_of(in, i)).name);
    }
    if (!found)
        return ark_fail(err, ARRAKIS_ENOTFOUND,
                        "none of its %" PRIu64 " channels is one of the %zu given ones",
                        in->list.others, in->list.count);
    if (in->list.others)
        ark_log(ARRAKIS_LOG_INFO,
                "%" PRIu64 " of %" PRIu64 " channels of an HDF5 file are not given: ignored",
                in->list.others, in->list.others + found);
    ARK_TRY(ark_stride_of(&own_ns, in->block.known, err));
    choose_piece(in, own_ns);
    in->next_ns = in->start_ns;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ opening */

static arrakis_status list_file(ark_input *in, arrakis_error *err)
{
    struct stat about;
    if (fstat(in->fd, &about) < 0)
        return ark_fail(err, ARRAKIS_EIO, "%s", strerror(errno));
    in->size = (uint64_t)about.st_size;
    return ark_hdf5_list_make(&in->list, in->fd, in->size, in->block.known, err);
}

static arrakis_status open_input(ark_input **out, int fd, arrakis_channels *known,
                                 arrakis_error *err)
{
    ark_input *in = calloc(1, sizeof *in);
    if (!in)
        return ark_no_memory(err, "an HDF5 file");
    in->fd = fd;
    in->block.known = known;
    arrakis_status rc = list_file(in, err);
    if (rc >= 0)
        rc = check_channels(in, err);
    if (rc < 0)
        close_input(in);
    else
        *out = in;
    return rc;
}

/* ------------------------------------------------------------------ samples */

/* The reverse of shuffling: first the first bytes of all samples, then their second bytes... */
static void unshuffle(uint8_t *to, const uint8_t *bytes, size_t count, size_t width)
{
    for (size_t byte = 0; byte < width; byte++)
        for (size_t i = 0; i < count; i++)
            to[i * width + byte] = *bytes++;
}

/* Read chunk k into in->chunk, as it was before it was shuffled and deflated. */
static arrakis_status read_chunk(ark_input *in, const ark_hdf5_dataset *d, uint64_t k,
                                 arrakis_error *err)
{
    ark_hdf5_place place = d->places[k];
    size_t width = arrakis_dtype_size(d->dtype), size = (size_t)d->chunk * width;
    if (place.address > in->size || place.size > in->size - place.address ||
        (!d->deflated && place.size != size))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "a chunk of %" PRIu64 " bytes at byte %" PRIu64
                        ", expected it before the file's end at byte %" PRIu64,
                        place.size, place.address, in->size);
    if (place.size > size + size / 8 + 1024) /* deflate adds less than that to any bytes */
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "%" PRIu64 " bytes of compressed samples, which become %zu", place.size,
                        size);
    ark_buffer *raw = d->deflated || d->shuffled ? &in->stored : &in->chunk;
    raw->size = 0;
    ARK_TRY(ark_buffer_reserve(raw, (size_t)place.size + 1, err));
    ARK_TRY(ark_disk_read(in->fd, raw->data, (size_t)place.size, place.address, err));
    if (d->deflated)
        ARK_TRY(ark_gwf_pack_expand(&in->chunk, size, raw->data, (size_t)place.size, err));
    if (!d->shuffled)
        return ARRAKIS_OK;
    ark_buffer *from = d->deflated ? &in->chunk : &in->stored;
    ark_buffer *to = d->deflated ? &in->stored : &in->chunk;
    to->size = 0;
    ARK_TRY(ark_buffer_reserve(to, size + 1, err));
    unshuffle(to->data, from->data, (size_t)d->chunk, width);
    if (to == &in->stored) { /* the result is in in->chunk */
        ark_buffer swapped = in->stored;
        in->stored = in->chunk;
        in->chunk = swapped;
    }
    return ARRAKIS_OK;
}

/* Copy samples [first, first + count) out of chunks. Bits are cleared where nothing is written. */
static arrakis_status read_chunks(ark_input *in, const ark_hdf5_dataset *d, uint64_t first,
                                  size_t count, uint8_t *to, uint8_t *valid, arrakis_error *err)
{
    size_t width = arrakis_dtype_size(d->dtype);
    for (size_t done = 0; done < count;) {
        uint64_t k = (first + done) / d->chunk, skip = (first + done) % d->chunk;
        size_t n = d->chunk - skip < count - done ? (size_t)(d->chunk - skip) : count - done;
        if (d->places[k].address == ARK_HDF5_NOWHERE) {
            ark_bits_clear(valid, done, n);
        } else {
            ARK_TRY(read_chunk(in, d, k, err));
            memcpy(to + done * width, in->chunk.data + skip * width, n * width);
        }
        done += n;
    }
    return ARRAKIS_OK;
}

/* Samples [first, first + count) of a data set; `valid` is all 1, and gets 0 where nothing is. */
static arrakis_status read_samples(ark_input *in, const ark_hdf5_dataset *d, uint64_t first,
                                   size_t count, uint8_t *to, uint8_t *valid, arrakis_error *err)
{
    static const uint16_t one = 1;
    size_t width = arrakis_dtype_size(d->dtype);
    if (d->chunk)
        ARK_TRY(read_chunks(in, d, first, count, to, valid, err));
    else if (d->places[0].address == ARK_HDF5_NOWHERE)
        ark_bits_clear(valid, 0, count);
    else
        ARK_TRY(
            ark_disk_read(in->fd, to, count * width, d->places[0].address + first * width, err));
    if (d->big_endian == (*(const uint8_t *)&one != 0))
        ark_gwf_pack_swap(to, count, width);
    return ARRAKIS_OK;
}

/* Clear the bits of samples that the mask has. */
static arrakis_status apply_mask(ark_input *in, const ark_hdf5_dataset *d, uint64_t first,
                                 size_t count, uint8_t *valid, arrakis_error *err)
{
    size_t bits = count / 8 + 1;
    in->mask.size = 0;
    ARK_TRY(ark_buffer_reserve(&in->mask, count + bits, err));
    memset(in->mask.data, d->fill, count + bits);
    ARK_TRY(read_samples(in, d, first, count, in->mask.data, in->mask.data + count, err));
    for (size_t i = 0; i < count; i++)
        if (in->mask.data[i])
            valid[i / 8] = (uint8_t)(valid[i / 8] & ~(1u << i % 8));
    return ARRAKIS_OK;
}

static arrakis_status add_channel(ark_input *in, size_t i, int64_t end_ns, arrakis_error *err)
{
    const ark_hdf5_found *f = &in->list.channels[i];
    const arrakis_channel *channel = channel_of(in, i);
    int64_t first = ark_channel_all_samples(channel, in->next_ns - in->start_ns);
    int64_t last = ark_channel_all_samples(channel, end_ns - in->start_ns);
    void *samples;
    uint8_t *valid;
    if (first < 0 || last < 0)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "no whole number of samples up to %" PRId64 " ns after the file's start",
                        end_ns - in->start_ns);
    size_t count = (size_t)(last - first);
    ARK_TRY(ark_input_block_add(&in->block, i, count, &samples, &valid, err));
    memset(valid, 0xff, count / 8 + 1);
    ARK_TRY(read_samples(in, &f->samples, (uint64_t)first, count, samples, valid, err));
    return f->mask.places ? apply_mask(in, &f->mask, (uint64_t)first, count, valid, err)
                          : ARRAKIS_OK;
}

static arrakis_status next_block(ark_input *in, arrakis_block **block, arrakis_error *err)
{
    int64_t begin_ns = in->next_ns, left_ns = in->start_ns + in->length_ns - begin_ns;
    if (left_ns <= 0)
        return ARRAKIS_DONE;
    int64_t duration_ns = left_ns < in->piece_ns ? left_ns : in->piece_ns;
    ARK_TRY(ark_input_block_begin(&in->block, in->list.count, err));
    for (size_t i = 0; i < in->list.count; i++) {
        if (!in->list.channels[i].samples.places)
            continue;
        arrakis_status rc = add_channel(in, i, begin_ns + duration_ns, err);
        if (rc < 0)
            return ark_fail_within(err, rc, "channel '%.200s'", ark_info(channel_of(in, i)).name);
    }
    in->next_ns += duration_ns;
    return ark_input_block_make(&in->block, block, begin_ns, duration_ns, err);
}

const ark_input_format ark_hdf5_input_format = {
    .name = "hdf5",
    .magic = "\x89HDF\r\n\x1a\n",
    .magic_size = 8,
    .open = open_input,
    .close = close_input,
    .next = next_block,
};
