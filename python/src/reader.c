/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include "argument.h"
#include "block.h"
#include "channels.h"
#include "error.h"
#include "handle.h"
#include "log.h"
#include "wait.h"

#include <arrakis/reader.h>

static PyTypeObject *type;

static void close_object(void *object)
{
    arrakis_reader_close(object);
}

static PyObject *new (PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"url", "channels", "start_ns", "fast_forward", NULL};
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    PyObject *from, *start = NULL;
    const char *url;
    int fast_forward = 0;
    arrakis_reader *made = NULL;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sO|Op:Reader", (char **)(uintptr_t)names,
                                     &url, &from, &start, &fast_forward) ||
        pyark_argument_int64(start, "start", &options.start_ns) != 0 || pyark_fork_check() != 0)
        return NULL;
    options.fast_forward = fast_forward != 0;
    arrakis_channels *channels = pyark_channels_from(from);
    PyObject *self = channels ? PyType_GenericAlloc(class, 0) : NULL;
    if (self) {
        pyark_log_refresh();
        pyark_handle_init(pyark_handle_of(self), "reader", close_object);
        arrakis_cancel *woken = NULL; /* by close(), while next() waits */
        arrakis_status rc = arrakis_cancel_new(&woken, &err);
        if (rc == ARRAKIS_OK)
            rc = arrakis_kafka_reader_new(&made, url, channels, &options, &err);
        if (rc == ARRAKIS_OK) {
            pyark_handle_open(pyark_handle_of(self), made, woken);
        } else {
            arrakis_cancel_unref(woken);
            pyark_error_raise(&err);
            Py_CLEAR(self);
        }
    }
    arrakis_channels_unref(channels);
    return self;
}

/* ------------------------------------------------------------------ calls that wait */

static arrakis_status run_open(void *argument, arrakis_error *err)
{
    pyark_handle *handle = argument;
    pthread_mutex_lock(&handle->lock);
    arrakis_status rc = arrakis_reader_open(handle->object, err);
    pthread_mutex_unlock(&handle->lock);
    return rc;
}

static PyObject *open_reader(PyObject *self, PyObject *unused)
{
    (void)unused;
    arrakis_status status;
    arrakis_error err;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    int rc = pyark_wait_call(run_open, handle, NULL, &status, &err);
    if (rc == 0 && status != ARRAKIS_OK)
        pyark_error_raise(&err);
    pyark_handle_leave(handle);
    return rc == 0 && status == ARRAKIS_OK ? Py_NewRef(Py_None) : NULL;
}

typedef struct skip {
    pyark_handle *handle;
    int64_t to_ns;
    size_t moved;
} skip;

static arrakis_status run_skip(void *argument, arrakis_error *err)
{
    skip *s = argument;
    pthread_mutex_lock(&s->handle->lock);
    arrakis_status rc = arrakis_reader_fast_forward(s->handle->object, s->to_ns, &s->moved, err);
    pthread_mutex_unlock(&s->handle->lock);
    return rc;
}

static PyObject *fast_forward(PyObject *self, PyObject *to)
{
    arrakis_status status;
    arrakis_error err;
    skip s = {.handle = pyark_handle_of(self)};
    if (pyark_argument_int64(to, "time_ns", &s.to_ns) != 0 || pyark_handle_enter(s.handle) != 0)
        return NULL;
    int rc = pyark_wait_call(run_skip, &s, NULL, &status, &err);
    if (rc == 0 && status != ARRAKIS_OK)
        pyark_error_raise(&err);
    pyark_handle_leave(s.handle);
    return rc == 0 && status == ARRAKIS_OK ? PyLong_FromSize_t(s.moved) : NULL;
}

static arrakis_status take(pyark_handle *handle, size_t *input, arrakis_block **block,
                           arrakis_error *err)
{
    PyThreadState *state = PyEval_SaveThread();
    pthread_mutex_lock(&handle->lock);
    arrakis_status rc = arrakis_reader_next(handle->object, 0, input, block, err);
    pthread_mutex_unlock(&handle->lock);
    PyEval_RestoreThread(state);
    pyark_log_drain();
    return rc;
}

