/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5 files that are read, in blocks of some strides. Every size is checked before it is used. */
#ifndef ARK_FILE_HDF5_INPUT_H
#define ARK_FILE_HDF5_INPUT_H

#include "file/input_format.h"

extern const ark_input_format ark_hdf5_input_format;

#endif
