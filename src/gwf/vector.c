/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/vector.h"

#include "base/error.h"
#include "gwf/checksum.h"
#include "gwf/pack.h"

#include <inttypes.h>
#include <string.h>

/* Between the name and the data: compress, type, nData, nBytes. */
enum { BEFORE_DATA = 2 + 2 + 8 + 8 };
/* What packed values may have beyond a quarter more than they become. */
enum { PACKED_FREE = 1024 };

/* What comes before the data. */
static arrakis_status parse_front(ark_gwf_in *in, ark_gwf_vector *v, arrakis_error *err)
{
    const ark_gwf_head *head = &v->head;
    uint64_t at = head->at + ARK_GWF_STRUCTURE_HEADER_SIZE;
    uint64_t left = head->length - ARK_GWF_STRUCTURE_HEADER_SIZE - ARK_GWF_CHECKSUM_SIZE;
    const uint8_t *bytes;
    if (left < 2)
        return ark_gwf_in_fail(head, "it is too short", err);
    ARK_TRY(ark_gwf_in_bytes(in, at, 2, &bytes, err));
    ark_gwf_elements e = {bytes, 2, in->swap, false};
    size_t size = 2 + (size_t)ark_gwf_in_u16(&e) + BEFORE_DATA;
    if (size > left)
        return ark_gwf_in_fail(head, "it is too short", err);
    ARK_TRY(ark_gwf_in_bytes(in, at, size, &bytes, err));
    e = (ark_gwf_elements){bytes, size, in->swap, false};
    v->is_mask = strcmp(ark_gwf_in_text(&e), ARK_GWF_MASK_NAME) == 0;
    v->compress = ark_gwf_in_u16(&e);
    v->type = ark_gwf_in_u16(&e);
    v->count = ark_gwf_in_u64(&e);
    v->stored = ark_gwf_in_u64(&e);
    v->data_at = at + size;
    if (e.failed || v->stored > left - size)
        return ark_gwf_in_fail(head, "its name or its data do not end where they should", err);
    return ARRAKIS_OK;
}

/* What comes after it. Only what has one dimension is looked at. */
static arrakis_status parse_back(ark_gwf_in *in, ark_gwf_vector *v, arrakis_error *err)
{
    const ark_gwf_head *head = &v->head;
    uint64_t at = v->data_at + v->stored;
    uint64_t left = head->at + head->length - ARK_GWF_CHECKSUM_SIZE - at;
    const uint8_t *bytes;
    if (left < 4)
        return ark_gwf_in_fail(head, "it is too short", err);
    ARK_TRY(ark_gwf_in_bytes(in, at, 4, &bytes, err));
    ark_gwf_elements e = {bytes, 4, in->swap, false};
    v->dimensions = ark_gwf_in_u32(&e);
    if (v->dimensions != 1)
        return ARRAKIS_OK;
    ARK_TRY(ark_gwf_in_bytes(in, at, left, &bytes, err));
    e = (ark_gwf_elements){bytes + 4, (size_t)left - 4, in->swap, false};
    uint64_t length = ark_gwf_in_u64(&e);
    v->step = ark_gwf_in_f64(&e);
    v->start = ark_gwf_in_f64(&e);
    ark_gwf_in_text(&e); /* the units of both */
    ark_gwf_in_text(&e);
    uint32_t next;
    ark_gwf_in_reference(&e, &next);
    if (e.failed || e.left != 0)
        return ark_gwf_in_fail(head, "its elements are not as long as it is", err);
    if (length != v->count)
        return ark_gwf_in_fail(head, "its one dimension is not as long as its data", err);
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_vector_parse(ark_gwf_in *in, const ark_gwf_head *head,
                                    ark_gwf_vector *vector, arrakis_error *err)
{
    *vector = (ark_gwf_vector){.head = *head};
    ARK_TRY(parse_front(in, vector, err));
    return parse_back(in, vector, err);
}

/* ------------------------------------------------------------------ data */

/* Add bytes of the file to a checksum. */
static arrakis_status check_bytes(ark_gwf_in *in, uint64_t at, uint64_t end, uint32_t *state,
                                  arrakis_error *err)
{
    while (at < end) {
        uint64_t size = end - at < ARK_GWF_IN_PIECE_MAX ? end - at : ARK_GWF_IN_PIECE_MAX;
        const uint8_t *bytes;
        ARK_TRY(ark_gwf_in_bytes(in, at, size, &bytes, err));
        *state = ark_gwf_checksum_add(*state, bytes, (size_t)size);
        at += size;
    }
    return ARRAKIS_OK;
}

/* Compare the structure's checksum, of which `data` is a part. */
static arrakis_status check_vector(ark_gwf_in *in, const ark_gwf_vector *v, const void *data,
                                   arrakis_error *err)
{
    const ark_gwf_head *head = &v->head;
    uint64_t sum_at = head->at + head->length - ARK_GWF_CHECKSUM_SIZE;
    const uint8_t *bytes;
    uint32_t state = 0;
    if (head->check != ARK_GWF_CHECKSUM_CRC)
        return ARRAKIS_OK;
    ARK_TRY(check_bytes(in, head->at, v->data_at, &state, err));
    state = ark_gwf_checksum_add(state, data, (size_t)v->stored);
    ARK_TRY(check_bytes(in, v->data_at + v->stored, sum_at, &state, err));
    ARK_TRY(ark_gwf_in_bytes(in, sum_at, ARK_GWF_CHECKSUM_SIZE, &bytes, err));
    ark_gwf_elements sum = {bytes, ARK_GWF_CHECKSUM_SIZE, in->swap, false};
    if (ark_gwf_in_u32(&sum) != ark_gwf_checksum_end(state, sum_at - head->at))
        return ark_gwf_in_fail(head, "its checksum differs", err);
    return ARRAKIS_OK;
}

/* The width of words whose leading zeros are suppressed; 0: another scheme. */
static size_t words_width(unsigned scheme)
{
    return scheme == ARK_GWF_COMPRESS_WORDS_2   ? 2
           : scheme == ARK_GWF_COMPRESS_WORDS_4 ? 4
           : scheme == ARK_GWF_COMPRESS_WORDS_8 ? 8
                                                : 0;
}

static arrakis_status judge_scheme(const ark_gwf_vector *v, unsigned scheme, arrakis_error *err)
{
    arrakis_dtype dtype = ark_gwf_format_dtype(v->type);
    size_t words = words_width(scheme);
    if (scheme != ARK_GWF_COMPRESS_RAW && scheme != ARK_GWF_COMPRESS_GZIP &&
        scheme != ARK_GWF_COMPRESS_DIFFERENCES && !words)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a vector compressed in the way %u, expected 0, 1, 3, 5, 8 or 10", scheme);
    if (scheme == ARK_GWF_COMPRESS_DIFFERENCES &&
        (dtype == ARRAKIS_FLOAT32 || dtype == ARRAKIS_FLOAT64))
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "differences of %s, expected those of integers",
                        arrakis_dtype_name(dtype));
    if (words && (words != arrakis_dtype_size(dtype) || !(v->compress & ARK_GWF_COMPRESS_LITTLE)))
        return ark_fail(
            err, ARRAKIS_EUNSUPPORTED,
            "%s%s compressed as words of %zu bytes, expected little-endian ones of its "
            "own size",
            v->compress & ARK_GWF_COMPRESS_LITTLE ? "" : "big-endian ", arrakis_dtype_name(dtype),
            words);
    return ARRAKIS_OK;
}

