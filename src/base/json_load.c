/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_load.h"

#include "base/error.h"

/* Upper bounds of the number of values and keys, and of the levels, that a text has, JSON or
 * not. */
static void measure_text(const char *text, size_t size, size_t *values, size_t *depth)
{
    size_t open = 0;
    bool quoted = false;
    *values = 1;
    *depth = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        *values += c == ',' || c == ':' || c == '[' || c == '{';
        if (c == '[' || c == '{')
            *depth = ++open > *depth ? open : *depth;
        else if ((c == ']' || c == '}') && open)
            open--;
    }
}

json_t *ark_json_load(const void *text, size_t size, size_t size_max, size_t flags,
                      const char *what, arrakis_error *err)
{
    json_error_t where;
    size_t values, depth, most = ARK_JSON_VALUES_MIN + size / ARK_JSON_BYTES_PER_VALUE;
    if (size > size_max) {
        ark_fail(err, ARRAKIS_EFORMAT, "%s of %zu bytes, expected up to %zu", what, size,
                 size_max);
        return NULL;
    }
    measure_text(text, size, &values, &depth);
    if (depth > ARK_JSON_DEPTH_MAX || values > most) {
        ark_fail(err, ARRAKIS_EFORMAT, "%s with %zu %s, expected up to %zu", what,
                 depth > ARK_JSON_DEPTH_MAX ? depth : values,
                 depth > ARK_JSON_DEPTH_MAX ? "levels" : "values in it",
                 depth > ARK_JSON_DEPTH_MAX ? (size_t)ARK_JSON_DEPTH_MAX : most);
        return NULL;
    }
    json_t *value = json_loadb(text, size, flags, &where);
    if (!value)
        ark_fail(err, ARRAKIS_EFORMAT, "%s that is not JSON: %.160s (byte %d)", what, where.text,
                 where.position);
    return value;
}
