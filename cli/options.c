/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

void options_init(struct options *o)
{
    *o = (struct options){
        .min_rate = -1,
        .max_rate = -1,
        .timeout_ns = ARRAKIS_UNSET,
        .time_ns = ARRAKIS_UNSET,
        .start_ns = ARRAKIS_UNSET,
        .end_ns = ARRAKIS_UNSET,
        .duration_ns = ARRAKIS_UNSET,
        .stride_ns = ARRAKIS_UNSET,
        .latency_tolerance_ns = ARRAKIS_UNSET,
        .stall_timeout_ns = ARRAKIS_UNSET,
        .replay_start_ns = ARRAKIS_UNSET,
        .replay_end_ns = ARRAKIS_UNSET,
        .fast_forward = true,
        .count = ARRAKIS_UNSET,
        .length_ns = ARRAKIS_UNSET,
        .summary_ns = ARRAKIS_UNSET,
        .deflate = ARRAKIS_UNSET,
        .keep_files = ARRAKIS_UNSET,
        .keep_bytes = -1,
        .retry_time_ns = ARRAKIS_UNSET,
        .retry_tries = ARRAKIS_UNSET,
        .max_failures = 10,
        .bind = "localhost:31206",
        .partitions = 4,
        .channels = 3,
    };
}

void options_free(struct options *o)
{
    arg_list_free(&o->arguments);
    arg_list_free(&o->properties);
    arg_list_free(&o->allowed_brokers);
    arg_list_free(&o->token_hosts);
    arg_list_free(&o->data_types);
    arg_list_free(&o->publishers);
}

#define PLACE(member) .offset = OPTION_AT(member)

static const struct arg_option program[] = {
    {.letter = 'u',
     .name = "url",
     .metavar = "URL",
     .kind = ARG_TEXT,
     PLACE(url),
     .help = "Arrakis server, [grpc://]host[:port] or ssh://... (default: ARRAKIS_SERVER)"},
    {.letter = 'q',
     .name = "quiet",
     .kind = ARG_FLAG,
     PLACE(quiet),
     .value = 1,
     .group = GROUP_LOG,
     .help = "log only warnings and errors"},
    {.letter = 'v',
     .name = "verbose",
     .kind = ARG_FLAG,
     PLACE(verbose),
     .value = 1,
     .group = GROUP_LOG,
     .help = "log details too"},
    {.name = "debug",
     .metavar = "CONTEXTS",
     .kind = ARG_TEXT,
     PLACE(debug),
     .help = "log, as --verbose does, and trace what happens: align, kafka, flight, connect, "
             "publish, or several with commas, or all"},
    {.letter = 'h',
     .name = "help",
     .kind = ARG_STOP,
     PLACE(stop),
     .value = STOP_HELP,
     .help = "print this text"},
    {.name = "version",
     .kind = ARG_STOP,
     PLACE(stop),
     .value = STOP_VERSION,
     .help = "print the version"},
    {.name = "url-help",
     .kind = ARG_STOP,
     PLACE(stop),
     .value = STOP_URL_HELP,
     .help = "describe the accepted forms of URL"},
    OPTIONS_END,
};

/* How servers and brokers are reached. */
#define CONNECTION                                                                                \
    {.name = "timeout",                                                                           \
     .metavar = "S",                                                                              \
     .kind = ARG_SECONDS,                                                                         \
     PLACE(timeout_ns),                                                                           \
     .help = "give up on a single request after S seconds (default: 10)"},                        \
        {.name = "ca-file",                                                                       \
         .metavar = "FILE",                                                                       \
         .kind = ARG_TEXT,                                                                        \
         PLACE(ca_file),                                                                          \
         .help = "authorities that may sign a grpc+tls server's certificate (PEM)"},              \
        {.name = "cert-file",                                                                     \
         .metavar = "FILE",                                                                       \
         .kind = ARG_TEXT,                                                                        \
         PLACE(cert_file),                                                                        \
         .help = "a certificate to show to the server (PEM)"},                                    \
        {.name = "key-file",                                                                      \
         .metavar = "FILE",                                                                       \
         .kind = ARG_TEXT,                                                                        \
         PLACE(key_file),                                                                         \
         .help = "the key of that certificate (PEM)"},                                            \
        {.name = "token-host",                                                                    \
         .metavar = "HOST",                                                                       \
         .kind = ARG_LIST,                                                                        \
         PLACE(token_hosts),                                                                      \
         .help = "send the bearer token to this host, too, when the server names it; may be "     \
                 "repeated"},                                                                     \
    {                                                                                             \
        .name = "insecure-token", .kind = ARG_FLAG, PLACE(insecure_token), .value = 1,            \
        .help = "send the bearer token over a plain connection, too"                              \
    }

static const struct arg_option server[] = {
    CONNECTION,
    OPTIONS_END,
};

