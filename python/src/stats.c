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

static PyTypeObject *type;

int pyark_stats_add(PyObject *module)
{
    static PyStructSequence_Field fields[] = {
#define FIELD(name, doc) {#name, doc},
        COUNTERS(FIELD)
#undef FIELD
            {NULL, NULL},
    };
    static PyStructSequence_Desc description = {"libarrakis.Stats",
                                                "Counters of a stream, from its opening on.",
                                                fields, sizeof fields / sizeof *fields - 1};
    type = PyStructSequence_NewType(&description);
    return type ? PyModule_AddObjectRef(module, "Stats", (PyObject *)type) : -1;
}

PyObject *pyark_stats_of(const arrakis_stats *stats)
{
    const uint64_t values[] = {
#define VALUE(name, doc) stats->name,
        COUNTERS(VALUE)
#undef VALUE
    };
    PyObject *made = PyStructSequence_New(type);
    for (size_t i = 0; made && i < sizeof values / sizeof *values; i++) {
        PyObject *value = PyLong_FromUnsignedLongLong(values[i]);
        if (!value) {
            Py_CLEAR(made);
            break;
        }
        PyStructSequence_SetItem(made, (Py_ssize_t)i, value);
    }
    return made;
}
