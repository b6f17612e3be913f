/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an object as libhdf5 has made it, in one piece and without a place of its own: it
 * is copied to wherever an object of the same kind is wanted. No I/O. */
#ifndef ARK_FILE_HDF5_OBJECT_H
#define ARK_FILE_HDF5_OBJECT_H

#include "base/buffer.h"

/* A file that libhdf5 has made in memory. */
typedef struct ark_hdf5_view {
    const uint8_t *bytes;
    size_t size;
} ark_hdf5_view;

/* Where something lies in the header; 0: it is not there. */
typedef struct ark_hdf5_object {
    ark_buffer header;
    size_t samples;        /* the address of samples that lie in one piece */
    size_t fill, old_fill; /* the value of samples that were never written, in two messages */
    size_t chunks;         /* the address of the index of samples in chunks */
    size_t x0;             /* the start, a double */
    size_t group;          /* the address of a group's index, and behind it that of its names */
    size_t name, channel, unit, xunit; /* attributes that refer to a text */
} ark_hdf5_object;

/* A number of up to 8 bytes in the file; 0: it is not inside the file. */
uint64_t ark_hdf5_object_number(const ark_hdf5_view *file, uint64_t at, size_t size);
bool ark_hdf5_object_has(const ark_hdf5_view *file, uint64_t at, const char *bytes, size_t size);

/* Take the object whose header is at `at`. EUNSUPPORTED: it has something that cannot be copied.
 * Whatever is returned, the object is to be cleared. */
arrakis_status ark_hdf5_object_take(ark_hdf5_object *object, const ark_hdf5_view *file,
                                    uint64_t at, arrakis_error *err);
void ark_hdf5_object_clear(ark_hdf5_object *object);

/* Fail because a libhdf5 does what none is known to do. */
arrakis_status ark_hdf5_object_unknown(arrakis_error *err);

#endif
