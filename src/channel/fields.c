/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/fields.h"

#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(arrakis_channel_info, field)

const ark_channel_field ark_channel_fields[ARK_CHANNEL_FIELD_COUNT] = {
    {"name", ARK_CHANNEL_FIELD_TEXT, AT(name)},
    {"data_type", ARK_CHANNEL_FIELD_DTYPE, AT(dtype)},
    {"sample_rate", ARK_CHANNEL_FIELD_RATE, AT(sample_rate)},
    {"time", ARK_CHANNEL_FIELD_INTEGER, AT(time_ns)},
    {"publisher", ARK_CHANNEL_FIELD_TEXT, AT(publisher)},
    {"partition_id", ARK_CHANNEL_FIELD_TEXT, AT(partition_id)},
    {"partition_index", ARK_CHANNEL_FIELD_INTEGER, AT(partition_index)},
    {"stride", ARK_CHANNEL_FIELD_INTEGER, AT(stride_ns)},
    {"max_latency", ARK_CHANNEL_FIELD_INTEGER, AT(max_latency_ns)},
    {"replay_id", ARK_CHANNEL_FIELD_TEXT, AT(replay_id)},
};

const ark_channel_field *ark_channel_fields_find(const char *key)
{
    for (size_t i = 0; i < ARK_CHANNEL_FIELD_COUNT; i++)
        if (strcmp(key, ark_channel_fields[i].key) == 0)
            return &ark_channel_fields[i];
    return NULL;
}
