/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#define COUNTERS(X)                                                                               \
    X(messages, "Messages taken from the source.")                                                \
    X(bytes, "Size of those messages in bytes.")                                                  \
    X(undecodable, "Messages that could not be decoded; each was logged.")                        \
    X(unwanted, "Messages without a row of any requested channel.")                               \
    X(late, "Blocks of an input that came after their deadline.")                                 \
    X(duplicate, "Blocks of an input that had come before.")                                      \
    X(mismatched, "Blocks of an input off its stride, or whose time is too far ahead.")           \
    X(overflow, "Blocks of an input dropped because other inputs were too far behind.")           \
    X(blocks, "Blocks returned.")                                                                 \
    X(gaps, "Strides of a single input returned as gaps.")                                        \
    X(fast_forwards, "Skips to the present.")                                                     \
    X(errors, "Transient errors of the source, early ends of inputs included.")                   \
    X(losses, "Times that a server's stream broke and was to be taken up again.")                 \
    X(recoveries, "Times that such a stream had new data again.")                                 \
    X(changes, "Times that channels had changed and were followed.")

#define PUBLISHER_COUNTERS(X)                                                                     \
    X(blocks, "Blocks that were delivered or dropped.")                                           \
    X(dropped, "Blocks among them that were dropped.")                                            \
    X(failures, "Failures in a row since a block was delivered: BrokerError, DeadlineError.")     \
    X(behind_ns, "How far publishing is behind what comes in, in nanoseconds.")

#define FIELD(name, doc) {#name, doc},
#define VALUE(name, doc) (uint64_t) stats->name,
#define COUNT(array) (sizeof(array) / sizeof *(array))

static PyTypeObject *type, *publisher_type;

int pyark_stats_add(PyObject *module)
{
    static PyStructSequence_Field fields[] = {COUNTERS(FIELD){NULL, NULL}};
    static PyStructSequence_Field publisher_fields[] = {PUBLISHER_COUNTERS(FIELD){NULL, NULL}};
    static PyStructSequence_Desc description = {"libarrakis.Stats",
                                                "Counters of a stream, from its opening on.",
                                                fields, COUNT(fields) - 1};
    static PyStructSequence_Desc publisher_description = {
        "libarrakis.PublisherStats", "Counters of a publisher, from its opening on.",
        publisher_fields, COUNT(publisher_fields) - 1};
    type = PyStructSequence_NewType(&description);
    if (!type || PyModule_AddObjectRef(module, "Stats", (PyObject *)type) != 0)
        return -1;
    publisher_type = PyStructSequence_NewType(&publisher_description);
    return publisher_type
               ? PyModule_AddObjectRef(module, "PublisherStats", (PyObject *)publisher_type)
               : -1;
}

static PyObject *make_stats(PyTypeObject *of, const uint64_t *values, size_t count)
{
    PyObject *made = PyStructSequence_New(of);
    for (size_t i = 0; made && i < count; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(values[i]);
        if (!value) {
            Py_CLEAR(made);
            break;
        }
        PyStructSequence_SetItem(made, (Py_ssize_t)i, value);
    }
    return made;
}

PyObject *pyark_stats_of(const arrakis_stats *stats)
{
    const uint64_t values[] = {COUNTERS(VALUE)};
    return make_stats(type, values, COUNT(values));
}

PyObject *pyark_stats_of_publisher(const arrakis_publisher_stats *stats)
{
    const uint64_t values[] = {PUBLISHER_COUNTERS(VALUE)};
    return make_stats(publisher_type, values, COUNT(values));
}
