/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/metadata.h"

#include "base/error.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/json.h"
#include "channel/shared.h"
#include "channel/store.h"
#include "kafka/metadata_digest.h"

#include <stdlib.h>
#include <string.h>

#define INFO_KEY "__publisher_info__"
#define DIGEST_KEY "__digest__"
#define DIGEST_VERSION 1
#define RECORD_SIZE_MAX ((size_t)1 << 20)
/* How far the clock of a publisher may be ahead of this machine. */
#define AHEAD_MAX_NS (60 * ARRAKIS_SECOND_NS)
/* How many skipped records of a topic are logged one by one. */
#define SKIPS_LOGGED 10

struct ark_metadata {
    ark_channel_store store;
    size_t bytes; /* of memory that the channels take */
    int64_t now_ns;
    size_t unreadable;
    bool has_digest; /* the last record was a digest: any change of a channel clears this */
    char digest[65];
    int64_t digest_count;
    const char *publisher; /* in `topic` */
    char topic[];
};

arrakis_status ark_metadata_new(ark_metadata **out, const char *topic, int64_t now_ns,
                                arrakis_error *err)
{
    size_t size = strlen(topic) + 1;
    *out = calloc(1, sizeof **out + size);
    if (!*out)
        return ark_no_memory(err, "metadata topic %s", topic);
    memcpy((*out)->topic, topic, size);
    (*out)->publisher = (*out)->topic + strlen(ARK_METADATA_PREFIX);
    (*out)->now_ns = now_ns;
    return ARRAKIS_OK;
}

/* Skip a record that cannot be used: the digest shows whether it is missing. */
static arrakis_status skip_record(ark_metadata *metadata, int64_t offset, const char *why)
{
    if (metadata->unreadable++ < SKIPS_LOGGED)
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
        rc = skip_record(metadata, offset, where.text);
    } else if (!json_is_integer(version) || json_integer_value(version) != DIGEST_VERSION) {
        ark_log(ARRAKIS_LOG_DEBUG, "%s offset %lld: a digest of another version than %d",
                metadata->topic, (long long)offset, DIGEST_VERSION);
    } else if (!digest || strlen(digest) != sizeof metadata->digest - 1) {
        rc = skip_record(metadata, offset, "its digest is not a SHA-256 in hexadecimal");
    } else {
        memcpy(metadata->digest, digest, sizeof metadata->digest);
        metadata->digest_count = json_integer_value(json_object_get(record, "count"));
        metadata->has_digest = true;
    }
    json_decref(record);
    return rc;
}

