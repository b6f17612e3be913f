/* SPDX-License-Identifier: Apache-2.0 */
#include "channels.h"

#include "channel.h"
#include "error.h"
#include "mapping.h"

typedef struct channels {
    PyObject_HEAD arrakis_channels *channels;
} channels;

static PyTypeObject *type;

static arrakis_channels *channels_of(PyObject *self)
{
    return ((channels *)self)->channels;
}

PyObject *pyark_channels_wrap(const arrakis_channels *list)
{
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (self)
        ((channels *)self)->channels = arrakis_channels_ref(list);
    return self;
}

static void channels_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    arrakis_channels_unref(channels_of(self));
    PyObject_Free(self);
    Py_DECREF(class);
}

/* ------------------------------------------------------------------ from Python */

static int append_channel(arrakis_channels *list, PyObject *item)
{
    arrakis_error err;
    arrakis_channel *channel = pyark_channel_from(item);
    if (!channel)
        return -1;
    arrakis_status rc = arrakis_channels_add(list, channel, &err);
    arrakis_channel_unref(channel);
    if (rc == ARRAKIS_OK)
        return 0;
    pyark_error_raise(&err);
    return -1;
}

/* What is iterated over: of a mapping its values, else the object itself. */
static PyObject *values_of(PyObject *object)
{
    PyObject *method = PyObject_GetAttrString(object, "values");
    if (!method && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        return Py_NewRef(object);
    }
    /* Those of a pandas.Series are no method, and its own iterator has them, too. */
    PyObject *values = !method                    ? NULL
                       : PyCallable_Check(method) ? PyObject_CallNoArgs(method)
                                                  : Py_NewRef(object);
    Py_XDECREF(method);
    return values;
}

arrakis_channels *pyark_channels_from(PyObject *object)
{
    if (PyObject_TypeCheck(object, type))
        return arrakis_channels_ref(channels_of(object));
    PyObject *values = values_of(object);
    PyObject *iterator = values ? PyObject_GetIter(values) : NULL;
    if (values == object && !iterator && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(
            PyExc_TypeError,
            "channels: expected a Channels, or a mapping or iterable of Channel, found %R",
            object);
    arrakis_channels *list = NULL;
    arrakis_error err;
    if (iterator && arrakis_channels_new(&list, &err) != ARRAKIS_OK)
        pyark_error_raise(&err);
    PyObject *item;
    int rc = 0;
    while (list && rc == 0 && (item = PyIter_Next(iterator))) {
        rc = append_channel(list, item);
        Py_DECREF(item);
    }
    Py_XDECREF(iterator);
    Py_XDECREF(values);
    if (list && PyErr_Occurred()) {
        arrakis_channels_unref(list);
        list = NULL;
    }
    return list;
}

/* ------------------------------------------------------------------ the mapping */

static PyObject *channels_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    (void)class;
    static const char *names[] = {"channels", NULL};
    PyObject *from;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:Channels", (char **)(uintptr_t)names,
                                     &from))
        return NULL;
    arrakis_channels *list = pyark_channels_from(from);
    PyObject *self = list ? pyark_channels_wrap(list) : NULL;
    arrakis_channels_unref(list);
    return self;
}

static Py_ssize_t channels_length(PyObject *self)
{
    return (Py_ssize_t)arrakis_channels_count(channels_of(self));
}

static PyObject *channels_item(PyObject *self, PyObject *key)
{
    int64_t i = pyark_mapping_index(channels_of(self), key);
    return i < 0 ? NULL
                 : pyark_channel_wrap(
                       arrakis_channel_ref(arrakis_channels_get(channels_of(self), (size_t)i)));
}

static int channels_contains(PyObject *self, PyObject *key)
{
    return pyark_mapping_contains(channels_of(self), key);
}

static PyObject *channels_iterate(PyObject *self)
{
    return pyark_mapping_names(channels_of(self));
}

static bool channels_equal(const arrakis_channels *a, const arrakis_channels *b)
{
    size_t count = arrakis_channels_count(a);
    if (count != arrakis_channels_count(b))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!arrakis_channel_equal(arrakis_channels_get(a, i), arrakis_channels_get(b, i)))
            return false;
    return true;
}

static PyObject *channels_compare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, type))
        Py_RETURN_NOTIMPLEMENTED;
    bool equal = channels_equal(channels_of(self), channels_of(other));
    return PyBool_FromLong(equal == (op == Py_EQ));
}

/* Over the names, which equality always compares. */
static Py_hash_t channels_hash(PyObject *self)
{
    PyObject *names = PySequence_Tuple(self);
    Py_hash_t value = names ? PyObject_Hash(names) : -1;
    Py_XDECREF(names);
    return value;
}

static PyObject *as_list(PyObject *self)
{
    PyObject *values = pyark_mapping_values(self, NULL);
    PyObject *list = values ? PySequence_List(values) : NULL;
    Py_XDECREF(values);
    return list;
}

static PyObject *channels_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *list = as_list(self);
    return list ? Py_BuildValue("O(N)", type, list) : NULL;
}

static PyObject *channels_repr(PyObject *self)
{
    PyObject *list = as_list(self);
    PyObject *text = list ? PyUnicode_FromFormat("Channels(%R)", list) : NULL;
    Py_XDECREF(list);
    return text;
}

static PyMethodDef methods[] = {
    PYARK_MAPPING_METHODS,
    {"__reduce__", channels_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Channels(channels)\n--\n\n"
     "An ordered, immutable mapping of names to Channel, from an iterable or a mapping\n"
     "of channels. Two are equal when their channels are, in the same order.\n"
     "InvalidArgumentError: two channels have the same name."},
    {Py_tp_new, PYARK_SLOT(channels_new)},
    {Py_tp_dealloc, PYARK_SLOT(channels_dealloc)},
    {Py_tp_repr, PYARK_SLOT(channels_repr)},
    {Py_tp_richcompare, PYARK_SLOT(channels_compare)},
    {Py_tp_hash, PYARK_SLOT(channels_hash)},
    {Py_tp_iter, PYARK_SLOT(channels_iterate)},
    {Py_mp_length, PYARK_SLOT(channels_length)},
    {Py_mp_subscript, PYARK_SLOT(channels_item)},
    {Py_sq_contains, PYARK_SLOT(channels_contains)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.Channels", sizeof(channels), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_channels_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Channels", (PyObject *)type) : -1;
}
