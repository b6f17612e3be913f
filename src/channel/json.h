/* SPDX-License-Identifier: Apache-2.0 */
/* Channels as JSON. */
#ifndef ARK_CHANNEL_JSON_H
#define ARK_CHANNEL_JSON_H

#include "channel/json_fast.h"

#include <arrakis/arrakis.h>

#include <jansson.h>

/* A channel read from JSON, and checked. */
typedef struct ark_channel_json {
    arrakis_channel_info info; /* its texts are in `object` or in `scratch` */
    json_t *object;            /* NULL: the text was read by json_fast */
    char scratch[ARK_JSON_FAST_SIZE_MAX + 1];
} ark_channel_json;
/* As arrakis_channel_from_json(), but allocates nothing for the texts that json_fast reads. Clear
 * it, unless the call fails. */
arrakis_status ark_channel_json_read(ark_channel_json *out, const char *text, size_t size,
                                     arrakis_error *err);
void ark_channel_json_clear(ark_channel_json *text);

/* Make a channel from a JSON object. The error names the field, what was found and what was
 * expected. */
arrakis_status ark_channel_json_object(arrakis_channel **out, const json_t *object,
                                       arrakis_error *err);

#endif
