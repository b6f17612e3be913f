/* SPDX-License-Identifier: Apache-2.0 */
#include "argument.h"

#include "error.h"

#include <math.h>
#include <string.h>

static int wrong_type(const char *name, const char *expected, PyObject *found)
{
    PyErr_Format(PyExc_TypeError, "%s: expected %s, found %R", name, expected, found);
    return -1;
}

/* The errors do not have the text, which may be a secret. */
static int take_utf8(PyObject *value, const char *name, const char **out)
{
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (!text)
        return PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)
                   ? pyark_error_invalid("%s: expected a text without surrogates", name)
                   : -1;
    if (strlen(text) != (size_t)size)
        return pyark_error_invalid("%s: embedded null character", name);
    *out = text;
    return 0;
}

int pyark_argument_text(PyObject *value, const char *name, const char **out)
{
    *out = NULL;
    if (!value || value == Py_None)
        return 0;
    if (!PyUnicode_Check(value))
        return wrong_type(name, "a str", value);
    return take_utf8(value, name, out);
}

int pyark_argument_secret(PyObject *value, const char *name, const char **out)
{
    *out = NULL;
    if (value && value != Py_None && !PyUnicode_Check(value))
        return wrong_type(name, "a str", (PyObject *)Py_TYPE(value));
    return pyark_argument_text(value, name, out);
}

/* The items of an iterable as a tuple. Bytes are none: they would be numbers. */
static PyObject *items_of(PyObject *value, const char *name)
{
    PyObject *iterator =
        PyBytes_Check(value) || PyByteArray_Check(value) ? NULL : PyObject_GetIter(value);
    if (!iterator) {
        if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_TypeError))
            wrong_type(name, "one name or an iterable of names", value);
        return NULL;
    }
    PyObject *items = PySequence_Tuple(iterator);
    Py_DECREF(iterator);
    return items;
}

static bool is_text(PyObject *value)
{
    return PyUnicode_Check(value);
}

static int take_text(PyObject *item, const char *name, const char **out)
{
    return item == Py_None ? wrong_type(name, "a str", item)
                           : pyark_argument_text(item, name, out);
}

int pyark_argument_texts(PyObject *value, const char *name, pyark_texts *out)
{
    return pyark_argument_texts_by(value, name, out, is_text, take_text);
}

int pyark_argument_texts_by(PyObject *value, const char *name, pyark_texts *out,
                            bool (*single)(PyObject *value),
                            int (*take)(PyObject *item, const char *name, const char **out))
{
    memset(out, 0, sizeof *out);
    if (!value || value == Py_None)
        return 0;
    out->holder = single(value) ? PyTuple_Pack(1, value) : items_of(value, name);
    if (!out->holder)
        return -1;
    Py_ssize_t count = PyTuple_Size(out->holder);
    out->items = PyMem_Calloc((size_t)count + 1, sizeof *out->items);
    out->count = (size_t)count;
    if (!out->items) {
        pyark_argument_texts_free(out);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (take(PyTuple_GetItem(out->holder, i), name, &out->items[i]) != 0) {
            pyark_argument_texts_free(out);
            return -1;
        }
    }
    return 0;
}

void pyark_argument_texts_free(pyark_texts *texts)
{
    PyMem_Free(texts->items);
    Py_CLEAR(texts->holder);
    memset(texts, 0, sizeof *texts);
}

int pyark_argument_time(PyObject *value, const char *name, int64_t *out)
{
    *out = ARRAKIS_UNSET;
    if (!value || value == Py_None)
        return 0;
    PyObject *text = PyObject_Str(value);
    const char *utf8 = NULL;
    arrakis_error err;
    if (text)
        (void)pyark_argument_text(text, name, &utf8);
    else if (PyLong_Check(value) && PyErr_ExceptionMatches(PyExc_ValueError))
        (void)pyark_error_invalid("%s: a number of too many digits is not a time", name);
    int rc = -1;
    if (utf8 && arrakis_time_parse(out, utf8, arrakis_gps_now_ns(), &err) == ARRAKIS_OK) {
        rc = 0;
    } else if (utf8) {
        char message[sizeof err.message];
        memcpy(message, err.message, sizeof message);
        err.status = ARRAKIS_EINVAL;
        snprintf(err.message, sizeof err.message, "%s: %s", name, message);
        pyark_error_raise(&err);
    }
    Py_XDECREF(text);
    return rc;
}

int pyark_argument_number(PyObject *value, const char *name, double *out)
{
    if (!value || value == Py_None)
        return 0;
    *out = PyFloat_AsDouble(value);
    if (*out != -1.0 || !PyErr_Occurred())
        return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
        return pyark_error_invalid("%s: expected a number within the range of a float", name);
    return PyErr_ExceptionMatches(PyExc_TypeError) ? wrong_type(name, "a number", value) : -1;
}

int pyark_argument_duration(PyObject *value, const char *name, int64_t *out)
{
    double seconds = 0;
    *out = ARRAKIS_UNSET;
    if (!value || value == Py_None)
        return 0;
    if (pyark_argument_number(value, name, &seconds) != 0)
        return -1;
    if (!(fabs(seconds) < 9e9))
        return pyark_error_invalid("%s: expected seconds, found %R", name, value);
    *out = llround(seconds * 1e9);
    return 0;
}

int pyark_argument_fetch_wait(PyObject *value, int64_t *out)
{
    if (pyark_argument_duration(value, "fetch_wait", out) != 0)
        return -1;
    if (*out == ARRAKIS_UNSET)
        *out = 0;
    return 0;
}

int pyark_argument_timeout(PyObject *value, int64_t *out)
{
    int64_t ns;
    if (pyark_argument_duration(value, "timeout", &ns) != 0)
        return -1;
    if (ns == ARRAKIS_UNSET) {
        *out = -1;
        return 0;
    }
    if (ns < 0)
        return pyark_error_invalid("timeout: expected seconds, 0 or more, or None, found %R",
                                   value);
    *out = (ns + 999999) / 1000000;
    return 0;
}

int pyark_argument_int64(PyObject *value, const char *name, int64_t *out)
{
    *out = ARRAKIS_UNSET;
    if (!value || value == Py_None)
        return 0;
    PyObject *number = PyNumber_Index(value);
    if (!number)
        return PyErr_ExceptionMatches(PyExc_TypeError) ? wrong_type(name, "an int", value) : -1;
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(number, &overflow);
    Py_DECREF(number);
    if (overflow || found == ARRAKIS_UNSET) /* which is "not given" */
        return pyark_error_invalid("%s: expected an int over -2**63 and below 2**63", name);
    *out = found;
    return 0;
}
