/* SPDX-License-Identifier: Apache-2.0 */
/* Channel: the metadata of one channel. */
#ifndef PYARK_CHANNEL_H
#define PYARK_CHANNEL_H

#include "argument.h"
#include "binding.h"

int pyark_channel_add(PyObject *module);
/* A Channel that takes over the reference. */
PyObject *pyark_channel_wrap(arrakis_channel *channel);
/*
 * The channel of a Channel, or of any object with the same attributes. Returns a new reference.
 */
arrakis_channel *pyark_channel_from(PyObject *object);
/* Names: one or several, each a text or a Channel, which stands for its name. At least one, or an
 * exception is set. */
int pyark_channel_names(PyObject *value, const char *name, pyark_texts *out);
/*
 * The type that is meant by a text, or by whatever numpy.dtype() takes, and its name as a new
 * reference; NONE if it is none of ours. NULL: an exception is set.
 */
PyObject *pyark_channel_dtype(PyObject *value, arrakis_dtype *out);

#endif
