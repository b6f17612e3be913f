/* SPDX-License-Identifier: Apache-2.0 */
/* The exceptions: one class per status of the library. */
#ifndef PYARK_ERROR_H
#define PYARK_ERROR_H

#include "binding.h"

/* Adds the classes to the module. */
int pyark_error_add(PyObject *module);
/* Sets the exception of an error. Returns NULL. */
PyObject *pyark_error_raise(const arrakis_error *err);
/* Sets InvalidArgumentError in place of what is set, with a text as of PyUnicode_FromFormat(). Returns -1. */
int pyark_error_invalid(const char *format, ...);

#endif
