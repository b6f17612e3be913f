/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include "channel.h"
#include "channel_table.h"
#include "error.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

#define INFO_KEY "__publisher_info__"
#define DIGEST_KEY "__digest__"
#define DIGEST_VERSION 1
#define RECORD_SIZE_MAX ((size_t)1 << 20)

struct ark_metadata {
    ark_channel_table table;
    size_t unreadable;
    bool has_digest; /* of the channels as they are now: a change after it takes it away */
    char digest[65];
    int64_t digest_count;
    char topic[];
};

arrakis_status ark_metadata_new(ark_metadata **out, const char *topic, arrakis_error *err)
{
    size_t size = strlen(topic) + 1;
    *out = calloc(1, sizeof **out + size);
    if (!*out)
        return ark_fail(err, ARRAKIS_ENOMEM, "metadata topic %s: out of memory", topic);
    memcpy((*out)->topic, topic, size);
    return ARRAKIS_OK;
}

/* A record that says nothing is passed over: the digest tells whether it mattered. */
static arrakis_status skip(ark_metadata *metadata, int64_t offset, const char *why)
{
    metadata->unreadable++;
    ark_log(ARRAKIS_LOG_WARNING, "%s offset %lld: record skipped: %s", metadata->topic,
            (long long)offset, why);
    return ARRAKIS_OK;
}

static bool key_is(const void *key, size_t key_size, const char *wanted)
{
    return key_size == strlen(wanted) && memcmp(key, wanted, key_size) == 0;
}

static arrakis_status apply_digest(ark_metadata *metadata, const void *value, size_t value_size,
                                   int64_t offset)
{
    metadata->has_digest = false;
    json_error_t where;
    json_t *record = json_loadb(value, value_size, 0, &where);
    const json_t *version = json_object_get(record, "version");
    const char *digest = json_string_value(json_object_get(record, "digest"));
    arrakis_status rc = ARRAKIS_OK;
    if (!record) {
        rc = skip(metadata, offset, where.text);
    } else if (!json_is_integer(version) || json_integer_value(version) != DIGEST_VERSION) {
        ark_log(ARRAKIS_LOG_DEBUG, "%s offset %lld: a digest of another version than %d",
                metadata->topic, (long long)offset, DIGEST_VERSION);
    } else if (!digest || strlen(digest) != sizeof metadata->digest - 1) {
        rc = skip(metadata, offset, "its digest is no SHA-256 in hexadecimal");
    } else {
        memcpy(metadata->digest, digest, sizeof metadata->digest);
        metadata->digest_count = json_integer_value(json_object_get(record, "count"));
        metadata->has_digest = true;
    }
    json_decref(record);
    return rc;
}

static void apply_tombstone(ark_metadata *metadata, const void *key, size_t key_size)
{
    size_t place = ark_channel_table_find(&metadata->table, key, key_size);
    if (place != ARK_NOWHERE)
        ark_channel_table_remove(&metadata->table, place);
}

static arrakis_status apply_channel(ark_metadata *metadata, const void *key, size_t key_size,
                                    const void *value, size_t value_size, int64_t offset,
                                    arrakis_error *err)
{
    arrakis_error fault = {0};
    arrakis_channel *channel;
    arrakis_status rc = arrakis_channel_from_json(&channel, value, value_size, &fault);
    if (rc == ARRAKIS_ENOMEM)
        return ark_fail(err, rc, "%s: %s", metadata->topic, fault.message);
    if (rc < 0)
        return skip(metadata, offset, fault.message);
    if (!key_is(key, key_size, ark_info(channel).name)) {
        arrakis_channel_free(channel);
        return skip(metadata, offset, "its key is not the channel's name");
    }
    size_t place = ark_channel_table_find(&metadata->table, ark_info(channel).name, key_size);
    if (place != ARK_NOWHERE) {
        ark_channel_table_replace(&metadata->table, place, channel);
        return ARRAKIS_OK;
    }
    rc = ark_channel_table_add(&metadata->table, channel, err);
    arrakis_channel_free(channel);
    return rc;
}

arrakis_status ark_metadata_apply(ark_metadata *metadata, const void *key, size_t key_size,
                                  const void *value, size_t value_size, int64_t offset,
                                  arrakis_error *err)
{
    if (!key || !key_size)
        return skip(metadata, offset, "it has no key");
    if (key_size > RECORD_SIZE_MAX || value_size > RECORD_SIZE_MAX)
        return skip(metadata, offset, "it is larger than a MiB");
    if (key_is(key, key_size, INFO_KEY))
        return ARRAKIS_OK;
    if (key_is(key, key_size, DIGEST_KEY)) {
        if (value)
            return apply_digest(metadata, value, value_size, offset);
        metadata->has_digest = false;
        return ARRAKIS_OK;
    }
    metadata->has_digest = false;
    if (value)
        return apply_channel(metadata, key, key_size, value, value_size, offset, err);
    apply_tombstone(metadata, key, key_size);
    return ARRAKIS_OK;
}

bool ark_metadata_check(ark_metadata *metadata)
{
    if (!metadata->has_digest)
        return true;
    char digest[65];
    arrakis_error err;
    if (ark_metadata_digest(digest, metadata->table.items, metadata->table.count, &err) < 0) {
        ark_log(ARRAKIS_LOG_WARNING, "%s: its digest is not checked: %s", metadata->topic,
                err.message);
        return false;
    }
    if (strcmp(digest, metadata->digest) == 0)
        return true;
    ark_log(ARRAKIS_LOG_WARNING,
            "%s: its %zu channels (%zu records skipped) have digest %s, its publisher gives %lld "
            "channels and digest %s: some channels are missing or out of date",
            metadata->topic, metadata->table.count, metadata->unreadable, digest,
            (long long)metadata->digest_count, metadata->digest);
    return false;
}

void ark_metadata_each(ark_metadata *metadata, arrakis_channel_fn fn, void *opaque)
{
    for (size_t i = 0; i < metadata->table.count; i++)
        if (!fn(metadata->table.items[i], opaque))
            return;
}

void ark_metadata_free(ark_metadata *metadata)
{
    if (!metadata)
        return;
    ark_channel_table_clear(&metadata->table);
    free(metadata);
}
