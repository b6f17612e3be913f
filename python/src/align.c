/* SPDX-License-Identifier: Apache-2.0 */
#include "align.h"

#include "argument.h"
#include "channels.h"
#include "connection.h"
#include "error.h"
#include "fork.h"
#include "log.h"
#include "stream.h"
#include "wait.h"

#include <arrakis/reader.h>

#include <string.h>

/* The readers that have been made so far, and what they have in common. */
typedef struct sources {
    arrakis_reader **readers;
    size_t count;
    arrakis_kafka_options kafka;
    arrakis_stream_options stream;
    arrakis_reader *reader; /* of all of them */
    arrakis_stream *opened;
} sources;

static void sources_close(sources *s)
{
    for (size_t i = 0; i < s->count; i++)
        arrakis_reader_close(s->readers[i]);
    s->count = 0;
}

/* ------------------------------------------------------------------ brokers */

static int add_broker(sources *s, PyObject *pair)
{
    const char *url;
    PyObject *from;
    arrakis_error err;
    if (!PyArg_ParseTuple(pair, "sO;expected (url, channels)", &url, &from))
        return -1;
    arrakis_channels *channels = pyark_channels_from(from);
    if (!channels)
        return -1;
    arrakis_status rc =
        arrakis_kafka_reader_new(&s->readers[s->count], url, channels, &s->kafka, &err);
    arrakis_channels_unref(channels);
    if (rc != ARRAKIS_OK) {
        pyark_error_raise(&err);
        return -1;
    }
    s->count++;
    return 0;
}

/* ------------------------------------------------------------------ a server */

/* Endpoints, and what holds their texts: the program's list may change while other parts are read. */
typedef struct endpoints {
    PyObject *held;
    arrakis_endpoint *list;
    pyark_texts *locations;
    size_t count;
} endpoints;

static void endpoints_free(endpoints *e)
{
    for (size_t i = 0; e->locations && i < e->count; i++)
        pyark_argument_texts_free(&e->locations[i]);
    PyMem_Free(e->locations);
    PyMem_Free(e->list);
    Py_XDECREF(e->held);
}

static int take_endpoint(endpoints *e, size_t i, PyObject *pair)
{
    const char *ticket;
    Py_ssize_t size;
    PyObject *uris;
    if (!PyArg_ParseTuple(pair, "y#O;expected (ticket, locations)", &ticket, &size, &uris) ||
        pyark_argument_texts(uris, "locations", &e->locations[i]) != 0)
        return -1;
    e->list[i] =
        (arrakis_endpoint){ticket, (size_t)size, e->locations[i].items, e->locations[i].count};
    return 0;
}

/* `list`: pairs, which have what the endpoints point into. */
static int take_endpoints(endpoints *e, PyObject *list)
{
    e->held = PySequence_Tuple(list);
    if (!e->held)
        return -1;
    e->count = (size_t)PyTuple_Size(e->held);
    e->list = PyMem_Calloc(e->count + 1, sizeof *e->list);
    e->locations = PyMem_Calloc(e->count + 1, sizeof *e->locations);
    if (!e->list || !e->locations) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < e->count; i++)
        if (take_endpoint(e, i, PyTuple_GetItem(e->held, (Py_ssize_t)i)) != 0)
            return -1;
    return 0;
}

/* The reader keeps what it needs of the client. */
static arrakis_status relay_reader(arrakis_reader **out, const arrakis_connection *connection,
                                   const endpoints *from, arrakis_channels *channels,
                                   const arrakis_stream_options *span, arrakis_error *err)
{
    arrakis_client *client;
    arrakis_status rc = arrakis_client_open(&client, connection, NULL, err);
    if (rc != ARRAKIS_OK)
        return rc;
    rc = arrakis_endpoint_reader_new(out, client, from->list, from->count, channels,
                                     span->start_ns, span->end_ns, err);
    arrakis_client_close(client);
    return rc;
}

static int add_server(sources *s, PyObject *triple)
{
    PyObject *options, *list, *from;
    pyark_connection connection;
    endpoints e = {0};
    arrakis_error err;
    if (!PyArg_ParseTuple(triple, "O!OO;expected (options, endpoints, channels)", &PyDict_Type,
                          &options, &list, &from))
        return -1;
    arrakis_channels *channels = pyark_channels_from(from);
    int rc = channels && take_endpoints(&e, list) == 0
                 ? pyark_connection_from(options, &connection)
                 : -1;
    if (rc == 0) {
        if (relay_reader(&s->readers[s->count], &connection.connection, &e, channels, &s->stream,
                         &err) == ARRAKIS_OK) {
            s->count++;
        } else {
            pyark_error_raise(&err);
            rc = -1;
        }
        pyark_connection_free(&connection);
    }
    endpoints_free(&e);
    arrakis_channels_unref(channels);
    return rc;
}

