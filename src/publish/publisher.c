/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/write.h"
#include "base/buffer.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/sized_struct.h"
#include "block/block.h"
#include "channel/channel.h"
#include "client/connection.h"
#include "kafka/producer.h"
#include "publish/deliveries.h"
#include "publish/partitions.h"
#include "publish/registration.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One message of a block: `count` rows, from `first` on in the arrays of the encode_order. */
typedef struct batch {
    uint32_t partition;
    size_t first, count;
} batch;

/* Which channels of a block go into which message, in which order. Made once per list of channels,
 * as lists do not change. */
typedef struct encode_order {
    arrakis_channels *channels;
    size_t batch_count;
    batch *batches;      /* in the order of their first channels in the block */
    uint32_t *series_of; /* by row: the number of its series in the block */
    uint32_t *ids;       /* by row: its partition index */
    arrakis_series *series;
} encode_order;

struct arrakis_publisher {
    ark_publish_partitions partitions; /* partition i is topic i of the producer */
    int64_t published_ns; /* begin of the last block that was confirmed; ARRAKIS_UNSET: none */
    ark_producer *producer;
    ark_deliveries deliveries;
    arrakis_cancel *cancel; /* NULL: none */
    encode_order encode_order;
};

/* ---- open */

static arrakis_status check_options(arrakis_publisher_options *out, bool with_server,
                                    arrakis_error *err)
{
    if (!out->publisher_id || !*out->publisher_id)
        return ark_fail(err, ARRAKIS_EINVAL, "no publisher_id given");
    if (out->replay_id && !*out->replay_id)
        out->replay_id = NULL;
    if (out->channels ? !arrakis_channels_count(out->channels) : !with_server)
        return ark_fail(err, ARRAKIS_EINVAL, "publisher %s has no channels", out->publisher_id);
    if (out->channels && arrakis_channels_count(out->channels) > UINT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "publisher %s has over 4294967295 channels",
                        out->publisher_id);
    if (out->close_timeout_ns != ARRAKIS_UNSET && out->close_timeout_ns < 0)
        return ark_fail(err, ARRAKIS_EINVAL, "close_timeout_ns is %" PRId64 ", expected 0 or more",
                        out->close_timeout_ns);
    if (out->max_failures != ARRAKIS_UNSET && out->max_failures < 1)
        return ark_fail(err, ARRAKIS_EINVAL, "max_failures is %" PRId64 ", expected 1 or more",
                        out->max_failures);
    return ARRAKIS_OK;
}

static arrakis_channel_info info_of(const arrakis_publisher *publisher, size_t i)
{
    return ark_info(arrakis_channels_get(publisher->partitions.channels, i));
}

/* Add the topic of a partition, which has this channel. */
static arrakis_status add_topic(arrakis_publisher *publisher, const arrakis_channel_info *info,
                                const char *replay_id, arrakis_error *err)
{
    char *name;
    arrakis_status rc = ark_channel_topic(&name, info, replay_id, err);
    if (rc == ARRAKIS_OK)
        rc = ark_producer_add_topic(publisher->producer, name, err);
    free(name);
    return rc;
}

static int close_ms(const arrakis_publisher_options *options)
{
    int64_t ms = options->close_timeout_ns / 1000000;
    return options->close_timeout_ns == ARRAKIS_UNSET ? 10000
           : ms < INT32_MAX                           ? (int)ms
                                                      : INT32_MAX;
}

static arrakis_status open_producer(arrakis_publisher *publisher, const arrakis_connection *to,
                                    const arrakis_publisher_options *options, arrakis_error *err)
{
    const ark_producer_options how = {
        .url = to->kafka_url,
        .properties = to->properties,
        .property_count = to->property_count,
        .tokens = {to->kafka_token_fn, to->kafka_token_opaque},
        .cancel_fd = arrakis_cancel_fd(publisher->cancel),
        .close_ms = close_ms(options),
    };
    arrakis_status rc = ark_producer_open(&publisher->producer, &how, err);
    if (rc == ARRAKIS_OK)
        rc = ark_publish_partitions_init(&publisher->partitions, options, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < publisher->partitions.partition_count; i++) {
        arrakis_channel_info first = info_of(publisher, publisher->partitions.first_of[i]);
        rc = add_topic(publisher, &first, options->replay_id, err);
    }
    return rc;
}

