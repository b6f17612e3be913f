/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/registration.h"

#include "base/error.h"
#include "base/log.h"
#include "base/monotonic.h"
#include "channel/channel.h"
#include "flight/query.h"
#include "flight/register.h"
#include "flight/server.h"
#include "kafka/policy.h"

#include <stdlib.h>
#include <string.h>

/* The most properties that a server may set. */
enum { PROPERTIES_MAX = 64 };

/* Both names mean the list of brokers. */
static bool is_broker(const char *name)
{
    return strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0;
}

/* ------------------------------------------------------------------ channels */

/* The most that is kept of the answers of a server: no publisher has that many channels, and no
 * server takes that many times the time of a request. */
enum { CHANNELS_MAX = 500000, TEXT_MAX_MIB = 64, TIMEOUTS_MAX = 10 };

typedef struct collection {
    arrakis_channels *channels;
    size_t text_size;
    int64_t until_ns; /* CLOCK_MONOTONIC */
    arrakis_status status;
    arrakis_error *err;
} collection;

static size_t size_of(const char *text)
{
    return text ? strlen(text) : 0;
}

static bool collect_channel(arrakis_channel *channel, void *opaque)
{
    collection *c = opaque;
    const arrakis_channel_info info = ark_info(channel);
    c->text_size += size_of(info.name) + size_of(info.publisher) + size_of(info.partition_id) +
                    size_of(info.replay_id);
    if (arrakis_channels_count(c->channels) == CHANNELS_MAX)
        c->status =
            ark_fail(c->err, ARRAKIS_EFORMAT, "over %d channels of one publisher", CHANNELS_MAX);
    else if (c->text_size > (size_t)TEXT_MAX_MIB << 20)
        c->status = ark_fail(c->err, ARRAKIS_EFORMAT,
                             "channels of one publisher with over %d MiB of text", TEXT_MAX_MIB);
    else if (ark_monotonic_ns() > c->until_ns)
        c->status = ark_fail(c->err, ARRAKIS_EDEADLINE,
                             "a publisher's channels take over %d times as long as a request may",
                             TIMEOUTS_MAX);
    else
        c->status = arrakis_channels_add(c->channels, channel, c->err);
    return c->status == ARRAKIS_OK;
}

/* Until when the server may answer. */
static int64_t deadline_of(const ark_server *server)
{
    int64_t each_ns = ark_server_timeout_ns(server);
    return each_ns > ARRAKIS_TIME_MAX_NS / TIMEOUTS_MAX
               ? INT64_MAX
               : ark_monotonic_ns() + TIMEOUTS_MAX * each_ns;
}

/* Find the channels that the publisher has at the server. */
static arrakis_status find_registered(arrakis_channels **out, ark_server *server,
                                      const arrakis_publisher_options *o, arrakis_error *err)
{
    collection c = {.err = err, .until_ns = deadline_of(server)};
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.publishers = &o->publisher_id;
    query.publisher_count = 1;
    query.replay_id = o->replay_id;
    arrakis_status rc = arrakis_channels_new(&c.channels, err);
    if (rc == ARRAKIS_OK)
        rc = ark_query_find(server, &query, collect_channel, &c, err);
    if (rc == ARRAKIS_OK && c.status < 0)
        rc = ark_fail_within(err, c.status == ARRAKIS_EINVAL ? ARRAKIS_EFORMAT : c.status,
                             "%.100s", ark_server_url(server));
    if (rc < 0) {
        arrakis_channels_unref(c.channels);
        c.channels = NULL;
    }
    *out = c.channels;
    return rc;
}

static bool is_as_wanted(const arrakis_channels *known, const arrakis_channel *wanted)
{
    int64_t at = arrakis_channels_index(known, arrakis_channel_name(wanted));
    if (at < 0)
        return false;
    const arrakis_channel_info a = ark_info(arrakis_channels_get(known, (size_t)at));
    const arrakis_channel_info b = ark_info(wanted);
    return a.dtype == b.dtype && !(a.sample_rate < b.sample_rate) &&
           !(a.sample_rate > b.sample_rate);
}

/* The requested channels that must be registered. */
static arrakis_status list_new(arrakis_channel ***out, size_t *count,
                               const arrakis_channels *known, const arrakis_publisher_options *o,
                               arrakis_error *err)
{
    size_t wanted = arrakis_channels_count(o->channels);
    *count = 0;
    *out = calloc(wanted + 1, sizeof **out);
    if (!*out)
        return ark_no_memory(err, "registering publisher %s", o->publisher_id);
    for (size_t i = 0; i < wanted; i++) {
        arrakis_channel *channel = arrakis_channels_get(o->channels, i);
        if (!is_as_wanted(known, channel))
            (*out)[(*count)++] = channel;
    }
    return ARRAKIS_OK;
}

/* The requested channels, as the server has them. */
static arrakis_status take_wanted(ark_registration *out, const arrakis_channels *known,
                                  const ark_server *server, const arrakis_publisher_options *o,
                                  arrakis_error *err)
{
    arrakis_status rc = arrakis_channels_new(&out->channels, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(o->channels); i++) {
        const arrakis_channel *wanted = arrakis_channels_get(o->channels, i);
        const char *name = arrakis_channel_name(wanted);
        if (!is_as_wanted(known, wanted))
            return ark_fail(err, ARRAKIS_ESERVER,
                            "%.100s has not registered channel %s as it was asked to",
                            ark_server_url(server), name);
        rc = arrakis_channels_add(
            out->channels,
            arrakis_channels_get(known, (size_t)arrakis_channels_index(known, name)), err);
    }
    return rc;
}

