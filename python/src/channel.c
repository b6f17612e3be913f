/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

#include "argument.h"
#include "error.h"

#include <string.h>

typedef struct channel {
    PyObject_HEAD arrakis_channel *channel;
} channel;

static PyTypeObject *type;

static arrakis_channel *channel_of(PyObject *self)
{
    return ((channel *)self)->channel;
}

/* ------------------------------------------------------------------ from Python */

/* The fields in the order of the constructor, which is the reference's. */
enum {
    NAME,
    DATA_TYPE,
    SAMPLE_RATE,
    TIME,
    PUBLISHER,
    PARTITION_ID,
    PARTITION_INDEX,
    STRIDE,
    MAX_LATENCY,
    REPLAY_ID,
    FIELDS
};
static const char *const fields[FIELDS + 1] = {
    "name",   "data_type",   "sample_rate", "time", "publisher", "partition_id", "partition_index",
    "stride", "max_latency", "replay_id",   NULL,
};

static PyObject *numpy_name(PyObject *value)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *dtype = numpy ? PyObject_CallMethod(numpy, "dtype", "O", value) : NULL;
    PyObject *name = dtype ? PyObject_GetAttrString(dtype, "name") : NULL;
    Py_XDECREF(numpy);
    Py_XDECREF(dtype);
    return name;
}

static int parse_dtype(PyObject *name, arrakis_dtype *out)
{
    const char *text;
    if (pyark_argument_text(name, "data_type", &text) != 0)
        return -1;
    *out = arrakis_dtype_parse(text);
    return 0;
}

PyObject *pyark_channel_dtype(PyObject *value, arrakis_dtype *out)
{
    *out = ARRAKIS_DTYPE_NONE;
    if (value == Py_None) /* which is a float for numpy */
        return PyUnicode_FromString("None");
    if (PyUnicode_Check(value) && parse_dtype(value, out) != 0)
        return NULL;
    if (*out != ARRAKIS_DTYPE_NONE)
        return Py_NewRef(value);
    PyObject *name = numpy_name(value);
    if (!name && PyUnicode_Check(value) &&
        (PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError) ||
         PyErr_ExceptionMatches(PyExc_SyntaxError))) {
        PyErr_Clear(); /* a text that numpy does not know either */
        return Py_NewRef(value);
    }
    if (name && parse_dtype(name, out) != 0)
        Py_CLEAR(name);
    return name;
}

static int fill_info(arrakis_channel_info *info, PyObject *const *values, PyObject *data_type)
{
    const char *dtype;
    if (pyark_argument_text(values[NAME], "name", &info->name) != 0 ||
        pyark_argument_text(data_type, "data_type", &dtype) != 0 ||
        pyark_argument_int64(values[TIME], "time", &info->time_ns) != 0 ||
        pyark_argument_text(values[PUBLISHER], "publisher", &info->publisher) != 0 ||
        pyark_argument_text(values[PARTITION_ID], "partition_id", &info->partition_id) != 0 ||
        pyark_argument_int64(values[PARTITION_INDEX], "partition_index", &info->partition_index) !=
            0 ||
        pyark_argument_int64(values[STRIDE], "stride", &info->stride_ns) != 0 ||
        pyark_argument_int64(values[MAX_LATENCY], "max_latency", &info->max_latency_ns) != 0 ||
        pyark_argument_text(values[REPLAY_ID], "replay_id", &info->replay_id) != 0 ||
        pyark_argument_number(values[SAMPLE_RATE], "sample_rate", &info->sample_rate) != 0)
        return -1;
    if (info->dtype != ARRAKIS_DTYPE_NONE)
        return 0;
    arrakis_error err = {.status = ARRAKIS_EINVAL};
    snprintf(err.message, sizeof err.message,
             "channel %.128s: data_type is '%.64s', expected one of int8 to int64, uint8 to "
             "uint64, float32, float64",
             info->name ? info->name : "", dtype);
    pyark_error_raise(&err);
    return -1;
}

static arrakis_channel *make_channel(PyObject *const *values)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel *made = NULL;
    arrakis_error err;
    PyObject *data_type = pyark_channel_dtype(values[DATA_TYPE], &info.dtype);
    if (data_type && fill_info(&info, values, data_type) == 0 &&
        arrakis_channel_new(&made, &info, &err) != ARRAKIS_OK)
        pyark_error_raise(&err);
    Py_XDECREF(data_type);
    return made;
}

arrakis_channel *pyark_channel_from(PyObject *object)
{
    if (PyObject_TypeCheck(object, type))
        return arrakis_channel_ref(channel_of(object));
    PyObject *values[FIELDS] = {NULL};
    arrakis_channel *made = NULL;
    size_t n = 0;
    for (; n < FIELDS; n++) {
        values[n] = PyObject_GetAttrString(object, fields[n]);
        if (!values[n])
            break;
    }
    if (n == FIELDS)
        made = make_channel(values);
    else if (PyErr_ExceptionMatches(PyExc_AttributeError))
        PyErr_Format(PyExc_TypeError, "expected a Channel, found %R, which has no %s", object,
                     fields[n]);
    while (n > 0)
        Py_DECREF(values[--n]);
    return made;
}

