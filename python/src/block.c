/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include "argument.h"
#include "array.h"
#include "arrow.h"
#include "channel.h"
#include "channels.h"
#include "error.h"
#include "fork.h"
#include "mapping.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
    PyObject_HEAD arrakis_block *block;
    pyark_process process;
} block;

static PyTypeObject *type;

static arrakis_block *block_of(PyObject *self)
{
    return ((block *)self)->block;
}

static const arrakis_channels *channels_of(PyObject *self)
{
    return arrakis_block_channels(block_of(self));
}

PyObject *pyark_block_wrap(arrakis_block *made)
{
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (!self) {
        arrakis_block_unref(made);
        return NULL;
    }
    ((block *)self)->block = made;
    ((block *)self)->process = pyark_fork_here();
    return self;
}

arrakis_block *pyark_block_of(PyObject *object)
{
    if (PyObject_TypeCheck(object, type))
        return block_of(object);
    PyErr_Format(PyExc_TypeError, "expected a Block, found %R", object);
    return NULL;
}

/* What a block came from may have been locked at the fork, so a child leaves an inherited block alone. */
static void block_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    if (!pyark_fork_inherited(((block *)self)->process))
        arrakis_block_unref(block_of(self));
    PyObject_Free(self);
    Py_DECREF(class);
}

/* ------------------------------------------------------------------ from Python */

static int inputs_fill(pyark_array_inputs *in, const arrakis_channels *list, PyObject *data)
{
    if (pyark_array_inputs_init(in, arrakis_channels_count(list)) != 0)
        return -1;
    for (size_t i = 0; i < in->count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(list, i);
        PyObject *value = PyMapping_GetItemString(data, arrakis_channel_name(channel));
        int rc = !value ? -1
                 : value == Py_None
                     ? 0
                     : pyark_array_input_from(value, channel, &in->series[i], &in->held[i]);
        Py_XDECREF(value);
        if (rc != 0)
            return -1;
    }
    return 0;
}

/* As near as there is: the library compares it with the number of samples. */
static int64_t whole_ns(double ns)
{
    return ns < (double)INT64_MAX ? llround(ns) : INT64_MAX;
}

/* The duration of the first series that is given; the library compares the others. */
static int64_t duration_of(const pyark_array_inputs *in, const arrakis_channels *list)
{
    for (size_t i = 0; i < in->count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(list, i), &info);
        if (in->series[i].samples)
            return whole_ns((double)in->series[i].length / info.sample_rate * 1e9);
    }
    return ARRAKIS_UNSET;
}

/* A channel without samples has as many missing ones as the others have. */
static void inputs_complete(pyark_array_inputs *in, const arrakis_channels *list,
                            int64_t duration_ns)
{
    for (size_t i = 0; i < in->count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(list, i), &info);
        if (!in->series[i].samples)
            in->series[i].length = (size_t)llround((double)duration_ns * info.sample_rate / 1e9);
    }
}

static PyObject *make_block(int64_t start_ns, PyObject *data, arrakis_channels *list,
                            int64_t duration_ns)
{
    pyark_array_inputs in = {0};
    arrakis_block *made = NULL;
    arrakis_error err = {.status = ARRAKIS_EINVAL};
    if (inputs_fill(&in, list, data) == 0) {
        if (duration_ns == ARRAKIS_UNSET)
            duration_ns = duration_of(&in, list);
        if (duration_ns == ARRAKIS_UNSET) {
            snprintf(err.message, sizeof err.message,
                     "no channel has samples: expected duration_ns to be given");
            pyark_error_raise(&err);
        } else {
            inputs_complete(&in, list, duration_ns);
            if (arrakis_block_new(&made, list, start_ns, duration_ns, in.series, &err) !=
                ARRAKIS_OK)
                pyark_error_raise(&err);
        }
    }
    pyark_array_inputs_clear(&in);
    return made ? pyark_block_wrap(made) : NULL;
}

static PyObject *block_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    (void)class;
    static const char *names[] = {"time_ns", "data", "channels", "duration_ns", NULL};
    PyObject *time, *data, *from, *duration = NULL;
    int64_t start_ns, duration_ns;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO|O:Block", (char **)(uintptr_t)names,
                                     &time, &data, &from, &duration) ||
        pyark_argument_int64(time, "time_ns", &start_ns) != 0 ||
        pyark_argument_int64(duration, "duration_ns", &duration_ns) != 0)
        return NULL;
    arrakis_channels *list = pyark_channels_from(from);
    PyObject *self = list ? make_block(start_ns, data, list, duration_ns) : NULL;
    arrakis_channels_unref(list);
    return self;
}

/* ------------------------------------------------------------------ the mapping */

static Py_ssize_t block_length(PyObject *self)
{
    return (Py_ssize_t)arrakis_channels_count(channels_of(self));
}

