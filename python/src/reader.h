/* SPDX-License-Identifier: Apache-2.0 */
/* Reader: what arrives on each partition of a broker, not aligned; libarrakis.kafka is made of it. */
#ifndef PYARK_READER_H
#define PYARK_READER_H

#include "binding.h"

int pyark_reader_add(PyObject *module);

#endif
