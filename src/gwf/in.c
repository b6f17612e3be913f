/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/in.h"

#include "base/error.h"
#include "gwf/checksum.h"
#include "gwf/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is read at once at least: most structures, and the beginning of the next one. */
enum { READ_AT_ONCE = 4096 };

/* ------------------------------------------------------------------ bytes of the file */

arrakis_status ark_gwf_in_read(const ark_gwf_in *in, uint64_t at, void *to, size_t size,
                               arrakis_error *err)
{
    uint8_t *next = to;
    while (size > 0) {
        ssize_t got = pread(in->fd, next, size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ark_fail(err, ARRAKIS_EIO, "reading %zu bytes at byte %" PRIu64 ": %s", size,
                            at, strerror(errno));
        if (got == 0)
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "the file ends at byte %" PRIu64 ", expected %zu "
                            "more bytes",
                            at, size);
        next += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_in_bytes(ark_gwf_in *in, uint64_t at, uint64_t size, const uint8_t **bytes,
                                arrakis_error *err)
{
    if (at > in->size || size > in->size - at)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "%" PRIu64 " bytes at byte %" PRIu64
                        ", expected them before the file's end "
                        "at byte %" PRIu64,
                        size, at, in->size);
    if (size > ARK_GWF_IN_PIECE_MAX)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "%" PRIu64 " bytes of text and numbers at byte %" PRIu64
                        ", expected at most %d",
                        size, at, ARK_GWF_IN_PIECE_MAX);
    ark_buffer *window = &in->window;
    if (!window->data || at < in->window_at || at - in->window_at > window->size ||
        size > window->size - (at - in->window_at)) {
        uint64_t count = size > READ_AT_ONCE ? size : READ_AT_ONCE;
        if (count > in->size - at)
            count = in->size - at;
        window->size = 0;
        ARK_TRY(ark_buffer_reserve(window, (size_t)count, err));
        ARK_TRY(ark_gwf_in_read(in, at, window->data, (size_t)count, err));
        in->window_at = at;
        window->size = (size_t)count;
    }
    *bytes = window->data + (at - in->window_at);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ elements */

/* Copy a number of `size` bytes. */
static void take_number(ark_gwf_elements *e, void *to, size_t size)
{
    if (e->failed || size > e->left) {
        e->failed = true;
        memset(to, 0, size);
        return;
    }
    memcpy(to, e->next, size);
    if (e->swap)
        ark_gwf_pack_swap(to, 1, size);
    e->next += size;
    e->left -= size;
}

uint16_t ark_gwf_in_u16(ark_gwf_elements *e)
{
    uint16_t value;
    take_number(e, &value, sizeof value);
    return value;
}

uint32_t ark_gwf_in_u32(ark_gwf_elements *e)
{
    uint32_t value;
    take_number(e, &value, sizeof value);
    return value;
}

uint64_t ark_gwf_in_u64(ark_gwf_elements *e)
{
    uint64_t value;
    take_number(e, &value, sizeof value);
    return value;
}

double ark_gwf_in_f64(ark_gwf_elements *e)
{
    double value;
    take_number(e, &value, sizeof value);
    return value;
}

void ark_gwf_in_skip(ark_gwf_elements *e, size_t size)
{
    if (e->failed || size > e->left) {
        e->failed = true;
        return;
    }
    e->next += size;
    e->left -= size;
}

/* The length counts the 0 at the end. A text of the length 0 is empty. */
const char *ark_gwf_in_text(ark_gwf_elements *e)
{
    size_t size = ark_gwf_in_u16(e);
    const uint8_t *text = e->next;
    ark_gwf_in_skip(e, size);
    if (e->failed || size == 0)
        return "";
    if (text[size - 1] != 0) {
        e->failed = true;
        return "";
    }
    return (const char *)text;
}

uint16_t ark_gwf_in_reference(ark_gwf_elements *e, uint32_t *instance)
{
    uint16_t kind = ark_gwf_in_u16(e);
    *instance = ark_gwf_in_u32(e);
    return kind;
}

/* ------------------------------------------------------------------ structures */

arrakis_status ark_gwf_in_fail(const ark_gwf_head *head, const char *what, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "the structure of %" PRIu64 " bytes at byte %" PRIu64
                    " (class %d, instance %" PRIu32 "): %s",
                    head->length, head->at, head->kind, head->instance, what);
}

