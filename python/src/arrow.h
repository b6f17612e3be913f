/* SPDX-License-Identifier: Apache-2.0 */
/* The capsules of the Arrow PyCapsule interface, by which pyarrow, polars, duckdb and nanoarrow take what is ours. */
#ifndef PYARK_ARROW_H
#define PYARK_ARROW_H

#include "binding.h"
#include "token.h"

PyObject *pyark_arrow_schema(const arrakis_channels *channels);
/* A pair of capsules: the schema and the block as one row. */
PyObject *pyark_arrow_block(const arrakis_block *block);
/* The block as one row: a pair of the address of a struct ArrowArray and the capsule that holds it. */
PyObject *pyark_arrow_address(const arrakis_block *block);
/* A pair of capsules: the schema of rows and the channels of that type as one row each. */
PyObject *pyark_arrow_rows(const arrakis_block *block, arrakis_dtype dtype, const uint32_t *ids);
/* Takes over the stream and what it asks for tokens, if anything, also on failure. */
PyObject *pyark_arrow_stream(arrakis_stream *stream, pyark_token *tokens);

#endif
