/* SPDX-License-Identifier: Apache-2.0 */
#include "array.h"

#include "error.h"
#include "masked.h"

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static PyArray_Descr *types[ARRAKIS_FLOAT64 + 1]; /* by arrakis_dtype */

static int numpy_type(arrakis_dtype dtype)
{
    static const int numbers[] = {
        [ARRAKIS_INT8] = NPY_INT8,       [ARRAKIS_INT16] = NPY_INT16,
        [ARRAKIS_INT32] = NPY_INT32,     [ARRAKIS_INT64] = NPY_INT64,
        [ARRAKIS_UINT8] = NPY_UINT8,     [ARRAKIS_UINT16] = NPY_UINT16,
        [ARRAKIS_UINT32] = NPY_UINT32,   [ARRAKIS_UINT64] = NPY_UINT64,
        [ARRAKIS_FLOAT32] = NPY_FLOAT32, [ARRAKIS_FLOAT64] = NPY_FLOAT64,
    };
    return numbers[dtype];
}

static int load_numpy(void)
{
    if (types[ARRAKIS_FLOAT64])
        return 0;
    if (PyArray_ImportNumPyAPI() < 0)
        return -1;
    for (arrakis_dtype dtype = ARRAKIS_INT8; dtype <= ARRAKIS_FLOAT64; dtype++)
        if (!types[dtype] && !(types[dtype] = PyArray_DescrFromType(numpy_type(dtype))))
            return -1;
    return 0;
}

/* ------------------------------------------------------------------ to numpy */

/* An array over the samples of a series, or, where `block` is NULL, of as many zeros. */
static PyObject *array_over(PyTypeObject *class, PyObject *block, arrakis_series series, int flags)
{
    npy_intp length = (npy_intp)series.length;
    PyArray_Descr *type = types[series.dtype];
    Py_INCREF(type); /* the call takes it over */
    PyObject *array =
        PyArray_NewFromDescr(class, type, 1, &length, NULL,
                             block ? (void *)(uintptr_t)series.samples : NULL, flags, NULL);
    if (!array)
        return NULL;
    if (!block)
        memset(PyArray_DATA((PyArrayObject *)array), 0,
               (size_t)PyArray_NBYTES((PyArrayObject *)array));
    else if (PyArray_SetBaseObject((PyArrayObject *)array, Py_NewRef(block)) != 0)
        Py_CLEAR(array);
    return array;
}

PyObject *pyark_array_mask(arrakis_series series)
{
    if (!series.valid)
        return Py_NewRef(Py_None);
    if (load_numpy() != 0)
        return NULL;
    npy_intp length = (npy_intp)series.length;
    PyObject *mask = PyArray_SimpleNew(1, &length, NPY_BOOL);
    npy_bool *missing = mask ? PyArray_DATA((PyArrayObject *)mask) : NULL;
    for (size_t i = 0; missing && i < series.length; i++)
        missing[i] = !(series.valid[i / 8] >> i % 8 & 1);
    return mask;
}

static PyObject *masked(PyObject *block, arrakis_series series, int flags)
{
    if (pyark_masked_load() != 0)
        return NULL;
    PyObject *class = pyark_masked_class();
    return pyark_masked_finish(
        array_over(class ? (PyTypeObject *)class : &PyArray_Type, block, series, flags),
        pyark_array_mask(series));
}

PyObject *pyark_array_samples(PyObject *block, arrakis_series series)
{
    if (load_numpy() != 0)
        return NULL;
    return series.valid ? masked(block, series, NPY_ARRAY_CARRAY_RO)
                        : array_over(&PyArray_Type, block, series, NPY_ARRAY_CARRAY_RO);
}

/* What has no samples shares a buffer of zeros inside the library. */
PyObject *pyark_array_writable(PyObject *block, arrakis_series series)
{
    if (load_numpy() != 0)
        return NULL;
    if (!series.valid)
        return array_over(&PyArray_Type, block, series, NPY_ARRAY_CARRAY);
    bool all = arrakis_series_missing(series) == series.length;
    return masked(all ? NULL : block, series, all ? 0 : NPY_ARRAY_CARRAY);
}

/* ------------------------------------------------------------------ used again */

static PyArrayObject_fields *fields_of(PyObject *array)
{
    return (PyArrayObject_fields *)array;
}

