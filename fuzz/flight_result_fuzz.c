/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to an action: a Result, the JSON object in it, and the lists that are made from a
 * scope map. */
#include "client/client.h"
#include "client/scope_map.h"
#include "flight/result.h"
#include "flight/server.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An array of texts, in order, none twice. */
static void check_list(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);
    if (!json_is_array(list))
        abort();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (!item || (i && strcmp(json_string_value(json_array_get(list, i - 1)), item) >= 0))
            abort();
    }
    json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text, *list;
    arrakis_error err;
    if (ark_result_json(&text, data, size, &err) < 0) {
        if (text || err.status != ARRAKIS_EFORMAT || !err.message[0])
            abort();
        return 0;
    }
    for (int own = 0; own < 2; own++) {
        if (ark_scope_map_list(&list, text, own ? "grpc://own:1" : NULL, &err) == ARRAKIS_OK)
            check_list(list);
        else if (list || err.status != ARRAKIS_EFORMAT)
            abort();
        free(list);
    }
    free(text);
    return 0;
}
