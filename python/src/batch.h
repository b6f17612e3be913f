/* SPDX-License-Identifier: Apache-2.0 */
/* BatchWriter: blocks as record batches of one schema, in the two forms that pyarrow takes fastest. */
#ifndef PYARK_BATCH_H
#define PYARK_BATCH_H

#include "binding.h"

int pyark_batch_add(PyObject *module);

#endif
