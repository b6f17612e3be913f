/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"

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
 * A signal may arrive between the look for signals and the wait, so it is blocked there and let in by ppoll() alone. The
 * first look, and handlers of log lines, run with the caller's mask, which a process that they start inherits; the
 * second look finds what came since. Where another thread of the program took the signal, nothing wakes this one; a look
 * once per second finds it.
 */
#define LOOK_MS 1000

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

static void poll_once(int fd, int other, int64_t left, const sigset_t *mask)
{
    struct pollfd fds[3] = {
        {.fd = fd, .events = POLLIN},
        {.fd = other, .events = POLLIN},
        {.fd = pyark_log_fd(), .events = POLLIN},
    };
    if (left < 0 || left > LOOK_MS)
        left = LOOK_MS;
    struct timespec limit = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
    PyThreadState *state = PyEval_SaveThread();
    ppoll(fds, 3, &limit, mask); /* the caller looks what it was, if anything */
    PyEval_RestoreThread(state);
}

/* -1: a handler of a signal has raised an exception. */
static int poll_with_signals(int fd, int other, int64_t left)
{
    sigset_t all, before;
    if (PyErr_CheckSignals() != 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = PyErr_CheckSignals();
    if (rc == 0)
        poll_once(fd, other, left, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

bool pyark_wait_is_over(int64_t deadline)
{
    return deadline >= 0 && now_ms() >= deadline;
}

int pyark_wait_look(int fd, int other, int64_t deadline)
{
    int64_t left = deadline < 0 ? -1 : deadline - now_ms();
    int rc = poll_with_signals(fd, other, deadline >= 0 && left < 0 ? 0 : left);
    pyark_log_drain();
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

static void *run(void *argument)
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

static bool start(call *c, pthread_t *thread)
{
    c->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->done < 0)
        return false;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(thread, NULL, run, c);
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
    if (main_thread() && start(&c, &thread)) {
        eventfd_t done;
        while (rc == 0 && eventfd_read(c.done, &done) != 0)
            rc = pyark_wait_look(c.done, -1, -1);
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
    pyark_log_drain();
    *status = c.status;
    return rc;
}
