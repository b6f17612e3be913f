/* SPDX-License-Identifier: Apache-2.0 */
/* Channels as JSON. */
#ifndef ARK_CHANNEL_JSON_H
#define ARK_CHANNEL_JSON_H

#include "channel/json_fast.h"

#include <arrakis/arrakis.h>

#include <jansson.h>

/* What a channel's JSON says, checked. */
typedef struct ark_channel_json {
    arrakis_channel_info info; /* its texts are in one of these two */
    json_t *object;            /* NULL: the text has the plain shape */
    char plain[ARK_JSON_FAST_SIZE_MAX + 1];
} ark_channel_json;
/* As arrakis_channel_from_json(), and nothing is allocated for a text in plain shape. To be cleared
 * unless it fails. */
arrakis_status ark_channel_json_read(ark_channel_json *out, const char *text, size_t size,
                                     arrakis_error *err);
void ark_channel_json_clear(ark_channel_json *text);

/* From a JSON object that is parsed already; err names the field, found and wanted. */
arrakis_status ark_channel_json_object(arrakis_channel **out, const json_t *object,
                                       arrakis_error *err);

#endif
