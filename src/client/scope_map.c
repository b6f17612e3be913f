/* SPDX-License-Identifier: Apache-2.0 */
#include "client/scope_map.h"

#include "base/error.h"
#include "base/json_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object, sorted, as an array; NULL: out of memory, as in what follows. */
static json_t *sorted_keys(json_t *object)
{
    size_t count = json_object_size(object), n = 0;
    const char **keys = calloc(count + 1, sizeof *keys), *key;
    json_t *list = keys ? json_array() : NULL, *value;
    bool whole = list != NULL;
    if (list) {
        json_object_foreach(object, key, value) keys[n++] = key;
        qsort(keys, n, sizeof *keys, by_text);
        for (size_t i = 0; whole && i < n; i++)
            whole = json_array_append_new(list, json_string(keys[i])) == 0;
    }
    free(keys);
    if (whole)
        return list;
    json_decref(list);
    return NULL;
}

/* The domains of every endpoint, as the keys of an object. */
static json_t *domains_of(json_t *endpoints)
{
    json_t *all = json_object(), *endpoint;
    const char *url;
    json_object_foreach(endpoints, url, endpoint)
    {
        json_t *scopes = json_object_get(endpoint, "scopes");
        if (json_is_object(scopes) && json_object_update(all, scopes) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* The URLs of the endpoints; `own` replaces that of the server itself. */
static json_t *urls_of(json_t *endpoints, const char *own)
{
    json_t *all = json_object(), *endpoint;
    const char *url;
    json_object_foreach(endpoints, url, endpoint)
    {
        bool here = strncmp(url, "arrow-flight-reuse-connection:", 30) == 0;
        if (json_object_set_new(all, here ? own : url, json_null()) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

arrakis_status ark_scope_map_list(char **json, const char *text, const char *own,
                                  arrakis_error *err)
{
    json_t *map = json_loads(text, 0, NULL), *endpoints = json_object_get(map, "endpoints");
    *json = NULL;
    if (!json_is_object(endpoints)) {
        json_decref(map);
        return ark_fail(err, ARRAKIS_EFORMAT, "a scope map without an object \"endpoints\"");
    }
    json_t *set = own ? urls_of(endpoints, own) : domains_of(endpoints);
    json_t *list = set ? sorted_keys(set) : NULL;
    if (list)
        *json = ark_json_text(list, 0);
    json_decref(list);
    json_decref(set);
    json_decref(map);
    return *json ? ARRAKIS_OK : ark_no_memory(err, "a scope map");
}
