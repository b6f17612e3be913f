/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/out.h"

#include "base/error.h"
#include "gwf/checksum.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What is shorter is gathered, so that a file of small structures costs few calls. */
enum { WAITING_SIZE = 1 << 18 };

void ark_gwf_out_clear(ark_gwf_out *out)
{
    ark_buffer_clear(&out->waiting);
    ark_buffer_clear(&out->elements);
}

/* ------------------------------------------------------------------ bytes to the descriptor */

static arrakis_status write_bytes(const ark_gwf_out *out, const uint8_t *bytes, size_t size,
                                  arrakis_error *err)
{
    while (size > 0) {
        ssize_t wrote = write(out->fd, bytes, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return ark_fail(err, ARRAKIS_EIO, "writing %zu bytes of a frame file: %s", size,
                            strerror(errno));
        bytes += wrote;
        size -= (size_t)wrote;
    }
    return ARRAKIS_OK;
}

static arrakis_status write_waiting(ark_gwf_out *out, arrakis_error *err)
{
    ARK_TRY(write_bytes(out, out->waiting.data, out->waiting.size, err));
    out->state = ark_gwf_checksum_add(out->state, out->waiting.data, out->waiting.size);
    out->waiting.size = 0;
    return ARRAKIS_OK;
}

/* Write bytes that are too many to wait; `state` follows. */
static arrakis_status write_long(ark_gwf_out *out, const void *bytes, size_t size, uint32_t *state,
                                 arrakis_error *err)
{
    uint32_t own = ark_gwf_checksum_add(0, bytes, size);
    ARK_TRY(write_waiting(out, err));
    ARK_TRY(write_bytes(out, bytes, size, err));
    *state = ark_gwf_checksum_join(*state, own, size);
    out->state = ark_gwf_checksum_join(out->state, own, size);
    return ARRAKIS_OK;
}

/* Make room for bytes that wait, at most WAITING_SIZE. */
static arrakis_status make_waiting(ark_gwf_out *out, size_t size, arrakis_error *err)
{
    if (!out->waiting.data)
        ARK_TRY(ark_buffer_reserve(&out->waiting, WAITING_SIZE, err));
    return size > WAITING_SIZE - out->waiting.size ? write_waiting(out, err) : ARRAKIS_OK;
}

static void keep_bytes(ark_gwf_out *out, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(out->waiting.data + out->waiting.size, bytes, size);
    out->waiting.size += size;
}

/* Write bytes, or keep them for the next call; `state` follows. */
static arrakis_status add_bytes(ark_gwf_out *out, const void *bytes, size_t size, uint32_t *state,
                                arrakis_error *err)
{
    if (size >= WAITING_SIZE)
        return write_long(out, bytes, size, state, err);
    ARK_TRY(make_waiting(out, size, err));
    *state = ark_gwf_checksum_add(*state, bytes, size);
    keep_bytes(out, bytes, size);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ elements */

void ark_gwf_out_make_room(ark_gwf_out *out, size_t size)
{
    if (ark_buffer_reserve(&out->elements, size, NULL) < 0)
        out->out_of_memory = true;
}

void ark_gwf_out_text(ark_gwf_out *out, const char *text)
{
    size_t size = strlen(text) + 1;
    ark_gwf_out_u16(out, (uint16_t)size);
    ark_gwf_out_put(out, text, size);
}

void ark_gwf_out_reference(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance)
{
    ark_gwf_out_u16(out, (uint16_t)kind);
    ark_gwf_out_u32(out, instance);
}

void ark_gwf_out_data(ark_gwf_out *out, const void *data, size_t size)
{
    out->data = data;
    out->data_size = size;
    out->data_at = out->elements.size;
}

/* ------------------------------------------------------------------ structures */

static size_t put_at(uint8_t *to, size_t at, const void *bytes, size_t size)
{
    memcpy(to + at, bytes, size);
    return at + size;
}

/* The numbers by which a reader finds the byte order are in the order of this machine. */
arrakis_status ark_gwf_out_header(ark_gwf_out *out, int fd, arrakis_error *err)
{
    static const uint8_t start[12] = {'I', 'G', 'W', 'D', 0, 8, 0, 2, 4, 8, 4, 8};
    static const uint16_t two = 0x1234;
    static const uint32_t four = 0x12345678;
    static const uint64_t eight = UINT64_C(0x0123456789abcdef);
    static const double pi = 3.14159265358979323846;
    static const float pi_single = (float)3.14159265358979323846;
    static const uint8_t end[2] = {0, ARK_GWF_CHECKSUM_CRC}; /* by no known library */
    uint8_t header[ARK_GWF_HEADER_SIZE];
    size_t at = put_at(header, 0, start, sizeof start);
    at = put_at(header, at, &two, sizeof two);
    at = put_at(header, at, &four, sizeof four);
    at = put_at(header, at, &eight, sizeof eight);
    at = put_at(header, at, &pi_single, sizeof pi_single);
    at = put_at(header, at, &pi, sizeof pi);
    put_at(header, at, end, sizeof end);
    out->fd = fd;
    out->state = 0;
    out->waiting.size = out->elements.size = 0;
    out->out_of_memory = false;
    out->data = NULL;
    out->data_size = out->data_at = 0;
    out->header_state = 0;
    ARK_TRY(add_bytes(out, header, sizeof header, &out->header_state, err));
    out->size = sizeof header;
    return ARRAKIS_OK;
}

uint32_t ark_gwf_out_header_sum(const ark_gwf_out *out)
{
    return ark_gwf_checksum_end(out->header_state, ARK_GWF_HEADER_SIZE);
}

typedef struct piece {
    const void *bytes;
    size_t size;
} piece;

/* Write a structure up to its checksum, whose state is *state. A short one is looked at in one go. */
static arrakis_status write_pieces(ark_gwf_out *out, const piece pieces[4], uint64_t size,
                                   uint32_t *state, arrakis_error *err)
{
    *state = 0;
    if (size > WAITING_SIZE) {
        for (int i = 0; i < 4; i++)
            ARK_TRY(add_bytes(out, pieces[i].bytes, pieces[i].size, state, err));
        return ARRAKIS_OK;
    }
    ARK_TRY(make_waiting(out, (size_t)size, err));
    for (int i = 0; i < 4; i++)
        keep_bytes(out, pieces[i].bytes, pieces[i].size);
    *state = ark_gwf_checksum_add(0, out->waiting.data + out->waiting.size - size, (size_t)size);
    return ARRAKIS_OK;
}

/* Write the structure but for its last `after` bytes, which its length counts. */
static arrakis_status write_structure(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance,
                                      size_t after, arrakis_error *err)
{
    const ark_buffer *elements = &out->elements;
    if (out->out_of_memory)
        return ark_no_memory(err, "a structure of over %zu bytes", elements->size);
    if (!out->data)
        ark_gwf_out_data(out, NULL, 0);
    uint64_t checked = ARK_GWF_STRUCTURE_HEADER_SIZE + elements->size + out->data_size;
    uint64_t length = checked + ARK_GWF_CHECKSUM_SIZE + after;
    uint8_t header[ARK_GWF_STRUCTURE_HEADER_SIZE];
    put_at(header, 0, &length, sizeof length);
    header[8] = ARK_GWF_CHECKSUM_CRC;
    header[9] = (uint8_t)kind;
    put_at(header, 10, &instance, sizeof instance);

    const uint8_t *rest = elements->data ? elements->data + out->data_at : NULL;
    const piece pieces[4] = {{header, sizeof header},
                             {elements->data, out->data_at},
                             {out->data, out->data_size},
                             {rest, elements->size - out->data_at}};
    uint32_t state;
    ARK_TRY(write_pieces(out, pieces, checked, &state, err));
    uint32_t sum = ark_gwf_checksum_end(state, checked);
    ARK_TRY(add_bytes(out, &sum, sizeof sum, &state, err));
    out->size += length;
    out->elements.size = 0;
    out->data = NULL;
    out->data_size = out->data_at = 0;
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_out_structure(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance,
                                     arrakis_error *err)
{
    return write_structure(out, kind, instance, 0, err);
}

arrakis_status ark_gwf_out_last(ark_gwf_out *out, ark_gwf_class kind, uint32_t instance,
                                arrakis_error *err)
{
    ARK_TRY(write_structure(out, kind, instance, ARK_GWF_CHECKSUM_SIZE, err));
    ARK_TRY(write_waiting(out, err));
    uint32_t sum = ark_gwf_checksum_end(out->state, out->size - ARK_GWF_CHECKSUM_SIZE);
    return write_bytes(out, (const uint8_t *)&sum, sizeof sum, err);
}
