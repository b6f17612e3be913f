/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the completion script of a shell, made from the same tables as the help. */
#include "command.h"
#include "out.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*option_fn)(struct out *out, const struct command *command,
                          const struct arg_option *option);

/* Every option of a command; of the program itself where `command` is NULL. */
static void each_option(struct out *out, const struct command *command, option_fn fn)
{
    static const struct arg_table *const none[] = {NULL};
    const struct arg_table *const *tables = command ? command->tables : none;
    for (; *tables; tables++)
        for (const struct arg_option *o = (*tables)->options; o->name; o++)
            fn(out, command, o);
    for (const struct arg_option *o = program_options.options; o->name; o++)
        fn(out, command, o);
}

/* A command's names, with `between` between them. */
static void put_names(struct out *out, const struct command *command, const char *between)
{
    out_text(out, command->name);
    for (const char *const *alias = command->aliases; *alias; alias++)
        out_format(out, "%s%s", between, *alias);
}

static void put_choices(struct out *out, const struct arg_option *o)
{
    for (int i = 0; o->choices[i]; i++)
        out_format(out, "%s%s", i ? " " : "", o->choices[i]);
}

static bool is_file(const struct arg_option *o)
{
    return o->metavar && strcmp(o->metavar, "FILE") == 0;
}

/* A text in single quotes: with a backslash before each character of `special`, and `quote` for a
 * quote in it. */
static void put_quoted(struct out *out, const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'') {
            out_text(out, quote);
            continue;
        }
        if (strchr(special, *text))
            out_char(out, '\\');
        out_char(out, *text);
    }
}

/* ---------------------------------------------------------------- bash */

static void bash_words(struct out *out, const struct command *command, const struct arg_option *o)
{
    (void)command;
    out_format(out, " --%s", o->name);
    if (o->alias)
        out_format(out, " --%s", o->alias);
}

/* The patterns of an option where it stands before its value. */
static void bash_pattern(struct out *out, const struct arg_option *o)
{
    out_format(out, "--%s", o->name);
    if (o->alias)
        out_format(out, " | --%s", o->alias);
    if (o->letter)
        out_format(out, " | -%c", o->letter);
}

static void bash_value(struct out *out, const struct command *command, const struct arg_option *o)
{
    (void)command;
    if (!o->metavar)
        return;
    out_text(out, "        ");
    bash_pattern(out, o);
    out_text(out, ")\n");
    if (o->choices) {
        out_text(out, "            mapfile -t COMPREPLY < <(compgen -W '");
        put_choices(out, o);
        out_text(out, "' -- \"$cur\")\n");
    } else if (is_file(o)) {
        out_text(out, "            compopt -o filenames\n"
                      "            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
    }
    out_text(out, "            return ;;\n");
}

static void bash_command(struct out *out, const struct command *command)
{
    out_text(out, "    ");
    put_names(out, command, " | ");
    out_text(out, ")\n        words='");
    each_option(out, command, bash_words);
    out_text(out, "'\n        case $prev in\n");
    each_option(out, command, bash_value);
    out_text(out, "        esac ;;\n");
}

static void put_bash(struct out *out, const struct command *const *all)
{
    out_text(out, "# bash completion for arrakis-cli\n"
                  "_arrakis_cli() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    local command= words= i\n"
                  "    COMPREPLY=()\n"
                  "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                  "        case ${COMP_WORDS[i]} in\n"
                  "        -u | --url) ((i++)) ;;\n"
                  "        -*) ;;\n"
                  "        *)\n"
                  "            command=${COMP_WORDS[i]}\n"
                  "            break ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    case $command in\n"
                  "    '')\n"
                  "        words='");
    for (size_t i = 0; all[i]; i++) {
        out_text(out, i ? " " : "");
        put_names(out, all[i], " ");
    }
    each_option(out, NULL, bash_words);
    out_text(out, "'\n        case $prev in\n");
    each_option(out, NULL, bash_value);
    out_text(out, "        esac ;;\n");
    for (size_t i = 0; all[i]; i++)
        bash_command(out, all[i]);
    out_text(out, "    esac\n"
                  "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                  "}\n"
                  "complete -F _arrakis_cli arrakis-cli\n");
}

/* ---------------------------------------------------------------- zsh */

static void zsh_form(struct out *out, const struct arg_option *o, const char *form)
{
    bool repeated = o->kind == ARG_LIST;
    out_format(out, " \\\n        '%s%s[", repeated ? "*" : "", form);
    put_quoted(out, o->help, "[]\\", "'\\''");
    out_char(out, ']');
    if (o->metavar) {
        out_char(out, ':');
        put_quoted(out, o->metavar, ":\\[]()", "'\\''");
        out_char(out, ':');
    }
    if (o->choices) {
        out_char(out, '(');
        put_choices(out, o);
        out_char(out, ')');
    } else if (is_file(o)) {
        out_text(out, "_files");
    }
    out_char(out, '\'');
}

