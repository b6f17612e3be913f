/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/ipc.h"

#include "arrow/flatbuffer.h"
#include "arrow/format.h"
#include "arrow/verify.h"
#include "base/error.h"

#include <inttypes.h>

/* ---- messages */

static arrakis_status fail_torn(arrakis_error *err, const char *what, size_t found,
                                uint64_t expected)
{
    return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message is torn: %zu bytes where %s has %" PRIu64,
                    found, what, expected);
}

static arrakis_status other_kind(arrakis_error *err, unsigned kind)
{
    static const char *const names[] = {
        [ARK_HEADER_DICTIONARY] = "dictionary batch",
        [ARK_HEADER_TENSOR] = "tensor",
        [ARK_HEADER_SPARSE_TENSOR] = "sparse tensor",
    };
    if (kind < sizeof names / sizeof *names && names[kind])
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "Arrow message is a %s, not a schema or record batch", names[kind]);
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "Arrow message is of kind %u, not a schema (1) or record batch (3)", kind);
}

/* Read the kind of message and the size of its body from the header, which `out` already has. */
static arrakis_status read_message(ark_ipc_message *out, uint64_t *body_size, arrakis_error *err)
{
    if (!ark_arrow_verify(out->header, out->header_size))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "Arrow message: its header of %zu bytes is not a valid flatbuffer",
                        out->header_size);
    ark_flatbuffer flat = {out->header, out->header_size, false};
    ark_flatbuffer_table message = ark_flatbuffer_root(&flat);
    int version = ark_flatbuffer_i16(&flat, message, ARK_MESSAGE_VERSION);
    unsigned kind = ark_flatbuffer_u8(&flat, message, ARK_MESSAGE_HEADER_TYPE);
    int64_t size = ark_flatbuffer_i64(&flat, message, ARK_MESSAGE_BODY_LENGTH);
    if (flat.bad)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: header leads outside its %zu bytes",
                        out->header_size);
    if (version != ARK_VERSION_4 && version != ARK_VERSION_5)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "Arrow metadata version %d, not 4 or 5",
                        version + 1);
    if (kind != ARK_HEADER_SCHEMA && kind != ARK_HEADER_BATCH)
        return other_kind(err, kind);
    if (size < 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: a body of %" PRId64 " bytes", size);
    out->kind = kind == ARK_HEADER_SCHEMA ? ARK_IPC_SCHEMA : ARK_IPC_BATCH;
    *body_size = (uint64_t)size;
    return ARRAKIS_OK;
}

arrakis_status ark_ipc_parse(ark_ipc_message *out, const uint8_t *data, size_t size,
                             arrakis_error *err)
{
    *out = (ark_ipc_message){.kind = ARK_IPC_END};
    if (size == 0)
        return ARRAKIS_OK;
    size_t prefix = 4; /* the old framing is only the length of the header */
    if (size < prefix)
        return fail_torn(err, "its framing", size, prefix);
    if (ark_load_u32(data) == UINT32_MAX) {
        prefix = 8;
        if (size < prefix)
            return fail_torn(err, "its framing", size, prefix);
    }
    int32_t header_size = ark_load_i32(data + prefix - 4);
    if (header_size == 0) {
        out->size = prefix;
        return ARRAKIS_OK;
    }
    if (header_size < 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message: a header of %" PRId32 " bytes",
                        header_size);
    if ((size_t)header_size > size - prefix)
        return fail_torn(err, "its header", size - prefix, (uint64_t)header_size);
    out->header = data + prefix;
    out->header_size = (size_t)header_size;
    out->body = out->header + out->header_size;
    size_t left = size - prefix - out->header_size;
    uint64_t body_size = 0;
    ARK_TRY(read_message(out, &body_size, err));
    if (body_size > left)
        return fail_torn(err, "its body", left, body_size);
    out->body_size = (size_t)body_size;
    out->size = prefix + out->header_size + out->body_size;
    return ARRAKIS_OK;
}

arrakis_status ark_ipc_parse_parts(ark_ipc_message *out, const uint8_t *header, size_t header_size,
                                   const uint8_t *body, size_t body_size, arrakis_error *err)
{
    *out = (ark_ipc_message){.kind = ARK_IPC_END};
    if (header_size == 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "Arrow message without a header");
    out->header = header;
    out->header_size = header_size;
    out->body = body ? body : header; /* never NULL: offsets are counted from it */
    uint64_t expected = 0;
    ARK_TRY(read_message(out, &expected, err));
    if (expected > body_size)
        return fail_torn(err, "its body", body_size, expected);
    out->body_size = (size_t)expected;
    out->size = header_size + out->body_size;
    return ARRAKIS_OK;
}
