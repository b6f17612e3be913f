/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a metadata topic, one after the other: size of the key, the key, two bytes size
 * of the value (65535: a tombstone), the value. */
#include "channel/selection.h"
#include "kafka/metadata.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next n bytes (fewer at the end) in memory of their own, so that the sanitizers see every
 * access outside. */
static void *cut(const uint8_t **data, size_t *size, size_t *n)
{
    if (*n > *size)
        *n = *size;
    void *copy = malloc(*n);
    if (*n && copy)
        memcpy(copy, *data, *n);
    *data += *n;
    *size -= *n;
    return copy;
}

static ark_choice take_all(const arrakis_channel_info *info, void *opaque)
{
    (void)info;
    (void)opaque;
    return ARK_CHOICE_TAKE;
}

static bool check_channel(arrakis_channel *channel, void *opaque)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    if (!strchr(info.name, ':') || !(info.sample_rate > 0))
        abort();
    ++*(size_t *)opaque;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ark_metadata *metadata;
    if (ark_metadata_new(&metadata, "arrakis-metadata-fuzz", 0, NULL) < 0)
        return 0;
    size_t records = 0, channels = 0;
    for (; size >= 3; records++) {
        size_t key_size = *data++;
        size--;
        void *key = cut(&data, &size, &key_size), *value = NULL;
        size_t value_size = size >= 2 ? (size_t)data[0] << 8 | data[1] : 65535;
        data += size >= 2 ? 2 : size;
        size -= size >= 2 ? 2 : size;
        bool tombstone = value_size == 65535;
        if (!tombstone)
            value = cut(&data, &size, &value_size);
        if (ark_metadata_apply(metadata, key, key_size, value, tombstone ? 0 : value_size,
                               (int64_t)records, NULL) != ARRAKIS_OK)
            abort();
        free(key);
        free(value);
    }
    ark_metadata_check(metadata);
    const ark_selection selection = {
        .choose = take_all, .take = check_channel, .opaque = &channels};
    if (ark_metadata_each(metadata, &selection, NULL) != ARRAKIS_OK)
        abort();
    if (channels > records)
        abort();
    ark_metadata_free(metadata);
    return 0;
}
