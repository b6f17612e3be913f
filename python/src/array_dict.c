/* SPDX-License-Identifier: Apache-2.0 */
#include "array_dict.h"

#include "array.h"
#include "block.h"
#include "owner.h"

/* Nothing of these is a reference: the dict has them. */
typedef struct pyark_array_dict_item {
    PyObject *name;
    PyObject *array; /* FREE: to be used again, or NULL; otherwise what was given */
    pyark_array_form form;
} item;

/* To let go of an object may run code of the program, which may come here again: the state has it stay away. */

void pyark_array_dict_clear(pyark_array_dict *d)
{
    pyark_array_dict was = *d;
    *d = (pyark_array_dict){0};
    Py_XDECREF(was.dict);
    Py_XDECREF(was.owner);
    PyMem_Free(was.items);
}

/* ------------------------------------------------------------------ back from the program */

/*
 * Notes which arrays nobody has. False: the keys are not those that the dict had. The arrays have left the caches since
 * they were given: those to come are fetched.
 */
static bool find_idle(pyark_array_dict *d, size_t *found)
{
    enum { AHEAD = 8 };
    Py_ssize_t at = 0;
    PyObject *name, *value;
    item *items = d->items;
    if (PyDict_Size(d->dict) != (Py_ssize_t)d->count)
        return false;
    *found = 0;
    for (size_t i = 0; PyDict_Next(d->dict, &at, &name, &value); i++) {
        if (i + AHEAD < d->count)
            pyark_array_fetch(items[i + AHEAD].array);
        if (name != items[i].name)
            return false;
        bool is_idle = pyark_array_is_idle(value, d->owner, items[i].form);
        items[i].array = is_idle ? value : NULL;
        *found += is_idle;
    }
    return true;
}

static int let_others_go(const pyark_array_dict *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (!d->items[i].array && PyDict_SetItem(d->dict, d->items[i].name, Py_None) != 0)
            return -1;
    return 0;
}

/* Somebody has an array over the memory of the block: those that came back leave it. */
static int change_owner(pyark_array_dict *d)
{
    PyObject *before = d->owner, *owner = pyark_owner_new();
    if (!owner)
        return -1;
    for (size_t i = 0; i < d->count; i++)
        if (d->items[i].array)
            pyark_array_leave(d->items[i].array, owner);
    d->owner = owner;
    Py_DECREF(before);
    return 0;
}

static int take_back(pyark_array_dict *d)
{
    size_t idle;
    if (!find_idle(d, &idle) || let_others_go(d) != 0)
        return -1;
    if ((size_t)Py_REFCNT(d->owner) > idle + 1)
        return change_owner(d);
    pyark_owner_set(d->owner, NULL);
    return 0;
}

void pyark_array_dict_take_back(pyark_array_dict *d)
{
    if (d->state != PYARK_ARRAY_DICT_USED || Py_REFCNT(d->dict) != 1)
        return;
    d->state = PYARK_ARRAY_DICT_BUSY;
    /* Nobody may find the arrays while they are over memory that is not theirs. */
    d->tracked = PyObject_GC_IsTracked(d->dict);
    if (d->tracked)
        PyObject_GC_UnTrack(d->dict);
    if (take_back(d) == 0) {
        d->state = PYARK_ARRAY_DICT_FREE;
    } else {
        PyErr_Clear(); /* of memory that was not there: a new dict will do */
        pyark_array_dict_clear(d);
    }
}

/* ------------------------------------------------------------------ to the program */

static int make_dict(pyark_array_dict *d, PyObject *template)
{
    Py_ssize_t at = 0;
    d->count = (size_t)PyDict_Size(template);
    d->items = PyMem_Calloc(d->count + 1, sizeof *d->items);
    if (!d->items)
        PyErr_NoMemory();
    d->dict = d->items ? PyDict_Copy(template) : NULL;
    d->owner = d->dict ? pyark_owner_new() : NULL;
    for (size_t i = 0; d->owner && PyDict_Next(d->dict, &at, &d->items[i].name, NULL); i++)
        ;
    return d->owner ? 0 : -1;
}

/* Before all that may run code of the program: then no array is over memory that is not the block's. */
static int move_arrays(const pyark_array_dict *d, const arrakis_block *block)
{
    for (size_t i = 0; i < d->count; i++) {
        item *of = &d->items[i];
        if (!of->array || pyark_array_move(of->array, of->form, arrakis_block_series(block, i)))
            continue;
        of->array = NULL;
        if (PyDict_SetItem(d->dict, of->name, Py_None) != 0)
            return -1;
    }
    return 0;
}

static int make_arrays(const pyark_array_dict *d, const arrakis_block *block)
{
    for (size_t i = 0; i < d->count; i++) {
        item *of = &d->items[i];
        if (of->array)
            continue;
        arrakis_series series = arrakis_block_series(block, i);
        PyObject *array = pyark_array_writable(d->owner, series);
        if (!array || PyDict_SetItem(d->dict, of->name, array) != 0) {
            Py_XDECREF(array);
            return -1;
        }
        of->array = array;
        of->form = pyark_array_form_of(series);
        Py_DECREF(array);
    }
    return 0;
}

static int fill_dict(pyark_array_dict *d, PyObject *object)
{
    const arrakis_block *block = pyark_block_of(object);
    pyark_owner_set(d->owner, object);
    return move_arrays(d, block) == 0 ? make_arrays(d, block) : -1;
}

PyObject *pyark_array_dict_fill(pyark_array_dict *d, PyObject *template, PyObject *block)
{
    bool is_new = d->state == PYARK_ARRAY_DICT_NONE;
    if (!is_new && d->state != PYARK_ARRAY_DICT_FREE) {
        PyErr_SetString(PyExc_RuntimeError, "a dict of arrays that is in use");
        return NULL;
    }
    d->state = PYARK_ARRAY_DICT_BUSY;
    if ((is_new && make_dict(d, template) != 0) || fill_dict(d, block) != 0) {
        pyark_array_dict_clear(d);
        return NULL;
    }
    if (d->tracked && !PyObject_GC_IsTracked(d->dict))
        PyObject_GC_Track(d->dict);
    d->state = PYARK_ARRAY_DICT_USED;
    return Py_NewRef(d->dict);
}
