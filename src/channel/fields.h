/* SPDX-License-Identifier: Apache-2.0 */
/* The fields that a channel has as JSON. */
#ifndef ARK_CHANNEL_FIELDS_H
#define ARK_CHANNEL_FIELDS_H

#include <arrakis/arrakis.h>

typedef enum ark_channel_field_kind {
    ARK_CHANNEL_FIELD_TEXT,    /* const char * */
    ARK_CHANNEL_FIELD_INTEGER, /* int64_t */
    ARK_CHANNEL_FIELD_RATE,    /* double */
    ARK_CHANNEL_FIELD_DTYPE,   /* arrakis_dtype, written as its name */
} ark_channel_field_kind;

typedef struct ark_channel_field {
    const char *key;
    ark_channel_field_kind kind;
    size_t offset; /* in arrakis_channel_info */
} ark_channel_field;

#define ARK_CHANNEL_FIELD_COUNT 10
extern const ark_channel_field ark_channel_fields[ARK_CHANNEL_FIELD_COUNT];

/* The field with that key; NULL: there is none. */
const ark_channel_field *ark_channel_fields_find(const char *key);

#endif
