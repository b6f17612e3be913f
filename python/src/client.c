/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include "argument.h"
#include "block.h"
#include "channel.h"
#include "channels.h"
#include "connection.h"
#include "error.h"
#include "fork.h"
#include "log.h"
#include "query.h"
#include "request.h"
#include "stream.h"
#include "token.h"
#include "wait.h"

#include <stdlib.h>

/*
 * A client of the library belongs to one thread at a time, and a cancel ends it for good. So a
 * call takes the idle session, or opens one, which does not connect; and leaves it for the next
 * call unless it was canceled.
 */
typedef struct session {
    arrakis_client *client;
    arrakis_cancel *cancel;
    pyark_token *tokens; /* which the client asks */
    pyark_process process;
} session;

typedef struct client {
    PyObject_HEAD PyObject *options; /* a dict: what every session is opened with */
    session idle;
    bool closed;
} client;

static PyTypeObject *type;

static client *client_of(PyObject *self)
{
    return (client *)self;
}

/* ------------------------------------------------------------------ sessions */

static void session_close(session *s)
{
    if (!s->client || pyark_fork_inherited(s->process))
        return;
    session own = *s; /* another thread may close it while the GIL is released */
    *s = (session){0};
    PyThreadState *state = PyEval_SaveThread();
    arrakis_client_close(own.client);
    PyEval_RestoreThread(state);
    arrakis_cancel_unref(own.cancel);
    pyark_token_unref(own.tokens);
    pyark_fork_closed(own.process);
}

static int open_options(PyObject *options, arrakis_client_options *out)
{
    return pyark_argument_text(pyark_connection_option(options, "metadata"), "metadata",
                               &out->metadata_path) != 0 ||
                   pyark_argument_duration(pyark_connection_option(options, "stall_timeout"),
                                           "stall_timeout", &out->stall_timeout_ns) != 0 ||
                   pyark_argument_int64(pyark_connection_option(options, "max_message_bytes"),
                                        "max_message_bytes", &out->max_message_bytes) != 0
               ? -1
               : 0;
}

static int session_open(PyObject *options, session *out)
{
    pyark_connection connection;
    arrakis_client_options own = ARRAKIS_CLIENT_OPTIONS_INIT;
    arrakis_error err;
    *out = (session){0};
    if (pyark_fork_check() != 0 || open_options(options, &own) != 0 ||
        pyark_connection_from(options, &connection) != 0)
        return -1;
    pyark_log_refresh();
    arrakis_status rc = arrakis_cancel_new(&out->cancel, &err);
    connection.connection.cancel = out->cancel;
    if (rc == ARRAKIS_OK)
        rc = arrakis_client_open(&out->client, &connection.connection, &own, &err);
    if (rc == ARRAKIS_OK)
        out->tokens = pyark_token_ref(connection.tokens);
    pyark_connection_free(&connection);
    if (rc == ARRAKIS_OK) {
        out->process = pyark_fork_opened();
        return 0;
    }
    arrakis_cancel_unref(out->cancel);
    *out = (session){0};
    pyark_error_raise(&err);
    return -1;
}

static int session_take(client *c, session *out)
{
    if (c->closed) {
        PyErr_SetString(PyExc_ValueError, "this client is closed");
        return -1;
    }
    if (c->idle.client && pyark_fork_inherited(c->idle.process))
        return pyark_fork_refuse("client");
    if (!c->idle.client)
        return session_open(c->options, out);
    *out = c->idle;
    c->idle = (session){0};
    return 0;
}

static void session_leave(client *c, session *s)
{
    if (c->closed || c->idle.client || arrakis_cancel_is_set(s->cancel))
        session_close(s);
    else
        c->idle = *s;
}

/*
 * Runs `fn` with a session, whose client `argument` begins with. Returns 0; -1: an exception is
 * set, and what `fn` made is the caller's to free.
 */
typedef struct question {
    arrakis_client *client;
} question;

