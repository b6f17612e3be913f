/* SPDX-License-Identifier: Apache-2.0 */
/* Writes frame files (LIGO-T970130, version 8) to a descriptor. Each channel is an FrAdcData with
 * one FrVect; docs/frames.md has what a file looks like and why. The same samples give the same
 * bytes.
 *
 * A file is frames one after the other, each with all channels of the file. Memory: the channels'
 * names, 8 bytes per channel and frame, 256 KiB, and what the longest series of a channel takes
 * once (where samples are missing or compressed). After an error of a call that writes, only the
 * next file can be begun. */
#ifndef ARK_GWF_WRITER_H
#define ARK_GWF_WRITER_H

#include <arrakis/arrakis.h>

typedef struct ark_gwf_channel {
    const char *name; /* 1 to 65,534 bytes */
    arrakis_dtype dtype;
    double rate; /* in Hz */
} ark_gwf_channel;

typedef struct ark_gwf_writer_options {
    const char *experiment; /* the name of each frame, such as "H1"; NULL: "" */
    int level;              /* 0: samples as they are; 1 to 9: zlib's level of compression */
} ark_gwf_writer_options;

typedef struct ark_gwf_writer ark_gwf_writer;

/* Make a writer of files that all have these channels. EINVAL: no channel, a name that is empty, too
 * long or comes twice, a rate that is not a number above 0, a level that is not one. ENOMEM. */
arrakis_status ark_gwf_writer_new(ark_gwf_writer **out, const ark_gwf_writer_options *options,
                                  const ark_gwf_channel *channels, size_t count,
                                  arrakis_error *err);
void ark_gwf_writer_free(ark_gwf_writer *writer);

/* Begin a file at the descriptor's position, which must be the file's beginning. The file before is
 * done with, whole or not. The descriptor stays the caller's. EIO: it cannot be written to. */
arrakis_status ark_gwf_writer_begin(ark_gwf_writer *writer, int fd, arrakis_error *err);
/* Begin a frame. EINVAL: the frame before lacks channels; a time that a frame cannot have (seconds
 * in 32 bits). */
arrakis_status ark_gwf_writer_frame(ark_gwf_writer *writer, int64_t start_ns, int64_t duration_ns,
                                    arrakis_error *err);
/* Add the `count` samples, one or more, of the frame's next channel; NULL: all of them are missing.
 * `valid` has a bit per sample (least significant first), 0 where the sample is missing; NULL: none
 * of them is. What lies at a missing sample is not written: readers that do not look at the masks
 * find NaN there, the lowest number of a signed type, or the highest of an unsigned one. EINVAL: the
 * frame has all channels. */
arrakis_status ark_gwf_writer_add(ark_gwf_writer *writer, const void *samples, size_t count,
                                  const uint8_t *valid, arrakis_error *err);
/* Write what ends the file: without it nobody can read the file. *size receives the size of the
 * file. EINVAL: there is no frame, or the last one lacks channels. */
arrakis_status ark_gwf_writer_end(ark_gwf_writer *writer, uint64_t *size, arrakis_error *err);

#endif
