/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "report.h"
#include "source.h"
#include "ssh.h"

int server_open(arrakis_client **client, const struct options *o)
{
    const char *given = source_server(o);
    arrakis_connection c = ARRAKIS_CONNECTION_INIT;
    c.url = given ? given : "grpc://localhost:31206";
    source_connection(&c, o);
    *client = NULL;
    int code = ssh_forward(&c.url, o, NULL);
    return code ? code : source_client(client, &c, o);
}

int server_ask(json_t **answer, arrakis_client *client, server_call call)
{
    arrakis_error err;
    char *text;
    *answer = NULL;
    arrakis_status rc = call(client, &text, &err);
    if (rc < 0)
        return finish(rc, &err);
    *answer = json_loads(text, 0, NULL);
    arrakis_free(text);
    return *answer ? 0 : fail("the server's answer is no JSON object or array");
}

int server_show(const struct options *o, server_call call, int (*show)(json_t *answer))
{
    arrakis_client *client;
    json_t *answer = NULL;
    int code = server_open(&client, o);
    if (!code)
        code = server_ask(&answer, client, call);
    if (!code)
        code = show(answer);
    json_decref(answer);
    source_close(client);
    return code;
}
