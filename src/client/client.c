/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include "base/cancel.h"
#include "base/error.h"
#include "base/sized_struct.h"
#include "channel/filter.h"
#include "channel/selection.h"
#include "client/connection.h"
#include "flight/query.h"
#include "kafka/metadata_topics.h"
#include "kafka/policy.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ opening */

static bool copy_text(char **to, const char *from)
{
    return !from || (*to = strdup(from)) != NULL;
}

static arrakis_status copy_allowed(arrakis_client *client, ark_allowed_brokers allowed,
                                   arrakis_error *err)
{
    if (!allowed.count)
        return ARRAKIS_OK;
    client->allowed_brokers = calloc(allowed.count, sizeof *client->allowed_brokers);
    for (size_t i = 0; client->allowed_brokers && i < allowed.count; i++) {
        if (!copy_text(&client->allowed_brokers[i], allowed.patterns[i]))
            break;
        client->allowed_broker_count++;
    }
    return client->allowed_broker_count == allowed.count ? ARRAKIS_OK
                                                         : ark_no_memory(err, "opening a client");
}

static arrakis_status check_options(const arrakis_connection *c, const arrakis_client_options *o,
                                    arrakis_error *err)
{
    const struct {
        const char *name;
        int64_t value;
    } limits[] = {{"stall_timeout_ns", o->stall_timeout_ns},
                  {"max_message_bytes", o->max_message_bytes}};
    if (!c->url && !c->kafka_url && !o->metadata_path)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a client without a source: expected url, kafka_url or metadata_path");
    ARK_TRY(ark_connection_check(c, err));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value != ARRAKIS_UNSET && limits[i].value <= 0)
            return ark_fail(err, ARRAKIS_EINVAL, "%s is %lld, expected over 0", limits[i].name,
                            (long long)limits[i].value);
    return ARRAKIS_OK;
}

static arrakis_status fill_client(arrakis_client *client, const arrakis_connection *c,
                                  const arrakis_client_options *o, arrakis_error *err)
{
    const ark_allowed_brokers allowed = {c->allowed_brokers, c->allowed_broker_count};
    client->tokens = (ark_token_source){c->kafka_token_fn, c->kafka_token_opaque};
    client->cancel = arrakis_cancel_ref(c->cancel);
    client->request_timeout_ns =
        c->request_timeout_ns == ARRAKIS_UNSET ? 10 * ARRAKIS_SECOND_NS : c->request_timeout_ns;
    if (!copy_text(&client->kafka_url, c->kafka_url) ||
        !copy_text(&client->metadata_path, o->metadata_path))
        return ark_no_memory(err, "opening a client");
    const ark_properties properties = {c->properties, c->property_count};
    arrakis_status rc = ark_kafka_properties_add_all(&client->properties, &properties, err);
    if (rc == ARRAKIS_OK)
        rc = copy_allowed(client, allowed, err);
    if (rc == ARRAKIS_OK && c->url)
        rc = ark_server_open(&client->server, c, o, NULL, err);
    return rc;
}

arrakis_status arrakis_client_open(arrakis_client **out, const arrakis_connection *connection,
                                   const arrakis_client_options *options, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_open: out is NULL");
    *out = NULL;
    if (!connection && !options)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_open: connection is NULL");
    arrakis_connection c = ARRAKIS_CONNECTION_INIT;
    arrakis_client_options o = ARRAKIS_CLIENT_OPTIONS_INIT;
    arrakis_status rc = ark_sized_struct_take(&c, sizeof c, connection, "connection", err);
    if (rc == ARRAKIS_OK)
        rc = ark_sized_struct_take(&o, sizeof o, options, "client_options", err);
    if (rc < 0 || (rc = check_options(&c, &o, err)) < 0)
        return rc;
    arrakis_client *client = calloc(1, sizeof *client);
    if (!client)
        return ark_no_memory(err, "opening a client");
    rc = fill_client(client, &c, &o, err);
    if (rc < 0) {
        arrakis_client_close(client);
        return rc;
    }
    *out = client;
    return ARRAKIS_OK;
}

