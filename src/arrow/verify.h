/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the flatbuffers of Arrow are valid. */
#ifndef ARK_ARROW_VERIFY_H
#define ARK_ARROW_VERIFY_H

#include <arrakis/arrakis.h>

/* Whether a header is a valid Message. Its own header is checked if it is a schema or a record
 * batch. */
bool ark_arrow_verify(const uint8_t *header, size_t size);

#endif
