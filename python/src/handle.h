/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle of the library that Python's threads share: one thread at a time is inside the library, and a close() by one
 * thread ends the calls of the others.
 */
#ifndef PYARK_HANDLE_H
#define PYARK_HANDLE_H

#include "binding.h"
#include "fork.h"
#include "token.h"

#include <pthread.h>

typedef struct pyark_handle {
    const char *what; /* for errors: "stream" */
    void *object;     /* NULL: not open */
    void (*close)(void *);
    arrakis_cancel *cancel; /* ends the calls of `object`, or NULL */
    pyark_token *tokens;    /* which `object` asks until it is closed, or NULL */
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

/*
 * Closes what the library has made, or cannot be handed out. Closing may wait for a broker, or for a thread of the
 * library that runs Python code: never with the GIL. Keeps the exception that is set.
 */
void pyark_handle_end(void (*close)(void *), void *object);

/* The methods close() and __exit__(), and the slot of an object that has nothing else to free. */
PyObject *pyark_handle_close_object(PyObject *self, PyObject *unused);
PyObject *pyark_handle_exit(PyObject *self, PyObject *unused);
void pyark_handle_dealloc(PyObject *self);

void pyark_handle_init(pyark_handle *handle, const char *what, void (*close)(void *));
/* Takes over what was opened, and its cancel. */
void pyark_handle_open(pyark_handle *handle, void *object, arrakis_cancel *cancel);
/*
 * Locks, without the GIL, before the library is entered; needs the GIL, and may be called where another thread has the
 * lock for long. False: `deadline` (as of pyark_wait_deadline()) has passed first.
 */
bool pyark_handle_lock(pyark_handle *handle, int64_t deadline);
/* The same for a thread without the GIL. */
bool pyark_handle_lock_free(pyark_handle *handle, int64_t deadline);
void pyark_handle_unlock(pyark_handle *handle);
/* Begins a call. -1 and an exception: closed, never opened, or inherited by fork(). */
int pyark_handle_enter(pyark_handle *handle);
/* Ends it, and closes what was closed meanwhile. Keeps the exception that is set. */
void pyark_handle_leave(pyark_handle *handle);
/* Closes at once, or as soon as the calls under way, which are canceled, have ended. */
void pyark_handle_close(pyark_handle *handle);
/* Has the object's function for tokens live as long as the object; takes a reference. Needs the GIL. */
void pyark_handle_keep(pyark_handle *handle, pyark_token *tokens);
/*
 * Gives the object away: the handle is closed without closing it. What the object asks for tokens is given away, too. NULL
 * and an exception: it is not open, or a call is under way in another thread, or in this one, whose call runs code of the
 * program.
 */
void *pyark_handle_release(pyark_handle *handle, pyark_token **tokens);
void pyark_handle_destroy(pyark_handle *handle);

#endif
