/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* More lines than these, unread, are dropped and counted: a log must not grow without bound. */
#define CAPACITY 256
/* How long the end of the interpreter waits for a handler that is at work. */
#define STOP_MS 2000

typedef struct line {
    arrakis_log_level level;
    char text[1024];
} line;

static struct {
    pthread_mutex_t lock;
    line lines[CAPACITY];
    size_t first, count;
    unsigned long dropped;
    int fd;
    bool has_thread, inside; /* the thread below runs; it is about to enter Python, or inside */
    bool stopped;            /* the interpreter is ending: no line goes to it any more */
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};
static atomic_bool any;
static bool draining; /* a handler may call this module. Under the GIL */

/* ------------------------------------------------------------------ in any thread, without the GIL */

/* Calls of this module that are under way have so long to take the lines, in their own threads. */
static const struct timespec others_first = {.tv_nsec = 50000000};

static bool begin_python(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.inside = !queue.stopped;
    bool may = queue.inside;
    pthread_mutex_unlock(&queue.lock);
    return may;
}

static void end_python(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.inside = false;
    pthread_mutex_unlock(&queue.lock);
}

static void *hand_on(void *unused)
{
    struct pollfd news = {.fd = queue.fd, .events = POLLIN};
    (void)unused;
    for (;;) {
        poll(&news, 1, -1);
        nanosleep(&others_first, NULL);
        if (!atomic_load(&any))
            continue;
        if (!begin_python())
            return NULL;
        PyGILState_STATE state = PyGILState_Ensure();
        pyark_log_drain();
        PyGILState_Release(state);
        end_python();
    }
}

/* With the lock of the queue. Where no thread can be made, calls take the lines alone. */
static void start_thread(void)
{
    pthread_t thread;
    sigset_t all, before;
    if (queue.has_thread || queue.stopped)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    queue.has_thread = pthread_create(&thread, NULL, hand_on, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (queue.has_thread)
        pthread_detach(thread);
}

static void put_line(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    pthread_mutex_lock(&queue.lock);
    if (queue.count == CAPACITY) {
        queue.dropped++;
    } else {
        line *l = &queue.lines[(queue.first + queue.count++) % CAPACITY];
        l->level = level;
        snprintf(l->text, sizeof l->text, "%s", message);
    }
    atomic_store(&any, true);
    uint64_t one = 1;
    ssize_t written = write(queue.fd, &one, sizeof one);
    (void)written; /* it fails only when the descriptor is readable already */
    start_thread();
    pthread_mutex_unlock(&queue.lock);
}

static bool take_line(line *out, unsigned long *dropped)
{
    pthread_mutex_lock(&queue.lock);
    bool found = queue.count > 0;
    *dropped = queue.dropped;
    queue.dropped = 0;
    if (found) {
        *out = queue.lines[queue.first];
        queue.first = (queue.first + 1) % CAPACITY;
        queue.count--;
    }
    if (queue.count == 0) {
        uint64_t counter;
        ssize_t got = read(queue.fd, &counter, sizeof counter);
        (void)got;
        atomic_store(&any, false);
    }
    pthread_mutex_unlock(&queue.lock);
    return found;
}

/* The lock may have been held by a thread that the child does not have. */
static void log_in_child(void)
{
    pthread_mutex_init(&queue.lock, NULL);
    queue.count = 0;
    queue.dropped = 0;
    close(queue.fd); /* the parent's: what one reads the other would miss */
    queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    queue.has_thread = queue.inside = false;
    atomic_store(&any, false);
    draining = false;
}

/* ------------------------------------------------------------------ with the GIL */

static PyObject *logger(void)
{
    PyObject *logging = PyImport_ImportModule("logging");
    PyObject *found =
        logging ? PyObject_CallMethod(logging, "getLogger", "s", "libarrakis") : NULL;
    Py_XDECREF(logging);
    return found;
}

static void emit(PyObject *to, arrakis_log_level level, const char *text)
{
    static const int levels[] = {40, 30, 20, 10}; /* logging.ERROR, WARNING, INFO, DEBUG */
    int number = levels[level <= ARRAKIS_LOG_DEBUG ? level : ARRAKIS_LOG_DEBUG];
    PyObject *message = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
    PyObject *done = message ? PyObject_CallMethod(to, "log", "isO", number, "%s", message) : NULL;
    Py_XDECREF(message);
    if (!done && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
        PyErr_Clear();
        PyErr_SetInterrupt(); /* for the call that waits */
    } else if (!done) {
        PyErr_WriteUnraisable(to);
    }
    Py_XDECREF(done);
}

static void drain_to(PyObject *to)
{
    line l;
    unsigned long dropped;
    while (take_line(&l, &dropped)) {
        emit(to, l.level, l.text);
        if (dropped > 0) {
            snprintf(l.text, sizeof l.text,
                     "%lu log lines were dropped: more than %d came at once", dropped, CAPACITY);
            emit(to, ARRAKIS_LOG_WARNING, l.text);
        }
    }
}

void pyark_log_drain(void)
{
    if (!atomic_load_explicit(&any, memory_order_relaxed) || draining)
        return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    draining = true;
    PyObject *to = logger();
    if (to)
        drain_to(to);
    else
        PyErr_Clear();
    Py_XDECREF(to);
    draining = false;
    PyErr_Restore(type, value, trace);
}

void pyark_log_refresh(void)
{
    long level = 30;
    if (queue.stopped)
        return;
    PyObject *name = PyUnicode_FromString("logging");
    PyObject *logging = name ? PyImport_GetModule(name) : NULL;
    Py_XDECREF(name);
    if (logging) {
        PyObject *to = logger();
        PyObject *effective = to ? PyObject_CallMethod(to, "getEffectiveLevel", NULL) : NULL;
        if (effective)
            level = PyLong_AsLong(effective);
        Py_XDECREF(effective);
        Py_XDECREF(to);
        Py_DECREF(logging);
    }
    PyErr_Clear();
    arrakis_log_level wanted = level > 30   ? ARRAKIS_LOG_ERROR
                               : level > 20 ? ARRAKIS_LOG_WARNING
                               : level > 10 ? ARRAKIS_LOG_INFO
                                            : ARRAKIS_LOG_DEBUG;
    arrakis_log_set(wanted, put_line, NULL);
}

int pyark_log_start(void)
{
    queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue.fd < 0 || pthread_atfork(NULL, NULL, log_in_child) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    return 0;
}

int pyark_log_fd(void)
{
    return draining ? -1 : queue.fd;
}

void pyark_log_stop(void)
{
    static const struct timespec moment = {.tv_nsec = 1000000};
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    pyark_log_drain();
    PyThreadState *state = PyEval_SaveThread();
    pthread_mutex_lock(&queue.lock);
    queue.stopped = true;
    for (int i = 0; queue.inside && i < STOP_MS; i++) { /* a handler is at work there */
        pthread_mutex_unlock(&queue.lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&queue.lock);
    }
    pthread_mutex_unlock(&queue.lock);
    PyEval_RestoreThread(state);
}
