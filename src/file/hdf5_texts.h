/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of attributes, which HDF5 keeps apart from them, many in one collection. No I/O. */
#ifndef ARK_FILE_HDF5_TEXTS_H
#define ARK_FILE_HDF5_TEXTS_H

#include "base/buffer.h"

/* Begins as all 0 but for the image, to which the collections are appended. */
typedef struct ark_hdf5_texts {
    ark_buffer *image;
    size_t at, size, used; /* of the last collection */
    uint16_t count;        /* of its texts */
} ark_hdf5_texts;

/* Append a text, and write where it is to the reference at `reference` of the image. */
arrakis_status ark_hdf5_texts_add(ark_hdf5_texts *texts, size_t reference, const char *text,
                                  arrakis_error *err);
/* Complete the last collection. */
void ark_hdf5_texts_end(ark_hdf5_texts *texts);

#endif
