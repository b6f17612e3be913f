/* SPDX-License-Identifier: Apache-2.0 */
/* Client: finds channels and opens streams of them. */
#ifndef PYARK_CLIENT_H
#define PYARK_CLIENT_H

#include "binding.h"

int pyark_client_add(PyObject *module);

#endif
