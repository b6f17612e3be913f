/* SPDX-License-Identifier: Apache-2.0 */
#include "series_block.h"

#include "array.h"
#include "block.h"

/*
 * The constructor of such a class looks at each channel, which costs more than all else here. So objects are made as
 * object.__new__() makes them, and get the four attributes that the constructor would have set.
 */
typedef struct maker {
    PyObject_HEAD PyObject *class, *names, *data, *channels;
    newfunc make;
} maker;

enum { TIME_NS, DATA, CHANNELS, DURATION_NS, ATTRIBUTES };
static const char *const attribute_names[] = {"time_ns", "data", "channels", "_duration_ns"};
static PyObject *attributes[ATTRIBUTES];
static PyObject *no_arguments;
static PyTypeObject *type;

static maker *of(PyObject *self)
{
    return (maker *)self;
}

/* A dict of all names: a copy of one is made faster than one of names. */
static PyObject *template_of(PyObject *names)
{
    PyObject *template = PyDict_New();
    Py_ssize_t count = PyTuple_Size(names);
    for (Py_ssize_t i = 0; template && i < count; i++)
        if (PyDict_SetItem(template, PyTuple_GetItem(names, i), Py_None) != 0)
            Py_CLEAR(template);
    return template;
}

static PyObject *maker_new(PyTypeObject *self_type, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"class", "channels", NULL};
    PyObject *class, *channels;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO:BlockMaker", (char **)(uintptr_t)names,
                                     &class, &channels))
        return NULL;
    if (!PyType_Check(class))
        return PyErr_Format(PyExc_TypeError, "expected a class, found %R", class);
    newfunc make = (newfunc)(uintptr_t)PyType_GetSlot((PyTypeObject *)class, Py_tp_new);
    if (!make)
        return PyErr_Format(PyExc_TypeError, "%R has no constructor", class);
    PyObject *self = PyType_GenericAlloc(self_type, 0);
    if (!self)
        return NULL;
    maker *m = of(self);
    m->class = Py_NewRef(class);
    m->make = make;
    m->channels = PyDict_New();
    PyObject *list =
        m->channels && PyDict_Update(m->channels, channels) == 0 ? PyDict_Keys(m->channels) : NULL;
    m->names = list ? PyList_AsTuple(list) : NULL;
    m->data = m->names ? template_of(m->names) : NULL;
    Py_XDECREF(list);
    if (!m->data)
        Py_CLEAR(self);
    return self;
}

static void maker_dealloc(PyObject *self)
{
    PyTypeObject *self_type = Py_TYPE(self);
    Py_CLEAR(of(self)->class);
    Py_CLEAR(of(self)->names);
    Py_CLEAR(of(self)->data);
    Py_CLEAR(of(self)->channels);
    PyObject_Free(self);
    Py_DECREF(self_type);
}

/* ------------------------------------------------------------------ a block */

static int put_array(PyObject *data, PyObject *name, PyObject *array)
{
    int rc = array ? PyDict_SetItem(data, name, array) : -1;
    Py_XDECREF(array);
    return rc;
}

static PyObject *data_of(const maker *m, PyObject *object, const arrakis_block *block)
{
    PyObject *data = PyDict_Copy(m->data);
    Py_ssize_t count = PyTuple_Size(m->names);
    for (Py_ssize_t i = 0; data && i < count; i++) {
        arrakis_series series = arrakis_block_series(block, (size_t)i);
        if (put_array(data, PyTuple_GetItem(m->names, i), pyark_array_writable(object, series)) !=
            0)
            Py_CLEAR(data);
    }
    return data;
}

static int set_attribute(PyObject *object, int which, PyObject *value)
{
    int rc = value ? PyObject_GenericSetAttr(object, attributes[which], value) : -1;
    Py_XDECREF(value);
    return rc;
}

static PyObject *maker_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)keywords;
    maker *m = of(self);
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O", &object))
        return NULL;
    const arrakis_block *block = pyark_block_of(object);
    if (!block)
        return NULL;
    size_t count = arrakis_channels_count(arrakis_block_channels(block));
    if (count != (size_t)PyTuple_Size(m->names))
        return PyErr_Format(PyExc_ValueError, "a block of %zu channels, expected %zd", count,
                            PyTuple_Size(m->names));
    PyObject *made = m->make((PyTypeObject *)m->class, no_arguments, NULL);
    if (!made)
        return NULL;
    if (set_attribute(made, TIME_NS, PyLong_FromLongLong(arrakis_block_start_ns(block))) != 0 ||
        set_attribute(made, DATA, data_of(m, object, block)) != 0 ||
        set_attribute(made, CHANNELS, PyDict_Copy(m->channels)) != 0 ||
        set_attribute(made, DURATION_NS, PyLong_FromLongLong(arrakis_block_duration_ns(block))) !=
            0)
        Py_CLEAR(made);
    return made;
}

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "BlockMaker(class, channels)\n--\n\n"
     "Makes objects of a class with the attributes time_ns, data, channels and\n"
     "_duration_ns from blocks of a stream. channels: a dict of names and whatever\n"
     "stands for each channel, in the order of the stream's channels; each object gets\n"
     "a copy. data: a dict of names and writable arrays over the block's memory, so a\n"
     "block is given to one call, and to nobody else."},
    {Py_tp_new, PYARK_SLOT(maker_new)},
    {Py_tp_dealloc, PYARK_SLOT(maker_dealloc)},
    {Py_tp_call, PYARK_SLOT(maker_call)},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis._core._BlockMaker", sizeof(maker), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_series_block_add(PyObject *module)
{
    for (int i = 0; i < ATTRIBUTES; i++)
        if (!(attributes[i] = PyUnicode_InternFromString(attribute_names[i])))
            return -1;
    if (!(no_arguments = PyTuple_New(0)))
        return -1;
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "_BlockMaker", (PyObject *)type) : -1;
}
