/* SPDX-License-Identifier: Apache-2.0 */
#include "mock.h"

#include "channels.h"
#include "error.h"
#include "handle.h"
#include "log.h"
#include "wait.h"

#include <arrakis/mock.h>

static PyTypeObject *type;

static void mock_close_object(void *object)
{
    arrakis_mock_broker_close(object);
}

static arrakis_status mock_run_open(void *argument, arrakis_error *err)
{
    return arrakis_mock_broker_open(argument, err);
}

static PyObject *mock_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {NULL};
    arrakis_mock_broker *opened = NULL;
    arrakis_status status;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, ":MockBroker", (char **)(uintptr_t)names) ||
        pyark_fork_check() != 0)
        return NULL;
    PyObject *self = PyType_GenericAlloc(class, 0);
    if (!self)
        return NULL;
    pyark_handle_init(pyark_handle_of(self), "broker", mock_close_object);
    int rc = pyark_wait_call(mock_run_open, &opened, NULL, &status, &err);
    if (opened)
        pyark_handle_open(pyark_handle_of(self), opened, NULL);
    if (rc == 0 && status == ARRAKIS_OK)
        return self;
    if (rc == 0)
        pyark_error_raise(&err);
    Py_DECREF(self);
    return NULL;
}

static PyObject *get_url(PyObject *self, void *unused)
{
    (void)unused;
    if (pyark_handle_enter(pyark_handle_of(self)) != 0)
        return NULL;
    PyObject *url = PyUnicode_FromString(arrakis_mock_broker_url(pyark_handle_of(self)->object));
    pyark_handle_leave(pyark_handle_of(self));
    return url;
}

typedef struct announcement {
    pyark_handle *handle;
    const arrakis_channels *channels;
} announcement;

static arrakis_status run_announce(void *argument, arrakis_error *err)
{
    announcement *a = argument;
    pyark_handle_lock_free(a->handle, -1);
    arrakis_status rc = arrakis_mock_broker_announce(a->handle->object, a->channels, err);
    pyark_handle_unlock(a->handle);
    return rc;
}

static PyObject *announce(PyObject *self, PyObject *from)
{
    arrakis_status status;
    arrakis_error err;
    if (pyark_handle_enter(pyark_handle_of(self)) != 0)
        return NULL;
    arrakis_channels *channels = pyark_channels_from(from);
    announcement a = {.handle = pyark_handle_of(self), .channels = channels};
    int rc = channels ? pyark_wait_call(run_announce, &a, NULL, &status, &err) : -1;
    if (rc == 0 && status != ARRAKIS_OK)
        pyark_error_raise(&err);
    arrakis_channels_unref(channels);
    pyark_handle_leave(pyark_handle_of(self));
    return rc == 0 && status == ARRAKIS_OK ? Py_NewRef(Py_None) : NULL;
}

static PyGetSetDef attributes[] = {
    {"url", get_url, NULL, "'127.0.0.1:port', for kafka_url.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"announce", announce, METH_O,
     "announce($self, channels, /)\n--\n\n"
     "Publishes the metadata topics of the channels, so that any client can find them. Each\n"
     "channel needs its publisher."},
    {"close", pyark_handle_close_object, METH_NOARGS, "close($self, /)\n--\n\nEnds the broker."},
    {"__enter__", pyark_enter, METH_NOARGS, NULL},
    {"__exit__", pyark_handle_exit, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "MockBroker()\n--\n\n"
     "A Kafka broker in this process, for demonstrations and tests; any Kafka client can\n"
     "reach it on loopback. Keeps 5 MiB per partition, and cannot look offsets up by\n"
     "time, so a stream from it has a start of now, or 0."},
    {Py_tp_new, PYARK_SLOT(mock_new)},
    {Py_tp_dealloc, PYARK_SLOT(pyark_handle_dealloc)},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.mock.MockBroker", sizeof(pyark_handle_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_mock_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "MockBroker", (PyObject *)type) : -1;
}