/* ------------------------------------------------------------------ the stream */

static arrakis_status run_open(void *argument, arrakis_error *err)
{
    sources *s = argument;
    return arrakis_stream_open(&s->opened, s->reader, &s->stream, err);
}

/* One reader of all; the sources own none any more. */
static int join_readers(sources *s)
{
    arrakis_error err;
    size_t count = s->count;
    s->count = 0;
    s->reader = s->readers[0];
    if (count == 1 || arrakis_multi_reader_new(&s->reader, s->readers, count, &err) == ARRAKIS_OK)
        return 0;
    pyark_error_raise(&err);
    return -1;
}

static PyObject *open_stream(sources *s)
{
    arrakis_error err;
    arrakis_status status;
    if (join_readers(s) != 0)
        return NULL;
    int rc = pyark_wait_call(run_open, s, s->stream.cancel, &status, &err);
    if (rc == 0 && status == ARRAKIS_OK)
        return pyark_stream_wrap(s->opened, arrakis_cancel_ref(s->stream.cancel));
    pyark_stream_close(s->opened);
    return rc == 0 ? pyark_error_raise(&err) : NULL;
}

static int add_brokers(sources *s, PyObject *brokers)
{
    PyObject *pairs = PySequence_Tuple(brokers);
    Py_ssize_t count = pairs ? PyTuple_Size(pairs) : 0;
    int rc = pairs ? 0 : -1;
    if (pairs && !(s->readers = PyMem_Calloc((size_t)count + 1, sizeof *s->readers))) {
        PyErr_NoMemory();
        rc = -1;
    }
    for (Py_ssize_t i = 0; rc == 0 && i < count; i++)
        rc = add_broker(s, PyTuple_GetItem(pairs, i));
    Py_XDECREF(pairs);
    return rc;
}

static int add_sources(sources *s, PyObject *brokers, PyObject *server)
{
    if (add_brokers(s, brokers) != 0 || (server != Py_None && add_server(s, server) != 0))
        return -1;
    if (s->count > 0)
        return 0;
    PyErr_SetString(PyExc_ValueError, "a stream of no source");
    return -1;
}

static int take_properties(PyObject *options, pyark_connection *held, sources *s)
{
    if (pyark_connection_from(options, held) != 0)
        return -1;
    s->kafka.properties = held->connection.properties;
    s->kafka.property_count = held->connection.property_count;
    return 0;
}

PyObject *pyark_align_open(PyObject *self, PyObject *args, PyObject *keywords)
{
    (void)self;
    static const char *names[] = {"brokers",      "server", "start_ns",     "end_ns",  "stride_ns",
                                  "tolerance_ns", "on_gap", "fast_forward", "options", NULL};
    sources s = {.kafka = ARRAKIS_KAFKA_OPTIONS_INIT, .stream = ARRAKIS_STREAM_OPTIONS_INIT};
    PyObject *brokers, *server, *start, *end, *stride, *tolerance, *options;
    PyObject *made = NULL;
    pyark_connection held;
    int on_gap, fast_forward;
    arrakis_error err;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOOipO!", (char **)(uintptr_t)names,
                                     &brokers, &server, &start, &end, &stride, &tolerance, &on_gap,
                                     &fast_forward, &PyDict_Type, &options) ||
        pyark_argument_int64(start, "start_ns", &s.stream.start_ns) != 0 ||
        pyark_argument_int64(end, "end_ns", &s.stream.end_ns) != 0 ||
        pyark_argument_int64(stride, "stride_ns", &s.stream.stride_ns) != 0 ||
        pyark_argument_int64(tolerance, "tolerance_ns", &s.stream.latency_tolerance_ns) != 0 ||
        pyark_fork_check() != 0 || take_properties(options, &held, &s) != 0)
        return NULL;
    pyark_log_refresh();
    s.stream.on_gap = (arrakis_on_gap)on_gap;
    s.stream.retry = ARRAKIS_RETRY_OFF; /* the program is told, and asks the server again */
    s.kafka.start_ns = s.stream.start_ns;
    s.kafka.fast_forward = fast_forward != 0;
    if (arrakis_cancel_new(&s.stream.cancel, &err) != ARRAKIS_OK)
        pyark_error_raise(&err);
    else if (add_sources(&s, brokers, server) == 0)
        made = open_stream(&s);
    sources_close(&s);
    PyMem_Free(s.readers);
    arrakis_cancel_unref(s.stream.cancel);
    pyark_connection_free(&held);
    return made;
}