/* A program may have given the array another shape, type or flag. */
static bool has_form(const PyArrayObject_fields *array, pyark_array_form form)
{
    const int flags = NPY_ARRAY_CARRAY | NPY_ARRAY_F_CONTIGUOUS;
    return array->flags == flags && array->nd == 1 && array->descr == types[form.dtype] &&
           array->dimensions[0] == (npy_intp)form.length &&
           array->strides[0] == (npy_intp)form.sample_size;
}

bool pyark_array_is_idle(PyObject *value, PyObject *base, pyark_array_form form)
{
    return Py_REFCNT(value) == 1 && Py_TYPE(value) == &PyArray_Type &&
           !fields_of(value)->weakreflist && fields_of(value)->base == base &&
           has_form(fields_of(value), form);
}

void pyark_array_leave(PyObject *array, PyObject *base)
{
    PyObject *before = fields_of(array)->base;
    fields_of(array)->base = Py_NewRef(base);
    Py_DECREF(before);
}

bool pyark_array_move(PyObject *array, pyark_array_form form, arrakis_series series)
{
    if (series.valid || series.length != form.length || series.dtype != form.dtype)
        return false;
    fields_of(array)->data = (char *)(uintptr_t)series.samples;
    return true;
}

void pyark_array_fetch(const void *array)
{
    enum { LINE = 64 };
    __builtin_prefetch(array);
    __builtin_prefetch((const char *)array + LINE);
}

/* ------------------------------------------------------------------ from numpy */

static int mismatch_error(const arrakis_channel_info *info, PyObject *found)
{
    arrakis_error err = {.status = ARRAKIS_EMISMATCH};
    PyObject *dtype = PyObject_Str((PyObject *)PyArray_DESCR((PyArrayObject *)found));
    const char *name = dtype ? PyUnicode_AsUTF8AndSize(dtype, NULL) : NULL;
    snprintf(err.message, sizeof err.message,
             "channel %.128s: the samples are %.64s in %d dimensions, expected %s in one",
             info->name, name ? name : "?", PyArray_NDIM((PyArrayObject *)found),
             arrakis_dtype_name(info->dtype));
    Py_XDECREF(dtype);
    pyark_error_raise(&err);
    return -1;
}

static int range_error(const arrakis_channel_info *info)
{
    arrakis_error err = {.status = ARRAKIS_EMISMATCH};
    snprintf(err.message, sizeof err.message, "channel %.128s: a sample is out of the range of %s",
             info->name, arrakis_dtype_name(info->dtype));
    pyark_error_raise(&err);
    return -1;
}

/* An array must have the type itself; what a list or the like has must be of the type's kind: numpy would cut 1.5 to an
 * integer, and read digits in a text. */
static bool fits(PyObject *found, bool is_array, int wanted)
{
    int type = PyArray_TYPE((PyArrayObject *)found);
    if (PyArray_NDIM((PyArrayObject *)found) != 1)
        return false;
    if (is_array)
        return PyArray_EquivTypenums(type, wanted);
    return PyTypeNum_ISINTEGER(type) || PyTypeNum_ISBOOL(type) ||
           (PyTypeNum_ISFLOAT(type) && PyTypeNum_ISFLOAT(wanted));
}

/* Whether each integer is still the same. numpy wraps those that have a type of their own, as numpy.int64 does. */
static int is_unchanged(PyObject *found, PyObject *made)
{
    PyObject *same = PyObject_RichCompare(found, made, Py_EQ);
    PyObject *all = same ? PyObject_CallMethod(same, "all", NULL) : NULL;
    int rc = all ? PyObject_IsTrue(all) : -1;
    Py_XDECREF(all);
    Py_XDECREF(same);
    return rc;
}

/* Whether no number would become infinite as a float32. */
static int is_within_float32(PyObject *found)
{
    const double beyond = 0x1.ffffffp127; /* rounded up to the next power of 2 */
    PyObject *wide =
        PyArray_FROM_OTF(found, NPY_DOUBLE, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST);
    if (!wide)
        return -1;
    const double *samples = PyArray_DATA((PyArrayObject *)wide);
    npy_intp count = PyArray_SIZE((PyArrayObject *)wide);
    int rc = 1;
    for (npy_intp i = 0; i < count && rc; i++)
        rc = !(isfinite(samples[i]) && fabs(samples[i]) >= beyond);
    Py_DECREF(wide);
    return rc;
}

