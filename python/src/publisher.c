/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher.h"

#include "argument.h"
#include "block.h"
#include "channels.h"
#include "connection.h"
#include "error.h"
#include "handle.h"
#include "log.h"
#include "stats.h"
#include "wait.h"

#include <limits.h>
#include <stdlib.h>

typedef struct publisher {
    PyObject_HEAD pyark_handle handle;
    arrakis_channels *channels;
    PyObject *id;
} publisher;

static PyTypeObject *type;

static publisher *publisher_of(PyObject *self)
{
    return (publisher *)self;
}

static void publisher_close_object(void *object)
{
    arrakis_publisher_close(object);
}

/* ------------------------------------------------------------------ opening */

typedef struct opening {
    const arrakis_connection *connection;
    const arrakis_publisher_options *options;
    arrakis_publisher *publisher;
} opening;

static arrakis_status publisher_run_open(void *argument, arrakis_error *err)
{
    opening *o = argument;
    return arrakis_publisher_open(&o->publisher, o->connection, o->options, err);
}

/* `tokens`: a reference to what the publisher asks for tokens, or NULL. */
static arrakis_publisher *open_publisher(PyObject *options, arrakis_publisher_options *own,
                                         arrakis_cancel *cancel, pyark_token **tokens)
{
    pyark_connection connection;
    arrakis_status status;
    arrakis_error err;
    if (pyark_connection_from(options, &connection) != 0)
        return NULL;
    connection.connection.cancel = cancel;
    opening o = {.connection = &connection.connection, .options = own};
    int rc = pyark_wait_call(publisher_run_open, &o, cancel, &status, &err);
    if (rc == 0 && status != ARRAKIS_OK)
        pyark_error_raise(&err);
    if (rc != 0) {
        pyark_handle_end(publisher_close_object, o.publisher);
        o.publisher = NULL;
    }
    *tokens = o.publisher ? pyark_token_ref(connection.tokens) : NULL;
    pyark_connection_free(&connection);
    return o.publisher;
}

static PyObject *wrap_publisher(arrakis_publisher *opened, arrakis_cancel *cancel,
                                pyark_token *tokens, PyObject *id)
{
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (!self) {
        pyark_handle_end(publisher_close_object, opened);
        arrakis_cancel_unref(cancel);
        return NULL;
    }
    pyark_handle_init(&publisher_of(self)->handle, "publisher", publisher_close_object);
    pyark_handle_open(&publisher_of(self)->handle, opened, cancel);
    pyark_handle_keep(&publisher_of(self)->handle, tokens);
    publisher_of(self)->channels = arrakis_channels_ref(arrakis_publisher_channels(opened));
    publisher_of(self)->id = Py_NewRef(id);
    return self;
}

static PyObject *make_publisher(PyObject *id, PyObject *channels, PyObject *options)
{
    arrakis_publisher_options own = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    arrakis_cancel *cancel;
    arrakis_error err;
    PyObject *self = NULL;
    if (pyark_fork_check() != 0 ||
        pyark_argument_text(id, "publisher_id", &own.publisher_id) != 0 ||
        pyark_argument_text(pyark_connection_option(options, "replay_id"), "replay_id",
                            &own.replay_id) != 0 ||
        pyark_argument_duration(pyark_connection_option(options, "close_timeout"), "close_timeout",
                                &own.close_timeout_ns) != 0 ||
        pyark_argument_int64(pyark_connection_option(options, "max_failures"), "max_failures",
                             &own.max_failures) != 0)
        return NULL;
    if (channels && channels != Py_None && !(own.channels = pyark_channels_from(channels)))
        return NULL;
    pyark_log_refresh();
    if (arrakis_cancel_new(&cancel, &err) == ARRAKIS_OK) {
        pyark_token *tokens = NULL;
        arrakis_publisher *opened = open_publisher(options, &own, cancel, &tokens);
        if (opened)
            self = wrap_publisher(opened, cancel, tokens, id);
        else
            arrakis_cancel_unref(cancel);
        pyark_token_unref(tokens);
    } else {
        pyark_error_raise(&err);
    }
    arrakis_channels_unref(own.channels);
    return self;
}

static PyObject *publisher_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    static const char *const own_options[] = {"replay_id",    "close_timeout", "max_failures",
                                              "publisher_id", "channels",      NULL};
    (void)class;
    PyObject *id = NULL, *channels = NULL, *self = NULL;
    PyObject *options = pyark_connection_options(keywords);
    if (options && PyArg_ParseTuple(args, "|OO:Publisher", &id, &channels) &&
        pyark_connection_add(options, "publisher_id", id, "Publisher") == 0 &&
        pyark_connection_add(options, "channels", channels, "Publisher") == 0 &&
        pyark_connection_check(options, own_options, "Publisher") == 0) {
        id = pyark_connection_option(options, "publisher_id");
        channels = pyark_connection_option(options, "channels");
        if (id)
            self = make_publisher(id, channels, options);
        else
            PyErr_SetString(PyExc_TypeError, "publisher_id: expected a str, found none");
    }
    Py_XDECREF(options);
    return self;
}

static void publisher_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    pyark_handle_destroy(&publisher_of(self)->handle);
    if (!pyark_fork_inherited(publisher_of(self)->handle.process))
        arrakis_channels_unref(publisher_of(self)->channels);
    Py_CLEAR(publisher_of(self)->id);
    PyObject_Free(self);
    Py_DECREF(class);
}

/* ------------------------------------------------------------------ publishing */

typedef struct sending {
    pyark_handle *handle;
    const arrakis_block *block;
    int64_t deadline;
} sending;

