/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"

#include "fork.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * A signal may arrive between the look for signals and the wait, so it is blocked there and let in by ppoll() alone. All
 * handlers run with the caller's mask, which a process that they start inherits. So what came between the look and the
 * blocking is not looked for again, except for Ctrl-C, of which Python tells without running its handler. A look once
 * per second finds the others, and signals that another thread of the program took.
 */
#define LOOK_MS 1000
/* A descriptor that is always readable lets no signal in. */
#define TAKE_MS 50

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t pyark_wait_deadline(int64_t timeout_ms)
{
    return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

/* What is waited for, and what is done about it. */
typedef struct look {
    int fd, other;
    int64_t left;       /* milliseconds; negative: no limit */
    pyark_wait_fn take; /* NULL: nothing */
    void *argument;
    arrakis_status status;
    arrakis_error *err;
} look;

/* Without the GIL, with all signals blocked but in ppoll(). */
static void poll_and_take(look *l, int log_fd, const sigset_t *mask)
{
    struct pollfd fds[3] = {
        {.fd = l->fd, .events = POLLIN},
        {.fd = l->other, .events = POLLIN},
        {.fd = log_fd, .events = POLLIN},
    };
    int64_t left = l->left < 0 || l->left > LOOK_MS ? LOOK_MS : l->left;
    int64_t begun = now_ms(), end = begun + left;
    do {
        struct timespec limit = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
        if (ppoll(fds, 3, &limit, mask) <= 0 || !l->take || !fds[0].revents)
            return; /* the caller looks what it was, if anything */
        l->status = l->take(l->argument, l->err);
        left = end - now_ms();
    } while (l->status == ARRAKIS_TIMEOUT && !fds[2].revents && left > 0 &&
             end - left < begun + TAKE_MS);
}

/* -1: a handler of a signal has raised an exception; nothing was taken. */
static int look_with_signals(look *l)
{
    sigset_t all, before;
    if (PyErr_CheckSignals() != 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool interrupted = PyOS_InterruptOccurred() != 0;
    if (!interrupted) {
        int log_fd = pyark_log_fd();
        PyThreadState *state = PyEval_SaveThread();
        poll_and_take(l, log_fd, &before);
        PyEval_RestoreThread(state);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (interrupted)
        PyErr_SetInterrupt(); /* Python has forgotten it */
    return interrupted ? PyErr_CheckSignals() : 0;
}

bool pyark_wait_is_over(int64_t deadline)
{
    return deadline >= 0 && now_ms() >= deadline;
}

int64_t pyark_wait_left(int64_t deadline)
{
    if (deadline < 0)
        return -1;
    int64_t left = deadline - now_ms();
    return left > 0 ? left : 0;
}

int pyark_wait_look(int fd, int other, int64_t deadline)
{
    look l = {.fd = fd, .other = other, .left = pyark_wait_left(deadline)};
    int rc = look_with_signals(&l);
    pyark_log_drain();
    return rc < 0 ? -1 : 0;
}

int pyark_wait_take(int fd, int64_t deadline, pyark_wait_fn take, void *argument,
                    arrakis_status *status, arrakis_error *err)
{
    look l = {.fd = fd,
              .other = -1,
              .left = pyark_wait_left(deadline),
              .take = take,
              .argument = argument,
              .status = ARRAKIS_TIMEOUT,
              .err = err};
    int rc = look_with_signals(&l);
    pyark_log_drain();
    *status = l.status;
    return rc < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------ calls without a descriptor */

typedef struct call {
    pyark_wait_fn fn;
    void *argument;
    arrakis_error *err;
    arrakis_status status;
    int done; /* an eventfd */
} call;

static void *run_call(void *argument)
{
    call *c = argument;
    c->status = c->fn(c->argument, c->err);
    uint64_t one = 1;
    ssize_t written = write(c->done, &one, sizeof one);
    (void)written;
    return NULL;
}

/* Python runs handlers of signals in its main thread alone, which is the process's. */
static bool main_thread(void)
{
    return syscall(SYS_gettid) == getpid();
}

static bool start_call(call *c, pthread_t *thread)
{
    c->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->done < 0)
        return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(thread, NULL, run_call, c);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        close(c->done);
    return rc == 0;
}

int pyark_wait_call(pyark_wait_fn fn, void *argument, arrakis_cancel *cancel,
                    arrakis_status *status, arrakis_error *err)
{
    call c = {.fn = fn, .argument = argument, .err = err};
    pthread_t thread;
    int rc = 0;
    /* What the call opens is open as soon as it begins: another thread may fork. */
    pyark_process process = pyark_fork_opened();
    if (main_thread() && start_call(&c, &thread)) {
        eventfd_t done;
        while (rc == 0 && eventfd_read(c.done, &done) != 0)
            rc = pyark_wait_look(c.done, -1, -1);
        if (pyark_fork_inherited(
                process)) { /* a handler of a signal has forked: this is the child */
            close(c.done);
            if (rc == 0)
                pyark_fork_refuse("call");
            return -1;
        }
        if (rc < 0)
            arrakis_cancel_set(cancel);
        PyThreadState *state = PyEval_SaveThread();
        pthread_join(thread, NULL);
        PyEval_RestoreThread(state);
        close(c.done);
    } else {
        PyThreadState *state = PyEval_SaveThread();
        c.status = fn(argument, err);
        PyEval_RestoreThread(state);
    }
    pyark_fork_closed(process);
    pyark_log_drain();
    *status = c.status;
    return rc;
}
