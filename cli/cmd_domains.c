/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

static int show_domains(json_t *domains)
{
    struct out out = {.fd = STDOUT_FILENO};
    for (size_t i = 0; i < json_array_size(domains); i++) {
        out_plain(&out, json_string_value(json_array_get(domains, i)));
        out_char(&out, '\n');
    }
    return out_finish(&out, EXIT_SUCCESS);
}

static int run_domains(const struct options *o)
{
    return server_show(o, arrakis_client_domains, show_domains);
}

static const struct arg_table *const tables[] = {&server_options, NULL};

const struct command cmd_domains = {
    .name = "domains",
    .aliases = {NULL},
    .summary = "list the domains of a server",
    .arguments = "",
    .tables = tables,
    .run = run_domains,
};
