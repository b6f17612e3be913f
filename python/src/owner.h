/* SPDX-License-Identifier: Apache-2.0 */
/* What the arrays of a block that are used again have as their base: an object that has the block for as long as one of
 * them may be looked at. */
#ifndef PYARK_OWNER_H
#define PYARK_OWNER_H

#include "binding.h"

int pyark_owner_start(void);
PyObject *pyark_owner_new(void);
/* Has the owner hold a block, or with NULL none, in place of the one that it held. */
void pyark_owner_set(PyObject *owner, PyObject *block);

#endif
