/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of find() and count() as the library's query. */
#ifndef PYARK_QUERY_H
#define PYARK_QUERY_H

#include "argument.h"
#include "binding.h"

typedef struct pyark_query {
    arrakis_query query;
    pyark_texts publishers;
    arrakis_dtype *dtypes;
} pyark_query;

/* Everything is borrowed from the arguments. */
int pyark_query_from(PyObject *args, PyObject *keywords, pyark_query *out);
void pyark_query_free(pyark_query *query);

#endif