/* The numbers of what is not an array, as an array of the wanted type: rounded, but neither cut nor wrapped. */
static PyObject *convert_numbers(PyObject *found, const arrakis_channel_info *info)
{
    int wanted = numpy_type(info->dtype);
    bool is_float = PyTypeNum_ISFLOAT(PyArray_TYPE((PyArrayObject *)found));
    int rc = is_float && wanted == NPY_FLOAT32 ? is_within_float32(found) : 1;
    PyObject *made =
        rc == 1 ? PyArray_FROM_OTF(found, wanted, NPY_ARRAY_CARRAY_RO | NPY_ARRAY_FORCECAST)
                : NULL;
    if (made && PyTypeNum_ISINTEGER(wanted) && (rc = is_unchanged(found, made)) != 1)
        Py_CLEAR(made);
    if (rc == 0)
        range_error(info);
    return made;
}

/* The mask of a MaskedArray, or NULL: no sample is masked, or an exception is set. */
static PyObject *mask_of(PyObject *value)
{
    if (!PyArray_Check(value) || PyArray_CheckExact(value) || pyark_masked_check(value) != 1)
        return NULL;
    return pyark_masked_mask(value);
}

static int take_mask(PyObject *value, arrakis_series *series, pyark_array_input *out)
{
    arrakis_error err = {.status = ARRAKIS_EMISMATCH};
    PyObject *mask = mask_of(value);
    if (!mask)
        return PyErr_Occurred() ? -1 : 0;
    PyObject *flat = PyArray_FROM_OTF(mask, NPY_BOOL, NPY_ARRAY_CARRAY_RO);
    Py_DECREF(mask);
    if (!flat)
        return -1;
    size_t count = (size_t)PyArray_SIZE((PyArrayObject *)flat);
    if (count != series->length) { /* numpy does not look at a mask that was put there by hand */
        Py_DECREF(flat);
        snprintf(err.message, sizeof err.message,
                 "the mask has %zu values, expected one per sample: %zu", count, series->length);
        pyark_error_raise(&err);
        return -1;
    }
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
    if (load_numpy() != 0)
        return -1;
    PyObject *found = PyArray_FROM_O(value);
    if (!found)
        return -1;
    bool is_array = PyArray_Check(value);
    int rc = -1;
    if (!fits(found, is_array, numpy_type(info.dtype)))
        mismatch_error(&info, found);
    else
        out->array = is_array
                         ? PyArray_FROM_OTF(found, numpy_type(info.dtype), NPY_ARRAY_CARRAY_RO)
                         : convert_numbers(found, &info);
    if (out->array) {
        series->samples = PyArray_DATA((PyArrayObject *)out->array);
        series->length = (size_t)PyArray_SIZE((PyArrayObject *)out->array);
        series->dtype = info.dtype;
        rc = take_mask(found, series, out);
    }
    Py_DECREF(found);
    return rc;
}

int pyark_array_series(PyObject *value, arrakis_dtype dtype, arrakis_series *series,
                       pyark_array_input *out)
{
    if (load_numpy() != 0)
        return -1;
    if (!PyArray_Check(value))
        return 0;
    bool plain = PyArray_CheckExact(value);
    if (!plain && pyark_masked_load() != 0)
        return -1;
    if (!plain && !pyark_masked_is(value))
        return 0;
    PyArrayObject *array = (PyArrayObject *)value;
    if (PyArray_NDIM(array) != 1 || PyArray_ISBYTESWAPPED(array) ||
        !PyArray_EquivTypenums(PyArray_TYPE(array), numpy_type(dtype)))
        return 0;
    out->array = PyArray_IS_C_CONTIGUOUS(array)
                     ? Py_NewRef(value)
                     : PyArray_FROM_OTF(value, numpy_type(dtype), NPY_ARRAY_C_CONTIGUOUS);
    if (!out->array)
        return -1;
    series->samples = PyArray_DATA((PyArrayObject *)out->array);
    series->length = (size_t)PyArray_SIZE(array);
    series->dtype = dtype;
    return !plain && take_mask(value, series, out) != 0 ? -1 : 1;
}

int pyark_array_inputs_init(pyark_array_inputs *inputs, size_t count)
{
    inputs->count = count;
    inputs->series = PyMem_Calloc(count + 1, sizeof *inputs->series);
    inputs->held = PyMem_Calloc(count + 1, sizeof *inputs->held);
    if (inputs->series && inputs->held)
        return 0;
    PyErr_NoMemory();
    return -1;
}

void pyark_array_inputs_clear(pyark_array_inputs *inputs)
{
    for (size_t i = 0; inputs->held && i < inputs->count; i++) {
        Py_CLEAR(inputs->held[i].array);
        free(inputs->held[i].valid);
    }
    PyMem_Free(inputs->held);
    PyMem_Free(inputs->series);
}
