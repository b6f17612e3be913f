/* SPDX-License-Identifier: Apache-2.0 */
#include "array.h"

#include "error.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>

#include <stdlib.h>

static PyObject *masked_array; /* the class numpy.ma.MaskedArray */

static int load(void)
{
    if (masked_array)
        return 0;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    PyObject *ma = PyImport_ImportModule("numpy.ma");
    masked_array = ma ? PyObject_GetAttrString(ma, "MaskedArray") : NULL;
    Py_XDECREF(ma);
    return masked_array ? 0 : -1;
}

static int numpy_type(arrakis_dtype dtype)
{
    static const int types[] = {
        [ARRAKIS_INT8] = NPY_INT8,       [ARRAKIS_INT16] = NPY_INT16,
        [ARRAKIS_INT32] = NPY_INT32,     [ARRAKIS_INT64] = NPY_INT64,
        [ARRAKIS_UINT8] = NPY_UINT8,     [ARRAKIS_UINT16] = NPY_UINT16,
        [ARRAKIS_UINT32] = NPY_UINT32,   [ARRAKIS_UINT64] = NPY_UINT64,
        [ARRAKIS_FLOAT32] = NPY_FLOAT32, [ARRAKIS_FLOAT64] = NPY_FLOAT64,
    };
    return types[dtype];
}

/* ------------------------------------------------------------------ to numpy */

static PyObject *plain(PyObject *block, arrakis_series series)
{
    npy_intp length = (npy_intp)series.length;
    PyObject *array = PyArray_New(&PyArray_Type, 1, &length, numpy_type(series.dtype), NULL,
                                  (void *)(uintptr_t)series.samples, 0,
                                  NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED, NULL);
    if (array && PyArray_SetBaseObject((PyArrayObject *)array, Py_NewRef(block)) != 0)
        Py_CLEAR(array);
    return array;
}

PyObject *pyark_array_mask(arrakis_series series)
{
    if (!series.valid)
        return Py_NewRef(Py_None);
    if (load() != 0)
        return NULL;
    npy_intp length = (npy_intp)series.length;
    PyObject *mask = PyArray_SimpleNew(1, &length, NPY_BOOL);
    npy_bool *missing = mask ? PyArray_DATA((PyArrayObject *)mask) : NULL;
    for (size_t i = 0; missing && i < series.length; i++)
        missing[i] = !(series.valid[i / 8] >> i % 8 & 1);
    return mask;
}

PyObject *pyark_array_samples(PyObject *block, arrakis_series series)
{
    if (load() != 0)
        return NULL;
    PyObject *array = plain(block, series);
    if (!array || !series.valid)
        return array;
    PyObject *mask = pyark_array_mask(series);
    PyObject *masked = mask ? PyObject_CallFunctionObjArgs(masked_array, array, mask, NULL) : NULL;
    Py_DECREF(array);
    Py_XDECREF(mask);
    return masked;
}

/* ------------------------------------------------------------------ from numpy */

static int mismatch(const arrakis_channel_info *info, PyObject *value)
{
    arrakis_error err = {.status = ARRAKIS_EMISMATCH};
    PyObject *array = PyArray_FROM_O(value);
    if (!array)
        return -1;
    PyObject *dtype = PyObject_Str((PyObject *)PyArray_DESCR((PyArrayObject *)array));
    const char *found = dtype ? PyUnicode_AsUTF8AndSize(dtype, NULL) : NULL;
    snprintf(err.message, sizeof err.message,
             "channel %.128s: the samples are %.64s in %d dimensions, expected %s in one",
             info->name, found ? found : "?", PyArray_NDIM((PyArrayObject *)array),
             arrakis_dtype_name(info->dtype));
    Py_XDECREF(dtype);
    Py_DECREF(array);
    pyark_error_raise(&err);
    return -1;
}

/*
 * numpy would cut 1.5 to an integer, and read digits in a text: what a list has must be of the kind of the channel's
 * type, and an array of the type itself.
 */
static bool fits(PyObject *value, int wanted)
{
    PyObject *array = PyArray_FROM_O(value);
    if (!array)
        return false;
    int found = PyArray_TYPE((PyArrayObject *)array);
    Py_DECREF(array);
    if (PyArray_Check(value))
        return PyArray_EquivTypenums(found, wanted);
    return PyTypeNum_ISINTEGER(found) || PyTypeNum_ISBOOL(found) ||
           (PyTypeNum_ISFLOAT(found) && PyTypeNum_ISFLOAT(wanted));
}

/* The mask of a MaskedArray, or NULL: no sample is masked, or an exception is set. */
static PyObject *mask_of(PyObject *value)
{
    if (!PyObject_IsInstance(value, masked_array))
        return NULL;
    PyObject *numpy_ma = PyImport_ImportModule("numpy.ma");
    PyObject *mask = numpy_ma ? PyObject_CallMethod(numpy_ma, "getmaskarray", "O", value) : NULL;
    Py_XDECREF(numpy_ma);
    return mask;
}

static int take_mask(PyObject *value, arrakis_series *series, pyark_array_input *out)
{
    PyObject *mask = mask_of(value);
    if (!mask)
        return PyErr_Occurred() ? -1 : 0;
    PyObject *flat = PyArray_FROM_OTF(mask, NPY_BOOL, NPY_ARRAY_CARRAY_RO);
    Py_DECREF(mask);
    if (!flat)
        return -1;
    const npy_bool *missing = PyArray_DATA((PyArrayObject *)flat);
    out->valid = calloc(series->length / 8 + 1, 1);
    if (!out->valid)
        PyErr_NoMemory();
    for (size_t i = 0; out->valid && i < series->length; i++)
        if (!missing[i])
            out->valid[i / 8] |= (uint8_t)(1 << i % 8);
    Py_DECREF(flat);
    series->valid = out->valid;
    return out->valid ? 0 : -1;
}

int pyark_array_input_from(PyObject *value, const arrakis_channel *channel, arrakis_series *series,
                           pyark_array_input *out)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    if (load() != 0)
        return -1;
    int wanted = numpy_type(info.dtype);
    if (!fits(value, wanted))
        return PyErr_Occurred() ? -1 : mismatch(&info, value);
    out->array = PyArray_FROM_OTF(value, wanted, NPY_ARRAY_CARRAY_RO);
    if (!out->array)
        return -1;
    if (PyArray_NDIM((PyArrayObject *)out->array) != 1)
        return mismatch(&info, out->array);
    series->samples = PyArray_DATA((PyArrayObject *)out->array);
    series->length = (size_t)PyArray_SIZE((PyArrayObject *)out->array);
    series->dtype = info.dtype;
    return take_mask(value, series, out);
}

void pyark_array_input_free(pyark_array_input *input)
{
    Py_CLEAR(input->array);
    free(input->valid);
    input->valid = NULL;
}