static int client_ask(PyObject *self, pyark_wait_fn fn, question *argument)
{
    session s;
    arrakis_status status;
    arrakis_error err;
    if (session_take(client_of(self), &s) != 0)
        return -1;
    argument->client = s.client;
    int rc = pyark_wait_call(fn, argument, s.cancel, &status, &err);
    if (rc == 0 && status != ARRAKIS_OK) {
        pyark_error_raise(&err);
        rc = -1;
    }
    session_leave(client_of(self), &s);
    return rc;
}

/* ------------------------------------------------------------------ channels */

typedef struct find_question {
    question base;
    const arrakis_query *query;
    arrakis_channel **found;
    size_t count, room;
    bool full; /* out of memory */
} find_question;

static bool keep_channel(arrakis_channel *channel, void *opaque)
{
    find_question *q = opaque;
    if (q->count == q->room) {
        size_t room = q->room ? q->room * 2 : 64;
        arrakis_channel **grown = realloc(q->found, room * sizeof *grown);
        q->full = !grown;
        if (!grown)
            return false;
        q->found = grown;
        q->room = room;
    }
    q->found[q->count++] = arrakis_channel_ref(channel);
    return true;
}

static arrakis_status run_find(void *argument, arrakis_error *err)
{
    find_question *q = argument;
    return arrakis_client_find(q->base.client, q->query, keep_channel, q, err);
}

/* The list takes the channels over. */
static PyObject *list_of(find_question *q)
{
    PyObject *list = PyList_New((Py_ssize_t)q->count);
    for (size_t i = 0; list && i < q->count; i++) {
        PyObject *channel = pyark_channel_wrap(q->found[i]);
        q->found[i] = NULL;
        if (!channel || PyList_SetItem(list, (Py_ssize_t)i, channel) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *client_find(PyObject *self, PyObject *args, PyObject *keywords)
{
    pyark_query query;
    if (pyark_query_from(args, keywords, &query) != 0)
        return NULL;
    find_question q = {.query = &query.query};
    PyObject *list = NULL;
    if (client_ask(self, run_find, &q.base) == 0)
        list = q.full ? PyErr_NoMemory() : list_of(&q);
    for (size_t i = 0; i < q.count; i++)
        arrakis_channel_unref(q.found[i]);
    free(q.found);
    pyark_query_free(&query);
    return list;
}

typedef struct count_question {
    question base;
    const arrakis_query *query;
    uint64_t count;
} count_question;

static arrakis_status run_count(void *argument, arrakis_error *err)
{
    count_question *q = argument;
    return arrakis_client_count(q->base.client, q->query, &q->count, err);
}

static PyObject *client_count(PyObject *self, PyObject *args, PyObject *keywords)
{
    pyark_query query;
    if (pyark_query_from(args, keywords, &query) != 0)
        return NULL;
    count_question q = {.query = &query.query};
    int rc = client_ask(self, run_count, &q.base);
    pyark_query_free(&query);
    return rc == 0 ? PyLong_FromUnsignedLongLong(q.count) : NULL;
}

typedef struct describe_question {
    question base;
    const pyark_texts *names;
    int64_t time_ns;
    const char *replay_id;
    arrakis_channels *found;
} describe_question;

static arrakis_status run_describe(void *argument, arrakis_error *err)
{
    describe_question *q = argument;
    return arrakis_client_describe(q->base.client, &q->found, q->names->items, q->names->count,
                                   q->time_ns, q->replay_id, err);
}

static PyObject *client_describe(PyObject *self, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"channels", "time", "replay_id", NULL};
    PyObject *channels, *time = NULL, *replay_id = NULL;
    pyark_texts texts;
    describe_question q = {.names = &texts};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O$O:describe", (char **)(uintptr_t)names,
                                     &channels, &time, &replay_id) ||
        pyark_argument_text(replay_id, "replay_id", &q.replay_id) != 0 ||
        pyark_argument_time(time, "time", &q.time_ns) != 0 ||
        pyark_channel_names(channels, "channels", &texts) != 0)
        return NULL;
    PyObject *found =
        client_ask(self, run_describe, &q.base) == 0 ? pyark_channels_wrap(q.found) : NULL;
    arrakis_channels_unref(q.found);
    pyark_argument_texts_free(&texts);
    return found;
}

