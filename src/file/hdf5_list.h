/* SPDX-License-Identifier: Apache-2.0 */
/* Where the samples of channels lie in an HDF5 file that is read.
 *
 * Nothing in the file is believed: what is looked at is inside the file, and how much is looked at is
 * bounded by what the file has on the disk, whatever leads where in it: holes do not count. That is why
 * libhdf5 does not do it: it reads past its buffers in damaged files. */
#ifndef ARK_FILE_HDF5_LIST_H
#define ARK_FILE_HDF5_LIST_H

#include <arrakis/arrakis.h>

#define ARK_HDF5_NOWHERE UINT64_MAX

/* Where bytes lie, or NOWHERE. They may be outside of the file. */
typedef struct ark_hdf5_place {
    uint64_t address, size;
} ark_hdf5_place;

/* A data set of one dimension. */
typedef struct ark_hdf5_dataset {
    arrakis_dtype dtype; /* of a mask: INT8 */
    bool big_endian;
    uint64_t samples;
    /* Samples in a chunk, the last of which may go beyond the end; 0: they lie in one piece. */
    uint64_t chunk;
    bool shuffled, deflated;
    uint8_t fill;           /* of a mask: what it has where nothing was ever written */
    ark_hdf5_place *places; /* one, or one per chunk; NULL: there is no such data set */
} ark_hdf5_dataset;

typedef struct ark_hdf5_found {
    double x0, dx;
    ark_hdf5_dataset samples, mask;
} ark_hdf5_found;

typedef struct ark_hdf5_list {
    size_t count;
    ark_hdf5_found *channels; /* one per channel that is wanted */
    uint64_t others;          /* data sets of other channels in the file */
} ark_hdf5_list;

/* Find channels in a file of that size. EFORMAT: it contradicts itself; EUNSUPPORTED: it is of a
 * newer version of the format, or a channel is of another shape, type, layout or filter; ENOMEM,
 * EIO. After a failure there is nothing to clear. */
arrakis_status ark_hdf5_list_make(ark_hdf5_list *list, int fd, uint64_t size,
                                  const arrakis_channels *known, arrakis_error *err);
void ark_hdf5_list_clear(ark_hdf5_list *list);

#endif
