/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "report.h"
#include "server.h"

#include <stdlib.h>
#include <unistd.h>

static int show_scope_map(json_t *map)
{
    char *text = json_dumps(map, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    if (!text)
        return fail("out of memory");
    struct out out = {.fd = STDOUT_FILENO};
    out_text(&out, text);
    out_char(&out, '\n');
    arrakis_free(text);
    return out_finish(&out, EXIT_SUCCESS);
}

static int run_scope_map(const struct options *o)
{
    return server_show(o, arrakis_client_scope_map, show_scope_map);
}

static const struct arg_table *const tables[] = {&server_options, NULL};

const struct command cmd_scope_map = {
    .name = "scope-map",
    .aliases = {NULL},
    .summary = "show as JSON which server has which channels",
    .arguments = "",
    .tables = tables,
    .run = run_scope_map,
};
