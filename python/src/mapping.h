/* SPDX-License-Identifier: Apache-2.0 */
/* What a mapping by channel name has besides look-up: keys(), values(), items(), get(), and
 * iteration. */
#ifndef PYARK_MAPPING_H
#define PYARK_MAPPING_H

#include "binding.h"

#define PYARK_MAPPING_METHODS                                                                     \
    {"keys", pyark_mapping_keys, METH_NOARGS,                                                     \
     "keys($self, /)\n--\n\nThe names of the channels, in order."},                               \
        {"values", pyark_mapping_values, METH_NOARGS,                                             \
         "values($self, /)\n--\n\nThe values, in the order of the names."},                       \
        {"items", pyark_mapping_items, METH_NOARGS,                                               \
         "items($self, /)\n--\n\nPairs of name and value, in order."},                            \
    {                                                                                             \
        "get", PYARK_METHOD(pyark_mapping_get), METH_FASTCALL,                                    \
            "get($self, name, default=None, /)\n--\n\n"                                           \
            "The value of a channel, or `default` where there is no such channel."                \
    }

PyObject *pyark_mapping_keys(PyObject *self, PyObject *unused);
PyObject *pyark_mapping_values(PyObject *self, PyObject *unused);
PyObject *pyark_mapping_items(PyObject *self, PyObject *unused);
PyObject *pyark_mapping_get(PyObject *self, PyObject *const *args, Py_ssize_t count);
/* An iterator over the names of a list of channels. */
PyObject *pyark_mapping_names(const arrakis_channels *channels);
/* The index of the channel that `key` names; -1: KeyError, or TypeError if `key` is not a str. */
int64_t pyark_mapping_index(const arrakis_channels *channels, PyObject *key);
/* Whether `key` names a channel, for `in`. */
int pyark_mapping_contains(const arrakis_channels *channels, PyObject *key);

#endif
