/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC files: the magic bytes, an Arrow stream with a record batch per block, and a footer that
 * tells where the batches lie. */
#ifndef ARK_FILE_ARROW_FILE_H
#define ARK_FILE_ARROW_FILE_H

#include "file/file_format.h"

extern const ark_file_format ark_arrow_file_format;

#endif
