/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "argument.h"
#include "array.h"
#include "error.h"

#include <arrakis/arrow.h>

#include <string.h>

typedef struct encoder {
    PyObject_HEAD arrakis_dtype dtype;
    PyObject *names; /* a tuple */
    uint32_t *ids;
} encoder;

static PyTypeObject *type;

static encoder *rows_of(PyObject *self)
{
    return (encoder *)self;
}

/* ------------------------------------------------------------------ making */

static int take_ids(encoder *e, PyObject *ids)
{
    PyObject *all = PySequence_Tuple(ids);
    Py_ssize_t count = PyTuple_Size(e->names);
    if (!all)
        return -1;
    if (PyTuple_Size(all) != count) {
        PyErr_Format(PyExc_ValueError, "expected one id per name, found %zd for %zd names",
                     PyTuple_Size(all), count);
    } else if (!(e->ids = PyMem_Calloc((size_t)count + 1, sizeof *e->ids))) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count && !PyErr_Occurred(); i++) {
        int64_t id;
        if (pyark_argument_int64(PyTuple_GetItem(all, i), "id", &id) != 0)
            break;
        if (id < 0 || id > UINT32_MAX)
            PyErr_Format(PyExc_ValueError, "id: expected 0 to 4294967295, found %R",
                         PyTuple_GetItem(all, i));
        else
            e->ids[i] = (uint32_t)id;
    }
    Py_DECREF(all);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *rows_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"data_type", "names", "ids", NULL};
    const char *data_type;
    PyObject *of_rows, *ids;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sOO:RowEncoder", (char **)(uintptr_t)names,
                                     &data_type, &of_rows, &ids))
        return NULL;
    arrakis_dtype dtype = arrakis_dtype_parse(data_type);
    if (dtype == ARRAKIS_DTYPE_NONE)
        return PyErr_Format(PyExc_ValueError, "data_type: there is no type '%s'", data_type);
    PyObject *self = PyType_GenericAlloc(class, 0);
    if (!self)
        return NULL;
    rows_of(self)->dtype = dtype;
    rows_of(self)->names = PySequence_Tuple(of_rows);
    if (!rows_of(self)->names || take_ids(rows_of(self), ids) != 0)
        Py_CLEAR(self);
    return self;
}

static void rows_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    Py_CLEAR(rows_of(self)->names);
    PyMem_Free(rows_of(self)->ids);
    PyObject_Free(self);
    Py_DECREF(class);
}

/* ------------------------------------------------------------------ encoding */

/* 1: the rows are complete; 0: one is not an array of the type; -1: an exception. */
static int rows_take(pyark_array_inputs *in, const encoder *e, PyObject *data)
{
    int rc = 1;
    for (size_t i = 0; i < in->count && rc == 1; i++) {
        PyObject *value = PyObject_GetItem(data, PyTuple_GetItem(e->names, (Py_ssize_t)i));
        if (value) {
            rc = pyark_array_series(value, e->dtype, &in->series[i], &in->held[i]);
            Py_DECREF(value);
        } else {
            rc = PyErr_ExceptionMatches(PyExc_KeyError) ? 0 : -1;
            if (rc == 0)
                PyErr_Clear();
        }
    }
    return rc;
}

/* NULL without an exception: the library does not take these rows. */
static PyObject *message_of(const pyark_array_inputs *in, const encoder *e, int64_t time_ns)
{
    arrakis_error err;
    size_t size;
    PyObject *message = NULL;
    arrakis_status rc = arrakis_rows_encode(NULL, 0, &size, e->dtype, time_ns, in->count, e->ids,
                                            in->series, &err);
    if (rc == ARRAKIS_OK) {
        message = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (!message)
            return NULL;
        rc = arrakis_rows_encode(PyBytes_AsString(message), size, &size, e->dtype, time_ns,
                                 in->count, e->ids, in->series, &err);
    }
    if (rc == ARRAKIS_OK)
        return message;
    Py_XDECREF(message);
    if (rc != ARRAKIS_EINVAL)
        pyark_error_raise(&err);
    return NULL;
}

static PyObject *rows_encode(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "encode() takes 2 arguments, found %zd", count);
    int overflow = 0;
    PyObject *number = PyIndex_Check(args[0]) ? PyNumber_Index(args[0]) : NULL;
    long long time_ns = number ? PyLong_AsLongLongAndOverflow(number, &overflow) : -1;
    Py_XDECREF(number);
    if (PyErr_Occurred())
        return NULL;
    pyark_array_inputs in = {0}; /* of each call, as an array's code may let another thread in */
    PyObject *message = NULL;
    if (time_ns >= 0 &&
        pyark_array_inputs_init(&in, (size_t)PyTuple_Size(rows_of(self)->names)) == 0 &&
        rows_take(&in, rows_of(self), args[1]) == 1)
        message = message_of(&in, rows_of(self), time_ns);
    pyark_array_inputs_clear(&in);
    return message || PyErr_Occurred() ? message : Py_NewRef(Py_None);
}

static PyMethodDef methods[] = {
    {"encode", PYARK_METHOD(rows_encode), METH_FASTCALL,
     "encode($self, time_ns, data, /)\n--\n\n"
     "The message of one block, as bytes. time_ns is the GPS time of its start, data a mapping\n"
     "of names to arrays. None where it is not as simple as that: data lacks a name, an array is\n"
     "not a numpy array or MaskedArray of the type in one dimension, or readers refuse the time."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "RowEncoder(data_type, names, ids)\n--\n\n"
     "Encodes the channels of one partition: their names and, in the same order, their ids in it\n"
     "(partition_index). ValueError, TypeError: there is no such type or id."},
    {Py_tp_new, PYARK_SLOT(rows_new)},
    {Py_tp_dealloc, PYARK_SLOT(rows_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis._core.RowEncoder", sizeof(encoder), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_rows_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "RowEncoder", (PyObject *)type) : -1;
}
