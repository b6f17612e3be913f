/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/pack.h"

#include "base/error.h"
#include "base/mutable.h"
#include "gwf/format.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* zlib counts in unsigned int. */
#define PIECE_MAX ((size_t)1 << 30)
/* What comes out of a deflate stream is at most 1,032 times what went in. */
#define EXPANSION_MAX 1032
/* Each stream begins with tables of 64 KiB that are cleared. What is shorter than this, as the mask
 * of a slow channel's frame, would cost more than all else that is written of it. */
#define WORTH_PACKING 64

struct ark_gwf_pack {
    z_stream stream;
    ark_buffer packed;
};

static arrakis_status fail_zlib(const z_stream *stream, int code, arrakis_error *err)
{
    if (code == Z_MEM_ERROR)
        return ark_no_memory(err, "compressed samples");
    return ark_fail(err, ARRAKIS_EFORMAT, "compressed samples: %s",
                    stream->msg ? stream->msg : zError(code));
}

arrakis_status ark_gwf_pack_new(ark_gwf_pack **out, int level, arrakis_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ark_no_memory(err, "a compressor");
    int code = deflateInit(&(*out)->stream, level);
    if (code == Z_OK)
        return ARRAKIS_OK;
    free(*out);
    *out = NULL;
    return ark_no_memory(err, "a compressor");
}

void ark_gwf_pack_free(ark_gwf_pack *pack)
{
    if (!pack)
        return;
    deflateEnd(&pack->stream);
    ark_buffer_clear(&pack->packed);
    free(pack);
}

/* Move to the next piece of at most `left` bytes. */
static uInt piece_of(size_t left)
{
    return (uInt)(left < PIECE_MAX ? left : PIECE_MAX);
}

arrakis_status ark_gwf_pack_bytes(ark_gwf_pack *pack, const void **data, size_t *size,
                                  bool *smaller, arrakis_error *err)
{
    z_stream *stream = &pack->stream;
    ark_buffer *packed = &pack->packed;
    size_t left = *size, room = *size; /* a result without a byte less is of no use */
    *smaller = false;
    if (*size < WORTH_PACKING)
        return ARRAKIS_OK;
    packed->size = 0;
    ARK_TRY(ark_buffer_reserve(packed, *size, err));
    deflateReset(stream);
    stream->next_in = ark_mutable(*data);
    stream->next_out = packed->data;
    stream->avail_in = stream->avail_out = 0;
    int code = Z_OK;
    while (code == Z_OK) {
        if (stream->avail_in == 0) {
            stream->avail_in = piece_of(left);
            left -= stream->avail_in;
        }
        if (stream->avail_out == 0) {
            if (room == 0)
                break;
            stream->avail_out = piece_of(room);
            room -= stream->avail_out;
        }
        code = deflate(stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
    }
    *smaller = code == Z_STREAM_END;
    if (*smaller) {
        *data = packed->data;
        *size = (size_t)(stream->next_out - packed->data);
    }
    return ARRAKIS_OK;
}

static arrakis_status expand_stream(z_stream *stream, ark_buffer *out, size_t expected,
                                    size_t left, arrakis_error *err)
{
    for (;;) {
        if (stream->avail_in == 0) {
            stream->avail_in = piece_of(left);
            left -= stream->avail_in;
        }
        if (out->size == out->capacity)
            ARK_TRY(ark_buffer_reserve(out, 1, err));
        size_t room = expected - out->size;
        if (room > out->capacity - out->size)
            room = out->capacity - out->size;
        uint8_t beyond; /* a byte more than expected comes here */
        stream->next_out = room ? out->data + out->size : &beyond;
        stream->avail_out = room ? piece_of(room) : 1;
        uInt before = stream->avail_out;
        int code = inflate(stream, Z_NO_FLUSH);
        uInt got = before - stream->avail_out;
        if (room == 0 && got > 0)
            return ark_fail(err, ARRAKIS_EFORMAT, "more than the expected %zu bytes of samples",
                            expected);
        out->size += got;
        if (code == Z_STREAM_END)
            return ARRAKIS_OK;
        if (code == Z_BUF_ERROR || (code == Z_OK && got == 0 && stream->avail_in == 0 && !left))
            return ark_fail(err, ARRAKIS_EFORMAT, "compressed samples end early");
        if (code != Z_OK)
            return fail_zlib(stream, code, err);
    }
}

arrakis_status ark_gwf_pack_expand(ark_buffer *out, size_t expected, const void *data, size_t size,
                                   arrakis_error *err)
{
    out->size = 0;
    if (expected / EXPANSION_MAX > size)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "%zu bytes of compressed samples, which cannot become %zu", size,
                        expected);
    z_stream stream = {.next_in = ark_mutable(data)};
    int code = inflateInit(&stream);
    if (code != Z_OK)
        return ark_no_memory(err, "an expander");
    arrakis_status rc = expand_stream(&stream, out, expected, size, err);
    inflateEnd(&stream);
    if (rc == ARRAKIS_OK && out->size != expected)
        return ark_fail(err, ARRAKIS_EFORMAT, "%zu bytes of samples, expected %zu", out->size,
                        expected);
    return rc;
}

