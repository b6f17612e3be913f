/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "options.h"

/** One subcommand. */
struct command {
    const char *name;
    const char *aliases[3];                /* ended by NULL */
    const char *summary;                   /* one line, in the list of commands */
    const char *arguments;                 /* for the usage line; "" for none */
    const char *description;               /* a paragraph for its help, or NULL */
    const struct arg_table *const *tables; /* ended by NULL; those of the program are added */
    size_t min_arguments, max_arguments;
    int (*run)(const struct options *options); /* @return the exit code */
};

extern const struct command cmd_find, cmd_count, cmd_describe, cmd_stream, cmd_fetch, cmd_demo;
extern const struct command cmd_publish, cmd_completion, cmd_exec, cmd_record;
extern const struct command cmd_server_info, cmd_domains, cmd_scope_map, cmd_replays;

/** In the order of the help; ended by NULL. */
extern const struct command *const all_commands[];

#endif
