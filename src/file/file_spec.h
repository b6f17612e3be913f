/* SPDX-License-Identifier: Apache-2.0 */
/* What all files of the same channels have in common, such as their channels and their length. */
#ifndef ARK_FILE_FILE_SPEC_H
#define ARK_FILE_FILE_SPEC_H

#include <arrakis/arrakis.h>

typedef struct ark_file_spec {
    arrakis_channels *channels; /* sorted by name */
    const size_t
        *order; /* series order[i] of the block that is added is that of channel i; borrowed */
    int64_t length_ns;
    int64_t stride_ns; /* of the blocks; divides the length */
    int64_t own_ns;    /* the channels' common stride; divides that of the blocks */
    int compression;   /* 0 to 9 */
    uint64_t held_max; /* bytes of samples that a writer may keep until a file ends */
    double rate;       /* samples of all channels together, in Hz */
} ark_file_spec;

/* How files are to be. */
typedef struct ark_file_form {
    int64_t length_ns; /* ARRAKIS_UNSET: the default */
    bool small;        /* memory, as there is a recorder per partition */
    int compression;
} ark_file_form;

/* EINVAL: the channels have no such files; the text names why. */
arrakis_status ark_file_spec_new(ark_file_spec **out, const arrakis_channels *channels,
                                 const ark_file_form *form, arrakis_error *err);
void ark_file_spec_free(ark_file_spec *spec);

/* Count the samples of a channel in `duration_ns` of a file. EINVAL: no whole number. */
arrakis_status ark_file_spec_samples(size_t *samples, const arrakis_channel *channel,
                                     int64_t duration_ns, arrakis_error *err);

#endif
