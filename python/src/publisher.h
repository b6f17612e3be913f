/* SPDX-License-Identifier: Apache-2.0 */
/* Publisher: publishes blocks of channels. */
#ifndef PYARK_PUBLISHER_H
#define PYARK_PUBLISHER_H

#include "binding.h"

int pyark_publisher_add(PyObject *module);

#endif
