/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include "argument.h"
#include "block.h"
#include "channels.h"
#include "connection.h"
#include "error.h"
#include "handle.h"
#include "log.h"
#include "stream.h"
#include "wait.h"

#include <arrakis/reader.h>

static PyTypeObject *type;

static void reader_close_object(void *object)
{
    arrakis_reader_close(object);
}

static PyObject *reader_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"url",     "channels",   "start_ns", "fast_forward",
                                  "options", "fetch_wait", NULL};
    arrakis_kafka_options options = ARRAKIS_KAFKA_OPTIONS_INIT;
    PyObject *from, *start = NULL, *login = NULL, *fetch_wait = NULL;
    pyark_connection connection = {0};
    const char *url;
    int fast_forward = 0;
    arrakis_reader *made = NULL;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "sO|OpO!O:Reader", (char **)(uintptr_t)names,
                                     &url, &from, &start, &fast_forward, &PyDict_Type, &login,
                                     &fetch_wait) ||
        pyark_argument_int64(start, "start", &options.start_ns) != 0 ||
        pyark_argument_fetch_wait(fetch_wait, &options.fetch_wait_ns) != 0 ||
        pyark_fork_check() != 0 || (login && pyark_connection_from(login, &connection) != 0))
        return NULL;
    options.fast_forward = fast_forward != 0;
    options.properties = connection.connection.properties;
    options.property_count = connection.connection.property_count;
    options.kafka_token_fn = connection.connection.kafka_token_fn;
    options.kafka_token_opaque = connection.connection.kafka_token_opaque;
    arrakis_channels *channels = pyark_channels_from(from);
    PyObject *self = channels ? PyType_GenericAlloc(class, 0) : NULL;
    if (self) {
        pyark_log_refresh();
        pyark_handle_init(pyark_handle_of(self), "reader", reader_close_object);
        arrakis_cancel *woken = NULL; /* by close(), while another thread waits */
        arrakis_status rc = arrakis_cancel_new(&woken, &err);
        options.cancel = woken;
        if (rc == ARRAKIS_OK)
            rc = arrakis_kafka_reader_new(&made, url, channels, &options, &err);
        if (rc == ARRAKIS_OK) {
            pyark_handle_open(pyark_handle_of(self), made, woken);
            pyark_handle_keep(pyark_handle_of(self), connection.tokens);
        } else {
            arrakis_cancel_unref(woken);
            pyark_error_raise(&err);
            Py_CLEAR(self);
        }
    }
    arrakis_channels_unref(channels);
    pyark_connection_free(&connection);
    return self;
}

/* ------------------------------------------------------------------ calls that wait */

