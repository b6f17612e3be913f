/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "channel.h"
#include "error.h"

static int take_dtype(PyObject *value, arrakis_dtype *out)
{
    const char *text;
    PyObject *name = pyark_channel_dtype(value, out);
    int rc = name ? pyark_argument_text(name, "data_type", &text) : -1;
    if (rc == 0 && *out == ARRAKIS_DTYPE_NONE) {
        arrakis_error err = {.status = ARRAKIS_EINVAL};
        snprintf(err.message, sizeof err.message,
                 "data_type: found '%.64s', expected one of int8 to int64, uint8 to uint64, "
                 "float32, float64",
                 text);
        pyark_error_raise(&err);
        rc = -1;
    }
    Py_XDECREF(name);
    return rc;
}

/* A text and whatever else cannot be iterated over, such as numpy.float32, is one type. */
static PyObject *list_dtypes(PyObject *value)
{
    if (PyUnicode_Check(value))
        return PyTuple_Pack(1, value);
    PyObject *iterator = PyObject_GetIter(value);
    if (!iterator) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return NULL;
        PyErr_Clear();
        return PyTuple_Pack(1, value);
    }
    PyObject *list = PySequence_Tuple(iterator);
    Py_DECREF(iterator);
    return list;
}

static int take_dtypes(PyObject *value, pyark_query *out)
{
    if (!value || value == Py_None)
        return 0;
    PyObject *list = list_dtypes(value);
    Py_ssize_t count = list ? PyTuple_Size(list) : 0;
    int rc = list ? 0 : -1;
    if (list && !(out->dtypes = PyMem_Calloc((size_t)count + 1, sizeof *out->dtypes))) {
        PyErr_NoMemory();
        rc = -1;
    }
    for (Py_ssize_t i = 0; rc == 0 && i < count; i++)
        rc = take_dtype(PyTuple_GetItem(list, i), &out->dtypes[i]);
    Py_XDECREF(list);
    out->query.dtypes = out->dtypes;
    out->query.dtype_count = (size_t)count;
    return rc;
}

static int take_arguments(PyObject *args, PyObject *keywords, pyark_query *out)
{
    static const char *names[] = {"pattern",   "data_type", "min_rate",  "max_rate",
                                  "publisher", "time",      "replay_id", NULL};
    arrakis_query *q = &out->query;
    PyObject *pattern = NULL, *dtypes = NULL, *min = NULL, *max = NULL, *publishers = NULL;
    PyObject *time = NULL, *replay = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OOOOO$OO", (char **)(uintptr_t)names,
                                     &pattern, &dtypes, &min, &max, &publishers, &time, &replay) ||
        pyark_argument_text(pattern, "pattern", &q->pattern) != 0 ||
        pyark_argument_text(replay, "replay_id", &q->replay_id) != 0 ||
        pyark_argument_time(time, "time", &q->time_ns) != 0 ||
        pyark_argument_number(min, "min_rate", &q->min_rate) != 0 ||
        pyark_argument_number(max, "max_rate", &q->max_rate) != 0 ||
        take_dtypes(dtypes, out) != 0 ||
        pyark_argument_texts(publishers, "publisher", &out->publishers) != 0)
        return -1;
    q->publishers = out->publishers.items;
    q->publisher_count = out->publishers.count;
    return 0;
}

int pyark_query_from(PyObject *args, PyObject *keywords, pyark_query *out)
{
    *out = (pyark_query){.query = ARRAKIS_QUERY_INIT};
    if (take_arguments(args, keywords, out) == 0)
        return 0;
    pyark_query_free(out);
    return -1;
}

void pyark_query_free(pyark_query *query)
{
    pyark_argument_texts_free(&query->publishers);
    PyMem_Free(query->dtypes);
    query->dtypes = NULL;
}
