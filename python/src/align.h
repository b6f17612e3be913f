/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of sources that a program has found out itself: for libarrakis.compat. */
#ifndef PYARK_ALIGN_H
#define PYARK_ALIGN_H

#include "binding.h"

#define PYARK_ALIGN_DOC                                                                           \
    "_align(brokers, server, start_ns, end_ns, stride_ns, tolerance_ns, on_gap, fast_forward,\n"  \
    "       options)\n--\n\n"                                                                     \
    "A Stream of all brokers and endpoints of a server together. brokers: a list of pairs of "    \
    "url\n"                                                                                       \
    "and channels. server: None, or a triple of a dict of options of Client, a list of pairs "    \
    "of\n"                                                                                        \
    "ticket (bytes) and locations, and channels. on_gap: 0 fill, 1 skip, 2 raise. options: a\n"   \
    "dict, whose properties are for librdkafka."

PyObject *pyark_align_open(PyObject *self, PyObject *args, PyObject *keywords);

#endif
