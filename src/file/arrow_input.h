/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow IPC files, and Arrow streams in files, that are read, a row per block. */
#ifndef ARK_FILE_ARROW_INPUT_H
#define ARK_FILE_ARROW_INPUT_H

#include "file/input_format.h"

extern const ark_input_format ark_arrow_input_format;

#endif
