/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas of the Arrow C data interface: arrakis/arrow.h. */
#ifndef ARK_ARROW_C_SCHEMA_H
#define ARK_ARROW_C_SCHEMA_H

#include <arrakis/arrow.h>

/* The format of a data type, "f" for float32. NULL: there is no such type. */
const char *ark_c_schema_format(arrakis_dtype dtype);
/* The data type of a format; ARRAKIS_DTYPE_NONE: channels cannot have it. */
arrakis_dtype ark_c_schema_dtype(const char *format);

/* The value of a key in the metadata of a field; it does not end with a zero byte. NULL: the key
 * is missing. */
const char *ark_c_schema_metadata(const char *metadata, const char *key, int32_t *size);

#endif
