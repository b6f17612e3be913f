/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "out.h"
#include "server.h"
#include "source.h"

#include <stdlib.h>
#include <unistd.h>

/* As Python prints it: lists of texts with commas, None, True. */
static void put_value(struct out *out, const json_t *value)
{
    char *text;
    switch (json_typeof(value)) {
    case JSON_STRING:
        out_plain(out, json_string_value(value));
        return;
    case JSON_NULL:
        out_text(out, "None");
        return;
    case JSON_TRUE:
        out_text(out, "True");
        return;
    case JSON_FALSE:
        out_text(out, "False");
        return;
    case JSON_ARRAY:
        for (size_t i = 0; i < json_array_size(value); i++) {
            out_text(out, i ? ", " : "");
            put_value(out, json_array_get(value, i));
        }
        return;
    case JSON_OBJECT:
    case JSON_INTEGER:
    case JSON_REAL:
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        out_text(out, text ? text : "?");
        arrakis_free(text);
    }
}

static int show_server_info(json_t *info, json_t *endpoints)
{
    struct out out = {.fd = STDOUT_FILENO};
    const char *key;
    json_t *value;
    json_object_set(info, "endpoints", endpoints);
    json_object_foreach(info, key, value)
    {
        out_plain(&out, key);
        out_text(&out, ": ");
        put_value(&out, value);
        out_char(&out, '\n');
    }
    return out_finish(&out, EXIT_SUCCESS);
}

static int show_endpoints(json_t *endpoints)
{
    struct out out = {.fd = STDOUT_FILENO};
    for (size_t i = 0; i < json_array_size(endpoints); i++) {
        out_plain(&out, json_string_value(json_array_get(endpoints, i)));
        out_char(&out, '\n');
    }
    return out_finish(&out, EXIT_SUCCESS);
}

static int run_server_info(const struct options *o)
{
    arrakis_client *client;
    json_t *endpoints = NULL, *info = NULL;
    if (o->endpoints)
        return server_show(o, arrakis_client_endpoints, show_endpoints);
    int code = server_open(&client, o);
    if (!code)
        code = server_ask(&endpoints, client, arrakis_client_endpoints);
    if (!code)
        code = server_ask(&info, client, arrakis_client_server_info);
    if (!code)
        code = show_server_info(info, endpoints);
    json_decref(info);
    json_decref(endpoints);
    source_close(client);
    return code;
}

static const struct arg_option options[] = {
    {.letter = 'e',
     .name = "endpoints",
     .kind = ARG_FLAG,
     .offset = OPTION_AT(endpoints),
     .value = 1,
     .help = "only the servers' URLs, one per line"},
    OPTIONS_END,
};
static const struct arg_table table = {"Output", options};
static const struct arg_table *const tables[] = {&table, &server_options, NULL};

const struct command cmd_server_info = {
    .name = "server-info",
    .aliases = {NULL},
    .summary = "show a server's version and capabilities",
    .arguments = "",
    .tables = tables,
    .run = run_server_info,
};
