/* SPDX-License-Identifier: Apache-2.0 */
/* Frame files, with a frame per block of the recorder. */
#ifndef ARK_FILE_GWF_FILE_H
#define ARK_FILE_GWF_FILE_H

#include "file/file_format.h"

extern const ark_file_format ark_gwf_file_format;

#endif
