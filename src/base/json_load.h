/* SPDX-License-Identifier: Apache-2.0 */
/* Parses JSON from outside within bounds: the tree of a text that has only brackets takes fifty
 * times the memory of the text. */
#ifndef ARK_BASE_JSON_LOAD_H
#define ARK_BASE_JSON_LOAD_H

#include <arrakis/arrakis.h>

#include <jansson.h>

enum {
    ARK_JSON_DEPTH_MAX = 64,
    /* At most this many values, and one more per eight bytes: a name, a number and their
     * punctuation have as many bytes. */
    ARK_JSON_VALUES_MIN = 4096,
    ARK_JSON_BYTES_PER_VALUE = 8,
};

/* Parse a text; json_decref() the result. NULL, with EFORMAT in err: the text is not JSON, is over
 * size_max bytes, is nested too deeply or has too many values. `what` names the text in the error,
 * such as "a ticket". `flags` are those of jansson. */
json_t *ark_json_load(const void *text, size_t size, size_t size_max, size_t flags,
                      const char *what, arrakis_error *err);

#endif
