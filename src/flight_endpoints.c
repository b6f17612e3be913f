/* SPDX-License-Identifier: Apache-2.0 */
/* The readers of what a server names for a stream: its own kind together, and one a broker. */
#include "channel.h"
#include "error.h"
#include "flight_reader.h"

#include <stdlib.h>
#include <string.h>

/* A hundred years. */
static const int64_t for_ever_ns = INT64_C(36525) * 86400 * ARRAKIS_SECOND_NS;

/* Channels that are read from one broker. */
typedef struct broker {
    char *url; /* as the reader wants it: host:port,host:port */
    arrakis_channels *channels;
} broker;

typedef struct endpoints {
    ark_server *server;
    arrakis_channels *channels; /* all that were asked for */
    ark_flight_info info;
    broker *brokers;
    size_t broker_count;
    ark_endpoint *relays; /* taken out of the info */
    size_t relay_count;
    arrakis_channels *relayed; /* what they carry */
    arrakis_reader **readers;
    size_t reader_count;
} endpoints;

static arrakis_status no_memory(arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ENOMEM, "a server's endpoints: out of memory");
}

/* An endpoint's brokers as one list, to be freed. */
static char *broker_list(const ark_endpoint *endpoint)
{
    size_t size = 1, used = 0;
    for (size_t i = 0; i < endpoint->uri_count; i++)
        size += strlen(endpoint->uris[i]) + 1;
    char *list = calloc(1, size);
    for (size_t i = 0; list && i < endpoint->uri_count; i++) {
        size_t length;
        const char *at = ark_location_broker(endpoint->uris[i], &length);
        if (!at)
            continue;
        if (used)
            list[used++] = ',';
        memcpy(list + used, at, length);
        used += length;
    }
    return list;
}

static broker *find_broker(endpoints *all, char *url, arrakis_error *err)
{
    for (size_t i = 0; i < all->broker_count; i++)
        if (strcmp(all->brokers[i].url, url) == 0) {
            free(url);
            return &all->brokers[i];
        }
    broker *more = reallocarray(all->brokers, all->broker_count + 1, sizeof *more);
    if (more)
        all->brokers = more;
    broker *added = more ? &more[all->broker_count] : NULL;
    if (!added || arrakis_channels_new(&added->channels, err) < 0) {
        free(url);
        no_memory(err);
        return NULL;
    }
    added->url = url;
    all->broker_count++;
    return added;
}

/* Add a ticket's channels to a list, once each. */
static arrakis_status add_named(arrakis_channels *list, const endpoints *all,
                                const ark_endpoint *endpoint, arrakis_error *err)
{
    ark_ticket ticket;
    arrakis_status rc = ark_ticket_read(&ticket, endpoint->ticket, endpoint->ticket_size, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < ticket.name_count; i++) {
        int64_t at = arrakis_channels_index(all->channels, ticket.names[i]);
        if (at >= 0 && arrakis_channels_index(list, ticket.names[i]) < 0)
            rc = arrakis_channels_add(list, arrakis_channels_get(all->channels, (size_t)at), err);
    }
    ark_ticket_clear(&ticket);
    return rc;
}

/* Brokers here, servers there. */
static arrakis_status sort_out(endpoints *all, arrakis_error *err)
{
    all->relays = calloc(all->info.count + 1, sizeof *all->relays);
    if (!all->relays || arrakis_channels_new(&all->relayed, err) < 0)
        return no_memory(err);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < all->info.count; i++) {
        ark_endpoint *endpoint = &all->info.endpoints[i];
        if (ark_location_of(endpoint->uris[0]) != ARK_LOCATION_KAFKA) {
            rc = add_named(all->relayed, all, endpoint, err);
            all->relays[all->relay_count++] = *endpoint;
            *endpoint = (ark_endpoint){0};
            continue;
        }
        char *url = broker_list(endpoint);
        broker *b = url ? find_broker(all, url, err) : NULL;
        rc = b ? add_named(b->channels, all, endpoint, err) : no_memory(err);
    }
    return rc;
}

/* A channel may have one source of each kind of time, but not two kinds of source. */
static arrakis_status check_once(const endpoints *all, arrakis_error *err)
{
    for (size_t i = 0; i < arrakis_channels_count(all->channels); i++) {
        const char *name = arrakis_channel_name(arrakis_channels_get(all->channels, i));
        size_t found = arrakis_channels_index(all->relayed, name) >= 0;
        for (size_t k = 0; k < all->broker_count; k++)
            found += arrakis_channels_index(all->brokers[k].channels, name) >= 0;
        if (!found)
            return ark_fail(err, ARRAKIS_ENOTFOUND,
                            "%.100s names no place to read channel '%.200s'",
                            all->server->session->url, name);
        if (found > 1)
            return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                            "channel '%.200s' is to be read from a server and from a broker one "
                            "after the other, or from two brokers: ask for either span alone",
                            name);
    }
    return ARRAKIS_OK;
}

