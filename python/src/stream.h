/* SPDX-License-Identifier: Apache-2.0 */
/* Stream: aligned blocks as they come; an iterator, for asyncio too, and an Arrow stream. */
#ifndef PYARK_STREAM_H
#define PYARK_STREAM_H

#include "binding.h"
#include "token.h"

int pyark_stream_add(PyObject *module);
/* A Stream that takes over both, also on failure. */
PyObject *pyark_stream_wrap(arrakis_stream *stream, arrakis_cancel *cancel);
/* Has the function that a Stream asks for tokens live as long as it; returns the Stream, which may be NULL. */
PyObject *pyark_stream_keep(PyObject *self, pyark_token *tokens);
/* Closes a stream that is not wrapped, without the GIL. NULL: there is none. */
void pyark_stream_close(arrakis_stream *opened);

#endif
