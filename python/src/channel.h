/* SPDX-License-Identifier: Apache-2.0 */
/* Channel: the metadata of one channel. */
#ifndef PYARK_CHANNEL_H
#define PYARK_CHANNEL_H

#include "binding.h"

int pyark_channel_add(PyObject *module);
/* A Channel that takes over the reference. */
PyObject *pyark_channel_wrap(arrakis_channel *channel);
/*
 * The channel of a Channel, or of any object with the same attributes. Returns a new reference.
 */
arrakis_channel *pyark_channel_from(PyObject *object);

#endif