static arrakis_status make_readers(endpoints *all, const arrakis_kafka_options *kafka,
                                   arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    all->readers = calloc(all->broker_count + 1, sizeof *all->readers);
    if (!all->readers)
        return no_memory(err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < all->broker_count; i++) {
        rc = arrakis_kafka_reader_new(&all->readers[all->reader_count], all->brokers[i].url,
                                      all->brokers[i].channels, kafka, err);
        all->reader_count += rc == ARRAKIS_OK;
    }
    if (rc < 0 || !arrakis_channels_count(all->relayed))
        return rc;
    const ark_flight_options options = {
        .here = all->server->session,
        .dial = all->server->dial,
        .timeout_ns = all->server->timeout_ns,
        .stall_ns = all->server->stall_ns,
    };
    rc = ark_flight_reader_new(&all->readers[all->reader_count], all->relays, all->relay_count,
                               all->relayed, &options, err);
    all->reader_count += rc == ARRAKIS_OK;
    return rc;
}

/* One reader of all of them; they are handed over. */
static arrakis_status join(endpoints *all, arrakis_reader **out, arrakis_error *err)
{
    size_t count = all->reader_count;
    all->reader_count = 0;
    if (count == 1) {
        *out = all->readers[0];
        return ARRAKIS_OK;
    }
    return arrakis_multi_reader_new(out, all->readers, count, err);
}

static void clear(endpoints *all)
{
    for (size_t i = 0; i < all->reader_count; i++)
        arrakis_reader_close(all->readers[i]);
    free(all->readers);
    for (size_t i = 0; i < all->broker_count; i++) {
        free(all->brokers[i].url);
        arrakis_channels_free(all->brokers[i].channels);
    }
    free(all->brokers);
    arrakis_channels_free(all->relayed);
    ark_flight_info relays = {all->relays, all->relay_count};
    ark_flight_info_clear(&relays);
    ark_flight_info_clear(&all->info);
}

static arrakis_status ask(ark_server *server, ark_flight_info *info,
                          const ark_stream_request *request, arrakis_error *err)
{
    char *text;
    arrakis_status rc = ark_request_stream(&text, request, err);
    return rc < 0 ? rc : ark_server_ask(server, info, text, err);
}

/* Whether one of the endpoints goes on up to that time. */
static bool reaches(const ark_flight_info *info, int64_t end_ns)
{
    bool found = false;
    for (size_t i = 0; i < info->count && !found; i++) {
        ark_ticket ticket;
        if (ark_ticket_read(&ticket, info->endpoints[i].ticket, info->endpoints[i].ticket_size,
                            NULL) < 0)
            continue;
        found = ticket.end_ns == end_ns;
        ark_ticket_clear(&ticket);
    }
    return found;
}

/* Servers share a span out among them only when it has an end, and refuse one without where nobody
 * has all of it. From the past on without an end: then up to a time that nobody will live to see. */
static arrakis_status ask_for_ever(ark_server *server, ark_flight_info *info,
                                   const ark_stream_request *request, arrakis_error *err)
{
    arrakis_status rc = ask(server, info, request, err);
    bool endless = request->start_ns != ARRAKIS_UNSET && request->end_ns == ARRAKIS_UNSET;
    if (!endless || (rc != ARRAKIS_ESERVER && rc != ARRAKIS_ENOTFOUND))
        return rc;
    ark_stream_request long_one = *request;
    long_one.end_ns = arrakis_gps_now_ns() + for_ever_ns;
    if (ask(server, info, &long_one, NULL) == ARRAKIS_OK && reaches(info, long_one.end_ns))
        return ARRAKIS_OK;
    ark_flight_info_clear(info);
    return rc;
}

arrakis_status ark_server_reader(ark_server *server, arrakis_reader **out,
                                 arrakis_channels *channels, const arrakis_request *request,
                                 const arrakis_kafka_options *kafka, bool *relayed,
                                 arrakis_error *err)
{
    endpoints all = {.server = server, .channels = channels};
    const ark_stream_request stream = {
        .channels = channels,
        .start_ns = request->start_ns,
        .end_ns = request->end_ns,
        .replay_start_ns = request->replay_start_ns,
        .replay_end_ns = request->replay_end_ns,
        .replay_id = request->replay_id,
    };
    *out = NULL;
    arrakis_status rc = ask_for_ever(server, &all.info, &stream, err);
    if (rc == ARRAKIS_OK)
        rc = sort_out(&all, err);
    if (rc == ARRAKIS_OK)
        rc = check_once(&all, err);
    if (rc == ARRAKIS_OK)
        rc = make_readers(&all, kafka, err);
    *relayed = all.relayed && arrakis_channels_count(all.relayed) > 0;
    if (rc == ARRAKIS_OK)
        rc = join(&all, out, err);
    if (rc == ARRAKIS_OK) { /* in the order asked for, whoever reads them */
        arrakis_channels_free((*out)->channels);
        (*out)->channels = arrakis_channels_ref(channels);
    }
    clear(&all);
    return rc;
}
