/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command that is to use the server, or prints the server and keeps it reachable. */
#include "command.h"
#include "interrupt.h"
#include "out.h"
#include "report.h"
#include "source.h"
#include "ssh.h"
#include "ssh_url.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_FOUND = 127, BY_SIGNAL = 128 };

/* With scheme, host and port, so that no default is needed to read it. */
static int put_server(char *out, size_t size, const struct options *o, const char *url)
{
    struct place at;
    const char *why = place_parse(&at, url);
    if (why)
        return fail_usage(o->command,
                          "server '%s': %s; expected [grpc://]host[:port] or ssh://...", url, why);
    snprintf(out, size, "%s://%s:%s", at.tls ? "grpc+tls" : "grpc", at.host, at.port);
    return 0;
}

static char *join_words(const struct arg_list *list)
{
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->items[i]) + 1;
    char *text = calloc(1, size), *at = text;
    for (size_t i = 0; text && i < list->count; i++)
        at += sprintf(at, i ? " %s" : "%s", list->items[i]);
    return text;
}

/* Block signals except where they are waited for: none is lost. */
static void hold_signals(sigset_t *held, sigset_t *before)
{
    sigemptyset(held);
    sigaddset(held, SIGINT);
    sigaddset(held, SIGTERM);
    sigaddset(held, SIGCHLD);
    sigprocmask(SIG_BLOCK, held, before);
}

/* Ctrl-C has also reached the command; SIGTERM is passed on to it. */
static int await_command(pid_t pid, const sigset_t *held)
{
    int status = 0, number;
    bool stopped = false;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        number = sigwaitinfo(held, NULL);
        stopped = stopped || number == SIGINT || number == SIGTERM;
        if (number == SIGTERM)
            kill(pid, SIGTERM);
    }
    if (stopped)
        return EXIT_SUCCESS;
    return WIFEXITED(status) ? WEXITSTATUS(status) : BY_SIGNAL + WTERMSIG(status);
}

static int run_line(const char *line)
{
    sigset_t held, before;
    hold_signals(&held, &before);
    pid_t pid = fork();
    if (pid == 0) {
        ssh_reset_signals(&before);
        execl("/bin/sh", "sh", "-c", "--", line, (char *)NULL);
        _exit(NOT_FOUND);
    }
    int code =
        pid < 0 ? fail("cannot run the command: %s", strerror(errno)) : await_command(pid, &held);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* `forwarded`: the URL is usable as long as an ssh runs. */
static int stay_open(const char *server, bool forwarded)
{
    struct out out = {.fd = STDOUT_FILENO};
    sigset_t held, before;
    bool lost = false;
    hold_signals(&held, &before);
    out_text(&out, "ARRAKIS_SERVER=");
    out_plain(&out, server);
    out_char(&out, '\n');
    int code = out_finish(&out, EXIT_SUCCESS);
    bool stopped = interrupt_seen();
    while (!code && !stopped && !(lost = forwarded && !ssh_is_running())) {
        int number = sigwaitinfo(&held, NULL);
        stopped = number == SIGINT || number == SIGTERM || interrupt_seen();
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return lost ? fail("ssh exited; the tunnel to the server is closed") : code;
}

static int run_exec(const struct options *o)
{
    const char *given = source_server(o), *url = given ? given : "";
    bool forwarded = ssh_url_is(url);
    char server[300];
    int code = ssh_forward(&url, o, o->bind);
    if (!code && interrupt_seen())
        return EXIT_SUCCESS;
    if (!code)
        code = put_server(server, sizeof server, o, url);
    if (code)
        return code;
    if (o->arguments.count == 0)
        return stay_open(server, forwarded);
    char *line = join_words(&o->arguments);
    if (!line || setenv("ARRAKIS_SERVER", server, 1) < 0)
        code = fail("out of memory");
    else
        code = run_line(line);
    free(line);
    return code;
}

static const struct arg_option options[] = {
    {.name = "bind",
     .metavar = "HOST:PORT",
     .kind = ARG_TEXT,
     .offset = OPTION_AT(bind),
     .help =
         "where to listen for an ssh:// URL; port 0: any free port (default: localhost:31206)"},
    {.name = "timeout",
     .metavar = "S",
     .kind = ARG_SECONDS,
     .offset = OPTION_AT(timeout_ns),
     .help = "give up when ssh has not logged in after S seconds (default: 60)"},
    OPTIONS_END,
};
static const struct arg_table table = {"Server", options};
static const struct arg_table *const tables[] = {&table, NULL};

const struct command cmd_exec = {
    .name = "exec",
    .aliases = {"proxy", NULL},
    .summary = "run a command with ARRAKIS_SERVER set",
    .arguments = "[--] [COMMAND...]",
    .description = "The words of the command are joined and run by the shell, and its exit status "
                   "is that of arrakis-cli. Without a command, ARRAKIS_SERVER=URL is printed and "
                   "the tunnel to an "
                   "ssh:// server held open until Ctrl-C.",
    .tables = tables,
    .max_arguments = SIZE_MAX,
    .run = run_exec,
};
