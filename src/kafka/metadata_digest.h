/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARK_KAFKA_METADATA_DIGEST_H
#define ARK_KAFKA_METADATA_DIGEST_H

#include "channel/store.h"

#include <arrakis/arrakis.h>

/* The SHA-256 of the channels of a publisher in hexadecimal digits, as in the digest record. */
arrakis_status ark_metadata_digest(char hex[65], const ark_channel_store *store,
                                   arrakis_error *err);

#endif