/* Register new channels, and read what the server then has. */
static arrakis_status add_new(arrakis_channels **known, ark_server *server,
                              const arrakis_publisher_options *o, arrakis_error *err)
{
    arrakis_channel **list;
    size_t count;
    arrakis_status rc = list_new(&list, &count, *known, o, err);
    if (rc == ARRAKIS_OK && count) {
        rc = ark_register_channels(server, o->publisher_id, o->replay_id, list, count, err);
        if (rc < 0) {
            rc = ark_fail_within(err, rc, "registering channel %s%s",
                                 arrakis_channel_name(list[0]), count > 1 ? " and others" : "");
        } else {
            arrakis_channels_unref(*known);
            rc = find_registered(known, server, o, err);
        }
    }
    free(list);
    return rc;
}

static arrakis_status get_channels(ark_registration *out, ark_server *server,
                                   const arrakis_publisher_options *o, arrakis_error *err)
{
    arrakis_channels *known;
    ARK_TRY(find_registered(&known, server, o, err));
    arrakis_status rc = ARRAKIS_OK;
    if (o->channels) {
        if ((rc = add_new(&known, server, o, err)) == ARRAKIS_OK)
            rc = take_wanted(out, known, server, o, err);
    } else if (arrakis_channels_count(known)) {
        out->channels = arrakis_channels_ref(known);
    } else {
        rc = ark_fail(err, ARRAKIS_ENOTFOUND, "%.100s has no channels of publisher %s%s%s",
                      ark_server_url(server), o->publisher_id, o->replay_id ? " in replay " : "",
                      o->replay_id ? o->replay_id : "");
    }
    arrakis_channels_unref(known);
    return rc;
}

/* ------------------------------------------------------------------ properties */

typedef struct properties {
    ark_registration *out;
    ark_properties users;
    size_t told;
    arrakis_status status;
    arrakis_error *err;
} properties;

static arrakis_status keep_property(ark_registration *out, const char *name, const char *value,
                                    arrakis_error *err)
{
    if (!is_broker(name))
        return ark_kafka_properties_add(&out->properties, name, value, err);
    free(out->broker);
    out->broker = strdup(value);
    return out->broker ? ARRAKIS_OK : ark_no_memory(err, "property %s", name);
}

static bool add_property(const char *name, const char *value, void *opaque)
{
    properties *p = opaque;
    bool taken = false;
    if (++p->told > PROPERTIES_MAX)
        p->status =
            ark_fail(p->err, ARRAKIS_EFORMAT, "the server has over %d properties", PROPERTIES_MAX);
    else
        p->status = ark_kafka_policy_property(&taken, name, value, &p->users, p->err);
    if (p->status == ARRAKIS_OK && taken)
        p->status = keep_property(p->out, name, value, p->err);
    return p->status == ARRAKIS_OK;
}

/* Check all properties of the server together. */
static arrakis_status check_properties(const ark_registration *out, const ark_properties *users,
                                       const arrakis_connection *to, arrakis_error *err)
{
    const ark_properties servers = {out->properties.list, out->properties.count};
    const ark_allowed_brokers allowed = {to->allowed_brokers, to->allowed_broker_count};
    arrakis_status rc = ark_kafka_policy_login(&servers, users, err);
    if (rc < 0 || to->kafka_url)
        return rc;
    return out->broker ? ark_kafka_policy_brokers(out->broker, users, &allowed, err)
                       : ark_fail(err, ARRAKIS_EFORMAT, "names no broker (bootstrap.servers)");
}

static arrakis_status get_properties(ark_registration *out, ark_server *server,
                                     const arrakis_connection *to,
                                     const arrakis_publisher_options *o, arrakis_error *err)
{
    properties p = {.out = out, .users = {to->properties, to->property_count}, .err = err};
    ARK_TRY(ark_register_properties(server, o->publisher_id, o->replay_id, add_property, &p, err));
    arrakis_status rc = p.status < 0 ? p.status : check_properties(out, &p.users, to, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "%.100s", ark_server_url(server));
    return ark_kafka_properties_add_all(&out->properties, &p.users, err);
}

/* ------------------------------------------------------------------ both */

arrakis_status ark_registration_init(ark_registration *out, const arrakis_connection *connection,
                                     const arrakis_publisher_options *options, arrakis_error *err)
{
    const arrakis_client_options limits = ARRAKIS_CLIENT_OPTIONS_INIT;
    ark_server *server;
    *out = (ark_registration){0};
    arrakis_status rc = ark_server_open(&server, connection, &limits, options->publisher_id, err);
    if (rc == ARRAKIS_OK)
        rc = get_channels(out, server, options, err);
    if (rc == ARRAKIS_OK)
        rc = get_properties(out, server, connection, options, err);
    ark_server_close(server);
    if (rc == ARRAKIS_OK)
        ark_log_trace(
            ARK_LOG_PUBLISH, "%s: publisher %s is registered with %zu channels, brokers %s",
            connection->url, options->publisher_id, arrakis_channels_count(out->channels),
            out->broker ? out->broker : "as given");
    if (rc < 0)
        ark_registration_clear(out);
    return rc;
}

void ark_registration_clear(ark_registration *registration)
{
    ark_kafka_properties_clear(&registration->properties);
    free(registration->broker);
    arrakis_channels_unref(registration->channels);
    *registration = (ark_registration){0};
}
