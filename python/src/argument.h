/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of Python's calls as the library takes them. `None` is "not given". */
#ifndef PYARK_ARGUMENT_H
#define PYARK_ARGUMENT_H

#include "binding.h"

/* A list of texts, borrowed from `holder`. */
typedef struct pyark_texts {
    const char **items;
    size_t count;
    PyObject *holder;
} pyark_texts;

/* From one text or an iterable of texts. */
int pyark_argument_texts(PyObject *value, const char *name, pyark_texts *out);
/* The same, where `take` has the text of an item, borrowed from it, and `single` tells what is one
 * item by itself. */
int pyark_argument_texts_by(PyObject *value, const char *name, pyark_texts *out,
                            bool (*single)(PyObject *value),
                            int (*take)(PyObject *item, const char *name, const char **out));
void pyark_argument_texts_free(pyark_texts *texts);
/* A text, borrowed from `value`; NULL for None. */
int pyark_argument_text(PyObject *value, const char *name, const char **out);
/* The same for what may be a password or a token: errors tell its type, and not what it is. */
int pyark_argument_secret(PyObject *value, const char *name, const char **out);
/*
 * A GPS time: a number of seconds, or a text as arrakis_time_parse() takes it. A float is taken as
 * it is written, so 1400000000.1 is exact.
 */
int pyark_argument_time(PyObject *value, const char *name, int64_t *out);
/* A number; `out` stays as it is where none is given. */
int pyark_argument_number(PyObject *value, const char *name, double *out);
/* A duration in seconds, as nanoseconds. */
int pyark_argument_duration(PyObject *value, const char *name, int64_t *out);
/* A time limit in seconds, as milliseconds, rounded up; None: -1, without limit. */
int pyark_argument_timeout(PyObject *value, int64_t *out);
/* How long data may lie at a broker, in seconds, as nanoseconds; None: 0. */
int pyark_argument_fetch_wait(PyObject *value, int64_t *out);
/* Whole numbers. A text with the name where the number is too large. */
int pyark_argument_int64(PyObject *value, const char *name, int64_t *out);

#endif
