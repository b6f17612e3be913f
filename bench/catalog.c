/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the library: all channels that a Flight server knows, by find or, with their names, by
 * describe. */
#include "bench.h"

#include <arrakis/arrakis.h>
#include <stdio.h>
#include <string.h>

static bool count_channel(arrakis_channel *channel, void *opaque)
{
    *(size_t *)opaque += arrakis_channel_name(channel) != NULL;
    return true;
}

static size_t describe(arrakis_client *client, size_t wanted)
{
    const char **names = bench_names(wanted);
    arrakis_channels *channels;
    arrakis_error err;
    if (arrakis_client_describe(client, &channels, names, wanted, ARRAKIS_UNSET, NULL, &err) < 0)
        bench_fail("%s", err.message);
    size_t count = arrakis_channels_count(channels);
    arrakis_channels_free(channels);
    return count;
}

static size_t find(arrakis_client *client)
{
    size_t count = 0;
    arrakis_query query = ARRAKIS_QUERY_INIT;
    arrakis_error err;
    if (arrakis_client_find(client, &query, count_channel, &count, &err) < 0)
        bench_fail("%s", err.message);
    return count;
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    size_t wanted = (size_t)bench_number("channels", 0);
    arrakis_client_options options = ARRAKIS_CLIENT_OPTIONS_INIT;
    options.url = bench_text("url", NULL);
    options.token = "";
    arrakis_client *client;
    arrakis_error err;
    bench_span span = bench_start();
    if (arrakis_client_open(&client, &options, &err) < 0)
        bench_fail("%s", err.message);
    bool by_name = !strcmp(bench_text("request", NULL), "Describe");
    size_t count = by_name ? describe(client, wanted) : find(client);
    span = bench_stop(span);
    if (count != wanted)
        bench_fail("%zu channels, wanted %zu", count, wanted);
    printf("{\"wall\": %.6f, \"cpu\": %.6f, \"peak_kb\": %ld}\n", (double)span.wall_ns * 1e-9,
           span.cpu_s, bench_peak_kb());
    arrakis_client_close(client);
    return 0;
}