static arrakis_status check_given(const arrakis_publisher *publisher,
                                  const arrakis_channels *given, arrakis_error *err)
{
    size_t at;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(given); i++)
        rc = ark_publish_partitions_find(&publisher->partitions, &at,
                                         arrakis_channels_get(given, i), err);
    return rc;
}

/* Open with the answers of the server in place of what the caller has not given. */
static arrakis_status open_by_server(arrakis_publisher *publisher,
                                     const arrakis_connection *connection,
                                     const arrakis_publisher_options *given, arrakis_error *err)
{
    arrakis_connection to = *connection;
    arrakis_publisher_options options = *given;
    ark_registration server;
    ARK_TRY(ark_registration_init(&server, connection, given, err));
    options.channels = server.channels;
    if (!to.kafka_url)
        to.kafka_url = server.broker;
    to.properties = server.properties.list;
    to.property_count = server.properties.count;
    arrakis_status rc = open_producer(publisher, &to, &options, err);
    if (rc == ARRAKIS_OK && given->channels)
        rc = check_given(publisher, given->channels, err);
    ark_registration_clear(&server);
    return rc;
}

arrakis_status arrakis_publisher_open(arrakis_publisher **out,
                                      const arrakis_connection *connection,
                                      const arrakis_publisher_options *options, arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!out || !connection || !options)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_publisher_open: %s is NULL",
                        !out          ? "out"
                        : !connection ? "connection"
                                      : "options");
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options checked = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    arrakis_status rc = ark_sized_struct_take(&to, sizeof to, connection, "connection", err);
    if (rc == ARRAKIS_OK)
        rc = ark_sized_struct_take(&checked, sizeof checked, options, "publisher_options", err);
    if (rc == ARRAKIS_OK)
        rc = check_options(&checked, to.url, err);
    if (rc == ARRAKIS_OK)
        rc = ark_connection_check(&to, err);
    if (rc == ARRAKIS_OK && !to.url && !to.kafka_url)
        rc = ark_fail(err, ARRAKIS_EINVAL, "no broker given: expected kafka_url or url");
    if (rc == ARRAKIS_OK)
        rc = ark_cancel_check(to.cancel, "opening a publisher", err);
    if (rc < 0)
        return rc;
    arrakis_publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        return ark_no_memory(err, "opening publisher %s", checked.publisher_id);
    publisher->published_ns = ARRAKIS_UNSET;
    publisher->cancel = arrakis_cancel_ref(to.cancel);
    rc = ark_deliveries_init(&publisher->deliveries, &checked, err);
    if (rc == ARRAKIS_OK)
        rc = to.url ? open_by_server(publisher, &to, &checked, err)
                    : open_producer(publisher, &to, &checked, err);
    if (rc < 0) {
        arrakis_publisher_close(publisher);
        return rc;
    }
    *out = publisher;
    return ARRAKIS_OK;
}

/* ---- plans */

static void clear_order(encode_order *p)
{
    arrakis_channels_unref(p->channels);
    free(p->batches);
    free(p->series_of);
    free(p->ids);
    free(p->series);
    memset(p, 0, sizeof *p);
}

