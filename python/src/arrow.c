/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow.h"

#include "error.h"
#include "fork.h"
#include "handle.h"

#include <arrakis/arrow.h>

#include <errno.h>
#include <stdlib.h>

/* Whoever takes the contents of a capsule sets its `release` to NULL; else they are released here. */
#define CAPSULE(name, struct_name, text)                                                          \
    static void name##_end(void *opaque)                                                          \
    {                                                                                             \
        struct struct_name *held = opaque;                                                        \
        if (held->release)                                                                        \
            held->release(held);                                                                  \
        free(held);                                                                               \
    }                                                                                             \
    static void name##_free(PyObject *capsule)                                                    \
    {                                                                                             \
        struct struct_name *held = PyCapsule_GetPointer(capsule, text);                           \
        pyark_handle_end(name##_end, held);                                                       \
    }                                                                                             \
    static PyObject *name##_capsule(struct struct_name *held)                                     \
    {                                                                                             \
        PyObject *capsule = PyCapsule_New(held, text, name##_free);                               \
        if (!capsule)                                                                             \
            pyark_handle_end(name##_end, held);                                                   \
        return capsule;                                                                           \
    }

CAPSULE(schema, ArrowSchema, "arrow_schema")
CAPSULE(array, ArrowArray, "arrow_array")
CAPSULE(stream, ArrowArrayStream, "arrow_array_stream")

/* The capsule of what was exported into `held`, or the exception of why it was not. */
#define EXPORTED(name, held, rc, err)                                                             \
    ((rc) == ARRAKIS_OK ? name##_capsule(held) : (free(held), pyark_error_raise(err)))

static PyObject *pair(PyObject *first, PyObject *second)
{
    if (first && second)
        return Py_BuildValue("NN", first, second);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return NULL;
}

PyObject *pyark_arrow_schema(const arrakis_channels *channels)
{
    arrakis_error err;
    struct ArrowSchema *held = calloc(1, sizeof *held);
    if (!held)
        return PyErr_NoMemory();
    arrakis_status rc = arrakis_channels_export_schema(channels, held, &err);
    return EXPORTED(schema, held, rc, &err);
}

static PyObject *rows_schema(arrakis_dtype dtype)
{
    arrakis_error err;
    struct ArrowSchema *held = calloc(1, sizeof *held);
    if (!held)
        return PyErr_NoMemory();
    arrakis_status rc = arrakis_rows_export_schema(dtype, held, &err);
    return EXPORTED(schema, held, rc, &err);
}

static PyObject *block_array(const arrakis_block *block)
{
    arrakis_error err;
    struct ArrowArray *held = calloc(1, sizeof *held);
    if (!held)
        return PyErr_NoMemory();
    arrakis_status rc = arrakis_block_export(block, held, &err);
    return EXPORTED(array, held, rc, &err);
}

PyObject *pyark_arrow_address(const arrakis_block *block)
{
    PyObject *row = block_array(block);
    void *held = row ? PyCapsule_GetPointer(row, "arrow_array") : NULL;
    return pair(held ? PyLong_FromVoidPtr(held) : NULL, row);
}

PyObject *pyark_arrow_block(const arrakis_block *block)
{
    PyObject *row = block_array(block);
    return pair(row ? pyark_arrow_schema(arrakis_block_channels(block)) : NULL, row);
}

PyObject *pyark_arrow_rows(const arrakis_block *block, arrakis_dtype dtype, const uint32_t *ids)
{
    arrakis_error err;
    struct ArrowArray *held = calloc(1, sizeof *held);
    if (!held)
        return PyErr_NoMemory();
    arrakis_status rc = arrakis_block_export_rows(block, dtype, ids, held, &err);
    PyObject *rows = EXPORTED(array, held, rc, &err);
    return pair(rows ? rows_schema(dtype) : NULL, rows);
}

/* ------------------------------------------------------------------ streams */

/*
 * A stream that a consumer has counts as open at a fork: what is handed out has the library's
 * stream behind it, and a child that was forked meanwhile gets an error for it. Needs no GIL, but
 * to give back a function for tokens.
 */
typedef struct lent_stream {
    struct ArrowArrayStream from;
    pyark_process process;
    pyark_token *tokens;
} lent_stream;

static lent_stream *lent_of(struct ArrowArrayStream *stream)
{
    return stream->private_data;
}

static bool is_inherited(struct ArrowArrayStream *stream)
{
    return pyark_fork_inherited(lent_of(stream)->process);
}

static int lent_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct ArrowArrayStream *from = &lent_of(stream)->from;
    return is_inherited(stream) ? EPERM : from->get_schema(from, out);
}

static int lent_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct ArrowArrayStream *from = &lent_of(stream)->from;
    return is_inherited(stream) ? EPERM : from->get_next(from, out);
}

static const char *lent_get_last_error(struct ArrowArrayStream *stream)
{
    struct ArrowArrayStream *from = &lent_of(stream)->from;
    return is_inherited(stream)
               ? "this stream was opened before fork() and cannot be used in the child"
               : from->get_last_error(from);
}

/* A consumer may have the GIL here, which a function for tokens that is asked right now needs. */
static void lent_close(lent_stream *lent)
{
    if (!lent->tokens || !Py_IsInitialized()) {
        lent->from.release(&lent->from);
        return;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    PyThreadState *state = PyEval_SaveThread();
    lent->from.release(&lent->from);
    PyEval_RestoreThread(state);
    pyark_token_unref(lent->tokens);
    PyGILState_Release(gil);
}

/* In a child it is left as it is: its threads are the parent's. */
static void lent_release(struct ArrowArrayStream *stream)
{
    lent_stream *lent = lent_of(stream);
    stream->release = NULL;
    if (pyark_fork_inherited(lent->process))
        return;
    lent_close(lent);
    pyark_fork_closed(lent->process);
    free(lent);
}

static void close_stream(void *from)
{
    arrakis_stream_close(from);
}

PyObject *pyark_arrow_stream(arrakis_stream *from, pyark_token *tokens)
{
    arrakis_error err;
    struct ArrowArrayStream *held = calloc(1, sizeof *held);
    lent_stream *lent = calloc(1, sizeof *lent);
    if (!held || !lent) {
        free(held);
        free(lent);
        pyark_handle_end(close_stream, from);
        pyark_token_unref(tokens);
        return PyErr_NoMemory();
    }
    lent->tokens = tokens;
    lent->process = pyark_fork_opened();
    PyThreadState *state = PyEval_SaveThread(); /* a failure closes the stream */
    arrakis_status rc = arrakis_stream_export(from, &lent->from, &err);
    PyEval_RestoreThread(state);
    if (rc != ARRAKIS_OK) {
        pyark_fork_closed(lent->process);
        pyark_token_unref(tokens);
        free(held);
        free(lent);
        return pyark_error_raise(&err);
    }
    *held = (struct ArrowArrayStream){lent_get_schema, lent_get_next, lent_get_last_error,
                                      lent_release, lent};
    return stream_capsule(held);
}
