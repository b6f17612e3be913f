/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numpy.ma, which is imported by the first call: that takes some milliseconds, so who has no masks does not call.
 *
 * numpy makes a MaskedArray in Python, 2 us each. So an array is made of a class that has nothing to run, and then
 * becomes a MaskedArray. Where that does not give what numpy makes, as with another version of numpy, numpy does it.
 */
#ifndef PYARK_MASKED_H
#define PYARK_MASKED_H

#include "binding.h"

/* To be called before the others. -1: an exception. */
int pyark_masked_load(void);
/* The class of which an array is made that pyark_masked_finish() takes; NULL: numpy.ndarray. Borrowed. */
PyObject *pyark_masked_class(void);
/* The MaskedArray of an array that nobody else has, and a mask. Takes both over, and either may be NULL. */
PyObject *pyark_masked_finish(PyObject *array, PyObject *mask);
/* Whether a value is a MaskedArray, or of a class derived from it. -1: an exception. */
int pyark_masked_check(PyObject *value);
/* Whether it is a MaskedArray, and of no derived class. */
bool pyark_masked_is(PyObject *value);
/* The mask of a MaskedArray as an array. */
PyObject *pyark_masked_mask(PyObject *value);

#endif
