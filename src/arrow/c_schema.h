/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas of the Arrow C data interface: arrakis/arrow.h. */
#ifndef ARK_ARROW_C_SCHEMA_H
#define ARK_ARROW_C_SCHEMA_H

#include <arrakis/arrow.h>

/* The format of a data type, "f" for float32. NULL: there is no such type. */
const char *ark_c_schema_format(arrakis_dtype dtype);
/* The other way; ARRAKIS_DTYPE_NONE: none that a channel can have. */
arrakis_dtype ark_c_schema_dtype(const char *format);

/* The value of a key in a field's metadata: as its own bytes, which are not terminated. NULL: there is
 * none. */
const char *ark_c_schema_metadata(const char *metadata, const char *key, int32_t *size);

#endif
