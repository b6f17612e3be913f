/* SPDX-License-Identifier: Apache-2.0 */
/* A broker in this process: the mock cluster of librdkafka, with the metadata topics of an Arrakis
 * site. */
#include "base/error.h"
#include "base/json_text.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/store.h"
#include "kafka/handle.h"
#include "kafka/metadata_digest.h"
#include "kafka/status.h"

#include <arrakis/mock.h>

#include <jansson.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELIVERY_MS 10000
#define TOPIC_SIZE 512

struct arrakis_mock_broker {
    rd_kafka_t *rk; /* hosts the cluster and writes to it */
    rd_kafka_mock_cluster_t *cluster;
    arrakis_channels *announced;
    size_t failed; /* records not delivered */
};

/* ---- the cluster */

/* The mock cluster logs every client that connects and disconnects: drop these lines. */
static void take_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    ark_log(ARRAKIS_LOG_DEBUG, "mock broker: %s: %s", facility, text);
}

static void take_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    (void)rk;
    arrakis_mock_broker *broker = opaque;
    if (report->err)
        broker->failed++;
}

static arrakis_status start_broker(arrakis_mock_broker *broker, arrakis_error *err)
{
    char text[256] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0); /* also for its answers */
    rd_kafka_conf_set_log_cb(conf, take_log);
    rd_kafka_conf_set_dr_msg_cb(conf, take_report);
    rd_kafka_conf_set_opaque(conf, broker);
    if (rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", text, sizeof text) !=
        RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return ark_fail(err, ARRAKIS_EUNSUPPORTED, "mock broker: %s", text);
    }
    ARK_TRY(ark_kafka_handle_start(&broker->rk, RD_KAFKA_PRODUCER, conf, err));
    broker->cluster = rd_kafka_handle_mock_cluster(broker->rk);
    return broker->cluster ? ARRAKIS_OK
                           : ark_fail(err, ARRAKIS_EUNSUPPORTED,
                                      "librdkafka %s has no mock cluster", rd_kafka_version_str());
}

arrakis_status arrakis_mock_broker_open(arrakis_mock_broker **out, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_mock_broker_open: out is NULL");
    *out = NULL;
    arrakis_mock_broker *broker = calloc(1, sizeof *broker);
    if (!broker)
        return ark_no_memory(err, "mock broker");
    arrakis_status rc = arrakis_channels_new(&broker->announced, err);
    if (rc == ARRAKIS_OK)
        rc = start_broker(broker, err);
    if (rc < 0) {
        arrakis_mock_broker_close(broker);
        return rc;
    }
    *out = broker;
    return ARRAKIS_OK;
}

const char *arrakis_mock_broker_url(const arrakis_mock_broker *broker)
{
    return broker ? rd_kafka_mock_cluster_bootstraps(broker->cluster) : NULL;
}

void arrakis_mock_broker_close(arrakis_mock_broker *broker)
{
    if (!broker)
        return;
    if (broker->rk)
        rd_kafka_destroy(broker->rk);
    arrakis_channels_unref(broker->announced);
    free(broker);
}

/* ---- topics and records */

/* The mock thread of librdkafka serves a call, and only then clears its wake-up: the wake-up of a
 * call that follows at once is lost, and that call takes a second. An answer to a request shows
 * that the thread has cleared it. */
static void settle_broker(arrakis_mock_broker *broker)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(broker->rk, 0, NULL, &metadata, DELIVERY_MS) == 0)
        rd_kafka_metadata_destroy(metadata);
}

static arrakis_status create_topic(arrakis_mock_broker *broker, const char *topic,
                                   arrakis_error *err)
{
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(broker->cluster, topic, 1, 1);
    settle_broker(broker);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return ARRAKIS_OK;
    return ark_fail(err, ark_kafka_status(code), "mock broker: topic %s: %s", topic,
                    rd_kafka_err2str(code));
}

/* Write a record. Owns `value` (a string). */
static arrakis_status put_record(arrakis_mock_broker *broker, rd_kafka_topic_t *topic,
                                 const char *key, char *value, arrakis_error *err)
{
    if (!value)
        return ark_no_memory(err, "metadata of %s", key);
    while (rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_FREE, value, strlen(value), key, strlen(key),
                            NULL) != 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || !rd_kafka_poll(broker->rk, DELIVERY_MS)) {
            free(value); /* librdkafka takes it over on success only */
            return ark_fail(err, ark_kafka_status(code), "metadata of %s: %s", key,
                            rd_kafka_err2str(code));
        }
    }
    return ARRAKIS_OK;
}

static char *publisher_json(const char *publisher, arrakis_channel *const *channels, size_t count)
{
    arrakis_channel_info first = ark_info(channels[0]);
    int64_t max_latency_ns = ARRAKIS_UNSET;
    for (size_t i = 0; i < count; i++) {
        int64_t latency_ns = ark_info(channels[i]).max_latency_ns;
        if (latency_ns > max_latency_ns)
            max_latency_ns = latency_ns;
    }
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:b, s:s?}", "publisher_id", publisher, "stride",
                  first.stride_ns == ARRAKIS_UNSET ? json_null() : json_integer(first.stride_ns),
                  "max_latency",
                  max_latency_ns == ARRAKIS_UNSET ? json_null() : json_integer(max_latency_ns),
                  "dynamic", 0, "replay_id", first.replay_id);
    char *text = object ? ark_json_text(object, 0) : NULL;
    json_decref(object);
    return text;
}

