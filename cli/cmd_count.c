/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "report.h"
#include "source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* The output is the same in every format. */
static int count_channels(arrakis_client *client, const arrakis_query *query,
                          const struct options *o)
{
    (void)o;
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
    return source_search(o, count_channels);
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
