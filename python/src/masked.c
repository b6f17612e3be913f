/* SPDX-License-Identifier: Apache-2.0 */
#include "masked.h"

static PyObject *masked_array; /* the class; NULL: not all of these are there */
static PyObject *getmaskarray;
static PyObject
    *unfinished; /* the class of arrays that are on their way; NULL: numpy finishes them */
static PyObject
    *attributes; /* what numpy gives to a MaskedArray, but for what each has of its own */
static PyObject *class_name, *mask_name, *optional_name, *basic_name;

/* ------------------------------------------------------------------ by numpy */

/* MaskedArray has a way of its own to set attributes, in Python, which has no work to do here. */
static PyObject *finish_by_numpy(PyObject *array, PyObject *mask)
{
    PyObject *view = PyObject_CallMethod(array, "view", "O", masked_array);
    if (view && PyObject_GenericSetAttr(view, mask_name, mask) != 0)
        Py_CLEAR(view);
    return view;
}

/* ------------------------------------------------------------------ without it */

static int put_own(PyObject *of, PyObject *mask)
{
    PyObject *optional = PyDict_New(); /* one under both names, as numpy has it */
    int rc = !optional || PyDict_SetItem(of, mask_name, mask) != 0 ||
                     PyDict_SetItem(of, optional_name, optional) != 0 ||
                     PyDict_SetItem(of, basic_name, optional) != 0
                 ? -1
                 : 0;
    Py_XDECREF(optional);
    return rc;
}

static int finish_array(PyObject *array, PyObject *mask)
{
    PyObject *of = PyDict_Copy(attributes);
    int rc = !of || put_own(of, mask) != 0 || PyObject_GenericSetDict(array, of, NULL) != 0 ||
                     PyObject_GenericSetAttr(array, class_name, masked_array) != 0
                 ? -1
                 : 0;
    Py_XDECREF(of);
    return rc;
}

/* ------------------------------------------------------------------ is it the same? */

static PyObject *unfinished_class(PyObject *ndarray)
{
    PyObject *nothing = PyObject_GetAttrString(ndarray, "__array_finalize__");
    PyObject *made =
        nothing ? PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){s:(),s:O}", "MaskedArray",
                                        masked_array, "__slots__", "__array_finalize__", nothing)
                : NULL;
    Py_XDECREF(nothing);
    return made;
}

static PyObject *attributes_of(PyObject *ndarray)
{
    return Py_BuildValue("{s:O,s:O,s:O,s:O,s:O,s:O,s:O,s:O}", "_fill_value", Py_None, "_hardmask",
                         Py_False, "_sharedmask", Py_False, "_isfield", Py_False, "_baseclass",
                         ndarray, "_optinfo", Py_None, "_basedict", Py_None, "_mask", Py_None);
}

/* Whether both ways, with None as the mask, give an object of the same class with the same attributes. */
static bool ways_agree(PyObject *array)
{
    PyObject *by_numpy = finish_by_numpy(array, Py_None);
    PyObject *ours = PyObject_CallMethod(array, "view", "O", unfinished);
    PyObject *expected = by_numpy ? PyObject_GenericGetDict(by_numpy, NULL) : NULL;
    PyObject *found =
        ours && finish_array(ours, Py_None) == 0 ? PyObject_GenericGetDict(ours, NULL) : NULL;
    bool agree = expected && found && Py_TYPE(ours) == Py_TYPE(by_numpy) &&
                 PyObject_RichCompareBool(found, expected, Py_EQ) == 1;
    Py_XDECREF(by_numpy);
    Py_XDECREF(ours);
    Py_XDECREF(expected);
    Py_XDECREF(found);
    return agree;
}

/* Whatever goes wrong here leaves the work to numpy. */
static void find_way(PyObject *numpy)
{
    PyObject *ndarray = PyObject_GetAttrString(numpy, "ndarray");
    PyObject *array = PyObject_CallMethod(numpy, "zeros", "i", 1);
    attributes = ndarray ? attributes_of(ndarray) : NULL;
    unfinished = ndarray ? unfinished_class(ndarray) : NULL;
    if (!array || !attributes || !unfinished || !ways_agree(array))
        Py_CLEAR(unfinished);
    PyErr_Clear();
    Py_XDECREF(ndarray);
    Py_XDECREF(array);
}

static int intern(PyObject **name, const char *text)
{
    if (!*name)
        *name = PyUnicode_InternFromString(text);
    return *name ? 0 : -1;
}

int pyark_masked_load(void)
{
    if (masked_array)
        return 0;
    if (intern(&class_name, "__class__") != 0 || intern(&mask_name, "_mask") != 0 ||
        intern(&optional_name, "_optinfo") != 0 || intern(&basic_name, "_basedict") != 0)
        return -1;
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *ma = numpy ? PyImport_ImportModule("numpy.ma") : NULL;
    if (ma && !getmaskarray)
        getmaskarray = PyObject_GetAttrString(ma, "getmaskarray");
    masked_array = ma && getmaskarray ? PyObject_GetAttrString(ma, "MaskedArray") : NULL;
    if (masked_array)
        find_way(numpy);
    Py_XDECREF(numpy);
    Py_XDECREF(ma);
    return masked_array ? 0 : -1;
}

/* ------------------------------------------------------------------ use */

PyObject *pyark_masked_class(void)
{
    return unfinished;
}

PyObject *pyark_masked_finish(PyObject *array, PyObject *mask)
{
    PyObject *made = NULL;
    if (array && mask && !unfinished)
        made = finish_by_numpy(array, mask);
    else if (array && mask && finish_array(array, mask) == 0)
        made = Py_NewRef(array);
    Py_XDECREF(array);
    Py_XDECREF(mask);
    return made;
}

int pyark_masked_check(PyObject *value)
{
    return pyark_masked_load() == 0 ? PyObject_IsInstance(value, masked_array) : -1;
}

bool pyark_masked_is(PyObject *value)
{
    return (PyObject *)Py_TYPE(value) == masked_array;
}

PyObject *pyark_masked_mask(PyObject *value)
{
    return PyObject_CallFunctionObjArgs(getmaskarray, value, NULL);
}
