/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "argument.h"
#include "arrow.h"
#include "block.h"
#include "channels.h"
#include "error.h"
#include "handle.h"
#include "log.h"
#include "stats.h"
#include "wait.h"

#include <arrakis/reader.h>

#include <string.h>

typedef struct stream {
    PyObject_HEAD pyark_handle handle;
    arrakis_channels *channels;
    int64_t stride_ns;
} stream;

static PyTypeObject *type;

static stream *stream_of(PyObject *self)
{
    return (stream *)self;
}

static void stream_close_object(void *object)
{
    arrakis_stream_close(object);
}

void pyark_stream_close(arrakis_stream *opened)
{
    pyark_handle_end(stream_close_object, opened);
}

PyObject *pyark_stream_wrap(arrakis_stream *opened, arrakis_cancel *cancel)
{
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (!self) {
        pyark_stream_close(opened);
        arrakis_cancel_unref(cancel);
        return NULL;
    }
    pyark_handle_init(&stream_of(self)->handle, "stream", stream_close_object);
    pyark_handle_open(&stream_of(self)->handle, opened, cancel);
    stream_of(self)->channels = arrakis_channels_ref(arrakis_stream_channels(opened));
    stream_of(self)->stride_ns = arrakis_stream_stride_ns(opened);
    return self;
}

PyObject *pyark_stream_keep(PyObject *self, pyark_token *tokens)
{
    if (self)
        pyark_handle_keep(&stream_of(self)->handle, tokens);
    return self;
}

static void stream_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    pyark_handle_destroy(&stream_of(self)->handle);
    if (!pyark_fork_inherited(stream_of(self)->handle.process))
        arrakis_channels_unref(stream_of(self)->channels);
    PyObject_Free(self);
    Py_DECREF(class);
}

/* A stream that follows channels has others from a block on. */
static void follow_channels(stream *s, const arrakis_channels *now, int64_t stride_ns)
{
    if (now == s->channels)
        return;
    arrakis_channels *before = s->channels;
    s->channels = arrakis_channels_ref(now);
    s->stride_ns = stride_ns;
    arrakis_channels_unref(before);
}

/* ------------------------------------------------------------------ blocks */

typedef struct taking {
    stream *from;
    int64_t deadline;
    arrakis_block **block;
    int64_t stride_ns; /* of the stream, with the block */
} taking;

/* What has already come, without the GIL. Nothing has, where another thread keeps the lock until
 * the deadline. */
static arrakis_status take_free(void *argument, arrakis_error *err)
{
    taking *t = argument;
    if (!pyark_handle_lock_free(&t->from->handle, t->deadline))
        return ARRAKIS_TIMEOUT;
    arrakis_status rc = arrakis_stream_next(t->from->handle.object, 0, t->block, err);
    t->stride_ns = arrakis_stream_stride_ns(t->from->handle.object);
    pyark_handle_unlock(&t->from->handle);
    return rc;
}

static arrakis_status take_block(taking *t, arrakis_error *err)
{
    PyThreadState *state = PyEval_SaveThread();
    arrakis_status rc = take_free(t, err);
    PyEval_RestoreThread(state);
    pyark_log_drain();
    return rc;
}

typedef enum outcome { FAILED, BLOCK, END, NOTHING } outcome;

/* With the handle entered. */
static outcome stream_wait_for(stream *s, int64_t deadline, arrakis_block **block)
{
    taking t = {s, deadline, block, 0};
    arrakis_error err;
    for (;;) {
        arrakis_status rc = take_block(&t, &err);
        if (rc == ARRAKIS_TIMEOUT && !s->handle.closed && !pyark_wait_is_over(deadline) &&
            pyark_wait_take(arrakis_stream_fd(s->handle.object), deadline, take_free, &t, &rc,
                            &err) < 0)
            return FAILED;
        if (rc == ARRAKIS_OK) {
            follow_channels(s, arrakis_block_channels(*block), t.stride_ns);
            return BLOCK;
        }
        if (rc == ARRAKIS_DONE ||
            s->handle.closed) /* by another thread, whose close() ends this one */
            return END;
        if (rc != ARRAKIS_TIMEOUT) {
            pyark_error_raise(&err);
            return FAILED;
        }
        if (pyark_wait_is_over(deadline))
            return NOTHING;
    }
}

/* The next block. `deadline`: 0: only what has come; negative: none. */
static outcome next_block(PyObject *self, int64_t deadline, arrakis_block **block)
{
    *block = NULL;
    if (pyark_handle_enter(&stream_of(self)->handle) != 0)
        return FAILED;
    outcome found = stream_wait_for(stream_of(self), deadline, block);
    pyark_handle_leave(&stream_of(self)->handle);
    return found;
}

static PyObject *iterate_next(PyObject *self)
{
    arrakis_block *block;
    if (stream_of(self)->handle.closed && !pyark_fork_inherited(stream_of(self)->handle.process))
        return NULL;
    return next_block(self, -1, &block) == BLOCK ? pyark_block_wrap(block) : NULL;
}