/* ------------------------------------------------------------------ data */

typedef struct data_question {
    question base;
    const pyark_request *request;
    arrakis_stream *stream;
    arrakis_block *block;
} data_question;

static arrakis_status run_stream(void *argument, arrakis_error *err)
{
    data_question *q = argument;
    return arrakis_client_stream(q->base.client, &q->stream, q->request->names.items,
                                 q->request->names.count, &q->request->request, err);
}

static arrakis_status run_fetch(void *argument, arrakis_error *err)
{
    data_question *q = argument;
    return arrakis_client_fetch(q->base.client, &q->block, q->request->names.items,
                                q->request->names.count, &q->request->request, err);
}

/* The stream has a cancel of its own, which outlives the client's session, and ends the opening as
 * well. */
static PyObject *client_stream(PyObject *self, PyObject *args, PyObject *keywords)
{
    pyark_request request;
    arrakis_cancel *cancel;
    arrakis_error err;
    session s;
    arrakis_status status;
    PyObject *made = NULL;
    if (pyark_request_from(args, keywords, &request) != 0)
        return NULL;
    data_question q = {.request = &request};
    if (arrakis_cancel_new(&cancel, &err) != ARRAKIS_OK) {
        pyark_request_free(&request);
        return pyark_error_raise(&err);
    }
    request.request.cancel = cancel;
    if (session_take(client_of(self), &s) == 0) {
        pyark_token *tokens = pyark_token_ref(s.tokens);
        q.base.client = s.client;
        int rc = pyark_wait_call(run_stream, &q, cancel, &status, &err);
        if (rc == 0 && status != ARRAKIS_OK)
            pyark_error_raise(&err);
        session_leave(client_of(self), &s);
        if (rc == 0 && q.stream)
            made =
                pyark_stream_keep(pyark_stream_wrap(q.stream, arrakis_cancel_ref(cancel)), tokens);
        else
            pyark_stream_close(q.stream);
        pyark_token_unref(tokens);
    }
    arrakis_cancel_unref(cancel);
    pyark_request_free(&request);
    return made;
}

static PyObject *client_fetch(PyObject *self, PyObject *args, PyObject *keywords)
{
    pyark_request request;
    if (pyark_request_from(args, keywords, &request) != 0)
        return NULL;
    data_question q = {.request = &request};
    int rc = client_ask(self, run_fetch, &q.base);
    pyark_request_free(&request);
    if (rc == 0)
        return pyark_block_wrap(q.block);
    arrakis_block_unref(q.block);
    return NULL;
}

/* ------------------------------------------------------------------ what a server tells of itself */

typedef arrakis_status (*server_fn)(arrakis_client *, char **, arrakis_error *);
typedef struct server_question {
    question base;
    server_fn fn;
    char *json;
} server_question;

static arrakis_status run_server(void *argument, arrakis_error *err)
{
    server_question *q = argument;
    return q->fn(q->base.client, &q->json, err);
}

static PyObject *ask_server(PyObject *self, server_fn fn)
{
    server_question q = {.fn = fn};
    PyObject *made = NULL;
    if (client_ask(self, run_server, &q.base) == 0) {
        PyObject *json = PyImport_ImportModule("json");
        made = json ? PyObject_CallMethod(json, "loads", "s", q.json) : NULL;
        Py_XDECREF(json);
    }
    arrakis_free(q.json);
    return made;
}

