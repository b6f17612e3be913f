/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include "arrow.h"
#include "block.h"
#include "channels.h"
#include "error.h"

#include <arrakis/arrow.h>

typedef struct writer {
    PyObject_HEAD arrakis_arrow_writer
        *writer; /* used under the GIL, as a message is short work */
} writer;

static PyTypeObject *type;

static writer *batch_of(PyObject *self)
{
    return (writer *)self;
}

static PyObject *batch_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"channels", NULL};
    PyObject *from;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:BatchWriter", (char **)(uintptr_t)names,
                                     &from))
        return NULL;
    arrakis_channels *channels = pyark_channels_from(from);
    PyObject *self = channels ? PyType_GenericAlloc(class, 0) : NULL;
    if (self && arrakis_arrow_writer_new(&batch_of(self)->writer, channels, &err) != ARRAKIS_OK) {
        pyark_error_raise(&err);
        Py_CLEAR(self);
    }
    if (self)
        arrakis_arrow_writer_pad(batch_of(self)->writer, true);
    arrakis_channels_unref(channels);
    return self;
}

static void batch_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    arrakis_arrow_writer_free(batch_of(self)->writer);
    PyObject_Free(self);
    Py_DECREF(class);
}

static PyObject *batch_message(PyObject *self, PyObject *object)
{
    const void *data;
    size_t size;
    arrakis_error err;
    const arrakis_block *block = pyark_block_of(object);
    if (!block)
        return NULL;
    if (arrakis_arrow_writer_block(batch_of(self)->writer, block, &data, &size, &err) !=
        ARRAKIS_OK)
        return pyark_error_raise(&err);
    return PyBytes_FromStringAndSize(data, (Py_ssize_t)size);
}

static PyObject *batch_export(PyObject *class, PyObject *object)
{
    (void)class;
    const arrakis_block *block = pyark_block_of(object);
    return block ? pyark_arrow_address(block) : NULL;
}

static PyMethodDef methods[] = {
    {"message", batch_message, METH_O,
     "message($self, block, /)\n--\n\n"
     "The block as a record batch of one row, an Arrow IPC message, as bytes. It copies the\n"
     "samples. The block has the writer's channels. Each buffer includes its padding, so that it\n"
     "is written again in one piece."},
    {"export", batch_export, METH_O | METH_STATIC,
     "export(block, /)\n--\n\n"
     "The block by the C data interface: the address of a struct ArrowArray, and what keeps it\n"
     "until it is imported. No sample is copied."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "BatchWriter(channels)\n--\n\n"
     "Makes record batches of blocks: a column `time` and a list column per channel, sorted by\n"
     "name."},
    {Py_tp_new, PYARK_SLOT(batch_new)},
    {Py_tp_dealloc, PYARK_SLOT(batch_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis._core.BatchWriter", sizeof(writer), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_batch_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "BatchWriter", (PyObject *)type) : -1;
}