static bool is_name(PyObject *value)
{
    return PyUnicode_Check(value) || PyObject_TypeCheck(value, type);
}

static int take_name(PyObject *item, const char *name, const char **out)
{
    if (PyObject_TypeCheck(item, type)) {
        *out = arrakis_channel_name(channel_of(item));
        return 0;
    }
    if (PyUnicode_Check(item))
        return pyark_argument_text(item, name, out);
    PyErr_Format(PyExc_TypeError, "%s: expected a str or a Channel, found %R", name, item);
    return -1;
}

int pyark_channel_names(PyObject *value, const char *name, pyark_texts *out)
{
    arrakis_error err = {.status = ARRAKIS_EINVAL};
    if (pyark_argument_texts_by(value, name, out, is_name, take_name) != 0)
        return -1;
    if (out->count > 0)
        return 0;
    pyark_argument_texts_free(out);
    snprintf(err.message, sizeof err.message, "%s: expected one name or more", name);
    pyark_error_raise(&err);
    return -1;
}

static PyObject *channel_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    (void)class;
    PyObject *values[FIELDS] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO|OOOOOOO:Channel",
                                     (char **)(uintptr_t)fields, &values[NAME], &values[DATA_TYPE],
                                     &values[SAMPLE_RATE], &values[TIME], &values[PUBLISHER],
                                     &values[PARTITION_ID], &values[PARTITION_INDEX],
                                     &values[STRIDE], &values[MAX_LATENCY], &values[REPLAY_ID]))
        return NULL;
    arrakis_channel *made = make_channel(values);
    return made ? pyark_channel_wrap(made) : NULL;
}

PyObject *pyark_channel_wrap(arrakis_channel *made)
{
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (self)
        ((channel *)self)->channel = made;
    else
        arrakis_channel_unref(made);
    return self;
}

static void channel_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    arrakis_channel_unref(channel_of(self));
    PyObject_Free(self);
    Py_DECREF(class);
}

/* ------------------------------------------------------------------ to Python */

static PyObject *text(const char *value)
{
    return value ? PyUnicode_FromString(value) : Py_NewRef(Py_None);
}

static PyObject *number(int64_t value)
{
    return value != ARRAKIS_UNSET ? PyLong_FromLongLong(value) : Py_NewRef(Py_None);
}

static PyObject *channel_get(PyObject *self, void *field)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel_of(self), &info);
    switch ((intptr_t)field) {
    case NAME:
        return text(info.name);
    case DATA_TYPE:
        return text(arrakis_dtype_name(info.dtype));
    case SAMPLE_RATE:
        return PyFloat_FromDouble(info.sample_rate);
    case TIME:
        return number(info.time_ns);
    case PUBLISHER:
        return text(info.publisher);
    case PARTITION_ID:
        return text(info.partition_id);
    case PARTITION_INDEX:
        return number(info.partition_index);
    case STRIDE:
        return number(info.stride_ns);
    case MAX_LATENCY:
        return number(info.max_latency_ns);
    default:
        return text(info.replay_id);
    }
}

static PyObject *part(PyObject *self, bool domain)
{
    arrakis_name_parts parts;
    arrakis_error err;
    if (arrakis_name_parse(&parts, arrakis_channel_name(channel_of(self)), &err) != ARRAKIS_OK)
        return pyark_error_raise(&err);
    return domain
               ? PyUnicode_FromStringAndSize(parts.domain, (Py_ssize_t)parts.domain_length)
               : PyUnicode_FromStringAndSize(parts.subsystem, (Py_ssize_t)parts.subsystem_length);
}

static PyObject *get_domain(PyObject *self, void *unused)
{
    (void)unused;
    return part(self, true);
}

static PyObject *get_subsystem(PyObject *self, void *unused)
{
    (void)unused;
    return part(self, false);
}

static PyObject *as_tuple(PyObject *self)
{
    PyObject *all = PyTuple_New(FIELDS);
    for (intptr_t i = 0; all && i < FIELDS; i++) {
        PyObject *value = channel_get(self, (void *)i);
        if (!value || PyTuple_SetItem(all, i, value) != 0)
            Py_CLEAR(all);
    }
    return all;
}

static PyObject *channel_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *all = as_tuple(self);
    return all ? Py_BuildValue("ON", type, all) : NULL;
}

static PyObject *channel_repr(PyObject *self)
{
    PyObject *out = PyUnicode_FromString("Channel(");
    PyObject *all = as_tuple(self);
    for (intptr_t i = 0; out && all && i < FIELDS; i++) {
        PyObject *value = PyTuple_GetItem(all, i);
        if (value == Py_None)
            continue;
        PyObject *more = i == NAME ? PyUnicode_FromFormat("%U%R", out, value)
                         : i <= SAMPLE_RATE
                             ? PyUnicode_FromFormat("%U, %R", out, value)
                             : PyUnicode_FromFormat("%U, %s=%R", out, fields[i], value);
        Py_DECREF(out);
        out = more;
    }
    PyObject *whole = out && all ? PyUnicode_FromFormat("%U)", out) : NULL;
    Py_XDECREF(out);
    Py_XDECREF(all);
    return whole;
}

