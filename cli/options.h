/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands, and the option tables that several commands share. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "args.h"

#include <arrakis/arrakis.h>

enum stop {
    STOP_NOT,
    STOP_HELP,
    STOP_VERSION,
    STOP_URL_HELP,
};

enum format {
    FORMAT_TABLE,
    FORMAT_TABLE_FULL,
    FORMAT_STR,
    FORMAT_REPR,
    FORMAT_PPRINT,
    FORMAT_JSON,
    FORMAT_JSON_PP,
    FORMAT_JSON_ABRV,
    FORMAT_ARROW,
};

enum option_group {
    GROUP_NONE,
    GROUP_FORMAT,
    GROUP_SPAN,
    GROUP_REPLAY,
    GROUP_LOG,
};

struct options {
    const char *command; /* its name, for messages */
    int stop;
    bool quiet, verbose;
    const char *debug; /* contexts that are traced */
    struct arg_list arguments;

    /* where channels and data come from */
    const char *url, *kafka_url, *metadata;
    struct arg_list properties, allowed_brokers;
    const char *kafka_token_file;
    int64_t timeout_ns;
    bool insecure_token;
    struct arg_list token_hosts;
    const char *ca_file, *cert_file, *key_file;

    /* which channels */
    struct arg_list data_types, publishers;
    double min_rate, max_rate;
    int64_t time_ns;
    const char *replay_id;

    /* which data */
    int64_t start_ns, end_ns, duration_ns, stride_ns, latency_tolerance_ns, stall_timeout_ns;
    int64_t replay_start_ns, replay_end_ns;
    int on_gap;
    bool fast_forward;
    int64_t count;
    const char *state; /* a file that keeps the position */
    int retry;
    int64_t retry_time_ns, retry_tries;
    bool follow;

    /* output */
    int format;
    bool latency, endpoints;

    /* recording */
    const char *directory, *file_name, *match, *group;
    int file_format;
    int64_t length_ns, deflate, keep_files, summary_ns;
    double keep_bytes;
    bool write_empty;

    /* publishing */
    const char *publisher_id;
    bool pace, loop;
    int64_t max_failures;

    /* exec */
    const char *bind;

    /* the demonstration */
    int64_t partitions, channels;
};

void options_init(struct options *options);
void options_free(struct options *options);

#define OPTION_AT(member) offsetof(struct options, member)
#define OPTIONS_END                                                                               \
    {                                                                                             \
        0, NULL, NULL, NULL, NULL, ARG_FLAG, 0, 0, 0, NULL                                        \
    }

extern const struct arg_table program_options;  /* of every command, and before it */
extern const struct arg_table source_options;   /* all commands that need channels */
extern const struct arg_table server_options;   /* commands that need a server */
extern const struct arg_table channel_formats;  /* find, describe */
extern const struct arg_table count_formats;    /* count */
extern const struct arg_table block_formats;    /* stream, fetch */
extern const struct arg_table find_filters;     /* find, count */
extern const struct arg_table metadata_options; /* find, count, describe */
extern const struct arg_table replay_options;   /* stream, fetch */

#endif
