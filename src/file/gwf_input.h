/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files that are read, a frame per block. */
#ifndef ARK_FILE_GWF_INPUT_H
#define ARK_FILE_GWF_INPUT_H

#include "file/input_format.h"

extern const ark_input_format ark_gwf_input_format;

#endif
