/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a stream: schema messages, read. */
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
    ARK_TYPE_OTHER, /* checked, and not to be used */
} ark_type_kind;

typedef struct ark_field {
    char *name;
    ark_type_kind kind;
    arrakis_dtype dtype;
    bool nullable;
    char *rate;             /* the field's metadata value of that key, or NULL */
    const char *type_name;  /* of Arrow's, for texts */
    const char *child_name; /* of the type that a list's elements have; "" for other types */
} ark_field;

typedef struct ark_schema {
    size_t count;
    ark_field *fields;
    struct ark_type *types; /* arrow/type.h: first the fields' own, in their order */
    size_t type_count;
} ark_schema;

/* At most 65,536 fields, and 262,144 with those inside fields. A zero byte in a name or a rate reads
 * as 0xFF, so that no such name equals another. EUNSUPPORTED: dictionaries, big-endian. Free with
 * ark_schema_free. */
arrakis_status ark_schema_read(ark_schema **out, const ark_ipc_message *message,
                               arrakis_error *err);
void ark_schema_free(ark_schema *schema);

#endif
