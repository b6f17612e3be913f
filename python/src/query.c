/* SPDX-License-Identifier: Apache-2.0 */
#include "query.h"

#include "error.h"

static int take_dtypes(PyObject *value, pyark_query *out)
{
    pyark_texts texts;
    if (pyark_argument_texts(value, "data_type", &texts) != 0)
        return -1;
    out->dtypes = PyMem_Calloc(texts.count + 1, sizeof *out->dtypes);
    int rc = out->dtypes ? 0 : -1;
    if (!out->dtypes)
        PyErr_NoMemory();
    for (size_t i = 0; rc == 0 && i < texts.count; i++) {
        out->dtypes[i] = arrakis_dtype_parse(texts.items[i]);
        if (out->dtypes[i] == ARRAKIS_DTYPE_NONE) {
            arrakis_error err = {.status = ARRAKIS_EINVAL};
            snprintf(err.message, sizeof err.message,
                     "data_type: found '%.64s', expected one of int8 to int64, uint8 to uint64, "
                     "float32, float64",
                     texts.items[i]);
            pyark_error_raise(&err);
            rc = -1;
        }
    }
    out->query.dtypes = out->dtypes;
    out->query.dtype_count = texts.count;
    pyark_argument_texts_free(&texts);
    return rc;
}

static int take_rate(PyObject *value, double *out)
{
    if (!value || value == Py_None)
        return 0;
    *out = PyFloat_AsDouble(value);
    return *out == -1.0 && PyErr_Occurred() ? -1 : 0;
}

static int take(PyObject *args, PyObject *keywords, pyark_query *out)
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
        pyark_argument_time(time, "time", &q->time_ns) != 0 || take_rate(min, &q->min_rate) != 0 ||
        take_rate(max, &q->max_rate) != 0 || take_dtypes(dtypes, out) != 0 ||
        pyark_argument_texts(publishers, "publisher", &out->publishers) != 0)
        return -1;
    q->publishers = out->publishers.items;
    q->publisher_count = out->publishers.count;
    return 0;
}

int pyark_query_from(PyObject *args, PyObject *keywords, pyark_query *out)
{
    *out = (pyark_query){.query = ARRAKIS_QUERY_INIT};
    if (take(args, keywords, out) == 0)
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
