/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "interrupt.h"
#include "out.h"
#include "report.h"
#include "ssh.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES_MAX = 12 };

const struct command *const all_commands[] = {
    &cmd_find,    &cmd_count,   &cmd_describe,    &cmd_stream,     &cmd_fetch,
    &cmd_record,  &cmd_publish, &cmd_server_info, &cmd_domains,    &cmd_scope_map,
    &cmd_replays, &cmd_exec,    &cmd_demo,        &cmd_completion, NULL,
};

static const struct arg_table *const program_tables[] = {&program_options, NULL};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; all_commands[i]; i++) {
        if (strcmp(all_commands[i]->name, name) == 0)
            return all_commands[i];
        for (const char *const *alias = all_commands[i]->aliases; *alias; alias++)
            if (strcmp(*alias, name) == 0)
                return all_commands[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- help and version */

static size_t put_names(struct out *out, const struct command *command)
{
    size_t start = out->size;
    out_format(out, "  %s", command->name);
    for (const char *const *alias = command->aliases; *alias; alias++)
        out_format(out, ", %s", *alias);
    return out->size - start;
}

static int program_help(void)
{
    struct out out = {.fd = STDOUT_FILENO};
    out_text(&out, "Usage: arrakis-cli [OPTION]... COMMAND ...\n\n"
                   "Time series of gravitational-wave detectors, out of Kafka.\n\nCommands:\n");
    for (size_t i = 0; all_commands[i]; i++)
        help_paragraph(&out, all_commands[i]->summary, put_names(&out, all_commands[i]), 26);
    args_help(&out, program_tables);
    out_char(&out, '\n');
    help_paragraph(&out,
                   "'arrakis-cli COMMAND --help' tells about a command. 'arrakis-cli demo' runs "
                   "without any set-up.",
                   0, 0);
    return out_finish(&out, EXIT_SUCCESS);
}

static int command_help(const struct command *command, const struct arg_table *const *tables)
{
    struct out out = {.fd = STDOUT_FILENO};
    out_format(&out, "Usage: arrakis-cli %s [OPTION]...%s%s\n", command->name,
               *command->arguments ? " " : "", command->arguments);
    for (const char *const *alias = command->aliases; *alias; alias++)
        out_format(&out, "   or: arrakis-cli %s ...\n", *alias);
    out_char(&out, '\n');
    help_paragraph(&out, command->summary, 0, 0);
    if (command->description) {
        out_char(&out, '\n');
        help_paragraph(&out, command->description, 0, 0);
    }
    args_help(&out, tables);
    return out_finish(&out, EXIT_SUCCESS);
}

static int print_version(void)
{
    struct out out = {.fd = STDOUT_FILENO};
    out_format(&out, "arrakis-cli %s\n", arrakis_version());
    return out_finish(&out, EXIT_SUCCESS);
}

static int url_help(void)
{
    struct out out = {.fd = STDOUT_FILENO};
    out_text(&out, "A server's URL (--url, else ARRAKIS_SERVER) is one of\n\n"
                   "  [grpc://]host[:port]       plain; port 31206 where none is given\n"
                   "  grpc+tls://host[:port]     with TLS\n"
                   "  ssh://[user@]host[:port][::rhost[:rport]]\n"
                   "                             over ssh\n\n");
    help_paragraph(
        &out,
        "For ssh://, your own 'ssh' logs in at host, with its port where one is given, "
        "and forwards a free port of this machine to the server at rhost:rport as seen "
        "from there. Without rhost it is the one that ARRAKIS_SERVER names there, else "
        "localhost:31206. ssh ends with the command; 'arrakis-cli exec' keeps it. Only that "
        "server is forwarded: what it leaves to other servers, or to Kafka brokers, is "
        "asked of them directly.",
        0, 0);
    out_text(&out, "\n  ssh://gateway\n  ssh://me@gateway:2222\n  ssh://gateway::arrakis\n"
                   "  ssh://gateway:2222::arrakis:31206\n");
    return out_finish(&out, EXIT_SUCCESS);
}

/* ---------------------------------------------------------------- running */

static int no_such_command(const char *name)
{
    char known[256] = "";
    for (size_t i = 0; all_commands[i]; i++) {
        strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, all_commands[i]->name, sizeof known - strlen(known) - 1);
    }
    return fail_usage(NULL, "unknown command '%s' (choose from %s)", name, known);
}

static int check_arguments(const struct command *command, const struct options *options)
{
    size_t n = options->arguments.count;
    if (n < command->min_arguments)
        return fail_usage(command->name, "%s: %s is missing", command->name, command->arguments);
    if (n > command->max_arguments)
        return fail_usage(command->name, "%s: '%s' is one argument too many", command->name,
                          options->arguments.items[command->max_arguments]);
    return 0;
}

static int run_command(const struct command *command, struct options *options, int64_t now_ns,
                       int argc, char **argv)
{
    const struct arg_table *tables[TABLES_MAX] = {NULL};
    size_t n = 0;
    for (; command->tables[n]; n++)
        tables[n] = command->tables[n];
    assert(n + 1 < TABLES_MAX);
    tables[n] = &program_options;
    struct arg_parser parser = {.command = command->name,
                                .tables = tables,
                                .target = options,
                                .arguments = &options->arguments,
                                .now_ns = now_ns};
    options->command = command->name;
    if (args_parse(&parser, argc, argv) < 0)
        return EXIT_USAGE;
    if (options->stop == STOP_HELP)
        return command_help(command, tables);
    if (options->stop == STOP_VERSION)
        return print_version();
    if (options->stop == STOP_URL_HELP)
        return url_help();
    int code = check_arguments(command, options);
    if (code)
        return code;
    if ((code = report_log(options->quiet, options->verbose, options->debug)) == 0)
        code = interrupt_install();
    return code ? code : command->run(options);
}

static int run_program(struct options *options, int argc, char **argv)
{
    int64_t now_ns = arrakis_gps_now_ns();
    struct arg_parser parser = {.tables = program_tables, .target = options, .now_ns = now_ns};
    int used = args_parse(&parser, argc, argv);
    if (used < 0)
        return EXIT_USAGE;
    if (options->stop == STOP_VERSION)
        return print_version();
    if (options->stop == STOP_URL_HELP)
        return url_help();
    if (options->stop == STOP_HELP || used == argc)
        return program_help();
    const struct command *command = find_command(argv[used]);
    if (!command)
        return no_such_command(argv[used]);
    return run_command(command, options, now_ns, argc - used - 1, argv + used + 1);
}

int main(int argc, char **argv)
{
    struct options options;
    options_init(&options);
    int code = argc > 0 ? run_program(&options, argc - 1, argv + 1) : program_help();
    ssh_close();
    options_free(&options);
    return code;
}
