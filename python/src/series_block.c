/* SPDX-License-Identifier: Apache-2.0 */
#include "series_block.h"

#include "array_dict.h"
#include "block.h"
#include "owner.h"

/* The dicts of an object, which serve another one when the program has dropped them. */
typedef struct dicts {
    pyark_array_dict data;
    PyObject *channels; /* or NULL */
} dicts;

enum { KEPT = 4 }; /* as many free chunks as an input of a stream keeps */

/*
 * The constructor of such a class looks at each channel, which costs more than all else here. So objects are made as
 * object.__new__() makes them, and get the four attributes that the constructor would have set.
 */
typedef struct maker {
    PyObject_HEAD PyObject *class, *template, *channels;
    size_t count; /* of channels */
    newfunc make;
    dicts given[KEPT]; /* to the latest objects */
    unsigned next;     /* of these, to be given up if the program has all of them */
} maker;

enum { TIME_NS, DATA, CHANNELS, DURATION_NS, ATTRIBUTES };
static const char *const attribute_names[] = {"time_ns", "data", "channels", "_duration_ns"};
static PyObject *attributes[ATTRIBUTES];
static PyObject *no_arguments;
static PyTypeObject *type, *iterator_type;

static maker *of(PyObject *self)
{
    return (maker *)self;
}

/* A dict of all names: a copy of one is made faster than one of names. */
static PyObject *template_of(PyObject *channels)
{
    PyObject *template = PyDict_Copy(channels), *name, *channel;
    Py_ssize_t at = 0;
    while (template && PyDict_Next(channels, &at, &name, &channel))
        if (PyDict_SetItem(template, name, Py_None) != 0)
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
    if (m->channels && PyDict_Update(m->channels, channels) == 0)
        m->template = template_of(m->channels);
    if (!m->template)
        Py_CLEAR(self);
    else
        m->count = (size_t)PyDict_Size(m->template);
    return self;
}

static void dicts_clear(dicts *d)
{
    pyark_array_dict_clear(&d->data);
    Py_CLEAR(d->channels);
}

static void maker_dealloc(PyObject *self)
{
    PyTypeObject *self_type = Py_TYPE(self);
    Py_CLEAR(of(self)->class);
    Py_CLEAR(of(self)->template);
    Py_CLEAR(of(self)->channels);
    for (size_t i = 0; i < KEPT; i++)
        dicts_clear(&of(self)->given[i]);
    PyObject_Free(self);
    Py_DECREF(self_type);
}

/* ------------------------------------------------------------------ dicts */

static void take_back(maker *m)
{
    for (size_t i = 0; i < KEPT; i++)
        pyark_array_dict_take_back(&m->given[i].data);
}

/* Dicts to be given: free ones or, where the program has all of them, new ones in the place of the oldest. */
static dicts *dicts_to_give(maker *m)
{
    dicts *empty = NULL;
    for (size_t i = 0; i < KEPT; i++) {
        if (m->given[i].data.state == PYARK_ARRAY_DICT_FREE)
            return &m->given[i];
        if (m->given[i].data.state == PYARK_ARRAY_DICT_NONE && !empty)
            empty = &m->given[i];
    }
    if (empty)
        return empty;
    dicts *oldest = &m->given[m->next++ % KEPT];
    if (oldest->data.state == PYARK_ARRAY_DICT_USED)
        pyark_array_dict_clear(&oldest->data);
    return oldest->data.state == PYARK_ARRAY_DICT_NONE ? oldest : NULL;
}

/* Whether two dicts have the same objects in the same order: none of these is looked at. */
static bool has_same(PyObject *dict, PyObject *as)
{
    Py_ssize_t at = 0, as_at = 0;
    PyObject *name, *as_name, *value, *as_value;
    bool same = PyDict_Size(dict) == PyDict_Size(as);
    while (same && PyDict_Next(dict, &at, &name, &value) &&
           PyDict_Next(as, &as_at, &as_name, &as_value))
        same = name == as_name && value == as_value;
    return same;
}

static PyObject *channels_to_give(const maker *m, dicts *d)
{
    if (d->channels && Py_REFCNT(d->channels) == 1 && has_same(d->channels, m->channels))
        return Py_NewRef(d->channels);
    PyObject *made = PyDict_Copy(m->channels), *before = d->channels;
    d->channels = Py_XNewRef(made);
    Py_XDECREF(before);
    return made;
}

/* ------------------------------------------------------------------ a block */

static int set_attribute(PyObject *object, int which, PyObject *value)
{
    int rc = value ? PyObject_GenericSetAttr(object, attributes[which], value) : -1;
    Py_XDECREF(value);
    return rc;
}

