/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping.h"

#include <string.h>

/* One of the views of collections.abc, which are what dict's own views are. */
static PyObject *view(PyObject *self, const char *class)
{
    PyObject *module = PyImport_ImportModule("collections.abc");
    PyObject *made = module ? PyObject_CallMethod(module, class, "O", self) : NULL;
    Py_XDECREF(module);
    return made;
}

PyObject *pyark_mapping_keys(PyObject *self, PyObject *unused)
{
    (void)unused;
    return view(self, "KeysView");
}

PyObject *pyark_mapping_values(PyObject *self, PyObject *unused)
{
    (void)unused;
    return view(self, "ValuesView");
}

PyObject *pyark_mapping_items(PyObject *self, PyObject *unused)
{
    (void)unused;
    return view(self, "ItemsView");
}

PyObject *pyark_mapping_get(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2) {
        PyErr_Format(PyExc_TypeError, "get() takes 1 or 2 arguments, found %zd", count);
        return NULL;
    }
    PyObject *value = PyObject_GetItem(self, args[0]);
    if (value || !PyErr_ExceptionMatches(PyExc_KeyError))
        return value;
    PyErr_Clear();
    PyObject *other = count == 2 ? args[1] : Py_None;
    return Py_NewRef(other);
}

PyObject *pyark_mapping_names(const arrakis_channels *channels)
{
    size_t count = arrakis_channels_count(channels);
    PyObject *names = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; names && i < count; i++) {
        PyObject *name =
            PyUnicode_FromString(arrakis_channel_name(arrakis_channels_get(channels, i)));
        if (!name || PyList_SetItem(names, (Py_ssize_t)i, name) != 0)
            Py_CLEAR(names);
    }
    PyObject *iterator = names ? PyObject_GetIter(names) : NULL;
    Py_XDECREF(names);
    return iterator;
}

/* No channel's name has a NUL. */
static int64_t index_of(const arrakis_channels *channels, const char *name, Py_ssize_t size)
{
    return strlen(name) == (size_t)size ? arrakis_channels_index(channels, name) : -1;
}

int64_t pyark_mapping_index(const arrakis_channels *channels, PyObject *key)
{
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "expected the name of a channel, found %R", key);
        return -1;
    }
    Py_ssize_t size;
    const char *name = PyUnicode_AsUTF8AndSize(key, &size);
    int64_t i = name ? index_of(channels, name, size) : -1;
    if (name && i < 0)
        PyErr_SetObject(PyExc_KeyError, key);
    return i;
}

int pyark_mapping_contains(const arrakis_channels *channels, PyObject *key)
{
    if (!PyUnicode_Check(key))
        return 0;
    Py_ssize_t size;
    const char *name = PyUnicode_AsUTF8AndSize(key, &size);
    return name ? index_of(channels, name, size) >= 0 : -1;
}
