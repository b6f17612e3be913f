/* SPDX-License-Identifier: Apache-2.0 */
/* Stats and PublisherStats: the counters of a stream and of a publisher, tuples whose members have
 * names, too (struct sequences). */
#ifndef PYARK_STATS_H
#define PYARK_STATS_H

#include "binding.h"

int pyark_stats_add(PyObject *module);
PyObject *pyark_stats_of(const arrakis_stats *stats);
PyObject *pyark_stats_of_publisher(const arrakis_publisher_stats *stats);

#endif
