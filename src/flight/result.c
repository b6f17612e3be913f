/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/result.h"

#include "base/error.h"
#include "base/json_load.h"
#include "flight/budget.h"
#include "flight/message.h"

#include <string.h>

arrakis_status ark_result_json(char **out, const uint8_t *message, size_t message_size,
                               arrakis_error *err)
{
    const uint8_t *body;
    size_t size;
    *out = NULL;
    ARK_TRY(ark_flight_message_read_result(&body, &size, message, message_size, err));
    json_t *value =
        ark_json_load(body, size, ARK_JSON_ANSWER_MAX, JSON_DECODE_ANY, "an answer", err);
    bool object = json_is_object(value);
    if (!value)
        return ARRAKIS_EFORMAT;
    json_decref(value);
    if (!object)
        return ark_fail(err, ARRAKIS_EFORMAT, "an answer that is not a JSON object");
    *out = strndup((const char *)body, size);
    return *out ? ARRAKIS_OK : ark_no_memory(err, "an answer");
}
