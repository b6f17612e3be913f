/* SPDX-License-Identifier: Apache-2.0 */
/* What an Arrow file needs of a writer besides the public calls. */
#ifndef ARK_ARROW_WRITER_H
#define ARK_ARROW_WRITER_H

#include "arrow/write.h"

#include <arrakis/arrow.h>

/* The place of what arrakis_arrow_writer_block() has returned, at that offset. */
void ark_writer_place(ark_write_place *out, uint64_t offset, const void *batch, size_t size);
/* The footer of a file with these batches, in the memory of the writer until its next call. */
arrakis_status ark_writer_footer(arrakis_arrow_writer *writer, const ark_write_place *batches,
                                 size_t count, const void **data, size_t *size,
                                 arrakis_error *err);

#endif