arrakis_status ark_client_copy(arrakis_client **out, const arrakis_client *client,
                               arrakis_cancel *cancel, arrakis_error *err)
{
    const ark_allowed_brokers allowed = {(const char *const *)client->allowed_brokers,
                                         client->allowed_broker_count};
    const ark_properties properties = {client->properties.list, client->properties.count};
    *out = NULL;
    arrakis_client *copy = calloc(1, sizeof *copy);
    if (!copy)
        return ark_no_memory(err, "a client");
    copy->tokens = client->tokens;
    copy->cancel = arrakis_cancel_ref(cancel);
    copy->request_timeout_ns = client->request_timeout_ns;
    arrakis_status rc = ark_kafka_properties_add_all(&copy->properties, &properties, err);
    if (rc == ARRAKIS_OK)
        rc = copy_allowed(copy, allowed, err);
    if (rc == ARRAKIS_OK && (!copy_text(&copy->kafka_url, client->kafka_url) ||
                             !copy_text(&copy->metadata_path, client->metadata_path)))
        rc = ark_no_memory(err, "a client");
    if (rc == ARRAKIS_OK && client->server)
        rc = ark_server_share(&copy->server, client->server, cancel, err);
    if (rc < 0) {
        arrakis_client_close(copy);
        return rc;
    }
    *out = copy;
    return ARRAKIS_OK;
}

void arrakis_client_close(arrakis_client *client)
{
    if (!client)
        return;
    ark_kafka_properties_clear(&client->properties);
    for (size_t i = 0; i < client->allowed_broker_count; i++)
        free(client->allowed_brokers[i]);
    free(client->allowed_brokers);
    ark_server_close(client->server);
    arrakis_cancel_unref(client->cancel);
    free(client->kafka_url);
    free(client->metadata_path);
    free(client);
}

arrakis_status ark_client_check(const arrakis_client *client, arrakis_error *err)
{
    return arrakis_cancel_is_set(client->cancel)
               ? ark_fail(err, ARRAKIS_ECANCELED, "the client was canceled")
               : ARRAKIS_OK;
}

arrakis_cancel *ark_client_set_cancel(arrakis_client *client, arrakis_cancel *cancel)
{
    arrakis_cancel *before = client->cancel;
    client->cancel = cancel;
    if (client->server)
        ark_server_set_cancel(client->server, cancel);
    return before;
}

bool ark_client_asks_server(const arrakis_client *client)
{
    return client->server && !client->metadata_path;
}

/* ------------------------------------------------------------------ channels */

static arrakis_status read_file(arrakis_client *client, const ark_selection *selection,
                                arrakis_error *err)
{
    arrakis_channels *channels;
    ARK_TRY(arrakis_channels_load(&channels, client->metadata_path, err));
    for (size_t i = 0; i < arrakis_channels_count(channels); i++)
        if (!ark_selection_offer(selection, arrakis_channels_get(channels, i)))
            break;
    arrakis_channels_unref(channels);
    return ark_client_check(client, err);
}

ark_metadata_source ark_client_metadata_source(const arrakis_client *client)
{
    return (ark_metadata_source){.url = client->kafka_url,
                                 .properties = client->properties.list,
                                 .property_count = client->properties.count,
                                 .tokens = client->tokens,
                                 .timeout_ns = client->request_timeout_ns,
                                 .cancel = ark_cancel_flag(client->cancel)};
}

/* Search the file or the broker of a client; with publishers in the query, only their topics. */
static arrakis_status read_channels(arrakis_client *client, const arrakis_query *query,
                                    const ark_selection *selection, arrakis_error *passed_over,
                                    arrakis_error *err)
{
    ARK_TRY(ark_client_check(client, err));
    if (client->metadata_path)
        return read_file(client, selection, err);
    ark_metadata_source source = ark_client_metadata_source(client);
    source.publishers = query->publishers;
    source.publisher_count = query->publisher_count;
    return ark_metadata_topics_read(&source, selection, passed_over, err);
}

