/* SPDX-License-Identifier: Apache-2.0 */
/* MemoryReader: a stream of messages that the program pushes, for tests and measurements without a broker. */
#ifndef PYARK_MEMORY_H
#define PYARK_MEMORY_H

#include "binding.h"

int pyark_memory_add(PyObject *module);

#endif