static PyObject *block_item(PyObject *self, PyObject *key)
{
    int64_t i = pyark_mapping_index(channels_of(self), key);
    return i < 0 ? NULL
                 : pyark_array_samples(self, arrakis_block_series(block_of(self), (size_t)i));
}

static int block_contains(PyObject *self, PyObject *key)
{
    return pyark_mapping_contains(channels_of(self), key);
}

static PyObject *block_iterate(PyObject *self)
{
    return pyark_mapping_names(channels_of(self));
}

static PyObject *mask(PyObject *self, PyObject *key)
{
    int64_t i = pyark_mapping_index(channels_of(self), key);
    return i < 0 ? NULL : pyark_array_mask(arrakis_block_series(block_of(self), (size_t)i));
}

static PyObject *missing(PyObject *self, PyObject *key)
{
    int64_t i = pyark_mapping_index(channels_of(self), key);
    return i < 0 ? NULL
                 : PyLong_FromSize_t(
                       arrakis_series_missing(arrakis_block_series(block_of(self), (size_t)i)));
}

static PyObject *get_data(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *dict = PyDict_New();
    size_t count = arrakis_channels_count(channels_of(self));
    for (size_t i = 0; dict && i < count; i++) {
        PyObject *array = pyark_array_samples(self, arrakis_block_series(block_of(self), i));
        const char *name = arrakis_channel_name(arrakis_channels_get(channels_of(self), i));
        if (!array || PyDict_SetItemString(dict, name, array) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(array);
    }
    return dict;
}

/* ------------------------------------------------------------------ attributes */

static PyObject *block_get_channels(PyObject *self, void *unused)
{
    (void)unused;
    return pyark_channels_wrap(channels_of(self));
}

static PyObject *get_time_ns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(arrakis_block_start_ns(block_of(self)));
}

static PyObject *get_duration_ns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(arrakis_block_duration_ns(block_of(self)));
}

static PyObject *get_end_ns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(arrakis_block_start_ns(block_of(self)) +
                               arrakis_block_duration_ns(block_of(self)));
}

static PyObject *get_time(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble((double)arrakis_block_start_ns(block_of(self)) / 1e9);
}

static PyObject *get_duration(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble((double)arrakis_block_duration_ns(block_of(self)) / 1e9);
}

static size_t gap_count(PyObject *self)
{
    size_t count = arrakis_channels_count(channels_of(self)), with = 0;
    for (size_t i = 0; i < count; i++)
        with += arrakis_series_missing(arrakis_block_series(block_of(self), i)) > 0;
    return with;
}

static PyObject *get_has_gaps(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(gap_count(self) > 0);
}

/* More channels than these are not listed one by one. */
#define LISTED 8

static PyObject *block_repr(PyObject *self)
{
    char text[LISTED * 400 + 400], time[32];
    size_t count = arrakis_channels_count(channels_of(self));
    int64_t start = arrakis_block_start_ns(block_of(self));
    arrakis_time_format(time, start);
    int n = snprintf(
        text, sizeof text, "<Block GPS %s%lld.%09lld (%s), %.9g s, %zu channels, %zu with gaps>",
        start < 0 ? "-" : "", llabs(start / ARRAKIS_SECOND_NS), llabs(start % ARRAKIS_SECOND_NS),
        time, (double)arrakis_block_duration_ns(block_of(self)) / 1e9, count, gap_count(self));
    for (size_t i = 0; i < count && i < LISTED; i++) {
        arrakis_series series = arrakis_block_series(block_of(self), i);
        const arrakis_channel *channel = arrakis_channels_get(channels_of(self), i);
        n += snprintf(text + n, sizeof text - (size_t)n, "\n  %.256s: %zu %s",
                      arrakis_channel_name(channel), series.length,
                      arrakis_dtype_name(series.dtype));
        if (series.valid)
            n += snprintf(text + n, sizeof text - (size_t)n, ", %zu missing",
                          arrakis_series_missing(series));
    }
    if (count > LISTED)
        snprintf(text + n, sizeof text - (size_t)n, "\n  ... and %zu more", count - LISTED);
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static PyObject *block_reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *data = get_data(self, NULL);
    PyObject *channels = data ? block_get_channels(self, NULL) : NULL;
    if (!channels) {
        Py_XDECREF(data);
        return NULL;
    }
    return Py_BuildValue("O(LNNL)", type, (long long)arrakis_block_start_ns(block_of(self)), data,
                         channels, (long long)arrakis_block_duration_ns(block_of(self)));
}

/* ------------------------------------------------------------------ Arrow */

static PyObject *block_arrow_schema(PyObject *self, PyObject *unused)
{
    (void)unused;
    return pyark_arrow_schema(channels_of(self));
}

/* A schema that the consumer would rather have is not made: the interface leaves that to the producer. */
static PyObject *arrow_array(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"requested_schema", NULL};
    PyObject *requested;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:__arrow_c_array__",
                                     (char **)(uintptr_t)names, &requested))
        return NULL;
    return pyark_arrow_block(block_of(self));
}