static const struct arg_option source[] = {
    {.name = "kafka-url",
     .metavar = "HOST:PORT",
     .kind = ARG_TEXT,
     PLACE(kafka_url),
     .help = "Kafka broker (several: with commas): data is read from it directly; without a "
             "server, channels are found in its metadata topics"},
    {.name = "metadata",
     .metavar = "FILE",
     .kind = ARG_TEXT,
     PLACE(metadata),
     .help = "take channels from this file, as 'describe --json' prints them"},
    {.letter = 'X',
     .name = "property",
     .metavar = "KEY=VALUE",
     .kind = ARG_LIST,
     PLACE(properties),
     .help = "set a property of librdkafka; @FILE: the properties in a file, one per line, for "
             "passwords and the like; may be repeated"},
    {.name = "allow-broker",
     .metavar = "HOST",
     .kind = ARG_LIST,
     PLACE(allowed_brokers),
     .help = "use the login of -X at this broker (HOST[:PORT] or *.DOMAIN[:PORT]) when a server "
             "names it; may be repeated"},
    {.name = "kafka-token-file",
     .metavar = "FILE",
     .kind = ARG_TEXT,
     PLACE(kafka_token_file),
     .help = "log in at brokers with the token of this file, read anew before it expires; needs "
             "-X sasl.mechanism=OAUTHBEARER and a security.protocol with SASL"},
    CONNECTION,
    OPTIONS_END,
};

static const struct arg_option filters[] = {
    {.name = "data-type",
     .alias = "dtype",
     .metavar = "TYPE",
     .kind = ARG_LIST,
     PLACE(data_types),
     .help = "only channels of this type, such as float32; may be repeated"},
    {.name = "min-rate",
     .metavar = "HZ",
     .kind = ARG_NUMBER,
     PLACE(min_rate),
     .help = "only channels sampled at least this fast"},
    {.name = "max-rate",
     .metavar = "HZ",
     .kind = ARG_NUMBER,
     PLACE(max_rate),
     .help = "only channels sampled at most this fast"},
    {.name = "publisher",
     .metavar = "ID",
     .kind = ARG_LIST,
     PLACE(publishers),
     .help = "only channels of this publisher; may be repeated"},
    OPTIONS_END,
};

static const struct arg_option metadata[] = {
    {.name = "time",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(time_ns),
     .help = "the channels as they were at this time (default: now)"},
    {.name = "replay-id",
     .metavar = "ID",
     .kind = ARG_TEXT,
     PLACE(replay_id),
     .help = "the channels of a replay"},
    OPTIONS_END,
};

static const struct arg_option replay[] = {
    {.name = "replay-id",
     .metavar = "ID",
     .kind = ARG_TEXT,
     PLACE(replay_id),
     .group = GROUP_REPLAY,
     .help = "read a replay that is being published under this name"},
    {.name = "replay-start",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(replay_start_ns),
     .group = GROUP_REPLAY,
     .help = "have a server replay from here; needs --replay-end"},
    {.name = "replay-end",
     .metavar = "TIME",
     .kind = ARG_TIME,
     PLACE(replay_end_ns),
     .help = "have a server replay up to here; needs --replay-start"},
    OPTIONS_END,
};

#define FORMAT(text, format_value, help_text)                                                     \
    {                                                                                             \
        .name = text, .kind = ARG_SET, PLACE(format), .value = format_value,                      \
        .group = GROUP_FORMAT, .help = help_text                                                  \
    }
#define FORMAT_TEXTS                                                                              \
    FORMAT("str", FORMAT_STR, "as Python's str() prints it"),                                     \
        FORMAT("repr", FORMAT_REPR, "as Python's repr() prints it"),                              \
        FORMAT("pprint", FORMAT_PPRINT, "as Python's pprint() prints it"),                        \
        FORMAT("json", FORMAT_JSON, "JSON, one object per line"),                                 \
        FORMAT("json-pp", FORMAT_JSON_PP, "JSON, indented"),                                      \
        FORMAT("json-abrv", FORMAT_JSON_ABRV,                                                     \
               "indented, with each series as a short text in place of its samples")

static const struct arg_option formats_of_channels[] = {
    FORMAT("table", FORMAT_TABLE, "a table (the default)"),
    FORMAT("table-full", FORMAT_TABLE_FULL, "a table of every field"),
    FORMAT_TEXTS,
    OPTIONS_END,
};

static const struct arg_option formats_of_counts[] = {
    FORMAT("table", FORMAT_TABLE, "the number (the default)"),
    FORMAT_TEXTS,
    OPTIONS_END,
};

static const struct arg_option formats_of_blocks[] = {
    FORMAT("table", FORMAT_TABLE, "a table (the default), redrawn in place on a terminal"),
    FORMAT_TEXTS,
    FORMAT("arrow", FORMAT_ARROW, "an Arrow IPC stream, not to a terminal"),
    OPTIONS_END,
};

const struct arg_table program_options = {"General", program};
const struct arg_table source_options = {"Source", source};
const struct arg_table server_options = {"Server", server};
const struct arg_table find_filters = {"Which channels", filters};
const struct arg_table metadata_options = {"Which metadata", metadata};
const struct arg_table replay_options = {"Replays", replay};
const struct arg_table channel_formats = {"Output", formats_of_channels};
const struct arg_table count_formats = {"Output", formats_of_counts};
const struct arg_table block_formats = {"Output", formats_of_blocks};