static PyObject *read_block(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"timeout", NULL};
    PyObject *timeout = NULL;
    int64_t timeout_ms;
    arrakis_block *block;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:read", (char **)(uintptr_t)names,
                                     &timeout) ||
        pyark_argument_timeout(timeout, &timeout_ms) != 0)
        return NULL;
    switch (
        next_block(self, timeout_ms > 0 ? pyark_wait_deadline(timeout_ms) : timeout_ms, &block)) {
    case BLOCK:
        return pyark_block_wrap(block);
    case END:
        Py_RETURN_NONE;
    case NOTHING:
        return PyErr_Format(PyExc_TimeoutError, "no block within %R s", timeout);
    default:
        return NULL;
    }
}

/* For asyncio: a block, None at the end, False when nothing has come. */
static PyObject *poll_block(PyObject *self, PyObject *unused)
{
    (void)unused;
    arrakis_block *block;
    if (stream_of(self)->handle.closed)
        Py_RETURN_NONE;
    switch (next_block(self, 0, &block)) {
    case BLOCK:
        return pyark_block_wrap(block);
    case END:
        Py_RETURN_NONE;
    case NOTHING:
        Py_RETURN_FALSE;
    default:
        return NULL;
    }
}

/* For asyncio: between the two the descriptor stays open, whoever closes the stream. False: it is
 * closed. */
static PyObject *stream_hold(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (stream_of(self)->handle.closed)
        Py_RETURN_FALSE;
    if (pyark_handle_enter(&stream_of(self)->handle) != 0)
        return NULL;
    Py_RETURN_TRUE;
}

static PyObject *let_go(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle_leave(&stream_of(self)->handle);
    Py_RETURN_NONE;
}

static PyObject *iterate_async(PyObject *self)
{
    PyObject *module = PyImport_ImportModule("libarrakis._asyncio");
    PyObject *made = module ? PyObject_CallMethod(module, "blocks", "O", self) : NULL;
    Py_XDECREF(module);
    return made;
}

/* ------------------------------------------------------------------ the rest */

static PyObject *fileno_of(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (pyark_handle_enter(&stream_of(self)->handle) != 0)
        return NULL;
    int fd = arrakis_stream_fd(stream_of(self)->handle.object);
    pyark_handle_leave(&stream_of(self)->handle);
    return PyLong_FromLong(fd);
}

static PyObject *cancel(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (pyark_fork_inherited(stream_of(self)->handle.process)) {
        pyark_fork_refuse("stream");
        return NULL;
    }
    arrakis_cancel_set(stream_of(self)->handle.cancel);
    Py_RETURN_NONE;
}

static PyObject *stream_get_channels(PyObject *self, void *unused)
{
    (void)unused;
    return pyark_channels_wrap(stream_of(self)->channels);
}

static PyObject *get_stride_ns(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(stream_of(self)->stride_ns);
}

static PyObject *get_position_ns(PyObject *self, void *unused)
{
    (void)unused;
    pyark_handle *handle = &stream_of(self)->handle;
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    pyark_handle_lock(handle, -1);
    int64_t position_ns = arrakis_stream_position(handle->object);
    pyark_handle_unlock(handle);
    pyark_handle_leave(handle);
    if (position_ns == ARRAKIS_UNSET)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(position_ns);
}

static PyObject *get_closed(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(stream_of(self)->handle.closed);
}

static PyObject *get_stats(PyObject *self, void *unused)
{
    (void)unused;
    arrakis_stats stats = ARRAKIS_STATS_INIT;
    pyark_handle *handle = &stream_of(self)->handle;
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    pyark_handle_lock(handle, -1);
    arrakis_stream_stats(handle->object, &stats);
    pyark_handle_unlock(handle);
    pyark_handle_leave(handle);
    return pyark_stats_of(&stats);
}

static int put_lag(PyObject *lags, const arrakis_stream *from, size_t i)
{
    int64_t lag = arrakis_stream_lag_ns(from, i);
    PyObject *value =
        lag == ARRAKIS_UNSET ? Py_NewRef(Py_None) : PyFloat_FromDouble((double)lag / 1e9);
    const char *id = arrakis_reader_input_id(arrakis_stream_reader(from), i);
    int rc = value ? PyDict_SetItemString(lags, id, value) : -1;
    Py_XDECREF(value);
    return rc;
}

static PyObject *lags_of(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle *handle = &stream_of(self)->handle;
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    PyObject *lags = PyDict_New();
    pyark_handle_lock(handle, -1);
    size_t count = arrakis_reader_input_count(arrakis_stream_reader(handle->object));
    for (size_t i = 0; lags && i < count; i++)
        if (put_lag(lags, handle->object, i) != 0)
            Py_CLEAR(lags);
    pyark_handle_unlock(handle);
    pyark_handle_leave(handle);
    return lags;
}