/* The compression, and how many bytes the values take. */
static arrakis_status judge_vector(const ark_gwf_vector *v, size_t max, size_t *size,
                                   arrakis_error *err)
{
    unsigned scheme = v->compress & 0xffu;
    size_t width = arrakis_dtype_size(ark_gwf_format_dtype(v->type));
    if (width == 0)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a vector of the type %d, expected integers or real numbers", v->type);
    ARK_TRY(judge_scheme(v, scheme, err));
    if (v->count > max / width)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a vector of %" PRIu64 " values of %zu bytes, expected at most %zu bytes",
                        v->count, width, max);
    *size = (size_t)v->count * width;
    if (scheme == ARK_GWF_COMPRESS_RAW && v->stored != *size)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "a vector of %" PRIu64 " bytes, expected %zu for its %" PRIu64 " values",
                        v->stored, *size, v->count);
    if (v->stored >
        (uint64_t)*size + *size / 4 + PACKED_FREE) /* words grow by a quarter at most */
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "a vector of %" PRIu64 " bytes, which become %zu for its %" PRIu64
                        " values",
                        v->stored, *size, v->count);
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_vector_read(ark_gwf_in *in, const ark_gwf_vector *v, size_t max,
                                   ark_buffer *out, ark_buffer *room, arrakis_error *err)
{
    size_t size = 0;
    ARK_TRY(judge_vector(v, max, &size, err));
    unsigned scheme = v->compress & 0xffu;
    size_t width = arrakis_dtype_size(ark_gwf_format_dtype(v->type)), words = words_width(scheme);
    bool packed = scheme != ARK_GWF_COMPRESS_RAW;
    ark_buffer *data = packed ? room : out;
    data->size = 0;
    ARK_TRY(ark_buffer_reserve(data, (size_t)v->stored + 1, err)); /* never no memory at all */
    ARK_TRY(ark_gwf_in_read(in, v->data_at, data->data, (size_t)v->stored, err));
    ARK_TRY(check_vector(in, v, data->data, err));
    data->size = (size_t)v->stored;
    if (words)
        ARK_TRY(ark_gwf_pack_words(out, size, words, data->data, data->size, err));
    else if (packed)
        ARK_TRY(ark_gwf_pack_expand(out, size, data->data, data->size, err));
    if (!words && (v->compress & ARK_GWF_COMPRESS_LITTLE) != ark_gwf_pack_order())
        ark_gwf_pack_swap(out->data, (size_t)v->count, width);
    if (words || scheme == ARK_GWF_COMPRESS_DIFFERENCES)
        ark_gwf_pack_sum(out->data, (size_t)v->count, width);
    return ARRAKIS_OK;
}
