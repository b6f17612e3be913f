/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of stream() and fetch() as the library's request. */
#ifndef PYARK_REQUEST_H
#define PYARK_REQUEST_H

#include "argument.h"
#include "binding.h"

typedef struct pyark_request {
    arrakis_request request;
    pyark_texts names;
} pyark_request;

/* Everything is borrowed from the arguments. The request has no cancel yet. */
int pyark_request_from(PyObject *args, PyObject *keywords, pyark_request *out);
void pyark_request_free(pyark_request *request);

#endif
