/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to the library: a client, a query, the names of channels. */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "options.h"

/** A client of the given sources, which can be interrupted; with `data`, one that can read
 *  samples, too.
 *  @return 0, or the exit code after a message. */
int source_open(arrakis_client **client, const struct options *options, bool data);
void source_close(arrakis_client *client);
/** @return 0, or the exit code after a message. `metadata` and the limit of silence come from the
 *  options. */
int source_client(arrakis_client **client, const arrakis_connection *connection,
                  const struct options *options);
/** The server of the options, or of ARRAKIS_SERVER; NULL: none is given. */
const char *source_server(const struct options *options);
/** How servers are reached: time allowed, certificates, brokers and hosts that they may name. */
void source_connection(arrakis_connection *connection, const struct options *options);

/** Something asked of a client about the channels that match a query. @return the exit code */
typedef int source_search_call(arrakis_client *client, const arrakis_query *query,
                               const struct options *options);
/** With a client of the sources given, and the query of the options. @return the exit code */
int source_search(const struct options *options, source_search_call *search);

/** @return 0, or the exit code after a message */
int source_request(arrakis_request *request, const struct options *options);

struct names {
    struct arg_list list; /* each name once */
    char *text;           /* the bytes of stdin */
};

/** The channels of the arguments; "-" stands for the lines of stdin, without blank ones and those
 *  that begin with '#'. @return 0, or the exit code after a message. */
int names_load(struct names *names, const struct options *options);
void names_free(struct names *names);

#endif
