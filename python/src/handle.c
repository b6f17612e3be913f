/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include "log.h"

#include <time.h>

void pyark_handle_init(pyark_handle *handle, const char *what, void (*close)(void *))
{
    handle->what = what;
    handle->close = close;
    pthread_mutex_init(&handle->lock, NULL);
    handle->initialised = true;
    handle->process = pyark_fork_here();
}

void pyark_handle_open(pyark_handle *handle, void *object, arrakis_cancel *cancel)
{
    handle->object = object;
    handle->cancel = cancel;
    handle->process = pyark_fork_opened();
}

int pyark_handle_enter(pyark_handle *handle)
{
    if (pyark_fork_inherited(handle->process))
        return pyark_fork_refuse(handle->what);
    if (!handle->object || handle->closed) {
        PyErr_Format(PyExc_ValueError, "this %s is closed", handle->what);
        return -1;
    }
    handle->users++;
    return 0;
}

bool pyark_handle_lock_free(pyark_handle *handle, int64_t deadline)
{
    if (deadline < 0)
        return pthread_mutex_lock(&handle->lock) == 0;
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
    return pthread_mutex_clocklock(&handle->lock, CLOCK_MONOTONIC, &until) == 0;
}

bool pyark_handle_lock(pyark_handle *handle, int64_t deadline)
{
    PyThreadState *state = PyEval_SaveThread();
    bool locked = pyark_handle_lock_free(handle, deadline);
    PyEval_RestoreThread(state);
    return locked;
}

void pyark_handle_unlock(pyark_handle *handle)
{
    pthread_mutex_unlock(&handle->lock);
}

void pyark_handle_end(void (*close)(void *), void *object)
{
    if (!object)
        return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyThreadState *state = PyEval_SaveThread();
    close(object);
    PyEval_RestoreThread(state);
    PyErr_Restore(type, value, trace);
}

static void close_now(pyark_handle *handle)
{
    void *object = handle->object;
    handle->object = NULL;
    pyark_handle_end(handle->close, object);
    pyark_fork_closed(handle->process);
    pyark_token_unref(handle->tokens); /* a handle is closed once: nobody else looks at it */
    handle->tokens = NULL;
}

void pyark_handle_keep(pyark_handle *handle, pyark_token *tokens)
{
    handle->tokens = pyark_token_ref(tokens);
}

void pyark_handle_leave(pyark_handle *handle)
{
    if (--handle->users == 0 && handle->closed && handle->object)
        close_now(handle);
}

void pyark_handle_close(pyark_handle *handle)
{
    handle->closed = true;
    if (!handle->object || pyark_fork_inherited(handle->process))
        return;
    arrakis_cancel_set(handle->cancel);
    if (handle->users == 0)
        close_now(handle);
}

void *pyark_handle_release(pyark_handle *handle, pyark_token **tokens)
{
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    bool is_in_use = --handle->users > 0;
    if (is_in_use)
        return PyErr_Format(PyExc_RuntimeError, "another call is using this %s", handle->what);
    void *object = handle->object;
    *tokens = handle->tokens;
    handle->tokens = NULL;
    handle->object = NULL;
    handle->closed = true;
    pyark_fork_closed(handle->process);
    return object;
}

void pyark_handle_destroy(pyark_handle *handle)
{
    if (!handle->initialised)
        return;
    pyark_handle_close(handle);
    if (!pyark_fork_inherited(handle->process)) {
        arrakis_cancel_unref(handle->cancel);
        pthread_mutex_destroy(&handle->lock);
    }
}

PyObject *pyark_handle_close_object(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle_close(pyark_handle_of(self));
    pyark_log_drain();
    Py_RETURN_NONE;
}

PyObject *pyark_handle_exit(PyObject *self, PyObject *unused)
{
    Py_XDECREF(pyark_handle_close_object(self, unused));
    Py_RETURN_FALSE;
}

void pyark_handle_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    pyark_handle_destroy(pyark_handle_of(self));
    PyObject_Free(self);
    Py_DECREF(class);
}