static arrakis_status digest_of(char hex[65], arrakis_channel *const *channels, size_t count,
                                arrakis_error *err)
{
    ark_channel_store store = {0};
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++) {
        const arrakis_channel_info info = ark_info(channels[i]);
        rc = ark_channel_store_put(&store, ARK_NO_INDEX, &info, err);
    }
    if (rc == ARRAKIS_OK)
        rc = ark_metadata_digest(hex, &store, err);
    ark_channel_store_clear(&store);
    return rc;
}

static char *digest_json(arrakis_channel *const *channels, size_t count, arrakis_error *err)
{
    char hex[65], *text = NULL;
    if (digest_of(hex, channels, count, err) < 0)
        return NULL;
    json_t *object =
        json_pack("{s:i, s:s, s:I}", "version", 1, "digest", hex, "count", (json_int_t)count);
    if (object)
        text = ark_json_text(object, 0);
    json_decref(object);
    return text;
}

/* Write the records of the channels, then the digest of them. */
static arrakis_status write_records(arrakis_mock_broker *broker, rd_kafka_topic_t *topic,
                                    const char *publisher, arrakis_channel *const *channels,
                                    size_t count, arrakis_error *err)
{
    arrakis_status rc = put_record(broker, topic, "__publisher_info__",
                                   publisher_json(publisher, channels, count), err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = put_record(broker, topic, arrakis_channel_name(channels[i]),
                        arrakis_channel_to_json(channels[i]), err);
    if (rc == ARRAKIS_OK)
        rc = put_record(broker, topic, "__digest__", digest_json(channels, count, err), err);
    broker->failed = 0;
    rd_kafka_resp_err_t code = rd_kafka_flush(broker->rk, DELIVERY_MS);
    if (rc == ARRAKIS_OK && (code || broker->failed))
        rc = ark_fail(err, code ? ark_kafka_status(code) : ARRAKIS_EBROKER,
                      "metadata of publisher %s: %zu records failed, %d are not confirmed",
                      publisher, broker->failed, rd_kafka_outq_len(broker->rk));
    return rc;
}

static arrakis_status write_publisher(arrakis_mock_broker *broker, const char *publisher,
                                      arrakis_error *err)
{
    char name[TOPIC_SIZE];
    snprintf(name, sizeof name, "arrakis-metadata-%s", publisher);
    ARK_TRY(create_topic(broker, name, err));
    size_t all = arrakis_channels_count(broker->announced), count = 0;
    arrakis_channel **channels = calloc(all, sizeof(arrakis_channel *));
    rd_kafka_topic_t *topic = rd_kafka_topic_new(broker->rk, name, NULL);
    arrakis_status rc;
    if (channels && topic) {
        for (size_t i = 0; i < all; i++) {
            arrakis_channel *channel = arrakis_channels_get(broker->announced, i);
            if (strcmp(ark_info(channel).publisher, publisher) == 0)
                channels[count++] = channel;
        }
        rc = write_records(broker, topic, publisher, channels, count, err);
    } else {
        rc = ark_no_memory(err, "topic %s", name);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    free(channels);
    return rc;
}

/* ---- announcing */

static arrakis_status check_channel(const arrakis_mock_broker *broker,
                                    const arrakis_channel *channel, arrakis_error *err)
{
    arrakis_channel_info info = ark_info(channel);
    const char *missing = !info.publisher || !*info.publisher         ? "publisher"
                          : !info.partition_id || !*info.partition_id ? "partition_id"
                                                                      : NULL;
    if (missing)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no %s", info.name, missing);
    int64_t at = arrakis_channels_index(broker->announced, info.name);
    if (at >= 0 &&
        !arrakis_channel_equal(channel, arrakis_channels_get(broker->announced, (size_t)at)))
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s was announced before, and otherwise",
                        info.name);
    return ARRAKIS_OK;
}

static arrakis_status take_channel(arrakis_mock_broker *broker, arrakis_channel *channel,
                                   arrakis_error *err)
{
    arrakis_channel_info info = ark_info(channel);
    if (arrakis_channels_index(broker->announced, info.name) >= 0)
        return ARRAKIS_OK;
    char *topic;
    arrakis_status rc = ark_channel_topic(&topic, &info, info.replay_id, err);
    if (rc == ARRAKIS_OK)
        rc = create_topic(broker, topic, err);
    free(topic);
    return rc < 0 ? rc : arrakis_channels_add(broker->announced, channel, err);
}

/* Whether channel i is the first one of its publisher. */
static bool first_of_publisher(const arrakis_channels *channels, size_t i)
{
    const char *publisher = ark_info(arrakis_channels_get(channels, i)).publisher;
    for (size_t j = 0; j < i; j++)
        if (strcmp(ark_info(arrakis_channels_get(channels, j)).publisher, publisher) == 0)
            return false;
    return true;
}

arrakis_status arrakis_mock_broker_announce(arrakis_mock_broker *broker,
                                            const arrakis_channels *channels, arrakis_error *err)
{
    if (!broker || !channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_mock_broker_announce: %s is NULL",
                        broker ? "channels" : "broker");
    size_t count = arrakis_channels_count(channels);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = check_channel(broker, arrakis_channels_get(channels, i), err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = take_channel(broker, arrakis_channels_get(channels, i), err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        if (first_of_publisher(channels, i))
            rc = write_publisher(broker, ark_info(arrakis_channels_get(channels, i)).publisher,
                                 err);
    return rc;
}
