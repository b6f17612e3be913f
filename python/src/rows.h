/* SPDX-License-Identifier: Apache-2.0 */
/* RowEncoder: the channels of one partition, whose arrays it writes as one message. */
#ifndef PYARK_ROWS_H
#define PYARK_ROWS_H

#include "binding.h"

int pyark_rows_add(PyObject *module);

#endif