static size_t text_bytes(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* The memory of a channel that has nothing in common with others. */
static size_t channel_bytes(const arrakis_channel_info *info)
{
    return sizeof(ark_stored_channel) + 2 * sizeof(ark_store_slot) + sizeof(ark_channel_shared) +
           text_bytes(info->name) + text_bytes(info->publisher) + text_bytes(info->partition_id) +
           text_bytes(info->replay_id);
}

static size_t bytes_at(const ark_metadata *metadata, size_t index)
{
    const arrakis_channel_info info = ark_channel_store_info(&metadata->store, index);
    return channel_bytes(&info);
}

static void apply_tombstone(ark_metadata *metadata, const void *key, size_t key_size)
{
    size_t index = ark_channel_store_find(&metadata->store, key, key_size);
    if (index == ARK_NO_INDEX)
        return;
    metadata->bytes -= bytes_at(metadata, index);
    ark_channel_store_remove(&metadata->store, index);
}

/* Why a channel cannot be used; NULL: it can. Of two publishers with a channel of one name the
 * later time is preferred, so a record must name neither another publisher than its topic nor a
 * time in the future. */
static const char *fault_of(const ark_metadata *metadata, const arrakis_channel_info *info,
                            const void *key, size_t key_size)
{
    if (!key_is(key, key_size, info->name))
        return "its key is not the channel's name";
    if (info->publisher && strcmp(info->publisher, metadata->publisher) != 0)
        return "its publisher is not the one that the topic is named after";
    if (info->time_ns > metadata->now_ns + AHEAD_MAX_NS)
        return "its time is more than a minute in the future";
    return NULL;
}

/* Replace the channel of the same name, or add it. */
static arrakis_status put_channel(ark_metadata *metadata, const arrakis_channel_info *info,
                                  arrakis_error *err)
{
    size_t index = ark_channel_store_find(&metadata->store, info->name, strlen(info->name));
    size_t bytes = channel_bytes(info);
    size_t there = index != ARK_NO_INDEX ? bytes_at(metadata, index) : 0;
    if (metadata->bytes - there + bytes > ARK_METADATA_BYTES_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT, "%s: its channels take over %zu MiB",
                        metadata->topic, ARK_METADATA_BYTES_MAX >> 20);
    arrakis_status rc = ark_channel_store_put(&metadata->store, index, info, err);
    if (rc == ARRAKIS_OK)
        metadata->bytes += bytes - there;
    return rc;
}

static arrakis_status apply_channel(ark_metadata *metadata, const void *key, size_t key_size,
                                    const void *value, size_t value_size, int64_t offset,
                                    arrakis_error *err)
{
    arrakis_error fault = {0};
    ark_channel_json channel;
    arrakis_status rc = ark_channel_json_read(&channel, value, value_size, &fault);
    if (rc == ARRAKIS_ENOMEM)
        return ark_fail(err, rc, "%s: %s", metadata->topic, fault.message);
    if (rc < 0)
        return skip_record(metadata, offset, fault.message);
    const char *why = fault_of(metadata, &channel.info, key, key_size);
    rc = why ? skip_record(metadata, offset, why) : put_channel(metadata, &channel.info, err);
    ark_channel_json_clear(&channel);
    return rc;
}

arrakis_status ark_metadata_apply(ark_metadata *metadata, const void *key, size_t key_size,
                                  const void *value, size_t value_size, int64_t offset,
                                  arrakis_error *err)
{
    if (!key || !key_size)
        return skip_record(metadata, offset, "it has no key");
    if (key_size > RECORD_SIZE_MAX || value_size > RECORD_SIZE_MAX)
        return skip_record(metadata, offset, "it is larger than a MiB");
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

size_t ark_metadata_bytes(const ark_metadata *metadata)
{
    return metadata->bytes;
}

bool ark_metadata_check(ark_metadata *metadata)
{
    if (metadata->unreadable > SKIPS_LOGGED)
        ark_log(ARRAKIS_LOG_WARNING, "%s: %zu records were skipped", metadata->topic,
                metadata->unreadable);
    if (!metadata->has_digest)
        return true;
    char digest[65];
    arrakis_error err;
    if (ark_metadata_digest(digest, &metadata->store, &err) < 0) {
        ark_log(ARRAKIS_LOG_WARNING, "%s: its digest is not checked: %s", metadata->topic,
                err.message);
        return false;
    }
    if (strcmp(digest, metadata->digest) == 0)
        return true;
    ark_log(ARRAKIS_LOG_WARNING,
            "%s: its %zu channels (%zu records skipped) have digest %s, its publisher gives %lld "
            "channels and digest %s: some channels are missing or out of date",
            metadata->topic, metadata->store.count, metadata->unreadable, digest,
            (long long)metadata->digest_count, metadata->digest);
    return false;
}

static arrakis_status offer_channel(const ark_metadata *metadata, const ark_selection *selection,
                                    size_t index, arrakis_error *err)
{
    const arrakis_channel_info info = ark_channel_store_info(&metadata->store, index);
    ark_choice choice = selection->choose(&info, selection->opaque);
    if (choice != ARK_CHOICE_TAKE)
        return choice == ARK_CHOICE_SKIP ? ARRAKIS_OK : ARRAKIS_DONE;
    arrakis_channel *channel = ark_channel_store_make(&metadata->store, index);
    if (!channel)
        return ark_no_memory(err, "channel '%.200s'", info.name);
    bool more = selection->take(channel, selection->opaque);
    arrakis_channel_unref(channel);
    return more ? ARRAKIS_OK : ARRAKIS_DONE;
}

arrakis_status ark_metadata_each(ark_metadata *metadata, const ark_selection *selection,
                                 arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    size_t count = selection->name_count ? selection->name_count : metadata->store.count;
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        size_t index = i;
        if (selection->name_count)
            index = ark_channel_store_find(&metadata->store, selection->names[i],
                                           strlen(selection->names[i]));
        if (index != ARK_NO_INDEX)
            rc = offer_channel(metadata, selection, index, err);
    }
    return rc;
}

void ark_metadata_free(ark_metadata *metadata)
{
    if (!metadata)
        return;
    ark_channel_store_clear(&metadata->store);
    free(metadata);
}
