/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the library: the channels that a Flight server (url=) or a metadata topic (kafka=) has, by
 * find, by count or, with their names, by describe. */
#include "bench.h"

#include <arrakis/arrakis.h>
#include <stdio.h>
#include <string.h>

static bool count_channel(arrakis_channel *channel, void *opaque)
{
    *(size_t *)opaque += arrakis_channel_name(channel) != NULL;
    return true;
}

static size_t find(arrakis_client *client, const char *pattern)
{
    size_t count = 0;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.pattern = pattern;
    arrakis_error err;
    if (arrakis_client_find(client, &query, count_channel, &count, &err) < 0)
        bench_fail("%s", err.message);
    return count;
}

static size_t count(arrakis_client *client)
{
    uint64_t found;
    arrakis_error err;
    if (arrakis_client_count(client, NULL, &found, &err) < 0)
        bench_fail("%s", err.message);
    return (size_t)found;
}

static size_t describe(arrakis_client *client, const char *const *names, size_t wanted)
{
    arrakis_channels *channels;
    arrakis_error err;
    if (arrakis_client_describe(client, &channels, names, wanted, ARRAKIS_UNSET, NULL, &err) < 0)
        bench_fail("%s", err.message);
    size_t found = arrakis_channels_count(channels);
    arrakis_channels_unref(channels);
    return found;
}

/* `wanted` names, from a file or as flight_server.py has them. */
static const char *const *names_of(size_t wanted)
{
    const char *path = bench_text("names", "");
    return *path ? bench_lines(path, wanted) : bench_names(wanted);
}

static size_t ask(arrakis_client *client, size_t wanted)
{
    const char *request = bench_text("request", NULL);
    if (!strcmp(request, "Find"))
        return find(client, bench_text("pattern", "."));
    if (!strcmp(request, "Count"))
        return count(client);
    return describe(client, names_of(wanted), wanted);
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    size_t wanted = (size_t)bench_number("channels", 0);
    const char *broker = bench_text("kafka", "");
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.token = "";
    to.request_timeout_ns = 60 * ARRAKIS_SECOND_NS; /* it is measured, not waited for */
    if (*broker)
        to.kafka_url = broker;
    else
        to.url = bench_text("url", NULL);
    arrakis_client *client;
    arrakis_error err;
    bench_span span = bench_start();
    if (arrakis_client_open(&client, &to, NULL, &err) < 0)
        bench_fail("%s", err.message);
    size_t found = ask(client, wanted);
    span = bench_stop(span);
    if (found != wanted)
        bench_fail("%zu channels, expected %zu", found, wanted);
    printf("{\"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n", (double)span.wall_ns * 1e-9,
           span.cpu_s, bench_peak_kb());
    arrakis_client_close(client);
    return 0;
}
