/* SPDX-License-Identifier: Apache-2.0 */
#include "token.h"

#include "argument.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long the end of the interpreter waits for a function that is at work. */
#define STOP_MS 2000

struct pyark_token {
    atomic_uint refs; /* taken in any thread, given back with the GIL */
    PyObject *function;
};

/*
 * One call of a function, of the thread that waits for it and of the one that makes it: the last one frees it. The token
 * outlives the call, also when what asked for it is closed meanwhile.
 */
typedef struct question {
    pyark_token *token;
    char *text;
    size_t size;
    int64_t expires_ns;
    arrakis_error why; /* its status is OK once there is a token */
    unsigned owners;   /* these two under the lock below */
    bool done;
} question;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned inside; /* threads that are about to enter Python, or inside */
    bool stopped;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ------------------------------------------------------------------ with the GIL */

int pyark_token_from(PyObject *function, pyark_token **out)
{
    *out = NULL;
    if (!function || function == Py_None)
        return 0;
    if (!PyCallable_Check(function)) {
        PyErr_Format(PyExc_TypeError, "kafka_token_fn: expected a function, found %R",
                     (PyObject *)Py_TYPE(function)); /* which may be the token itself */
        return -1;
    }
    if (!(*out = PyMem_Calloc(1, sizeof **out))) {
        PyErr_NoMemory();
        return -1;
    }
    atomic_init(&(*out)->refs, 1);
    (*out)->function = Py_NewRef(function);
    return 0;
}

pyark_token *pyark_token_ref(pyark_token *token)
{
    if (token)
        atomic_fetch_add(&token->refs, 1);
    return token;
}

void pyark_token_unref(pyark_token *token)
{
    if (!token || atomic_fetch_sub(&token->refs, 1) > 1)
        return;
    Py_DECREF(token->function);
    PyMem_Free(token);
}

static int take_text(question *q, PyObject *value)
{
    const char *text;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "expected a str, found %R", (PyObject *)Py_TYPE(value));
        return -1;
    }
    if (pyark_argument_text(value, "the token", &text) != 0)
        return -1;
    if (strlen(text) >= q->size) {
        PyErr_Format(PyExc_ValueError, "the token has %zu bytes, expected less than %zu",
                     strlen(text), q->size);
        return -1;
    }
    memcpy(q->text, text, strlen(text) + 1);
    return 0;
}

static int take_lifetime(question *q, PyObject *value)
{
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    if (!(seconds > 0 && seconds <= PYARK_TOKEN_LIFETIME_MAX_S)) {
        PyErr_Format(
            PyExc_ValueError,
            "the token is valid for %R seconds from now, expected more than 0 and at most "
            "%d",
            value, PYARK_TOKEN_LIFETIME_MAX_S);
        return -1;
    }
    q->expires_ns = arrakis_gps_now_ns() + (int64_t)(seconds * 1e9);
    return 0;
}

/* A str, or a pair of it and its seconds. */
static int take_answer(question *q, PyObject *answer)
{
    if (!PyTuple_Check(answer))
        return take_text(q, answer);
    if (PyTuple_Size(answer) != 2) {
        PyErr_Format(PyExc_TypeError, "expected a str or (str, seconds), found a tuple of %zd",
                     PyTuple_Size(answer));
        return -1;
    }
    return take_text(q, PyTuple_GetItem(answer, 0)) != 0
               ? -1
               : take_lifetime(q, PyTuple_GetItem(answer, 1));
}

