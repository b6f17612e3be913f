/* SPDX-License-Identifier: Apache-2.0 */
/* A channel as JSON: a channel that is read is written and read again, and must be the same;
 * json_fast and jansson must read the same channel. */
#include "channel/channel.h"
#include "channel/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same text by jansson alone must give the same channel, or fail as well. */
static void compare(arrakis_channel *channel, const uint8_t *data, size_t size)
{
    arrakis_channel *by_jansson = NULL;
    json_t *object = json_loadb((const char *)data, size, 0, NULL);
    if (size > 1 << 20 || !object || ark_channel_json_object(&by_jansson, object, NULL) < 0) {
        if (channel)
            abort();
    } else {
        char *a = channel ? arrakis_channel_to_json(channel) : NULL;
        char *b = arrakis_channel_to_json(by_jansson);
        if (!a || !b || strcmp(a, b) != 0)
            abort();
        free(a);
        free(b);
    }
    arrakis_channel_unref(by_jansson);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arrakis_channel *channel, *again;
    arrakis_error err;
    arrakis_status rc = arrakis_channel_from_json(&channel, (const char *)data, size, &err);
    compare(channel, data, size);
    if (rc < 0) {
        if (channel || rc != err.status || rc != ARRAKIS_EFORMAT || !err.message[0])
            abort();
        return 0;
    }
    arrakis_name_parts parts;
    if (arrakis_name_parse(&parts, arrakis_channel_name(channel), NULL) != ARRAKIS_OK)
        abort();
    ark_channel_samples(channel, 62500000);
    char *text = arrakis_channel_to_json(channel);
    if (!text || arrakis_channel_from_json(&again, text, strlen(text), &err) != ARRAKIS_OK)
        abort();
    char *text_again = arrakis_channel_to_json(again);
    if (!arrakis_channel_equal(channel, again) || !text_again || strcmp(text, text_again) != 0)
        abort();
    free(text);
    free(text_again);
    arrakis_channel_unref(channel);
    arrakis_channel_unref(again);
    return 0;
}
