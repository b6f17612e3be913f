/* SPDX-License-Identifier: Apache-2.0 */
#include "binding.h"

#include "align.h"
#include "batch.h"
#include "block.h"
#include "channel.h"
#include "channels.h"
#include "client.h"
#include "connection.h"
#include "error.h"
#include "fork.h"
#include "log.h"
#include "memory.h"
#include "mock.h"
#include "publisher.h"
#include "reader.h"
#include "rows.h"
#include "series_block.h"
#include "stats.h"
#include "stream.h"
#include "token.h"

#include <arrakis/reader.h>

static PyObject *version(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyUnicode_FromString(arrakis_version());
}

static PyObject *random_alphanum(PyObject *self, PyObject *count)
{
    (void)self;
    arrakis_error err;
    Py_ssize_t n = PyNumber_AsSsize_t(count, PyExc_OverflowError);
    if (n < 0 && PyErr_Occurred())
        return NULL;
    if (n < 0)
        n = 0; /* as range() takes it */
    char *text = PyMem_Malloc((size_t)n + 1);
    if (!text)
        return PyErr_NoMemory();
    PyObject *made = arrakis_random_alphanum(text, (size_t)n, &err) == ARRAKIS_OK
                         ? PyUnicode_FromStringAndSize(text, n)
                         : pyark_error_raise(&err);
    PyMem_Free(text);
    return made;
}

static PyObject *gps_now_ns(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromLongLong(arrakis_gps_now_ns());
}

static PyObject *module_stop(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    pyark_log_stop();
    pyark_token_stop();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"version", version, METH_NOARGS,
     "version()\n--\n\nThe version of the library that is running, 'major.minor.patch'."},
    {"random_alphanum", random_alphanum, METH_O,
     "random_alphanum(n, /)\n--\n\nA random sequence of n characters of A-Z0-9."},
    {"gps_now_ns", gps_now_ns, METH_NOARGS,
     "gps_now_ns()\n--\n\nThe present GPS time by the system's clock, in nanoseconds."},
    {"_align", PYARK_METHOD(pyark_align_open), METH_VARARGS | METH_KEYWORDS, PYARK_ALIGN_DOC},
    {"_stop", module_stop, METH_NOARGS, NULL},
    {0},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,  .m_name = "libarrakis._core", .m_doc = "The library's objects.",
    .m_size = -1, /* its types are the process's: no sub-interpreters */
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && (pyark_fork_watch() != 0 || pyark_log_start() != 0 || pyark_token_watch() != 0 ||
                   pyark_connection_start() != 0 || pyark_error_add(module) != 0 ||
                   pyark_channel_add(module) != 0 || pyark_channels_add(module) != 0 ||
                   pyark_block_add(module) != 0 || pyark_stats_add(module) != 0 ||
                   pyark_stream_add(module) != 0 || pyark_client_add(module) != 0 ||
                   pyark_publisher_add(module) != 0 || pyark_reader_add(module) != 0 ||
                   pyark_mock_add(module) != 0 || pyark_rows_add(module) != 0 ||
                   pyark_batch_add(module) != 0 || pyark_series_block_add(module) != 0 ||
                   pyark_memory_add(module) != 0))
        Py_CLEAR(module);
    return module;
}