static void zsh_option(struct out *out, const struct command *command, const struct arg_option *o)
{
    (void)command;
    char form[64] = "--";
    strncat(form, o->name, sizeof form - 3);
    zsh_form(out, o, form);
    if (o->alias) {
        form[2] = '\0';
        strncat(form, o->alias, sizeof form - 3);
        zsh_form(out, o, form);
    }
    const char letter[] = {'-', o->letter, '\0'};
    if (o->letter)
        zsh_form(out, o, letter);
}

static void zsh_names(struct out *out, const struct command *command, const char *name)
{
    out_format(out, "            '%s:", name);
    put_quoted(out, command->summary, ":\\", "'\\''");
    out_text(out, "'\n");
}

static void put_zsh(struct out *out, const struct command *const *all)
{
    out_text(out, "#compdef arrakis-cli\n"
                  "_arrakis_cli() {\n"
                  "    local curcontext=$curcontext state line\n"
                  "    local -a commands\n"
                  "    _arguments -C");
    each_option(out, NULL, zsh_option);
    out_text(out, " \\\n        '1:command:->command' '*::argument:->argument'\n"
                  "    case $state in\n"
                  "    command)\n"
                  "        commands=(\n");
    for (size_t i = 0; all[i]; i++) {
        zsh_names(out, all[i], all[i]->name);
        for (const char *const *alias = all[i]->aliases; *alias; alias++)
            zsh_names(out, all[i], *alias);
    }
    out_text(out, "        )\n"
                  "        _describe command commands ;;\n"
                  "    argument)\n"
                  "        case $words[1] in\n");
    for (size_t i = 0; all[i]; i++) {
        out_text(out, "        ");
        put_names(out, all[i], "|");
        out_text(out, ")\n            _arguments");
        each_option(out, all[i], zsh_option);
        out_text(out, " ;;\n");
    }
    out_text(out, "        esac ;;\n"
                  "    esac\n"
                  "}\n"
                  "if [[ $funcstack[1] == _arrakis-cli ]]; then\n"
                  "    _arrakis_cli \"$@\"\n"
                  "else\n"
                  "    compdef _arrakis_cli arrakis-cli\n"
                  "fi\n");
}

/* ---------------------------------------------------------------- fish */

static void fish_option(struct out *out, const struct command *command, const struct arg_option *o)
{
    out_text(out, "complete -c arrakis-cli");
    if (command) {
        out_text(out, " -n '__fish_seen_subcommand_from ");
        put_names(out, command, " ");
        out_char(out, '\'');
    }
    out_format(out, " -l %s", o->name);
    if (o->alias)
        out_format(out, " -l %s", o->alias);
    if (o->letter)
        out_format(out, " -s %c", o->letter);
    if (o->choices) {
        out_text(out, " -x -a '");
        put_choices(out, o);
        out_char(out, '\'');
    } else if (o->metavar) {
        out_text(out, is_file(o) ? " -r -F" : " -x");
    }
    out_text(out, " -d '");
    put_quoted(out, o->help, "\\", "\\'");
    out_text(out, "'\n");
}

static void put_fish(struct out *out, const struct command *const *all)
{
    out_text(out, "# fish completion for arrakis-cli\n"
                  "complete -c arrakis-cli -f\n");
    for (const struct arg_option *o = program_options.options; o->name; o++)
        fish_option(out, NULL, o);
    for (size_t i = 0; all[i]; i++) {
        out_text(out, "complete -c arrakis-cli -n __fish_use_subcommand -a '");
        put_names(out, all[i], " ");
        out_text(out, "' -d '");
        put_quoted(out, all[i]->summary, "\\", "\\'");
        out_text(out, "'\n");
        for (const struct arg_table *const *t = all[i]->tables; *t; t++)
            for (const struct arg_option *o = (*t)->options; o->name; o++)
                fish_option(out, all[i], o);
    }
}

/* ---------------------------------------------------------------- the command */

static int run_completion(const struct options *o)
{
    static const struct {
        const char *name;
        void (*put)(struct out *out, const struct command *const *all);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, o->arguments.items[0]) == 0) {
            struct out out = {.fd = STDOUT_FILENO};
            shells[i].put(&out, all_commands);
            return out_finish(&out, EXIT_SUCCESS);
        }
    return fail_usage(o->command, "invalid shell '%s' (choose from bash, zsh, fish)",
                      o->arguments.items[0]);
}

static const struct arg_table *const tables[] = {NULL};

const struct command cmd_completion = {
    .name = "completion",
    .aliases = {NULL},
    .summary = "print a shell's completion script",
    .arguments = "SHELL",
    .description = "SHELL is bash, zsh or fish. Completion of an installed program works already; "
                   "otherwise: eval \"$(arrakis-cli completion bash)\", the same for zsh, or "
                   "arrakis-cli completion fish | source.",
    .tables = tables,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_completion,
};