/* OK, TIMEOUT or DONE; any other: an exception is set. */
static arrakis_status wait_for(pyark_handle *handle, int64_t timeout_ms, size_t *input,
                               arrakis_block **block)
{
    arrakis_error err;
    int64_t deadline = pyark_wait_deadline(timeout_ms);
    for (;;) {
        arrakis_status rc = take(handle, input, block, &err);
        if (rc == ARRAKIS_OK || rc == ARRAKIS_DONE ||
            (rc == ARRAKIS_TIMEOUT && pyark_wait_is_over(deadline)))
            return rc;
        if (handle->closed)
            return ARRAKIS_DONE;
        if (rc != ARRAKIS_TIMEOUT) {
            pyark_error_raise(&err);
            return rc;
        }
        if (pyark_wait_look(arrakis_reader_fd(handle->object), arrakis_cancel_fd(handle->cancel),
                            deadline) < 0)
            return ARRAKIS_ECANCELED;
    }
}

static PyObject *next(PyObject *self, PyObject *timeout)
{
    int64_t timeout_ms;
    size_t input;
    arrakis_block *block = NULL;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_argument_timeout(timeout, &timeout_ms) != 0 || pyark_handle_enter(handle) != 0)
        return NULL;
    arrakis_status rc = wait_for(handle, timeout_ms, &input, &block);
    pyark_handle_leave(handle);
    if (rc == ARRAKIS_OK) {
        PyObject *wrapped = pyark_block_wrap(block);
        return wrapped ? Py_BuildValue("nN", (Py_ssize_t)input, wrapped) : NULL;
    }
    return rc == ARRAKIS_TIMEOUT || rc == ARRAKIS_DONE ? Py_NewRef(Py_None) : NULL;
}

/* ------------------------------------------------------------------ the rest */

static PyObject *exhausted(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    PyThreadState *state = PyEval_SaveThread();
    pthread_mutex_lock(&handle->lock);
    bool all = arrakis_reader_exhausted(handle->object, ARRAKIS_UNSET);
    pthread_mutex_unlock(&handle->lock);
    PyEval_RestoreThread(state);
    pyark_handle_leave(handle);
    return PyBool_FromLong(all);
}

static PyObject *input_ids(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    size_t count = arrakis_reader_input_count(handle->object);
    PyObject *ids = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; ids && i < count; i++) {
        PyObject *id = PyUnicode_FromString(arrakis_reader_input_id(handle->object, i));
        if (!id || PyList_SetItem(ids, (Py_ssize_t)i, id) != 0)
            Py_CLEAR(ids);
    }
    pyark_handle_leave(handle);
    return ids;
}

static PyMethodDef methods[] = {
    {"open", open_reader, METH_NOARGS, "open($self, /)\n--\n\nConnects and begins."},
    {"next", next, METH_O,
     "next($self, timeout, /)\n--\n\n"
     "A pair of input and Block; None when nothing comes within the timeout in seconds."},
    {"exhausted", exhausted, METH_NOARGS,
     "exhausted($self, /)\n--\n\n"
     "Whether all that the topics held within the last seconds was returned."},
    {"fast_forward", fast_forward, METH_O,
     "fast_forward($self, time_ns, /)\n--\n\n"
     "Skips to the first messages at or after a GPS time; None: the end. Returns the number of\n"
     "partitions that were moved."},
    {"input_ids", input_ids, METH_NOARGS,
     "input_ids($self, /)\n--\n\nThe ids of the inputs, '<url>/<partition_id>', in order."},
    {"close", pyark_handle_close_object, METH_NOARGS,
     "close($self, /)\n--\n\nCloses the reader, within 2 s."},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Reader(url, channels, start_ns=None, fast_forward=False)\n--\n\n"
                "Reads Kafka partitions without aligning them; see libarrakis.kafka.KafkaReader."},
    {Py_tp_new, PYARK_SLOT(new)},
    {Py_tp_dealloc, PYARK_SLOT(pyark_handle_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis._core.Reader", sizeof(pyark_handle_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_reader_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Reader", (PyObject *)type) : -1;
}