static PyObject *str(PyObject *self)
{
    return PyUnicode_FromString(arrakis_channel_name(channel_of(self)));
}

static PyObject *channel_compare(PyObject *self, PyObject *other, int op)
{
    if ((op != Py_EQ && op != Py_NE) || !PyObject_TypeCheck(other, type))
        Py_RETURN_NOTIMPLEMENTED;
    bool equal = arrakis_channel_equal(channel_of(self), channel_of(other));
    return PyBool_FromLong(equal == (op == Py_EQ));
}

/* Over what equality always compares: channels may be equal where one of them lacks a field. */
static Py_hash_t hash(PyObject *self)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel_of(self), &info);
    PyObject *key = Py_BuildValue("sid", info.name, (int)info.dtype, info.sample_rate);
    Py_hash_t value = key ? PyObject_Hash(key) : -1;
    Py_XDECREF(key);
    return value;
}

static PyObject *to_json(PyObject *self, PyObject *unused)
{
    (void)unused;
    char *json = arrakis_channel_to_json(channel_of(self));
    if (!json)
        return PyErr_NoMemory();
    PyObject *made = PyUnicode_FromString(json);
    arrakis_free(json);
    return made;
}

static PyObject *from_json(PyObject *class, PyObject *json)
{
    (void)class;
    if (!PyUnicode_Check(json))
        return PyErr_Format(PyExc_TypeError, "from_json(): expected a str, found %R", json);
    Py_ssize_t size;
    const char *utf8 = PyUnicode_AsUTF8AndSize(json, &size);
    arrakis_channel *made;
    arrakis_error err;
    if (!utf8)
        return NULL;
    if (arrakis_channel_from_json(&made, utf8, (size_t)size, &err) != ARRAKIS_OK)
        return pyark_error_raise(&err);
    return pyark_channel_wrap(made);
}

/* ------------------------------------------------------------------ the type */

static PyGetSetDef attributes[] = {
    {"name", channel_get, NULL, "Name, such as 'H1:CAL-DELTAL_EXTERNAL_DQ'.",
     (void *)(intptr_t)NAME},
    {"data_type", channel_get, NULL, "numpy's name of the type of the samples, such as 'float32'.",
     (void *)(intptr_t)DATA_TYPE},
    {"sample_rate", channel_get, NULL, "Samples per second, a float.",
     (void *)(intptr_t)SAMPLE_RATE},
    {"time", channel_get, NULL, "GPS nanoseconds at which this metadata became active, or None.",
     (void *)(intptr_t)TIME},
    {"publisher", channel_get, NULL, "Id of the publisher, or None.", (void *)(intptr_t)PUBLISHER},
    {"partition_id", channel_get, NULL,
     "Id of the partition, which names the Kafka topic, or None.", (void *)(intptr_t)PARTITION_ID},
    {"partition_index", channel_get, NULL, "Id of the channel's rows in the partition, or None.",
     (void *)(intptr_t)PARTITION_INDEX},
    {"stride", channel_get, NULL, "Duration of a published block in nanoseconds, or None.",
     (void *)(intptr_t)STRIDE},
    {"max_latency", channel_get, NULL,
     "How late a block may be published, in nanoseconds, or None.", (void *)(intptr_t)MAX_LATENCY},
    {"replay_id", channel_get, NULL, "Id of the replay, or None: live.",
     (void *)(intptr_t)REPLAY_ID},
    {"domain", get_domain, NULL, "The name's part before the last colon.", NULL},
    {"subsystem", get_subsystem, NULL, "The name's part between the colon and '-' or '_'.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"to_json", to_json, METH_NOARGS,
     "to_json($self, /)\n--\n\nThe channel as one JSON object on one line."},
    {"from_json", from_json, METH_O | METH_STATIC,
     "from_json(text, /)\n--\n\nA channel from one JSON object, as to_json() writes it."},
    {"__reduce__", channel_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Channel(name, data_type, sample_rate, time=None, publisher=None, partition_id=None,\n"
     "        partition_index=None, stride=None, max_latency=None, replay_id=None)\n--\n\n"
     "The metadata of one channel; immutable.\n\n"
     "data_type is one of 'int8' to 'int64', 'uint8' to 'uint64', 'float32', 'float64', or what\n"
     "numpy.dtype() makes one of these of. sample_rate is in Hz; time, stride and max_latency "
     "are\n"
     "in nanoseconds. Two channels are equal when name, type and rate are, and so is every\n"
     "optional field that both have.\n\n"
     "InvalidArgumentError (a ValueError) names the field that is missing or out of range."},
    {Py_tp_new, PYARK_SLOT(channel_new)},
    {Py_tp_dealloc, PYARK_SLOT(channel_dealloc)},
    {Py_tp_repr, PYARK_SLOT(channel_repr)},
    {Py_tp_str, PYARK_SLOT(str)},
    {Py_tp_richcompare, PYARK_SLOT(channel_compare)},
    {Py_tp_hash, PYARK_SLOT(hash)},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.Channel", sizeof(channel), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_channel_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Channel", (PyObject *)type) : -1;
}
