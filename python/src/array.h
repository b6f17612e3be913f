/* SPDX-License-Identifier: Apache-2.0 */
/* Samples as numpy arrays, and back. numpy is imported by the first call. */
#ifndef PYARK_ARRAY_H
#define PYARK_ARRAY_H

#include "binding.h"

/*
 * The samples of a series of `block`: a read-only array over the block's memory, whose base is the block. Where samples
 * are missing, a MaskedArray over the same memory.
 */
PyObject *pyark_array_samples(PyObject *block, arrakis_series series);
/* The mask of a series as an array of bool, True where a sample is missing; None where none is. */
PyObject *pyark_array_mask(arrakis_series series);

/* What a series was made of, which has to live as long as it. */
typedef struct pyark_array_input {
    PyObject *array;
    uint8_t *valid;
} pyark_array_input;

/*
 * The series of an array, MaskedArray or sequence of numbers. An array must have the channel's type, and each number be in
 * its range.
 */
int pyark_array_input_from(PyObject *value, const arrakis_channel *channel, arrakis_series *series,
                           pyark_array_input *out);
/*
 * The series of an array or MaskedArray that is of this very type, has one dimension and is in native byte order: 1, and
 * no sample is copied where they are contiguous. 0: the value is anything else. -1: an exception.
 */
int pyark_array_series(PyObject *value, arrakis_dtype dtype, arrakis_series *series,
                       pyark_array_input *out);

/* The series of several channels, all missing at first, and what they were made of. */
typedef struct pyark_array_inputs {
    size_t count;
    arrakis_series *series;
    pyark_array_input *held;
} pyark_array_inputs;

/* To be cleared, whether it succeeds or not. */
int pyark_array_inputs_init(pyark_array_inputs *inputs, size_t count);
/* Of no effect on what is all bytes 0. */
void pyark_array_inputs_clear(pyark_array_inputs *inputs);

/*
 * As pyark_array_samples(), but the caller may write into it: for a block that nobody else has. A channel without any
 * sample gets memory of its own, since it has none in the block.
 */
PyObject *pyark_array_writable(PyObject *block, arrakis_series series);

/* What two series have in common whose arrays differ in nothing but where the samples are. */
typedef struct pyark_array_form {
    size_t length, sample_size;
    arrakis_dtype dtype;
} pyark_array_form;

static inline pyark_array_form pyark_array_form_of(arrakis_series series)
{
    return (pyark_array_form){series.length, arrakis_dtype_size(series.dtype), series.dtype};
}

/*
 * Whether an array is as pyark_array_writable() made it with `base`, for a series of this form without a mask, and
 * nothing has it but the one reference that the caller knows of.
 */
bool pyark_array_is_idle(PyObject *value, PyObject *base, pyark_array_form form);
/* Gives an idle array another base. Nobody may look at its samples until it is moved. */
void pyark_array_leave(PyObject *array, PyObject *base);
/* Has an idle array be over the samples of another series. False: such a series needs another array. */
bool pyark_array_move(PyObject *array, pyark_array_form form, arrakis_series series);
/* Has the processor fetch what these look at. Any address will do. */
void pyark_array_fetch(const void *array);

#endif