static int set_attributes(PyObject *made, maker *m, dicts *d, PyObject *object)
{
    const arrakis_block *block = pyark_block_of(object);
    int64_t start_ns = arrakis_block_start_ns(block),
            duration_ns = arrakis_block_duration_ns(block);
    /* The dict first: to set an attribute may run code of the program, which may call the maker. */
    if (set_attribute(made, DATA, pyark_array_dict_fill(&d->data, m->template, object)) != 0 ||
        set_attribute(made, TIME_NS, PyLong_FromLongLong(start_ns)) != 0 ||
        set_attribute(made, CHANNELS, channels_to_give(m, d)) != 0)
        return -1;
    return set_attribute(made, DURATION_NS, PyLong_FromLongLong(duration_ns));
}

static PyObject *make_object(maker *m, PyObject *object)
{
    const arrakis_block *block = pyark_block_of(object);
    if (!block)
        return NULL;
    size_t count = arrakis_channels_count(arrakis_block_channels(block));
    if (count != m->count || (size_t)PyDict_Size(m->template) != m->count)
        return PyErr_Format(PyExc_ValueError, "a block of %zu channels, expected %zu", count,
                            m->count);
    PyObject *made = m->make((PyTypeObject *)m->class, no_arguments, NULL);
    if (!made)
        return NULL;
    dicts once = {0}, *kept = dicts_to_give(m);
    if (set_attributes(made, m, kept ? kept : &once, object) != 0)
        Py_CLEAR(made);
    dicts_clear(&once);
    return made;
}

static PyObject *maker_call(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)keywords;
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O", &object))
        return NULL;
    take_back(of(self));
    return make_object(of(self), object);
}

/* ------------------------------------------------------------------ of each block */

typedef struct iterator {
    PyObject_HEAD PyObject *maker, *blocks;
} iterator;

static PyObject *maker_over(PyObject *self, PyObject *blocks)
{
    PyObject *from = PyObject_GetIter(blocks);
    iterator *made = from ? (iterator *)PyType_GenericAlloc(iterator_type, 0) : NULL;
    if (!made) {
        Py_XDECREF(from);
        return NULL;
    }
    made->maker = Py_NewRef(self);
    made->blocks = from;
    return (PyObject *)made;
}

/* What has been dropped is taken back while the memory of its block can serve the next one. */
static PyObject *iterator_next(PyObject *self)
{
    maker *m = of(((iterator *)self)->maker);
    take_back(m);
    PyObject *block = PyIter_Next(((iterator *)self)->blocks);
    PyObject *made = block ? make_object(m, block) : NULL;
    Py_XDECREF(block);
    return made;
}

static void iterator_dealloc(PyObject *self)
{
    PyTypeObject *self_type = Py_TYPE(self);
    Py_CLEAR(((iterator *)self)->blocks);
    Py_CLEAR(((iterator *)self)->maker);
    PyObject_Free(self);
    Py_DECREF(self_type);
}

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, PYARK_SLOT(iterator_dealloc)},
    {Py_tp_iter, PYARK_SLOT(PyObject_SelfIter)},
    {Py_tp_iternext, PYARK_SLOT(iterator_next)},
    {0, NULL},
};

static PyType_Spec iterator_spec = {"libarrakis._core._MadeBlocks", sizeof(iterator), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    iterator_slots};

/* ------------------------------------------------------------------ the type */

static PyMethodDef methods[] = {
    {"over", maker_over, METH_O,
     "over($self, blocks, /)\n--\n\nAn iterator of the objects for each block of an iterable."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "BlockMaker(class, channels)\n--\n\n"
     "Makes objects of a class with the attributes time_ns, data, channels and\n"
     "_duration_ns from blocks of a stream. channels: a dict of names and whatever\n"
     "stands for each channel, in the order of the stream's channels; each object has a\n"
     "dict of its own. data: a dict of names and writable arrays over the block's memory,\n"
     "so a block is given to one call, and to nobody else. Dicts and arrays that were\n"
     "dropped serve later objects."},
    {Py_tp_new, PYARK_SLOT(maker_new)},
    {Py_tp_dealloc, PYARK_SLOT(maker_dealloc)},
    {Py_tp_call, PYARK_SLOT(maker_call)},
    {Py_tp_methods, methods},
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
    if (pyark_owner_start() != 0 ||
        !(iterator_type = (PyTypeObject *)PyType_FromSpec(&iterator_spec)))
        return -1;
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "_BlockMaker", (PyObject *)type) : -1;
}
