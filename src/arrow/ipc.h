/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC messages out of bytes, for the types that Arrakis uses. No I/O, no channels, no clock.
 *
 * Every byte is hostile. Nothing is assumed of the address at which a message lies, of the
 * order in which the flatbuffer's tables lie, or of any length. A message is read or refused as
 * Arrow's own reader with full validation reads or refuses it (docs/wire.md has the exceptions), in
 * columns of every type, whether they are used or not. Views that come out point into the bytes
 * given, are UNALIGNED (use memcpy), and are checked: no offset or length in them leads out of the
 * body, list and text offsets never decrease and stay inside their child. Nothing is allocated for
 * a batch.
 * Format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */
#ifndef ARK_ARROW_IPC_H
#define ARK_ARROW_IPC_H

#include <arrakis/arrakis.h>

typedef enum ark_ipc_kind {
    ARK_IPC_END, /* end-of-stream marker, or no bytes left */
    ARK_IPC_SCHEMA,
    ARK_IPC_BATCH,
} ark_ipc_kind;

/* One encapsulated message, cut but not read. */
typedef struct ark_ipc_message {
    ark_ipc_kind kind;
    const uint8_t *header; /* the flatbuffer Message */
    size_t header_size;
    const uint8_t *body;
    size_t body_size;
    size_t size; /* bytes from the start of the framing to the end of the body */
} ark_ipc_message;

/* Cut the next message from the front of `data`. Both framings (with and without 0xFFFFFFFF) are
 * read. EFORMAT: torn or malformed; EUNSUPPORTED: a message of another kind (dictionary, tensor),
 * old metadata version. */
arrakis_status ark_ipc_cut(ark_ipc_message *out, const uint8_t *data, size_t size,
                           arrakis_error *err);
/* The same where header and body come apart (Flight). */
arrakis_status ark_ipc_split(ark_ipc_message *out, const uint8_t *header, size_t header_size,
                             const uint8_t *body, size_t body_size, arrakis_error *err);

#endif
