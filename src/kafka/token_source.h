/* SPDX-License-Identifier: Apache-2.0 */
/* The function of the user that makes tokens. */
#ifndef ARK_KAFKA_TOKEN_SOURCE_H
#define ARK_KAFKA_TOKEN_SOURCE_H

#include <arrakis/arrakis.h>

typedef struct ark_token_source {
    arrakis_token_fn fn; /* NULL: none */
    void *opaque;
} ark_token_source;

#endif
