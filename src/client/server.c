/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a server about itself. */
#include "base/error.h"
#include "client/client.h"
#include "client/scope_map.h"
#include "flight/server.h"

#include <stdlib.h>

static arrakis_status ask_server(arrakis_client *client, const char *action, char **json,
                                 arrakis_error *err)
{
    if (json)
        *json = NULL;
    if (!client || !json)
        return ark_fail(err, ARRAKIS_EINVAL, "%s: %s is NULL", action, client ? "json" : "client");
    ARK_TRY(ark_client_check(client, err));
    if (!client->server)
        return ark_fail(err, ARRAKIS_EINVAL, "%s: the client has no server, expected url", action);
    return ark_server_action(client->server, action, json, err);
}

arrakis_status arrakis_client_server_info(arrakis_client *client, char **json, arrakis_error *err)
{
    return ask_server(client, "server-info", json, err);
}

arrakis_status arrakis_client_scope_map(arrakis_client *client, char **json, arrakis_error *err)
{
    return ask_server(client, "scope-map", json, err);
}

arrakis_status arrakis_client_replays(arrakis_client *client, char **json, arrakis_error *err)
{
    return ask_server(client, "replays", json, err);
}

/* ------------------------------------------------------------------ out of the scope map */

static arrakis_status list_of_map(arrakis_client *client, bool domains, char **json,
                                  arrakis_error *err)
{
    char *text;
    ARK_TRY(ask_server(client, "scope-map", json ? &text : NULL, err));
    arrakis_status rc =
        ark_scope_map_list(json, text, domains ? NULL : ark_server_url(client->server), err);
    free(text);
    return rc;
}

arrakis_status arrakis_client_domains(arrakis_client *client, char **json, arrakis_error *err)
{
    if (json)
        *json = NULL;
    return list_of_map(client, true, json, err);
}

arrakis_status arrakis_client_endpoints(arrakis_client *client, char **json, arrakis_error *err)
{
    if (json)
        *json = NULL;
    return list_of_map(client, false, json, err);
}
