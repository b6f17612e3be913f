/* SPDX-License-Identifier: Apache-2.0 */
/* The links of an HDF5 group: their names, and the index by which they are found. No I/O. */
#ifndef ARK_FILE_HDF5_GROUP_H
#define ARK_FILE_HDF5_GROUP_H

#include "base/buffer.h"

typedef struct ark_hdf5_link {
    const char *name;
    uint64_t header; /* of the object that it leads to */
    uint64_t place;  /* among the names: ark_hdf5_group_append() sets it */
} ark_hdf5_link;

/* Half of what fits into a node, as the file's superblock has it. */
typedef struct ark_hdf5_group_sizes {
    size_t links, children;
} ark_hdf5_group_sizes;

/* Where a group begins. */
typedef struct ark_hdf5_group {
    uint64_t index, names;
} ark_hdf5_group;

/* Append a group of one link or more, which have different names and are sorted by them. The
 * addresses are those of the file that the image is the beginning of. */
arrakis_status ark_hdf5_group_append(ark_hdf5_group *group, ark_buffer *image,
                                     ark_hdf5_link *links, size_t count,
                                     const ark_hdf5_group_sizes *sizes, arrakis_error *err);

/* Append bytes, all 0 if `bytes` is NULL, to an image, and so many more that what follows is at a
 * multiple of 8. *at receives where they are. */
arrakis_status ark_hdf5_group_bytes(ark_buffer *image, size_t *at, const void *bytes, size_t size,
                                    arrakis_error *err);

#endif
