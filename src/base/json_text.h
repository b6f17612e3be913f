/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as text. When memory for the key of an object is missing, jansson 2.14 returns a text
 * without that key; this function returns the whole text or none. */
#ifndef ARK_BASE_JSON_TEXT_H
#define ARK_BASE_JSON_TEXT_H

#include <jansson.h>

/* The text; free() it. NULL: out of memory, or `value` is NULL. `flags` are those of jansson. */
char *ark_json_text(const json_t *value, size_t flags);

#endif
