/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "interrupt.h"
#include "properties.h"
#include "report.h"
#include "ssh.h"

#include <stdlib.h>
#include <string.h>

void source_connection(arrakis_connection *c, const struct options *o)
{
    c->request_timeout_ns = o->timeout_ns;
    c->cancel = interrupt_cancel();
    c->insecure_token = o->insecure_token;
    c->token_hosts = o->token_hosts.items;
    c->token_host_count = o->token_hosts.count;
    c->ca_file = o->ca_file;
    c->cert_file = o->cert_file;
    c->key_file = o->key_file;
    c->allowed_brokers = o->allowed_brokers.items;
    c->allowed_broker_count = o->allowed_brokers.count;
    if (o->kafka_token_file) {
        c->kafka_token_fn = arrakis_token_from_file;
        c->kafka_token_opaque = (char *)(uintptr_t)o->kafka_token_file;
    }
}

const char *source_server(const struct options *o)
{
    const char *environment = getenv("ARRAKIS_SERVER");
    return o->url ? o->url : environment && *environment ? environment : NULL;
}

/* The first source that is given: a file, the server, the metadata topics of the broker. A server
 * that only the environment names is not used where it is not needed. */
static int choose_source(arrakis_connection *c, const struct options *o, bool data)
{
    bool server_needed = !o->metadata || (data && !o->kafka_url);
    if (server_needed)
        c->url = source_server(o);
    if (data || !o->metadata)
        c->kafka_url = o->kafka_url;
    if (data && !c->url && !c->kafka_url && o->metadata)
        return fail_usage(o->command,
                          "no source of data: give --kafka-url HOST:PORT or --url URL");
    if (!c->url && !c->kafka_url && !o->metadata)
        return fail_usage(o->command,
                          "no source of channels: give --kafka-url HOST:PORT%s, or --url URL "
                          "(or set ARRAKIS_SERVER)",
                          data ? "" : ", --metadata FILE");
    return ssh_forward(&c->url, o, NULL);
}

int source_client(arrakis_client **client, const arrakis_connection *c, const struct options *o)
{
    arrakis_error err;
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    options.metadata_path = o->metadata;
    options.stall_timeout_ns = o->stall_timeout_ns;
    arrakis_status rc = arrakis_client_open(client, c, &options, &err);
    return rc < 0 ? finish(rc, &err) : 0;
}

int source_open(arrakis_client **client, const struct options *o, bool data)
{
    *client = NULL;
    arrakis_connection c = ARRAKIS_CONNECTION_INIT;
    source_connection(&c, o);
    int code = choose_source(&c, o, data);
    if (code)
        return code;
    struct properties properties;
    code = properties_load(&properties, o);
    c.properties = properties.items;
    c.property_count = properties.count;
    if (!code)
        code = source_client(client, &c, o);
    properties_free(&properties);
    return code;
}

void source_close(arrakis_client *client)
{
    arrakis_client_close(client);
}

/* ---------------------------------------------------------------- queries */

/* numpy's other names of the types. */
static const struct {
    const char *name;
    arrakis_dtype type;
} other_names[] = {
    {"i1", ARRAKIS_INT8},       {"i2", ARRAKIS_INT16},       {"i4", ARRAKIS_INT32},
    {"i8", ARRAKIS_INT64},      {"u1", ARRAKIS_UINT8},       {"u2", ARRAKIS_UINT16},
    {"u4", ARRAKIS_UINT32},     {"u8", ARRAKIS_UINT64},      {"f4", ARRAKIS_FLOAT32},
    {"f8", ARRAKIS_FLOAT64},    {"single", ARRAKIS_FLOAT32}, {"double", ARRAKIS_FLOAT64},
    {"float", ARRAKIS_FLOAT64}, {"int", ARRAKIS_INT64},      {"uint", ARRAKIS_UINT64},
};

static arrakis_dtype type_of(const char *name)
{
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        if (strcmp(other_names[i].name, name) == 0)
            return other_names[i].type;
    return arrakis_dtype_parse(name);
}

/* `types` receives the data types that query->dtypes points to, to be passed to free(). */
static int source_query(arrakis_query *query, arrakis_dtype **types, const struct options *o)
{
    size_t n = o->data_types.count;
    *query = (arrakis_query)ARRAKIS_QUERY_INIT;
    *types = calloc(n ? n : 1, sizeof **types);
    if (!*types)
        return fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        (*types)[i] = type_of(o->data_types.items[i]);
        if ((*types)[i] == ARRAKIS_DTYPE_NONE)
            return fail_usage(o->command,
                              "invalid --data-type '%s': expected a type such as float32 or int64",
                              o->data_types.items[i]);
    }
    query->pattern = o->arguments.count ? o->arguments.items[0] : NULL;
    query->dtypes = *types;
    query->dtype_count = n;
    if (o->min_rate >= 0)
        query->min_rate = o->min_rate;
    if (o->max_rate >= 0)
        query->max_rate = o->max_rate;
    query->publishers = o->publishers.items;
    query->publisher_count = o->publishers.count;
    query->time_ns = o->time_ns;
    query->replay_id = o->replay_id;
    return 0;
}

int source_search(const struct options *o, source_search_call *search)
{
    arrakis_query query;
    arrakis_dtype *types;
    arrakis_client *client = NULL;
    int code = source_query(&query, &types, o);
    if (!code)
        code = source_open(&client, o, false);
    if (!code)
        code = search(client, &query, o);
    source_close(client);
    free(types);
    return code;
}

/* ---------------------------------------------------------------- requests for data */

static int check_replay(const struct options *o)
{
    bool start = o->replay_start_ns != ARRAKIS_UNSET, end = o->replay_end_ns != ARRAKIS_UNSET;
    if (start != end)
        return fail_usage(o->command, "--replay-%s needs --replay-%s too", start ? "start" : "end",
                          start ? "end" : "start");
    if (start && o->kafka_url)
        return fail("a replay of a window of time is made by an Arrakis server, --kafka-url reads "
                    "what was published: --replay-id reads a replay by its name");
    return 0;
}

int source_request(arrakis_request *request, const struct options *o)
{
    int code = check_replay(o);
    if (code)
        return code;
    *request = (arrakis_request)ARRAKIS_REQUEST_INIT;
    request->start_ns = o->start_ns;
    request->end_ns = o->end_ns;
    request->duration_ns = o->duration_ns;
    request->on_gap = (arrakis_on_gap)o->on_gap;
    request->stride_ns = o->stride_ns;
    request->latency_tolerance_ns = o->latency_tolerance_ns;
    request->replay_id = o->replay_id;
    request->fast_forward = o->fast_forward;
    request->replay_start_ns = o->replay_start_ns;
    request->replay_end_ns = o->replay_end_ns;
    request->retry = (arrakis_retry)o->retry;
    request->retry_time_ns = o->retry_time_ns;
    request->retry_tries = o->retry_tries;
    request->follow = o->follow;
    return 0;
}
