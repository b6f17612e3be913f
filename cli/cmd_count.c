/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "report.h"
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* The output is the same in every format. */
static int count_channels(arrakis_client *client, const arrakis_query *query)
{
    uint64_t n;
    arrakis_error err;
    arrakis_status rc = arrakis_client_count(client, query, &n, &err);
    if (rc < 0)
        return finish(rc, &err);
    struct out out = {.fd = STDOUT_FILENO};
    out_format(&out, "%" PRIu64 "\n", n);
    return out_finish(&out, EXIT_SUCCESS);
}

static int run_count(const struct options *o)
{
    arrakis_query query;
    arrakis_dtype *types;
    arrakis_client *client = NULL;
    int code = source_query(&query, &types, o);
    if (!code)
        code = source_open(&client, o, false);
    if (!code)
        code = count_channels(client, &query);
    source_close(client);
    free(types);
    return code;
}

static const struct arg_table *const tables[] = {
    &find_filters, &metadata_options, &count_formats, &source_options, NULL,
};

const struct command cmd_count = {
    .name = "count",
    .aliases = {NULL},
    .summary = "count the channels that match a pattern",
    .arguments = "[PATTERN]",
    .description = "PATTERN is as for find; without one, every channel counts.",
    .tables = tables,
    .max_arguments = 1,
    .run = run_count,
};
