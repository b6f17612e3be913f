/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

typedef struct owner {
    PyObject_HEAD PyObject *block;
} owner;

static PyTypeObject *type;

PyObject *pyark_owner_new(void)
{
    return PyType_GenericAlloc(type, 0);
}

void pyark_owner_set(PyObject *self, PyObject *block)
{
    PyObject *before = ((owner *)self)->block;
    ((owner *)self)->block = Py_XNewRef(block);
    Py_XDECREF(before);
}

static void owner_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    pyark_owner_set(self, NULL);
    PyObject_Free(self);
    Py_DECREF(class);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "What has the memory of a block's arrays."},
    {Py_tp_dealloc, PYARK_SLOT(owner_dealloc)},
    {0, NULL},
};

static PyType_Spec spec = {
    "libarrakis._core._Owner", sizeof(owner), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

int pyark_owner_start(void)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? 0 : -1;
}
