/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include "argument.h"
#include "channels.h"
#include "error.h"
#include "handle.h"
#include "stream.h"

#include <arrakis/reader.h>

static PyTypeObject *type;

static void memory_close_object(void *object)
{
    arrakis_reader_close(object);
}

static PyObject *memory_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"channels", NULL};
    PyObject *from;
    arrakis_reader *made;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:MemoryReader", (char **)(uintptr_t)names,
                                     &from) ||
        pyark_fork_check() != 0)
        return NULL;
    arrakis_channels *channels = pyark_channels_from(from);
    PyObject *self = channels ? PyType_GenericAlloc(class, 0) : NULL;
    if (self) {
        pyark_handle_init(pyark_handle_of(self), "reader", memory_close_object);
        if (arrakis_memory_reader_new(&made, channels, &err) == ARRAKIS_OK) {
            pyark_handle_open(pyark_handle_of(self), made, NULL);
        } else {
            pyark_error_raise(&err);
            Py_CLEAR(self);
        }
    }
    arrakis_channels_unref(channels);
    return self;
}

static PyObject *memory_push(PyObject *self, PyObject *args)
{
    Py_ssize_t input, size;
    const char *message;
    arrakis_error err;
    if (!PyArg_ParseTuple(args, "ny#:push", &input, &message, &size) ||
        pyark_handle_enter(pyark_handle_of(self)) != 0)
        return NULL;
    arrakis_status rc = arrakis_memory_reader_push(pyark_handle_of(self)->object,
                                                   input < 0 ? SIZE_MAX : (size_t)input, message,
                                                   (size_t)size, &err);
    pyark_handle_leave(pyark_handle_of(self));
    return rc == ARRAKIS_OK ? Py_NewRef(Py_None) : pyark_error_raise(&err);
}

static PyObject *inputs(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (pyark_handle_enter(pyark_handle_of(self)) != 0)
        return NULL;
    size_t count = arrakis_reader_input_count(pyark_handle_of(self)->object);
    PyObject *all = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; all && i < count; i++) {
        PyObject *channels =
            pyark_channels_wrap(arrakis_reader_input_channels(pyark_handle_of(self)->object, i));
        if (!channels || PyList_SetItem(all, (Py_ssize_t)i, channels) != 0)
            Py_CLEAR(all);
    }
    pyark_handle_leave(pyark_handle_of(self));
    return all;
}

/* Opening a reader in memory does not wait, so it needs no thread. */
static PyObject *memory_stream(PyObject *self, PyObject *start)
{
    arrakis_stream_options options = ARRAKIS_STREAM_OPTIONS_INIT;
    arrakis_stream *opened;
    arrakis_error err;
    if (pyark_argument_int64(start, "start_ns", &options.start_ns) != 0)
        return NULL;
    if (arrakis_cancel_new(&options.cancel, &err) != ARRAKIS_OK)
        return pyark_error_raise(&err);
    pyark_token *none;
    arrakis_reader *reader = pyark_handle_release(pyark_handle_of(self), &none);
    if (reader) {
        arrakis_memory_reader_finish(reader);
        if (arrakis_stream_open(&opened, reader, &options, &err) == ARRAKIS_OK)
            return pyark_stream_wrap(opened, options.cancel);
        pyark_error_raise(&err);
    }
    arrakis_cancel_unref(options.cancel);
    return NULL;
}

static PyMethodDef methods[] = {
    {"inputs", inputs, METH_NOARGS,
     "inputs($self, /)\n--\n\nThe inputs, one per partition, each the Channels that it has."},
    {"push", memory_push, METH_VARARGS,
     "push($self, input, message, /)\n--\n\n"
     "Queues a copy of one message, bytes in the form in which the topic would hold it."},
    {"stream", memory_stream, METH_O,
     "stream($self, start_ns, /)\n--\n\n"
     "A Stream of what was pushed, from a GPS time in nanoseconds on; takes the reader over."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "MemoryReader(channels)\n--\n\n"
                "A reader of messages that the program pushes, without a broker, for tests and\n"
                "measurements. Each channel has partition_id, partition_index and stride."},
    {Py_tp_new, PYARK_SLOT(memory_new)},
    {Py_tp_dealloc, PYARK_SLOT(pyark_handle_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.mock.MemoryReader", sizeof(pyark_handle_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_memory_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "MemoryReader", (PyObject *)type) : -1;
}