#define SERVER_METHOD(name)                                                                       \
    static PyObject *name(PyObject *self, PyObject *unused)                                       \
    {                                                                                             \
        (void)unused;                                                                             \
        return ask_server(self, arrakis_client_##name);                                           \
    }
SERVER_METHOD(server_info)
SERVER_METHOD(scope_map)
SERVER_METHOD(replays)
SERVER_METHOD(domains)
SERVER_METHOD(endpoints)

/* ------------------------------------------------------------------ the object */

static const char *const own_options[] = {"metadata", "stall_timeout", "max_message_bytes", NULL};

/* As the program does: the environment names the server where nothing else is given. */
static int default_source(PyObject *options)
{
    const char *environment = getenv("ARRAKIS_SERVER");
    if (pyark_connection_option(options, "url") || pyark_connection_option(options, "kafka_url") ||
        pyark_connection_option(options, "metadata"))
        return 0;
    if (!environment || !*environment) {
        arrakis_error err = {.status = ARRAKIS_EINVAL};
        snprintf(
            err.message, sizeof err.message,
            "no source of channels: expected url, kafka_url or metadata, or a server's URL in "
            "the environment variable ARRAKIS_SERVER");
        pyark_error_raise(&err);
        return -1;
    }
    PyObject *url = PyUnicode_DecodeFSDefault(environment);
    int rc = url ? PyDict_SetItemString(options, "url", url) : -1;
    Py_XDECREF(url);
    return rc;
}

static PyObject *options_of(PyObject *args, PyObject *keywords)
{
    PyObject *url = NULL;
    PyObject *options = pyark_connection_options(keywords);
    if (!options || !PyArg_ParseTuple(args, "|O:Client", &url) ||
        pyark_connection_add(options, "url", url, "Client") != 0 ||
        pyark_connection_check(options, own_options, "Client") != 0 ||
        default_source(options) != 0)
        Py_CLEAR(options);
    return options;
}

static PyObject *client_new(PyTypeObject *class, PyObject *args, PyObject *keywords)
{
    session first;
    PyObject *options = options_of(args, keywords);
    if (!options)
        return NULL;
    PyObject *self = session_open(options, &first) == 0 ? PyType_GenericAlloc(class, 0) : NULL;
    if (!self) {
        session_close(&first);
        Py_DECREF(options);
        return NULL;
    }
    client_of(self)->options = options;
    client_of(self)->idle = first;
    return self;
}

static void client_dealloc(PyObject *self)
{
    PyTypeObject *class = Py_TYPE(self);
    session_close(&client_of(self)->idle);
    Py_CLEAR(client_of(self)->options);
    PyObject_Free(self);
    Py_DECREF(class);
}

static PyObject *close_client(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *options = client_of(self)->options;
    client_of(self)->closed = true;
    session_close(&client_of(self)->idle);
    pyark_connection_forget(options, "kafka_token_fn"); /* which may have the client itself */
    Py_RETURN_NONE;
}

static PyObject *client_leave(PyObject *self, PyObject *unused)
{
    (void)unused;
    Py_XDECREF(close_client(self, NULL));
    Py_RETURN_FALSE;
}

static PyObject *client_repr(PyObject *self)
{
    static const char *const sources[] = {"metadata", "url", "kafka_url"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        PyObject *source = pyark_connection_option(client_of(self)->options, sources[i]);
        if (source)
            return PyUnicode_FromFormat("<Client of %R>", source);
    }
    return PyUnicode_FromString("<Client>");
}

static PyMethodDef methods[] = {
    {"find", PYARK_METHOD(client_find), METH_VARARGS | METH_KEYWORDS,
     "find($self, pattern=None, data_type=None, min_rate=None, max_rate=None, publisher=None, *,\n"
     "     time=None, replay_id=None)\n--\n\n"
     "A list of the channels that match, each a Channel; see libarrakis.find()."},
    {"count", PYARK_METHOD(client_count), METH_VARARGS | METH_KEYWORDS,
     "count($self, pattern=None, data_type=None, min_rate=None, max_rate=None, publisher=None, "
     "*,\n"
     "      time=None, replay_id=None)\n--\n\n"
     "How many channels match; see libarrakis.find()."},
    {"describe", PYARK_METHOD(client_describe), METH_VARARGS | METH_KEYWORDS,
     "describe($self, channels, time=None, *, replay_id=None)\n--\n\n"
     "The channels with these names, a Channels in their order; see libarrakis.describe()."},
    {"stream", PYARK_METHOD(client_stream), METH_VARARGS | METH_KEYWORDS,
     "stream($self, channels, start=None, end=None, *, duration=None, on_gap='fill', "
     "stride=None,\n"
     "       fast_forward=True, prefetch_bytes=None, replay_id=None, replay_start=None,\n"
     "       replay_end=None, latency_tolerance=None, retry=None, retry_time=None,\n"
     "       retry_tries=None, follow=False, fetch_wait=None)\n--\n\n"
     "A Stream of the channels, which does not need the client any more; see "
     "libarrakis.stream()."},
    {"fetch", PYARK_METHOD(client_fetch), METH_VARARGS | METH_KEYWORDS,
     "fetch($self, channels, start=None, end=None, *, duration=None, on_gap='fill', stride=None,\n"
     "      fast_forward=True, prefetch_bytes=None, replay_id=None, replay_start=None,\n"
     "      replay_end=None, latency_tolerance=None, retry=None, retry_time=None,\n"
     "      retry_tries=None, follow=False, fetch_wait=None)\n--\n\n"
     "The span as one Block; see libarrakis.fetch()."},
    {"server_info", server_info, METH_NOARGS,
     "server_info($self, /)\n--\n\n"
     "What the server tells of itself, a dict: versions, kind of backend, capabilities, domains."},
    {"scope_map", scope_map, METH_NOARGS,
     "scope_map($self, /)\n--\n\n"
     "A dict whose 'endpoints' are the servers, each with its scopes by domain."},
    {"replays", replays, METH_NOARGS,
     "replays($self, /)\n--\n\nA dict of the replays, each with its span in GPS seconds."},
    {"domains", domains, METH_NOARGS,
     "domains($self, /)\n--\n\nA sorted list of the domains in the scope map."},
    {"endpoints", endpoints, METH_NOARGS,
     "endpoints($self, /)\n--\n\nA sorted list of the URLs of the servers in the scope map."},
    {"close", close_client, METH_NOARGS,
     "close($self, /)\n--\n\nCloses the client. Streams that it opened go on."},
    {"__enter__", pyark_enter, METH_NOARGS, NULL},
    {"__exit__", client_leave, METH_VARARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Client(url=None, *, kafka_url=None, metadata=None, properties=None, kafka_token_fn=None,\n"
     "       allowed_brokers=None, token=None, insecure_token=False, token_hosts=None, "
     "ca_file=None,\n"
     "       cert_file=None, key_file=None, request_timeout=None, stall_timeout=None,\n"
     "       max_message_bytes=None)\n"
     "--\n\n"
     "Finds channels and opens streams of them. Does not connect before it is asked something.\n\n"
     "Channels come from the first source that is given: metadata, a file of channels as JSON\n"
     "lines; the server at url; the metadata topics of the brokers at kafka_url. Where none of\n"
     "these is given, the environment variable ARRAKIS_SERVER is the url.\n\n" PYARK_CONNECTION_DOC
     "stall_timeout: seconds without anything new after which an endpoint is given up; if not\n"
     "    given 300 for past data, 30 beyond the channels' max_latency for live data.\n"
     "    max_message_bytes: limit of one message of a server, 1 GiB if not given.\n\n"
     "Threads may share a client. Ctrl-C ends a call within a second."},
    {Py_tp_new, PYARK_SLOT(client_new)},
    {Py_tp_dealloc, PYARK_SLOT(client_dealloc)},
    {Py_tp_repr, PYARK_SLOT(client_repr)},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {"libarrakis.Client", sizeof(client), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

int pyark_client_add(PyObject *module)
{
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? PyModule_AddObjectRef(module, "Client", (PyObject *)type) : -1;
}