/* The exception as the library's error, without which nobody would see it. */
static void take_exception(question *q)
{
    PyObject *class, *value, *trace;
    PyErr_Fetch(&class, &value, &trace);
    PyErr_NormalizeException(&class, &value, &trace);
    PyObject *name = class ? PyObject_GetAttrString(class, "__name__") : NULL;
    PyObject *whole = name && value ? PyUnicode_FromFormat("%S: %S", name, value) : NULL;
    const char *text = whole ? PyUnicode_AsUTF8AndSize(whole, NULL) : NULL;
    snprintf(q->why.message, sizeof q->why.message, "kafka_token_fn: %s",
             text ? text : "an exception without a text");
    PyErr_Clear();
    Py_XDECREF(whole);
    Py_XDECREF(name);
    Py_XDECREF(class);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static void ask_function(question *q)
{
    PyObject *answer = PyObject_CallNoArgs(q->token->function);
    if (answer && take_answer(q, answer) == 0)
        q->why.status = ARRAKIS_OK;
    else
        take_exception(q);
    Py_XDECREF(answer);
    pyark_token_unref(q->token);
}

/* ------------------------------------------------------------------ without the GIL */

static bool enter_python(void)
{
    pthread_mutex_lock(&all.lock);
    bool may = !all.stopped;
    all.inside += may;
    pthread_mutex_unlock(&all.lock);
    return may;
}

static void leave_python(void)
{
    pthread_mutex_lock(&all.lock);
    all.inside--;
    pthread_cond_broadcast(&all.changed);
    pthread_mutex_unlock(&all.lock);
}

/* Needs the lock, and gives it back. */
static void leave_question(question *q)
{
    bool last = --q->owners == 0;
    pthread_mutex_unlock(&all.lock);
    if (!last)
        return;
    free(q->text);
    free(q);
}

static void *answer_question(void *argument)
{
    question *q = argument;
    if (enter_python()) {
        PyGILState_STATE state = PyGILState_Ensure();
        ask_function(q);
        PyGILState_Release(state);
        leave_python();
    }
    pthread_mutex_lock(&all.lock);
    q->done = true;
    pthread_cond_broadcast(&all.changed);
    leave_question(q);
    return NULL;
}

static question *question_new(pyark_token *token, size_t size)
{
    question *q = calloc(1, sizeof *q);
    char *text = calloc(1, size);
    if (!q || !text) {
        free(q);
        free(text);
        return NULL;
    }
    *q = (question){.token = pyark_token_ref(token),
                    .text = text,
                    .size = size,
                    .expires_ns = ARRAKIS_UNSET,
                    .why = {.status = ARRAKIS_EAUTH},
                    .owners = 2};
    return q;
}

/* Takes the question's reference to the token over. */
static bool start_answer(question *q)
{
    pthread_t thread;
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, &before);
    int rc = pthread_create(&thread, NULL, answer_question, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        pthread_detach(thread);
    return rc == 0;
}

/* Until it is answered, the time is over or the interpreter ends; needs the lock. */
static void wait_for_answer(const question *q)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PYARK_TOKEN_WAIT_S;
    while (!q->done && !all.stopped &&
           pthread_cond_clockwait(&all.changed, &all.lock, CLOCK_MONOTONIC, &until) == 0)
        ;
}

static arrakis_status no_token(arrakis_error *err, const char *why)
{
    err->status = ARRAKIS_EAUTH;
    snprintf(err->message, sizeof err->message, "kafka_token_fn: %s", why);
    return err->status;
}

arrakis_status pyark_token_get(char *text, size_t size, int64_t *expires_ns, void *opaque,
                               arrakis_error *err)
{
    question *q = question_new(opaque, size);
    if (!q)
        return no_token(err, "out of memory");
    if (!start_answer(q)) {
        atomic_fetch_sub(&q->token->refs, 1); /* never the last: what asks has one */
        free(q->text);
        free(q);
        return no_token(err, "no thread could be made");
    }
    pthread_mutex_lock(&all.lock);
    wait_for_answer(q);
    if (!q->done) {
        char why[64];
        snprintf(why, sizeof why, "nothing was returned within %d s", PYARK_TOKEN_WAIT_S);
        (void)no_token(err, all.stopped ? "the interpreter is ending" : why);
    } else if (q->why.status != ARRAKIS_OK) {
        *err = q->why;
    } else {
        memcpy(text, q->text, strlen(q->text) + 1);
        *expires_ns = q->expires_ns;
        err->status = ARRAKIS_OK;
    }
    arrakis_status rc = err->status;
    leave_question(q);
    return rc;
}

/* ------------------------------------------------------------------ the process */

/* A thread that the child does not have may have held the lock. */
static void token_in_child(void)
{
    pthread_mutex_init(&all.lock, NULL);
    pthread_cond_init(&all.changed, NULL);
    all.inside = 0;
}

int pyark_token_watch(void)
{
    if (pthread_atfork(NULL, NULL, token_in_child) == 0)
        return 0;
    PyErr_NoMemory();
    return -1;
}

void pyark_token_stop(void)
{
    struct timespec until;
    PyThreadState *state = PyEval_SaveThread();
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_MS / 1000;
    pthread_mutex_lock(&all.lock);
    all.stopped = true;
    pthread_cond_broadcast(&all.changed);
    while (all.inside > 0 &&
           pthread_cond_clockwait(&all.changed, &all.lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    pthread_mutex_unlock(&all.lock);
    PyEval_RestoreThread(state);
}