static arrakis_status fill_order(encode_order *p, const arrakis_publisher *publisher,
                                 const arrakis_channels *channels, uint32_t *batch_of,
                                 size_t *registered, arrakis_error *err)
{
    size_t count = arrakis_channels_count(channels);
    for (size_t i = 0; i < count; i++) {
        ARK_TRY(ark_publish_partitions_find(&publisher->partitions, &registered[i],
                                            arrakis_channels_get(channels, i), err));
        uint32_t partition = publisher->partitions.partition_of[registered[i]];
        if (!batch_of[partition]) { /* batches are numbered from 1 here; 0: none yet */
            p->batches[p->batch_count++].partition = partition;
            batch_of[partition] = (uint32_t)p->batch_count;
        }
        p->batches[batch_of[partition] - 1].count++;
    }
    for (size_t b = 1; b < p->batch_count; b++)
        p->batches[b].first = p->batches[b - 1].first + p->batches[b - 1].count;
    for (size_t b = 0; b < p->batch_count; b++)
        p->batches[b].count = 0;
    for (size_t i = 0; i < count; i++) {
        batch *own = &p->batches[batch_of[publisher->partitions.partition_of[registered[i]]] - 1];
        size_t row = own->first + own->count++;
        p->series_of[row] = (uint32_t)i;
        p->ids[row] = (uint32_t)info_of(publisher, registered[i]).partition_index;
    }
    return ARRAKIS_OK;
}

/* Whether the order is that of these channels. Blocks may have lists of their own with the same
 * channels. The order has a reference to its channels, so no other channel can have their
 * addresses. */
static bool order_fits(const encode_order *p, const arrakis_channels *channels)
{
    if (!p->channels || p->channels == channels)
        return p->channels != NULL;
    size_t count = arrakis_channels_count(channels), i = 0;
    if (count != arrakis_channels_count(p->channels))
        return false;
    while (i < count && arrakis_channels_get(channels, i) == arrakis_channels_get(p->channels, i))
        i++;
    return i == count;
}

static arrakis_status make_order(arrakis_publisher *publisher, const arrakis_channels *channels,
                                 arrakis_error *err)
{
    encode_order *p = &publisher->encode_order;
    if (order_fits(p, channels))
        return ARRAKIS_OK;
    clear_order(p);
    size_t count = arrakis_channels_count(channels), room = count ? count : 1;
    p->batches = calloc(room, sizeof *p->batches);
    p->series_of = calloc(room, sizeof *p->series_of);
    p->ids = calloc(room, sizeof *p->ids);
    p->series = calloc(room, sizeof *p->series);
    uint32_t *batch_of = calloc(publisher->partitions.partition_count, sizeof *batch_of);
    size_t *registered = calloc(room, sizeof *registered);
    arrakis_status rc;
    if (p->batches && p->series_of && p->ids && p->series && batch_of && registered)
        rc = fill_order(p, publisher, channels, batch_of, registered, err);
    else
        rc = ark_no_memory(err, "publishing %zu channels", count);
    free(batch_of);
    free(registered);
    if (rc == ARRAKIS_OK)
        p->channels = arrakis_channels_ref(channels);
    else
        clear_order(p);
    return rc;
}

const arrakis_channels *arrakis_publisher_channels(const arrakis_publisher *publisher)
{
    return publisher ? publisher->partitions.channels : NULL;
}

/* ---- publish */

static arrakis_status check_block(const arrakis_publisher *publisher, const arrakis_block *block,
                                  arrakis_error *err)
{
    int64_t duration_ns = arrakis_block_duration_ns(block);
    if (duration_ns != publisher->partitions.stride_ns)
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "the block's duration is %" PRId64 " ns, the publisher's stride %" PRId64,
                        duration_ns, publisher->partitions.stride_ns);
    int64_t start_ns = arrakis_block_start_ns(block);
    if (start_ns < 0 || start_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the block starts at %" PRId64 " ns, expected 0 to %" PRId64
                        ": no reader takes another",
                        start_ns, ARRAKIS_TIME_MAX_NS);
    if (start_ns % publisher->partitions.stride_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the block starts at %" PRId64 " ns, expected a multiple of the stride, "
                        "%" PRId64 " ns: readers drop what is in between",
                        start_ns, publisher->partitions.stride_ns);
    if (publisher->published_ns != ARRAKIS_UNSET && start_ns <= publisher->published_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the block starts at %" PRId64 " ns, the last one published at %" PRId64
                        "; expected a later one",
                        start_ns, publisher->published_ns);
    return ARRAKIS_OK;
}

