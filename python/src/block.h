/* SPDX-License-Identifier: Apache-2.0 */
/* Block: the series of several channels over one span, a mapping of names to arrays. */
#ifndef PYARK_BLOCK_H
#define PYARK_BLOCK_H

#include "binding.h"

int pyark_block_add(PyObject *module);
/* A Block that takes over the reference. */
PyObject *pyark_block_wrap(arrakis_block *block);
/* The block of a Block, borrowed; NULL and TypeError for anything else. */
arrakis_block *pyark_block_of(PyObject *object);

#endif
