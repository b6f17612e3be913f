/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a server about its version, domains and replays. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

#include "options.h"

#include <jansson.h>

/** One of arrakis_client_server_info() and its like. */
typedef arrakis_status (*server_call)(arrakis_client *client, char **json, arrakis_error *err);

/** A client of the server that --url or ARRAKIS_SERVER names, otherwise of the server on this
 *  machine; close it with source_close(). @return 0 or the exit code. */
int server_open(arrakis_client **client, const struct options *o);
/** Ask the server one question; json_decref() the answer. @return 0 or the exit code. */
int server_ask(json_t **answer, arrakis_client *client, server_call call);

/** Ask a server one question and show the answer. @return the exit code. */
int server_show(const struct options *o, server_call call, int (*show)(json_t *answer));

#endif
