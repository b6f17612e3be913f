/* SPDX-License-Identifier: Apache-2.0 */
#include "ssh.h"

#include "interrupt.h"
#include "monotonic.h"
#include "report.h"
#include "ssh_url.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The user may have to type a password. */
static const int64_t patience_ns = 60 * ARRAKIS_SECOND_NS;
static const int64_t parting_ns = 2 * ARRAKIS_SECOND_NS;
static const char question[] = "arrakis-server-is", ready[] = "arrakis-forward-ready";
enum { ARGUMENTS_MAX = 32 };

/* A running ssh: its standard input is held open, its output read. */
struct remote {
    pid_t pid;
    int in, out;
    char line[512]; /* the line that ssh is printing, cut if it is too long */
    size_t length;
    char answer[512]; /* the line after the question; "": there was none */
    bool asked, ready;
};

static struct remote the_remote = {.in = -1, .out = -1};
static char the_url[300];

/* ---------------------------------------------------------------- the process */

void ssh_reset_signals(const sigset_t *mask)
{
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

/* ssh stays in the foreground of the terminal, so that it can ask for a password; Ctrl-C is
 * handled by this program. ssh ends when this program does, however that ends: by a signal, and by
 * the end of its input. */
static void become_ssh(const char *const *argv, const int in[2], const int out[2], pid_t parent,
                       const sigset_t *mask)
{
    char *arguments[ARGUMENTS_MAX]; /* execvp() does not change them, and is older than const */
    memcpy(arguments, argv, sizeof arguments);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(255);
    if (dup2(in[0], STDIN_FILENO) < 0 || dup2(out[1], STDOUT_FILENO) < 0)
        _exit(255);
    signal(SIGINT, SIG_IGN);
    ssh_reset_signals(mask);
    execvp(arguments[0], arguments);
    dprintf(STDERR_FILENO, "arrakis-cli: cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(255);
}

/* argv has ARGUMENTS_MAX places. */
static int begin_ssh(struct remote *r, const char *const *argv)
{
    int in[2], out[2];
    sigset_t mask;
    *r = (struct remote){.in = -1, .out = -1};
    if (pipe2(in, O_CLOEXEC) < 0)
        return fail("cannot run ssh: %s", strerror(errno));
    if (pipe2(out, O_CLOEXEC) == 0) {
        sigprocmask(SIG_SETMASK, NULL, &mask);
        pid_t self = getpid();
        r->pid = fork();
        if (r->pid == 0)
            become_ssh(argv, in, out, self, &mask);
        r->in = in[1];
        r->out = out[0];
        close(out[1]);
    }
    close(in[0]);
    if (r->pid > 0)
        return 0;
    int code = fail("cannot run ssh: %s", strerror(errno));
    if (r->in < 0)
        close(in[1]);
    else {
        close(r->in);
        close(r->out);
    }
    *r = (struct remote){.in = -1, .out = -1};
    return code;
}

/* Other lines are ignored: login scripts may print some. */
static void end_line(struct remote *r)
{
    r->ready = strcmp(r->line, ready) == 0;
    if (r->asked && !r->ready)
        memcpy(r->answer, r->line, sizeof r->answer);
    r->asked = strcmp(r->line, question) == 0;
    r->length = 0;
    r->line[0] = '\0';
}

static void take_output(struct remote *r, const char *text, size_t n)
{
    for (size_t i = 0; i < n && !r->ready; i++) {
        if (text[i] == '\n') {
            end_line(r);
        } else if (r->length < sizeof r->line - 1) {
            r->line[r->length++] = text[i];
            r->line[r->length] = '\0';
        }
    }
}

enum said {
    SAID_MORE,
    SAID_END,
    SAID_NOTHING, /* before the deadline or a signal */
};

/* Signals are blocked except while waiting, so that a signal to end always ends the wait. */
static enum said listen_to(struct remote *r, int64_t deadline_ns)
{
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    int64_t left = deadline_ns - monotonic_ns();
    struct timespec limit = {left > 0 ? left / ARRAKIS_SECOND_NS : 0,
                             left > 0 ? left % ARRAKIS_SECOND_NS : 0};
    struct pollfd p = {r->out, POLLIN, 0};
    int n = interrupt_seen() ? 0 : ppoll(&p, 1, &limit, &before);
    bool other_signal = n < 0 && errno == EINTR && !interrupt_seen();
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (other_signal)
        return SAID_MORE;
    if (n <= 0)
        return SAID_NOTHING;
    char text[512];
    ssize_t size = read(r->out, text, sizeof text);
    if (size > 0)
        take_output(r, text, (size_t)size);
    return size > 0 ? SAID_MORE : SAID_END;
}

/* Wait for ssh to end, and kill it if it does not. @return the status of waitpid(). */
static int end_ssh(struct remote *r, bool ended)
{
    int status = 0;
    if (r->pid <= 0)
        return 0;
    close(r->in);
    if (!ended)
        kill(r->pid, SIGTERM);
    char text[512];
    struct pollfd p = {r->out, POLLIN, 0};
    int64_t deadline = monotonic_ns() + parting_ns, left;
    while (!ended && (left = deadline - monotonic_ns()) > 0) {
        int n = poll(&p, 1, (int)(left / 1000000) + 1);
        ended = n > 0 && read(r->out, text, sizeof text) <= 0;
    }
    if (!ended)
        kill(r->pid, SIGKILL);
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(r->out);
    *r = (struct remote){.in = -1, .out = -1};
    return status;
}

static int64_t print_patience(const struct options *o)
{
    return o->timeout_ns == ARRAKIS_UNSET ? patience_ns : o->timeout_ns;
}

static int fail_ssh(const struct ssh_url *u, int status)
{
    if (WIFSIGNALED(status))
        return fail("ssh to %s was ended by signal %d", u->destination, WTERMSIG(status));
    return fail("ssh to %s failed with exit status %d", u->destination, WEXITSTATUS(status));
}

static int gave_up(const struct ssh_url *u, const struct options *o, struct remote *r, bool ended)
{
    int status = end_ssh(r, ended);
    if (interrupt_seen())
        return EXIT_SUCCESS;
    if (!ended)
        return fail("ssh to %s was not ready within %g s", u->destination,
                    (double)print_patience(o) / (double)ARRAKIS_SECOND_NS);
    return fail_ssh(u, status);
}

/* ---------------------------------------------------------------- what it is told */

static void add_destination(const char **argv, size_t n, const struct ssh_url *u)
{
    if (*u->port) {
        argv[n++] = "-p";
        argv[n++] = u->port;
    }
    argv[n++] = "--";
    argv[n++] = u->destination;
}

static size_t put_common(const char **argv, char connect_timeout[48], const struct options *o)
{
    static const char *const always[] = {"ssh", "-T", "-x", "-a", "-o", "RemoteCommand=none"};
    int64_t seconds = o->timeout_ns == ARRAKIS_UNSET ? 10 : o->timeout_ns / ARRAKIS_SECOND_NS;
    snprintf(connect_timeout, 48, "ConnectTimeout=%lld", (long long)(seconds > 0 ? seconds : 1));
    size_t n = sizeof always / sizeof *always;
    memcpy(argv, always, sizeof always);
    argv[n++] = "-o";
    argv[n++] = connect_timeout;
    return n;
}

static size_t count_words(const char **argv)
{
    size_t n = 0;
    while (argv[n])
        n++;
    return n;
}

/* Find a free port: ssh cannot choose one and report it. It fails if another program has taken the
 * port since. */
static int free_port(struct place *at)
{
    char host[sizeof at->host];
    bool bracketed = at->host[0] == '[';
    snprintf(host, sizeof host, "%s", at->host + bracketed);
    if (bracketed)
        host[strlen(host) - 1] = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getaddrinfo(host, "0", &hints, &found) != 0)
        return fail("--bind: there is no address '%s'", at->host);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 &&
              getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
              getnameinfo((struct sockaddr *)&name, size, NULL, 0, at->port, sizeof at->port,
                          NI_NUMERICSERV) == 0;
    int code = ok ? 0 : fail("no free port on %s: %s", at->host, strerror(errno));
    freeaddrinfo(found);
    if (fd >= 0)
        close(fd);
    return code;
}

/* Log in with these options, and run a command that prints when it is ready and then stays. */
static int log_in(const struct ssh_url *u, const struct options *o, const char *const *options,
                  size_t option_count, const char *command)
{
    static const char *const always[] = {"-o", "ServerAliveInterval=15"};
    const char *argv[ARGUMENTS_MAX] = {NULL};
    char connect_timeout[48];
    size_t n = put_common(argv, connect_timeout, o);
    memcpy(argv + n, always, sizeof always);
    n += sizeof always / sizeof *always;
    memcpy(argv + n, options, option_count * sizeof *options);
    add_destination(argv, n + option_count, u);
    argv[count_words(argv)] = command;
    int code = begin_ssh(&the_remote, argv);
    if (code)
        return code;
    int64_t deadline = monotonic_ns() + print_patience(o);
    enum said said = SAID_MORE;
    while (said == SAID_MORE && !the_remote.ready)
        said = listen_to(&the_remote, deadline);
    return said == SAID_MORE ? 0 : gave_up(u, o, &the_remote, said == SAID_END);
}

static int forward_spec(char *spec, size_t size, const struct ssh_url *u, struct place *at)
{
    int code = strcmp(at->port, "0") == 0 ? free_port(at) : 0;
    snprintf(spec, size, "%s:%s:%s:%s", at->host, at->port, u->remote.host, u->remote.port);
    return code;
}

/* ssh listens before it runs the command, so the port is open once the line is printed. A
 * connection that is shared with other ssh processes would keep the port open after this program
 * has ended. */
static int forward_port(const struct ssh_url *u, const struct options *o, struct place *at)
{
    char spec[600], command[64];
    const char *const options[] = {"-S", "none", "-o", "ExitOnForwardFailure=yes", "-L", spec};
    int code = forward_spec(spec, sizeof spec, u, at);
    if (code)
        return code;
    snprintf(command, sizeof command, "echo %s; exec cat", ready);
    return log_in(u, o, options, sizeof options / sizeof *options, command);
}

/* Through the socket of the ssh that runs: no second login. */
static int forward_more(const struct ssh_url *u, const struct options *o, struct place *at,
                        const char *control)
{
    char spec[600];
    const char *const options[] = {"-S", control, "-O", "forward", "-L", spec};
    const char *argv[ARGUMENTS_MAX] = {"ssh"};
    struct remote r;
    enum said said;
    int code = forward_spec(spec, sizeof spec, u, at);
    if (code)
        return code;
    memcpy(argv + 1, options, sizeof options);
    add_destination(argv, 1 + sizeof options / sizeof *options, u);
    if ((code = begin_ssh(&r, argv)))
        return code;
    int64_t deadline = monotonic_ns() + print_patience(o);
    while ((said = listen_to(&r, deadline)) == SAID_MORE)
        ;
    if (said != SAID_END)
        return gave_up(u, o, &r, false);
    int status = end_ssh(&r, true);
    return status ? fail_ssh(u, status) : 0;
}

/* The server is the one that ARRAKIS_SERVER names on the remote host: log in, read it, and then
 * forward. */
static int ask_and_forward(struct ssh_url *u, const struct options *o, struct place *at)
{
    char directory[] = P_tmpdir "/arrakis-ssh-XXXXXX", control[sizeof directory + 2], command[128];
    const char *const options[] = {"-M", "-S", control, "-o", "ControlPersist=no"};
    if (!mkdtemp(directory))
        return fail("%s: %s", directory, strerror(errno));
    snprintf(control, sizeof control, "%s/s", directory);
    snprintf(command, sizeof command, "echo %s; printenv ARRAKIS_SERVER; echo %s; exec cat",
             question, ready);
    int code = log_in(u, o, options, sizeof options / sizeof *options, command);
    if (!code && !interrupt_seen()) {
        const char *why = place_parse(&u->remote, the_remote.answer);
        code =
            why ? fail("ARRAKIS_SERVER on %s is '%s': %s", u->destination, the_remote.answer, why)
                : forward_more(u, o, at, control);
    }
    unlink(control);
    rmdir(directory);
    return code;
}

int ssh_forward(const char **url, const struct options *o, const char *bind_to)
{
    struct ssh_url u;
    struct place at;
    if (!ssh_url_is(*url))
        return 0;
    const char *why = ssh_url_parse(&u, *url);
    if (why)
        return fail_usage(
            o->command, "'%s': %s; expected ssh://[user@]host[:port][::rhost[:rport]]", *url, why);
    why = place_parse(&at, bind_to ? bind_to : "127.0.0.1:0");
    if (why)
        return fail_usage(o->command, "--bind is '%s': %s", bind_to, why);
    int code = u.has_remote ? forward_port(&u, o, &at) : ask_and_forward(&u, o, &at);
    if (code)
        return code;
    snprintf(the_url, sizeof the_url, "%s://%s:%s", u.remote.tls ? "grpc+tls" : "grpc", at.host,
             at.port);
    *url = the_url;
    return 0;
}

bool ssh_is_running(void)
{
    siginfo_t info = {0};
    return the_remote.pid > 0 &&
           waitid(P_PID, (id_t)the_remote.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

void ssh_close(void)
{
    end_ssh(&the_remote, false);
}
