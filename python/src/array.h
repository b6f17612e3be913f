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
 * The series of an array, MaskedArray or sequence of numbers. An array must have the channel's type.
 */
int pyark_array_input_from(PyObject *value, const arrakis_channel *channel, arrakis_series *series,
                           pyark_array_input *out);
void pyark_array_input_free(pyark_array_input *input);

#endif
