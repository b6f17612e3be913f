/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dict of names and writable arrays over the samples of a block. To make and free an array takes longer than all else
 * that a block of short series takes, so the dict and the arrays are used for another block once the program has dropped
 * them: dict and array are then referred to by nothing but this, and by each other.
 */
#ifndef PYARK_ARRAY_DICT_H
#define PYARK_ARRAY_DICT_H

#include "binding.h"

typedef enum pyark_array_dict_state {
    PYARK_ARRAY_DICT_NONE, /* there is no dict */
    PYARK_ARRAY_DICT_USED, /* the program has it, or had it */
    PYARK_ARRAY_DICT_BUSY, /* between the two */
    PYARK_ARRAY_DICT_FREE, /* to be filled */
} pyark_array_dict_state;

/* All bytes 0: NONE. */
typedef struct pyark_array_dict {
    pyark_array_dict_state state;
    bool tracked; /* FREE: whether the garbage collector knew of the dict */
    PyObject *dict, *owner;
    struct pyark_array_dict_item *items; /* one per channel */
    size_t count;
} pyark_array_dict;

/*
 * Takes a dict that is USED back if the program has dropped it: then it is FREE, or NONE where the program has changed
 * which keys are in it. Arrays that the program has kept, or masked ones, are let go. The memory of the block is, too,
 * as soon as no array that was kept is over it.
 */
void pyark_array_dict_take_back(pyark_array_dict *d);
/*
 * The dict, FREE or NONE before, for the program; NULL and an exception: NONE afterwards. A dict that is neither is
 * refused, and stays as it is. template: a dict of the names, the same each time; block: a Block of as many channels
 * that nobody else has.
 */
PyObject *pyark_array_dict_fill(pyark_array_dict *d, PyObject *template, PyObject *block);
void pyark_array_dict_clear(pyark_array_dict *d);

#endif
