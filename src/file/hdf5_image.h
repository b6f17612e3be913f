/* SPDX-License-Identifier: Apache-2.0 */
/* The image of an HDF5 file that has every channel and no sample, and where it is changed to
 * become that of a file: it is made once, and serves all files of a recorder, whatever they have.
 * libhdf5 makes a file of one channel of each type and rate, whose headers are copied for all
 * others. No I/O. */
#ifndef ARK_FILE_HDF5_IMAGE_H
#define ARK_FILE_HDF5_IMAGE_H

#include <arrakis/arrakis.h>

/* Where something of a dataset lies in the image; 0: it is not there. */
typedef struct ark_hdf5_places {
    size_t address;     /* of the samples, when they have no chunks */
    size_t mask;        /* the same of the mask */
    size_t fill[2];     /* what a mask has that is nowhere: a byte, in two places */
    size_t x0;          /* the start, a double */
    size_t first_chunk; /* the entry of the first chunk in the index; the next ones follow */
} ark_hdf5_places;

typedef struct ark_hdf5_image {
    uint8_t *bytes;
    size_t size;
    ark_hdf5_places *places; /* one per channel */
    size_t chunks;           /* per channel; 0: the samples lie in one piece */
} ark_hdf5_image;

/* Make the image of channels. chunk_ns: the duration of a chunk, up to the length, the last one
 * perhaps shorter; 0: there are none. EINVAL: a name is too long for HDF5. EUNSUPPORTED: the
 * module is missing, or its libhdf5 lays files out in another way. */
arrakis_status ark_hdf5_image_make(ark_hdf5_image *image, const arrakis_channels *channels,
                                   int64_t length_ns, int64_t chunk_ns, int compression,
                                   arrakis_error *err);
void ark_hdf5_image_clear(ark_hdf5_image *image);

/* Make the file end there, and begin at that GPS time. */
void ark_hdf5_image_set_file(ark_hdf5_image *image, uint64_t size, size_t channels, double start);
/* Set where the samples of a channel are that lie in one piece. UINT64_MAX: nowhere, all read as
 * missing ones. */
void ark_hdf5_image_set_samples(ark_hdf5_image *image, size_t channel, uint64_t address);
/* Set where the mask of a channel is. UINT64_MAX: nowhere, and every sample is missing, or none is. */
void ark_hdf5_image_set_mask(ark_hdf5_image *image, size_t channel, uint64_t address,
                             bool missing);
void ark_hdf5_image_set_chunk(ark_hdf5_image *image, size_t channel, size_t chunk,
                              uint64_t address, uint32_t size);
/* Set the chunks that both have as they are in another image of the same channels. */
void ark_hdf5_image_copy_chunks(ark_hdf5_image *image, const ark_hdf5_image *from,
                                size_t channels);

#endif