arrakis_status ark_gwf_in_head(ark_gwf_in *in, uint64_t at, ark_gwf_head *head, arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(ark_gwf_in_bytes(in, at, ARK_GWF_STRUCTURE_HEADER_SIZE, &bytes, err));
    ark_gwf_elements e = {bytes, ARK_GWF_STRUCTURE_HEADER_SIZE, in->swap, false};
    head->at = at;
    head->length = ark_gwf_in_u64(&e);
    head->check = *e.next++;
    head->kind = *e.next++;
    e.left -= 2;
    head->instance = ark_gwf_in_u32(&e);
    if (head->length < ARK_GWF_STRUCTURE_HEADER_SIZE + ARK_GWF_CHECKSUM_SIZE ||
        head->length > in->size - at)
        return ark_gwf_in_fail(head, "it is not inside the file", err);
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_in_elements(ark_gwf_in *in, const ark_gwf_head *head, size_t after,
                                   ark_gwf_elements *elements, arrakis_error *err)
{
    const uint8_t *bytes;
    ARK_TRY(ark_gwf_in_bytes(in, head->at, head->length, &bytes, err));
    size_t least = ARK_GWF_STRUCTURE_HEADER_SIZE + ARK_GWF_CHECKSUM_SIZE + after;
    if (head->length < least)
        return ark_gwf_in_fail(head, "it is too short", err);
    size_t checked = (size_t)head->length - ARK_GWF_CHECKSUM_SIZE - after;
    ark_gwf_elements sum = {bytes + checked, ARK_GWF_CHECKSUM_SIZE, in->swap, false};
    if (head->check == ARK_GWF_CHECKSUM_CRC &&
        ark_gwf_in_u32(&sum) !=
            ark_gwf_checksum_end(ark_gwf_checksum_add(0, bytes, checked), checked))
        return ark_gwf_in_fail(head, "its checksum differs", err);
    *elements = (ark_gwf_elements){bytes + ARK_GWF_STRUCTURE_HEADER_SIZE,
                                   (size_t)head->length - least, in->swap, false};
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the file's header */

static arrakis_status read_header(ark_gwf_in *in, arrakis_error *err)
{
    static const uint8_t magic[5] = {'I', 'G', 'W', 'D', 0}, sizes[5] = {2, 4, 8, 4, 8};
    const uint8_t *bytes;
    if (in->size < ARK_GWF_HEADER_SIZE)
        return ark_fail(err, ARRAKIS_EFORMAT, "a file of %" PRIu64 " bytes is not a frame file",
                        in->size);
    ARK_TRY(ark_gwf_in_bytes(in, 0, ARK_GWF_HEADER_SIZE, &bytes, err));
    if (memcmp(bytes, magic, sizeof magic) != 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "not a frame file: it does not begin with \"IGWD\"");
    if (bytes[5] != 8)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a frame file of version %d of the format, expected 8", bytes[5]);
    uint16_t mark;
    memcpy(&mark, bytes + 12, sizeof mark);
    in->swap = mark != 0x1234;
    ark_gwf_elements e = {bytes + 12, ARK_GWF_HEADER_SIZE - 12, in->swap, false};
    if (memcmp(bytes + 7, sizes, sizeof sizes) != 0 || ark_gwf_in_u16(&e) != 0x1234 ||
        ark_gwf_in_u32(&e) != 0x12345678 || ark_gwf_in_u64(&e) != UINT64_C(0x0123456789abcdef))
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a frame file whose numbers are neither little- nor big-endian");
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_in_init(ark_gwf_in *in, int fd, arrakis_error *err)
{
    struct stat what;
    if (fstat(fd, &what) < 0)
        return ark_fail(err, ARRAKIS_EIO, "a frame file: %s", strerror(errno));
    *in = (ark_gwf_in){.fd = fd, .size = what.st_size > 0 ? (uint64_t)what.st_size : 0};
    arrakis_status rc = read_header(in, err);
    if (rc < 0)
        ark_gwf_in_clear(in);
    return rc;
}

void ark_gwf_in_clear(ark_gwf_in *in)
{
    ark_buffer_clear(&in->window);
    *in = (ark_gwf_in){.fd = -1};
}
