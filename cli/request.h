/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that read data have in common: how they run, and options whose help
 * differs. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "source.h"

/** Reads the requested data and prints it. @return the exit code */
typedef int (*request_fn)(arrakis_client *client, const struct names *names,
                          const arrakis_request *request, const struct options *options);

/** Check the options, make the client, the request and the output, and call `read`. @return the
 *  exit code */
int request_run(const struct options *options, request_fn read);

#define REQUEST_OPTION(option, option_kind, place, words, value_name)                             \
    .name = option, .metavar = value_name, .kind = option_kind, .offset = OPTION_AT(place),       \
    .help = words

#define REQUEST_START(words)                                                                      \
    {                                                                                             \
        REQUEST_OPTION("start", ARG_TIME, start_ns, words, "TIME")                                \
    }
#define REQUEST_END(words)                                                                        \
    {                                                                                             \
        REQUEST_OPTION("end", ARG_TIME, end_ns, words, "TIME"), .group = GROUP_SPAN               \
    }
#define REQUEST_DURATION(words)                                                                   \
    {                                                                                             \
        REQUEST_OPTION("duration", ARG_SECONDS, duration_ns, words, "S"), .group = GROUP_SPAN     \
    }
#define REQUEST_LATENCY_TOLERANCE(words)                                                          \
    {                                                                                             \
        REQUEST_OPTION("latency-tolerance", ARG_SECONDS, latency_tolerance_ns, words, "S")        \
    }
#define REQUEST_STALL_TIMEOUT                                                                     \
    {                                                                                             \
        REQUEST_OPTION(                                                                           \
            "stall-timeout", ARG_SECONDS, stall_timeout_ns,                                       \
            "give up on a server after S seconds without new data (default: 300; live: 30 "       \
            "beyond the channels' max_latency)",                                                  \
            "S")                                                                                  \
    }

#define REQUEST_DESCRIPTION(rest)                                                                 \
    "CHANNEL may be '-': then names are read from stdin, one per line. TIME is GPS seconds, a "   \
    "date and time (UTC), 'now' or an offset from it such as 'now-90s'. " rest

#endif
