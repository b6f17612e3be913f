/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow.h"

#include "error.h"

#include <arrakis/arrow.h>

#include <stdlib.h>

/* Whoever takes the contents of a capsule sets its `release` to NULL; else they are released here. */
#define CAPSULE(name, struct_name, text)                                                          \
    static void name##_free(PyObject *capsule)                                                    \
    {                                                                                             \
        struct struct_name *held = PyCapsule_GetPointer(capsule, text);                           \
        if (held && held->release)                                                                \
            held->release(held);                                                                  \
        free(held);                                                                               \
    }                                                                                             \
    static PyObject *name##_capsule(struct struct_name *held)                                     \
    {                                                                                             \
        PyObject *capsule = PyCapsule_New(held, text, name##_free);                               \
        if (!capsule) {                                                                           \
            held->release(held);                                                                  \
            free(held);                                                                           \
        }                                                                                         \
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

PyObject *pyark_arrow_block(const arrakis_block *block)
{
    arrakis_error err;
    struct ArrowArray *held = calloc(1, sizeof *held);
    if (!held)
        return PyErr_NoMemory();
    arrakis_status rc = arrakis_block_export(block, held, &err);
    PyObject *row = EXPORTED(array, held, rc, &err);
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

PyObject *pyark_arrow_stream(arrakis_stream *from)
{
    arrakis_error err;
    struct ArrowArrayStream *held = calloc(1, sizeof *held);
    if (!held) {
        arrakis_stream_close(from);
        return PyErr_NoMemory();
    }
    arrakis_status rc = arrakis_stream_export(from, held, &err);
    return EXPORTED(stream, held, rc, &err);
}
