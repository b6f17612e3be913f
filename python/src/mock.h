/* SPDX-License-Identifier: Apache-2.0 */
/* MockBroker: a broker in this process, for demonstrations and tests. */
#ifndef PYARK_MOCK_H
#define PYARK_MOCK_H

#include "binding.h"

int pyark_mock_add(PyObject *module);

#endif
