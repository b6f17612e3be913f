/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the flatbuffers of Arrow are whole. */
#ifndef ARK_ARROW_VERIFY_H
#define ARK_ARROW_VERIFY_H

#include <arrakis/arrakis.h>

/* Whether a header is a Message, whole, of which only the header of another kind than a schema or a
 * record batch is not looked at. */
bool ark_arrow_verify(const uint8_t *header, size_t size);

#endif
