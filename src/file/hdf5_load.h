/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the module that uses libhdf5. */
#ifndef ARK_FILE_HDF5_LOAD_H
#define ARK_FILE_HDF5_LOAD_H

#include "file/hdf5_module.h"

/* EUNSUPPORTED: it is missing, or of another version; the text tells what to install. */
arrakis_status ark_hdf5_load(const ark_hdf5_module **out, arrakis_error *err);

#endif