static PyObject *rows(PyObject *self, PyObject *data_type)
{
    const char *name;
    if (pyark_argument_text(data_type, "data_type", &name) != 0)
        return NULL;
    size_t count = arrakis_channels_count(channels_of(self));
    uint32_t *ids = PyMem_Calloc(count + 1, sizeof *ids);
    if (!ids)
        return PyErr_NoMemory();
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels_of(self), i), &info);
        ids[i] =
            (uint32_t)(info.partition_index == ARRAKIS_UNSET ? (int64_t)i : info.partition_index);
    }
    PyObject *pair = pyark_arrow_rows(block_of(self), arrakis_dtype_parse(name ? name : ""), ids);
    PyMem_Free(ids);
    return pair;
}

/* ------------------------------------------------------------------ gwpy */

static PyObject *to_gwpy(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"pad", NULL};
    PyObject *pad = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:to_gwpy", (char **)(uintptr_t)names,
                                     &pad))
        return NULL;
    PyObject *module = PyImport_ImportModule("libarrakis._gwpy");
    PyObject *made = module ? PyObject_CallMethod(module, "series_dict", "OO", self, pad) : NULL;
    Py_XDECREF(module);
    return made;
}

/* ------------------------------------------------------------------ the type */

static PyGetSetDef attributes[] = {
    {"time_ns", get_time_ns, NULL, "GPS time of the first sample in nanoseconds.", NULL},
    {"duration_ns", get_duration_ns, NULL, "Duration in nanoseconds.", NULL},
    {"end_ns", get_end_ns, NULL, "GPS time of the end, which is not included.", NULL},
    {"time", get_time, NULL, "GPS time of the first sample in seconds, a float.", NULL},
    {"duration", get_duration, NULL, "Duration in seconds, a float.", NULL},
    {"channels", block_get_channels, NULL, "The channels, a Channels.", NULL},
    {"data", get_data, NULL, "A new dict of all names and arrays.", NULL},
    {"has_gaps", get_has_gaps, NULL, "Whether a sample of any channel is missing.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    PYARK_MAPPING_METHODS,
    {"mask", mask, METH_O,
     "mask($self, name, /)\n--\n\n"
     "An array of bool, True where a sample of the channel is missing; None where none is."},
    {"missing", missing, METH_O,
     "missing($self, name, /)\n--\n\nHow many samples of the channel are missing."},
    {"to_gwpy", PYARK_METHOD(to_gwpy), METH_VARARGS | METH_KEYWORDS,
     "to_gwpy($self, pad=None)\n--\n\n"
     "A gwpy.timeseries.TimeSeriesDict with a TimeSeries for each channel: x0 is the GPS time\n"
     "of the first sample and dx the time between two, in seconds; name and channel are the\n"
     "channel's. The samples are copies. As with gwpy's own TimeSeriesDict.get(), missing\n"
     "samples become `pad`, as the channel's type has that value; without a pad they are\n"
     "GapError."},
    {"__arrow_c_schema__", block_arrow_schema, METH_NOARGS, NULL},
    {"__arrow_c_array__", PYARK_METHOD(arrow_array), METH_VARARGS | METH_KEYWORDS, NULL},
    {"_rows", rows, METH_O, NULL},
    {"__reduce__", block_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Block(time_ns, data, channels, duration_ns=None)\n--\n\n"
     "The series of several channels over one span: a mapping of names to arrays; immutable.\n\n"
     "block[name] is a read-only numpy array of shape (sample_rate * duration,) over the block's\n"
     "memory, which lives as long as the array. Where samples are missing it is a\n"
     "numpy.ma.MaskedArray. Sample k is at time_ns + k / sample_rate seconds. An array is made\n"
     "when it is asked for. pyarrow and nanoarrow take a block as one row: a column\n"
     "`time` and a list column per channel.\n\n"
     "A block of one's own, to be published: data is a mapping with an array of the channel's\n"
     "type, a MaskedArray or a sequence of numbers for each name, or None where all samples are\n"
     "missing; channels is a Channels, or a mapping or iterable of Channel. Samples are copied.\n"
     "KeyError: data lacks a channel; MismatchError: an array has another type, or a number is\n"
     "out of the type's range; InvalidArgumentError: a number of samples is not\n"
     "sample_rate * duration."},
    {Py_tp_new, PYARK_SLOT(block_new)},
    {Py_tp_dealloc, PYARK_SLOT(block_dealloc)},
    {Py_tp_repr, PYARK_SLOT(block_repr)},
    {Py_tp_iter, PYARK_SLOT(block_iterate)},
    {Py_mp_length, PYARK_SLOT(block_length)},
    {Py_mp_subscript, PYARK_SLOT(block_item)},
    {Py_sq_contains, PYARK_SLOT(block_contains)},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.Block", sizeof(block), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_block_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Block", (PyObject *)type) : -1;
}
