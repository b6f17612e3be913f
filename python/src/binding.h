/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file of the extension module libarrakis._core starts with: Python's limited API, so that one binary serves
 * every version from 3.10 on.
 *
 * Objects of the library are plain C; a Python object has one handle and no logic. Calls that may wait run without the
 * GIL (wait.h). Functions that fail return NULL or -1 and set an exception, as Python's do.
 */
#ifndef PYARK_BINDING_H
#define PYARK_BINDING_H

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030A0000
#endif
#define PY_SSIZE_T_CLEAN
#include <pyconfig.h> /* first: Python.h of such a build has an error of its own, about the limited API */
#ifdef Py_GIL_DISABLED
#error "libarrakis does not support free-threaded Python: use a build of Python with the GIL"
#endif
#include <Python.h>

#include <arrakis/arrakis.h>

#include <stdbool.h>
#include <stdint.h>

/* The method __enter__() of every object that can be closed. */
static inline PyObject *pyark_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

/* A function for a slot of a type, and a method that takes keywords. */
#define PYARK_SLOT(function) ((void *)(uintptr_t)(function))
#define PYARK_METHOD(function) ((PyCFunction)(void (*)(void))(function))

#endif
