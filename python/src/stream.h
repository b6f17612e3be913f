/* SPDX-License-Identifier: Apache-2.0 */
/* Stream: aligned blocks as they come; an iterator, for asyncio too, and an Arrow stream. */
#ifndef PYARK_STREAM_H
#define PYARK_STREAM_H

#include "binding.h"

int pyark_stream_add(PyObject *module);
/* A Stream that takes over both, also on failure. */
PyObject *pyark_stream_wrap(arrakis_stream *stream, arrakis_cancel *cancel);

#endif
