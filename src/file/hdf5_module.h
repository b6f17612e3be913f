/* SPDX-License-Identifier: Apache-2.0 */
/* What libhdf5 is used for, and all of it: an image of a file that has every channel and no sample.
 *
 * The one implementation lives in a module of its own (file/hdf5.c), loaded when first needed, so
 * that a program that writes no HDF5 needs no libhdf5. The module uses nothing of the library, and
 * the library only this table of the module. */
#ifndef ARK_FILE_HDF5_MODULE_H
#define ARK_FILE_HDF5_MODULE_H

#include <arrakis/arrakis.h>

/* The version of this header; a module with another version is refused. */
#define ARK_HDF5_MODULE_VERSION 2u

typedef struct ark_hdf5_channel {
    const char *name;
    const char *link; /* what the name is in the file: no '/' in it */
    double rate;
    arrakis_dtype dtype;
    uint64_t samples; /* in a file */
    uint64_t chunk;   /* in a chunk, where there are any */
} ark_hdf5_channel;

/* Where the headers of a channel's datasets lie in the image. */
typedef struct ark_hdf5_headers {
    uint64_t samples, mask;
} ark_hdf5_headers;

typedef struct ark_hdf5_module {
    unsigned version;
    /* Make the image. `chunks`: how many chunks a dataset of samples has, which are shuffled and
     * deflated, and are of size 1 in the image; 0: it has none, and its place is not known. The
     * image is freed by free(). EFORMAT has the reason of libhdf5. */
    arrakis_status (*make_image)(uint8_t **image, size_t *size, ark_hdf5_headers *headers,
                                 const ark_hdf5_channel *channels, size_t count, uint64_t chunks,
                                 int compression, arrakis_error *err);
    /* Deflate as the chunks of the image are to be. `room` is at least size + size / 256 + 1024.
     * Returns the size of the result; 0: it was not possible. */
    size_t (*deflate)(uint8_t *out, size_t room, const uint8_t *data, size_t size,
                      int compression);
} ark_hdf5_module;

/* The only symbol of the module. */
#define ARK_HDF5_MODULE_SYMBOL "arrakis_hdf5_module"
ARRAKIS_API const ark_hdf5_module *arrakis_hdf5_module(void);

#endif
