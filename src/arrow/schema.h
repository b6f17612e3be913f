/* SPDX-License-Identifier: Apache-2.0 */
/* Reads schema messages: the columns of an Arrow stream. */
#ifndef ARK_ARROW_SCHEMA_H
#define ARK_ARROW_SCHEMA_H

#include "arrow/ipc.h"
#include "arrow/type.h"

#include <arrakis/arrakis.h>

typedef enum ark_type_kind {
    ARK_TYPE_PRIMITIVE, /* integers and floats: `dtype` */
    ARK_TYPE_UTF8,
    ARK_TYPE_LIST,  /* of `dtype`: lists of primitives only */
    ARK_TYPE_MAP,   /* utf8 -> utf8 */
    ARK_TYPE_OTHER, /* checked, but not used */
} ark_type_kind;

typedef struct ark_schema_field {
    char *name;
    ark_type_kind kind;
    arrakis_dtype dtype;
    bool nullable;
    char *rate;             /* the value of that key in the metadata of the field, or NULL */
    const char *type_name;  /* as in Arrow's documentation, for errors */
    const char *child_name; /* the type of the elements of a list; "" for other types */
} ark_schema_field;

typedef struct ark_schema {
    size_t count;
    ark_schema_field *fields;
    struct ark_type *types; /* those of the fields, in their order, then those of their children */
    size_t type_count;
} ark_schema;

/* Read a schema of at most 65,536 fields, and 262,144 with those inside fields. A zero byte in a
 * name or a rate becomes 0xFF, so that a name which has one is not taken for its first part.
 * EUNSUPPORTED: dictionaries, big-endian. Free with ark_schema_free(). */
arrakis_status ark_schema_read(ark_schema **out, const ark_ipc_message *message,
                               arrakis_error *err);
void ark_schema_free(ark_schema *schema);

#endif
