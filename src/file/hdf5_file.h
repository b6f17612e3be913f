/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5 files: an image that libhdf5 has made once (file/hdf5_image.h), and behind it the samples of
 * each channel in one piece, or in chunks as they come. */
#ifndef ARK_FILE_HDF5_FILE_H
#define ARK_FILE_HDF5_FILE_H

#include "file/file_format.h"

extern const ark_file_format ark_hdf5_file_format;

#endif
