/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle of the library that Python's threads share: one thread at a time is inside the library, and a close() by one
 * thread ends the calls of the others.
 */
#ifndef PYARK_HANDLE_H
#define PYARK_HANDLE_H

#include "binding.h"
#include "fork.h"

#include <pthread.h>

typedef struct pyark_handle {
    const char *what; /* for errors: "stream" */
    void *object;     /* NULL: not open */
    void (*close)(void *);
    arrakis_cancel *cancel; /* ends the calls of `object`, or NULL */
    pthread_mutex_t lock;   /* held by the thread that is inside the library, without the GIL */
    unsigned users;         /* calls that are under way: the last one closes. Under the GIL */
    bool closed;            /* under the GIL */
    bool initialised;
    pyark_process process;
} pyark_handle;

/* Every Python object of a handle begins so. */
typedef struct pyark_handle_object {
    PyObject_HEAD pyark_handle handle;
} pyark_handle_object;

static inline pyark_handle *pyark_handle_of(PyObject *self)
{
    return &((pyark_handle_object *)self)->handle;
}

/* The methods close() and __exit__(), and the slot of an object that has nothing else to free. */
PyObject *pyark_handle_close_object(PyObject *self, PyObject *unused);
PyObject *pyark_handle_exit(PyObject *self, PyObject *unused);
void pyark_handle_dealloc(PyObject *self);

void pyark_handle_init(pyark_handle *handle, const char *what, void (*close)(void *));
/* Takes over what was opened, and its cancel. */
void pyark_handle_open(pyark_handle *handle, void *object, arrakis_cancel *cancel);
/* Begins a call. -1 and an exception: closed, never opened, or inherited by fork(). */
int pyark_handle_enter(pyark_handle *handle);
/* Ends it, and closes what was closed meanwhile. Keeps the exception that is set. */
void pyark_handle_leave(pyark_handle *handle);
/* Closes at once, or as soon as the calls under way, which are canceled, have ended. */
void pyark_handle_close(pyark_handle *handle);
/* Gives the object away: the handle is closed without closing it. */
void *pyark_handle_release(pyark_handle *handle);
void pyark_handle_destroy(pyark_handle *handle);

#endif
