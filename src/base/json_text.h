/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as text. jansson 2.14 goes on when it gets no memory for an object's key, and gives a text without
 * it: here a text is whole, or there is none. */
#ifndef ARK_BASE_JSON_TEXT_H
#define ARK_BASE_JSON_TEXT_H

#include <jansson.h>

/* The text, to be freed, or NULL: out of memory, or `value` is NULL. `flags` are jansson's. */
char *ark_json_text(const json_t *value, size_t flags);

#endif