/* Bits that are taken from the lowest one of the first byte on. */
typedef struct bit_reader {
    const uint8_t *data;
    size_t size; /* bytes */
    uint64_t at; /* bits */
} bit_reader;

/* Take up to 64 bits; those beyond the end are 0. */
static uint64_t take_bits(bit_reader *r, unsigned count)
{
    uint64_t value = 0;
    for (unsigned got = 0; got < count;) {
        size_t byte = (size_t)(r->at / 8);
        unsigned skip = (unsigned)(r->at % 8), n = 8 - skip < count - got ? 8 - skip : count - got;
        uint64_t bits = byte < r->size ? (uint64_t)r->data[byte] >> skip : 0;
        value |= (bits & ((1u << n) - 1)) << got;
        got += n;
        r->at += n;
    }
    return value;
}

static void put_word(uint8_t *to, uint64_t word, size_t width)
{
    const uint16_t half = (uint16_t)word;
    const uint32_t single = (uint32_t)word;
    memcpy(to,
           width == 2   ? (const void *)&half
           : width == 4 ? (const void *)&single
                        : (const void *)&word,
           width);
}

/* A block: how many bits each difference has, less one, and the differences, each with an offset that
 * makes it positive. Differences of one bit are all 0 and have none. */
static void expand_block(bit_reader *r, uint8_t *to, size_t count, size_t width)
{
    unsigned bits = (unsigned)take_bits(r, width == 2 ? 4 : width == 4 ? 5 : 6) + 1;
    uint64_t offset = ((uint64_t)1 << (bits - 1)) - 1;
    for (size_t i = 0; i < count; i++)
        put_word(to + i * width, bits > 1 ? take_bits(r, bits) - offset : 0, width);
}

arrakis_status ark_gwf_pack_words(ark_buffer *out, size_t expected, size_t width,
                                  const uint8_t *data, size_t size, arrakis_error *err)
{
    enum { BLOCK_MAX = 64 };
    size_t block = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;
    out->size = 0;
    if (block == 0 || expected / EXPANSION_MAX > size)
        return ark_fail(
            err, ARRAKIS_EFORMAT,
            "%zu bytes of compressed samples in blocks of %zu, which cannot become %zu", size,
            block, expected);
    if (block > BLOCK_MAX)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "compressed samples in blocks of %zu, expected at most %d", block,
                        BLOCK_MAX);
    ARK_TRY(ark_buffer_reserve(out, expected + 1, err)); /* never no memory at all */
    bit_reader r = {data + 2, size - 2, 0};
    for (size_t done = 0; done < expected;) {
        size_t left = (expected - done) / width, count = left < block ? left : block;
        expand_block(&r, out->data + done, count, width);
        done += count * width;
    }
    if (r.at > (uint64_t)r.size * 8)
        return ark_fail(err, ARRAKIS_EFORMAT, "compressed samples end early");
    out->size = expected;
    return ARRAKIS_OK;
}

uint16_t ark_gwf_pack_order(void)
{
    static const uint16_t one = 1;
    return *(const uint8_t *)&one ? ARK_GWF_COMPRESS_LITTLE : 0;
}

void ark_gwf_pack_swap(void *data, size_t count, size_t width)
{
    uint8_t *number = data;
    for (; count > 0; count--, number += width)
        for (size_t i = 0; i < width / 2; i++) {
            uint8_t byte = number[i];
            number[i] = number[width - 1 - i];
            number[width - 1 - i] = byte;
        }
}

/* Sums wrap around, as the differences did; so it is the same for numbers with a sign. */
#define DEFINE_SUM(type)                                                                          \
    static void sum_##type(type *numbers, size_t count)                                           \
    {                                                                                             \
        for (size_t i = 1; i < count; i++)                                                        \
            numbers[i] = (type)(numbers[i] + numbers[i - 1]);                                     \
    }
DEFINE_SUM(uint8_t)
DEFINE_SUM(uint16_t)
DEFINE_SUM(uint32_t)
DEFINE_SUM(uint64_t)

void ark_gwf_pack_sum(void *data, size_t count, size_t width)
{
    if (width == 1)
        sum_uint8_t(data, count);
    else if (width == 2)
        sum_uint16_t(data, count);
    else if (width == 4)
        sum_uint32_t(data, count);
    else
        sum_uint64_t(data, count);
}