typedef struct search {
    ark_filter *filter;
    const ark_selection *wanted; /* among those that match */
    uint64_t count;              /* how many match */
} search;

static ark_choice choose_channel(const arrakis_channel_info *info, void *opaque)
{
    search *s = opaque;
    if (!ark_filter_matches(s->filter, info))
        return ark_filter_status(s->filter, NULL) < 0 ? ARK_CHOICE_STOP : ARK_CHOICE_SKIP;
    s->count++;
    return s->wanted->choose ? s->wanted->choose(info, s->wanted->opaque) : ARK_CHOICE_TAKE;
}

static bool pass_on(arrakis_channel *channel, void *opaque)
{
    search *s = opaque;
    return s->wanted->take(channel, s->wanted->opaque);
}

static arrakis_status run_search(arrakis_client *client, const arrakis_query *query, search *s,
                                 arrakis_error *passed_over, arrakis_error *err)
{
    const ark_selection selection = {s->wanted->names, s->wanted->name_count, choose_channel,
                                     pass_on, s};
    *passed_over = (arrakis_error){.status = ARRAKIS_OK};
    ARK_TRY(ark_filter_new(&s->filter, query, err));
    arrakis_status rc = read_channels(client, query, &selection, passed_over, err);
    if (rc == ARRAKIS_OK)
        rc = ark_filter_status(s->filter, err);
    ark_filter_free(s->filter);
    return rc;
}

arrakis_status ark_client_search(arrakis_client *client, const arrakis_query *query,
                                 const ark_selection *selection, arrakis_error *passed_over,
                                 arrakis_error *err)
{
    search s = {.wanted = selection};
    return run_search(client, query, &s, passed_over, err);
}

/* Search the file or the broker of the client. */
static arrakis_status find_channels(arrakis_client *client, const arrakis_query *query, search *s,
                                    arrakis_error *err)
{
    arrakis_error passed_over;
    arrakis_status rc = run_search(client, query, s, &passed_over, err);
    /* With publishers in the query only their topics are read. */
    if (rc == ARRAKIS_OK && query->publisher_count && passed_over.status < 0)
        return ark_fail(err, passed_over.status, "%s", passed_over.message);
    return rc;
}

arrakis_status arrakis_client_find(arrakis_client *client, const arrakis_query *query,
                                   arrakis_channel_fn fn, void *opaque, arrakis_error *err)
{
    if (!client || !fn)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_find: %s is NULL",
                        client ? "fn" : "client");
    arrakis_query all = ARRAKIS_QUERY_INIT;
    ARK_TRY(ark_sized_struct_take(&all, sizeof all, query, "query", err));
    if (ark_client_asks_server(client)) {
        ARK_TRY(ark_client_check(client, err));
        return ark_query_find(client->server, &all, fn, opaque, err);
    }
    const ark_selection wanted = {.take = fn, .opaque = opaque};
    search s = {.wanted = &wanted};
    return find_channels(client, &all, &s, err);
}

static ark_choice skip_channel(const arrakis_channel_info *info, void *opaque)
{
    (void)info;
    (void)opaque;
    return ARK_CHOICE_SKIP;
}

arrakis_status arrakis_client_count(arrakis_client *client, const arrakis_query *query,
                                    uint64_t *count, arrakis_error *err)
{
    if (!client || !count)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_count: %s is NULL",
                        client ? "count" : "client");
    *count = 0;
    arrakis_query all = ARRAKIS_QUERY_INIT;
    ARK_TRY(ark_sized_struct_take(&all, sizeof all, query, "query", err));
    if (ark_client_asks_server(client)) {
        ARK_TRY(ark_client_check(client, err));
        return ark_query_count(client->server, &all, count, err);
    }
    const ark_selection none = {.choose = skip_channel};
    search s = {.wanted = &none};
    arrakis_status rc = find_channels(client, &all, &s, err);
    *count = s.count;
    return rc;
}
