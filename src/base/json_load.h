/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that others wrote, within bounds: a parser's tree takes fifty times the space of a text of
 * nothing but brackets. */
#ifndef ARK_BASE_JSON_LOAD_H
#define ARK_BASE_JSON_LOAD_H

#include <arrakis/arrakis.h>

#include <jansson.h>

enum {
    ARK_JSON_DEPTH_MAX = 64,
    /* So many values, and one more for every eight bytes: a name, a number and their marks have as
     * many. */
    ARK_JSON_VALUES_MIN = 4096,
    ARK_JSON_BYTES_PER_VALUE = 8,
};

/* The value of a text, to be released; NULL with EFORMAT in err: no JSON, over size_max bytes, nested too
 * deeply, too many values. `what` names the text in the error ("a ticket"). `flags` are jansson's. */
json_t *ark_json_load(const void *text, size_t size, size_t size_max, size_t flags,
                      const char *what, arrakis_error *err);

#endif
