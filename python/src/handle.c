/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include "log.h"

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

/* Closing may wait for a thread of the library that logs, or for a broker: never with the GIL. */
static void close_now(pyark_handle *handle)
{
    void *object = handle->object;
    handle->object = NULL;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyThreadState *state = PyEval_SaveThread();
    handle->close(object);
    PyEval_RestoreThread(state);
    PyErr_Restore(type, value, trace);
    pyark_fork_closed(handle->process);
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

void *pyark_handle_release(pyark_handle *handle)
{
    void *object = handle->object;
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