static arrakis_status encode_block(arrakis_publisher *publisher, const arrakis_block *block,
                                   const batch *b, arrakis_error *err)
{
    encode_order *p = &publisher->encode_order;
    for (size_t i = b->first; i < b->first + b->count; i++)
        ark_block_series(&p->series[i], block, p->series_of[i]);
    ark_buffer *buffer;
    arrakis_status rc = ark_producer_buffer(publisher->producer, b->partition, &buffer, err);
    if (rc == ARRAKIS_OK)
        rc = ark_write_rows(buffer, p->series[b->first].dtype, arrakis_block_start_ns(block),
                            b->count, &p->ids[b->first], &p->series[b->first], err);
    if (rc == ARRAKIS_OK && buffer->size > ark_producer_limit(publisher->producer))
        rc = ark_fail(err, ARRAKIS_EINVAL,
                      "message to %s would have %zu bytes, over the limit of %zu "
                      "(message.max.bytes)",
                      ark_producer_topic(publisher->producer, b->partition), buffer->size,
                      ark_producer_limit(publisher->producer));
    return rc;
}

static arrakis_status send_block(arrakis_publisher *publisher, const arrakis_block *block,
                                 int timeout_ms, arrakis_error *err)
{
    const encode_order *p = &publisher->encode_order;
    arrakis_status rc = ark_producer_begin(publisher->producer, timeout_ms, err);
    /* All messages are encoded before the first one is sent, so that a block is not published in
     * part when that fails. */
    for (size_t i = 0; rc == ARRAKIS_OK && i < p->batch_count; i++)
        rc = encode_block(publisher, block, &p->batches[i], err);
    if (rc < 0)
        return rc;
    ark_log_trace(ARK_LOG_PUBLISH, "block at %" PRId64 " ns: %zu messages are sent",
                  arrakis_block_start_ns(block), p->batch_count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < p->batch_count; i++)
        rc = ark_producer_send(publisher->producer, p->batches[i].partition, err);
    if (rc == ARRAKIS_OK)
        rc = ark_producer_wait(publisher->producer, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "block at %" PRId64 " ns", arrakis_block_start_ns(block));
    ark_log_trace(ARK_LOG_PUBLISH, "block at %" PRId64 " ns: all have been delivered",
                  arrakis_block_start_ns(block));
    return ARRAKIS_OK;
}

arrakis_status arrakis_publisher_publish(arrakis_publisher *publisher, const arrakis_block *block,
                                         int timeout_ms, arrakis_error *err)
{
    if (!publisher || !block)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_publisher_publish: %s is NULL",
                        publisher ? "block" : "publisher");
    ARK_TRY(ark_deliveries_check(&publisher->deliveries, err));
    ARK_TRY(make_order(publisher, arrakis_block_channels(block), err));
    ARK_TRY(check_block(publisher, block, err));
    const int64_t start_ns = arrakis_block_start_ns(block);
    ark_deliveries_begin(&publisher->deliveries, start_ns + arrakis_block_duration_ns(block),
                         arrakis_gps_now_ns(), ark_clock_steady_ns());
    arrakis_error why;
    arrakis_status rc = send_block(publisher, block, timeout_ms, &why);
    if (rc == ARRAKIS_OK)
        publisher->published_ns = start_ns;
    return ark_deliveries_end(&publisher->deliveries, start_ns, rc, &why, err);
}

void arrakis_publisher_get_stats(arrakis_publisher *publisher, arrakis_publisher_stats *stats)
{
    if (!publisher || !stats)
        return;
    arrakis_publisher_stats now = ark_deliveries_stats(&publisher->deliveries);
    ark_sized_struct_give(stats, &now, sizeof now);
}

void arrakis_publisher_close(arrakis_publisher *publisher)
{
    if (!publisher)
        return;
    ark_producer_close(publisher->producer);
    ark_deliveries_clear(&publisher->deliveries);
    clear_order(&publisher->encode_order);
    ark_publish_partitions_clear(&publisher->partitions);
    arrakis_cancel_unref(publisher->cancel);
    free(publisher);
}