/* The wait for another thread's block counts, too. */
static arrakis_status run_publish(void *argument, arrakis_error *err)
{
    sending *s = argument;
    if (!pyark_handle_lock_free(s->handle, s->deadline)) {
        err->status = ARRAKIS_EDEADLINE;
        snprintf(err->message, sizeof err->message,
                 "another thread has not published its block in time; nothing was sent");
        return err->status;
    }
    int64_t left_ms = pyark_wait_left(s->deadline);
    arrakis_status rc = arrakis_publisher_publish(s->handle->object, s->block,
                                                  left_ms > INT_MAX ? INT_MAX : (int)left_ms, err);
    pyark_handle_unlock(s->handle);
    return rc;
}

static PyObject *publisher_publish(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"block", "timeout", NULL};
    PyObject *object, *timeout = NULL;
    int64_t timeout_ms;
    arrakis_status status;
    arrakis_error err;
    pyark_handle *handle = &publisher_of(self)->handle;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:publish", (char **)(uintptr_t)names,
                                     &object, &timeout) ||
        pyark_argument_timeout(timeout, &timeout_ms) != 0)
        return NULL;
    sending s = {.handle = handle, .block = pyark_block_of(object)};
    if (!s.block || pyark_handle_enter(handle) != 0)
        return NULL;
    s.deadline = pyark_wait_deadline(timeout_ms);
    int rc = pyark_wait_call(run_publish, &s, handle->cancel, &status, &err);
    if (rc == 0 && status != ARRAKIS_OK)
        pyark_error_raise(&err);
    pyark_handle_leave(handle);
    return rc == 0 && status == ARRAKIS_OK ? Py_NewRef(Py_None) : NULL;
}

/* ------------------------------------------------------------------ the rest */

static PyObject *publisher_get_channels(PyObject *self, void *unused)
{
    (void)unused;
    return pyark_channels_wrap(publisher_of(self)->channels);
}

static PyObject *get_id(PyObject *self, void *unused)
{
    (void)unused;
    return Py_NewRef(publisher_of(self)->id);
}

/* Another thread's block may be under way, so it does not wait for the lock. */
static PyObject *publisher_get_stats(PyObject *self, void *unused)
{
    (void)unused;
    arrakis_publisher_stats stats = ARRAKIS_PUBLISHER_STATS_INIT;
    pyark_handle *handle = &publisher_of(self)->handle;
    if (pyark_handle_enter(handle) != 0)
        return NULL;
    arrakis_publisher_get_stats(handle->object, &stats);
    pyark_handle_leave(handle);
    return pyark_stats_of_publisher(&stats);
}

static PyObject *publisher_repr(PyObject *self)
{
    return PyUnicode_FromFormat(
        "<%sPublisher %R of %zu channels>", publisher_of(self)->handle.closed ? "closed " : "",
        publisher_of(self)->id, arrakis_channels_count(publisher_of(self)->channels));
}

static PyGetSetDef attributes[] = {
    {"channels", publisher_get_channels, NULL, "The channels as they are registered.", NULL},
    {"publisher_id", get_id, NULL, "The id of the publisher.", NULL},
    {"stats", publisher_get_stats, NULL,
     "What has become of the blocks so far, a PublisherStats. Safe while another thread "
     "publishes.",
     NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"publish", PYARK_METHOD(publisher_publish), METH_VARARGS | METH_KEYWORDS,
     "publish($self, block, timeout=None)\n--\n\n"
     "Publishes one Block, one message per partition; returns when all are delivered.\n\n"
     "Each channel must equal its registration; the duration is the stride, the start a multiple\n"
     "of it, later than that of the last block. timeout is in seconds; None waits until\n"
     "librdkafka has delivered or given up each message. MismatchError, InvalidArgumentError:\n"
     "nothing was sent. BrokerError: a delivery failed, and the block may be published again.\n"
     "AuthError. DeadlineError: not confirmed in time, and the block may still be delivered.\n"
     "After BrokerError and DeadlineError the next block may be published, and this one is\n"
     "dropped. InputOutputError: there were max_failures of these two in a row, this call\n"
     "included; every later call raises the same.\n"
     "Ctrl-C ends the call within 2 s, and the publisher with it."},
    {"close", pyark_handle_close_object, METH_NOARGS,
     "close($self, /)\n--\n\n"
     "Closes the publisher. A publish() under way in another thread is canceled."},
    {"__enter__", pyark_enter, METH_NOARGS, NULL},
    {"__exit__", pyark_handle_exit, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Publisher(publisher_id, channels=None, *, replay_id=None, close_timeout=None,\n"
     "          max_failures=None, url=None, kafka_url=None, properties=None,\n"
     "          kafka_token_fn=None, allowed_brokers=None, token=None, insecure_token=False,\n"
     "          token_hosts=None, ca_file=None, cert_file=None, key_file=None,\n"
     "          request_timeout=None)\n--\n\n"
     "Publishes blocks of channels to Kafka.\n\n"
     "channels is a Channels, or a mapping or iterable of Channel. With kafka_url alone each has\n"
     "partition_id, partition_index and stride. With a server at url, name, type and rate are\n"
     "enough, and None means all channels that the server has for this publisher; channels that\n"
     "the server does not have are registered there first.\n\n" PYARK_CONNECTION_DOC
     "close_timeout: seconds that close() waits for deliveries under way, 10 if not given.\n"
     "max_failures: the publisher gives up after so many failures of publish() in a row\n"
     "(BrokerError, DeadlineError); None: never.\n\n"
     "Threads may share a publisher; their blocks are published one after the other."},
    {Py_tp_new, PYARK_SLOT(publisher_new)},
    {Py_tp_dealloc, PYARK_SLOT(publisher_dealloc)},
    {Py_tp_repr, PYARK_SLOT(publisher_repr)},
    {Py_tp_getset, attributes},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.Publisher", sizeof(publisher), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_publisher_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Publisher", (PyObject *)type) : -1;
}
