/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks as objects of a class that is written in Python, such as the Arrakis client's SeriesBlock. */
#ifndef PYARK_SERIES_BLOCK_H
#define PYARK_SERIES_BLOCK_H

#include "binding.h"

int pyark_series_block_add(PyObject *module);

#endif
