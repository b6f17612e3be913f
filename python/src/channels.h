/* SPDX-License-Identifier: Apache-2.0 */
/* Channels: an ordered, immutable mapping of names to Channel. */
#ifndef PYARK_CHANNELS_H
#define PYARK_CHANNELS_H

#include "binding.h"

int pyark_channels_add(PyObject *module);
/* A Channels over the list, with a reference of its own. */
PyObject *pyark_channels_wrap(const arrakis_channels *channels);
/*
 * A list from a Channels, a mapping whose values are channels, or an iterable of channels. Returns a new reference.
 */
arrakis_channels *pyark_channels_from(PyObject *object);

#endif
