/* SPDX-License-Identifier: Apache-2.0 */
/* Stats: the counters of a stream, a tuple whose members have names, too (a struct sequence). */
#ifndef PYARK_STATS_H
#define PYARK_STATS_H

#include "binding.h"

int pyark_stats_add(PyObject *module);
PyObject *pyark_stats_of(const arrakis_stats *stats);

#endif
