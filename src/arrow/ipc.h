/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC messages out of bytes, for the types that Arrakis uses. No I/O, no channels, no clock.
 *
 * Every byte may be hostile. Nothing is assumed about the address of a message, the order of the
 * tables in the flatbuffer, or any length. A message is read or refused as Arrow's own reader with
 * full validation reads or refuses it (docs/wire.md has the exceptions), in columns of every type,
 * whether they are used or not. The pointers that are returned point into the given bytes, may be
 * UNALIGNED (use memcpy), and are checked: no offset or length leads out of the body, and list and
 * text offsets never decrease and stay inside their child. A batch needs no allocation. Format:
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 * / */
#ifndef ARK_ARROW_IPC_H
#define ARK_ARROW_IPC_H

#include <arrakis/arrakis.h>

typedef enum ark_ipc_kind {
    ARK_IPC_END, /* end-of-stream marker, or no bytes left */
    ARK_IPC_SCHEMA,
    ARK_IPC_BATCH,
} ark_ipc_kind;

/* One encapsulated message: where its header and body lie. */
typedef struct ark_ipc_message {
    ark_ipc_kind kind;
    const uint8_t *header; /* the flatbuffer Message */
    size_t header_size;
    const uint8_t *body;
    size_t body_size;
    size_t size; /* bytes from the start of the framing to the end of the body */
} ark_ipc_message;

/* Find the message at the begin of `data`, with either framing (with and without 0xFFFFFFFF).
 * EFORMAT: torn or malformed; EUNSUPPORTED: a message of another kind (dictionary, tensor), old
 * metadata version. */
arrakis_status ark_ipc_parse(ark_ipc_message *out, const uint8_t *data, size_t size,
                             arrakis_error *err);
/* The same for a header and a body that come separately (Flight). */
arrakis_status ark_ipc_parse_parts(ark_ipc_message *out, const uint8_t *header, size_t header_size,
                                   const uint8_t *body, size_t body_size, arrakis_error *err);

#endif