static arrakis_status reader_run_open(void *argument, arrakis_error *err)
{
    pyark_handle *handle = argument;
    pyark_handle_lock_free(handle, -1);
    arrakis_status rc = arrakis_reader_open(handle->object, err);
    pyark_handle_unlock(handle);
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
    int rc = pyark_wait_call(reader_run_open, handle, handle->cancel, &status, &err);
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
    pyark_handle_lock_free(s->handle, -1);
    arrakis_status rc = arrakis_reader_fast_forward(s->handle->object, s->to_ns, &s->moved, err);
    pyark_handle_unlock(s->handle);
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

/* ------------------------------------------------------------------ aligned */

typedef struct aligning {
    arrakis_reader *reader;
    arrakis_stream_options options;
    arrakis_stream *opened;
} aligning;

static arrakis_status run_align(void *argument, arrakis_error *err)
{
    aligning *a = argument;
    return arrakis_stream_open(&a->opened, a->reader, &a->options, err);
}

static PyObject *reader_stream(PyObject *self, PyObject *unused)
{
    (void)unused;
    aligning a = {.options = ARRAKIS_STREAM_OPTIONS_INIT};
    arrakis_status status;
    arrakis_error err;
    if (arrakis_cancel_new(&a.options.cancel, &err) != ARRAKIS_OK)
        return pyark_error_raise(&err);
    a.options.on_gap = ARRAKIS_GAP_SKIP;
    pyark_token *tokens;
    PyObject *made = NULL;
    a.reader = pyark_handle_release(pyark_handle_of(self), &tokens);
    if (!a.reader) {
        arrakis_cancel_unref(a.options.cancel);
        return NULL;
    }
    int rc = pyark_wait_call(run_align, &a, a.options.cancel, &status, &err);
    if (rc == 0 && status == ARRAKIS_OK) {
        made = pyark_stream_keep(pyark_stream_wrap(a.opened, a.options.cancel), tokens);
    } else {
        pyark_stream_close(a.opened);
        arrakis_cancel_unref(a.options.cancel);
        if (rc == 0)
            pyark_error_raise(&err);
    }
    pyark_token_unref(tokens);
    return made;
}

/* ------------------------------------------------------------------ what has arrived */

static arrakis_status take_block(pyark_handle *handle, int64_t deadline, size_t *input,
                                 arrakis_block **block, arrakis_error *err)
{
    PyThreadState *state = PyEval_SaveThread();
    arrakis_status rc = ARRAKIS_TIMEOUT;
    if (pyark_handle_lock_free(handle, deadline)) {
        rc = arrakis_reader_next(handle->object, 0, input, block, err);
        pyark_handle_unlock(handle);
    }
    PyEval_RestoreThread(state);
    pyark_log_drain();
    return rc;
}

/* OK, TIMEOUT or DONE; any other: an exception is set. */
static arrakis_status reader_wait_for(pyark_handle *handle, int64_t timeout_ms, size_t *input,
                                      arrakis_block **block)
{
    arrakis_error err;
    int64_t deadline = pyark_wait_deadline(timeout_ms);
    for (;;) {
        arrakis_status rc = take_block(handle, deadline, input, block, &err);
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

static PyObject *reader_next(PyObject *self, PyObject *timeout)
{
    int64_t timeout_ms;
    size_t input;
    arrakis_block *block = NULL;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_argument_timeout(timeout, &timeout_ms) != 0 || pyark_handle_enter(handle) != 0)
        return NULL;
    arrakis_status rc = reader_wait_for(handle, timeout_ms, &input, &block);
    pyark_handle_leave(handle);
    if (rc == ARRAKIS_OK) {
        PyObject *wrapped = pyark_block_wrap(block);
        return wrapped ? Py_BuildValue("nN", (Py_ssize_t)input, wrapped) : NULL;
    }
    return rc == ARRAKIS_TIMEOUT || rc == ARRAKIS_DONE ? Py_NewRef(Py_None) : NULL;
}

/* ------------------------------------------------------------------ the rest */

static bool is_exhausted(pyark_handle *handle)
{
    PyThreadState *state = PyEval_SaveThread();
    pyark_handle_lock_free(handle, -1);
    bool all = arrakis_reader_exhausted(handle->object, ARRAKIS_UNSET);
    pyark_handle_unlock(handle);
    PyEval_RestoreThread(state);
    return all;
}

/* What ends the wait is the brokers' answer, or data, which is to be read first. */
static PyObject *exhausted(PyObject *self, PyObject *timeout)
{
    int64_t timeout_ms;
    pyark_handle *handle = pyark_handle_of(self);
    if (pyark_argument_timeout(timeout, &timeout_ms) != 0 || pyark_handle_enter(handle) != 0)
        return NULL;
    int rc = 0;
    bool all = is_exhausted(handle);
    if (!all && timeout_ms != 0) {
        rc = pyark_wait_look(arrakis_reader_fd(handle->object), arrakis_cancel_fd(handle->cancel),
                             pyark_wait_deadline(timeout_ms));
        all = rc == 0 && !handle->closed && is_exhausted(handle);
    }
    pyark_handle_leave(handle);
    return rc == 0 ? PyBool_FromLong(all) : NULL;
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
    {"next", reader_next, METH_O,
     "next($self, timeout, /)\n--\n\n"
     "A pair of input and Block; None when nothing comes within the timeout in seconds."},
    {"stream", reader_stream, METH_NOARGS,
     "stream($self, /)\n--\n\n"
     "Connects, and returns a Stream of all partitions together, without blocks where none of\n"
     "them has data. Takes the reader over, which must not have been opened."},
    {"exhausted", exhausted, METH_O,
     "exhausted($self, timeout, /)\n--\n\n"
     "Whether all that the topics held within the last seconds was returned. Waits for\n"
     "the brokers' answer, so many seconds at most, or until data arrives."},
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
    {Py_tp_doc, "Reader(url, channels, start_ns=None, fast_forward=False, options={}, "
                "fetch_wait=None)\n--\n\n"
                "Reads Kafka partitions without aligning them; see libarrakis.kafka.KafkaReader.\n"
                "options: a dict with `properties` and `kafka_token_fn`, as Client takes them."},
    {Py_tp_new, PYARK_SLOT(reader_new)},
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