static PyObject *dump(PyObject *self, PyObject *unused)
{
    (void)unused;
    pyark_handle *handle = &stream_of(self)->handle;
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    pyark_handle_lock(handle, -1);
    char *json = arrakis_stream_dump(handle->object);
    pyark_handle_unlock(handle);
    pyark_handle_leave(handle);
    if (!json)
        return PyErr_NoMemory();
    PyObject *text = PyUnicode_FromString(json);
    arrakis_free(json);
    return text;
}

static PyObject *stream_arrow_schema(PyObject *self, PyObject *unused)
{
    (void)unused;
    return pyark_arrow_schema(stream_of(self)->channels);
}

static PyObject *arrow_stream(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"requested_schema", NULL};
    PyObject *requested;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:__arrow_c_stream__",
                                     (char **)(uintptr_t)names, &requested))
        return NULL;
    pyark_token *tokens;
    arrakis_stream *released = pyark_handle_release(&stream_of(self)->handle, &tokens);
    return released ? pyark_arrow_stream(released, tokens) : NULL;
}

static PyObject *stream_repr(PyObject *self)
{
    char stride[40];
    snprintf(stride, sizeof stride, "%.9g", (double)stream_of(self)->stride_ns / 1e9);
    return PyUnicode_FromFormat("<%sStream of %zu channels, %s s per block>",
                                stream_of(self)->handle.closed ? "closed " : "",
                                arrakis_channels_count(stream_of(self)->channels), stride);
}

static PyGetSetDef attributes[] = {
    {"channels", stream_get_channels, NULL,
     "The channels of the blocks, in the order of the request.", NULL},
    {"stride_ns", get_stride_ns, NULL, "Duration of the blocks in nanoseconds.", NULL},
    {"position_ns", get_position_ns, NULL,
     "The GPS time in nanoseconds with which to start again: where the first block begins that "
     "was\n"
     "not returned yet. None before a live stream has begun.",
     NULL},
    {"closed", get_closed, NULL, "Whether close() was called.", NULL},
    {"stats", get_stats, NULL, "The counters so far, a Stats.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"read", PYARK_METHOD(read_block), METH_VARARGS | METH_KEYWORDS,
     "read($self, timeout=None)\n--\n\n"
     "The next block; None after the last. timeout is in seconds: 0 returns only what has\n"
     "already come, None waits without limit. TimeoutError: no block in that time; call again.\n"
     "ValueError: the stream is closed.\n"
     "Any other error is one of next_block()."},
    {"close", pyark_handle_close_object, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Closes the stream, from any thread. A thread that waits for a block sees the end.\n"
     "Blocks outlive the stream."},
    {"cancel", cancel, METH_NOARGS,
     "cancel($self, /)\n--\n\n"
     "Makes every call on the stream, also one under way in another thread, raise CanceledError."},
    {"fileno", fileno_of, METH_NOARGS,
     "fileno($self, /)\n--\n\n"
     "A descriptor that is readable when read(0) has something to do, for select and the like."},
    {"lags", lags_of, METH_NOARGS,
     "lags($self, /)\n--\n\n"
     "How far each input is behind the present: a dict of input id and seconds, None where no\n"
     "block has come yet."},
    {"dump", dump, METH_NOARGS,
     "dump($self, /)\n--\n\n"
     "The state of the stream as JSON text, for whoever looks for a defect: for which inputs the\n"
     "next block waits and until when, and what each input holds."},
    {"__enter__", pyark_enter, METH_NOARGS, NULL},
    {"__exit__", pyark_handle_exit, METH_VARARGS, NULL},
    {"__arrow_c_schema__", stream_arrow_schema, METH_NOARGS, NULL},
    {"__arrow_c_stream__", PYARK_METHOD(arrow_stream), METH_VARARGS | METH_KEYWORDS, NULL},
    {"_poll", poll_block, METH_NOARGS, NULL},
    {"_hold", stream_hold, METH_NOARGS, NULL},
    {"_let_go", let_go, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Aligned blocks, each with all channels of a request, in order of time.\n\n"
     "Made by stream() and Client.stream(). An iterator of Block: `for block in stream` waits "
     "for\n"
     "each block without the GIL, and Ctrl-C ends the wait at once; `async for block in stream`\n"
     "waits on asyncio's loop. `with stream:` closes it. Threads may share a stream; each block\n"
     "goes to one of them. pyarrow.RecordBatchReader.from_stream(stream) and others that take an\n"
     "Arrow stream take it over.\n\n"
     "next(): GapError with on_gap='raise'; CanceledError; ChangedError without follow=True;\n"
     "ConnectError, BrokerError, AuthError, and of a server ServerError and DeadlineError: the\n"
     "stream has ended, and every later call raises the same. OutOfMemoryError: call again."},
    {Py_tp_dealloc, PYARK_SLOT(stream_dealloc)},
    {Py_tp_repr, PYARK_SLOT(stream_repr)},
    {Py_tp_iter, PYARK_SLOT(PyObject_SelfIter)},
    {Py_tp_iternext, PYARK_SLOT(iterate_next)},
    {Py_am_aiter, PYARK_SLOT(iterate_async)},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    "libarrakis.Stream", sizeof(stream), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

int pyark_stream_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Stream", (PyObject *)type) : -1;
}
