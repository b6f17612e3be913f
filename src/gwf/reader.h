/* SPDX-License-Identifier: Apache-2.0 */
/* Reads frame files (LIGO-T970130, version 8) of anybody: FrAdcData and FrProcData with one
 * FrVect of one dimension, in all compressions of frameCPP. docs/frames.md lists what is read and
 * what is refused.
 *
 * Nothing in a file is believed. Every length is checked against the file's size before it is used;
 * a structure that is used has the right checksum, if it has one. Memory: at most five times the
 * size of the file for what describes channels and vectors (some 300 bytes each), up to 256 KiB, and
 * for samples and for masks up to the limit that the caller gives, once each and, with a quarter and
 * 1 KiB more, as the file has them packed. A file that changes while it is read may give wrong
 * samples, and nothing worse. */
#ifndef ARK_GWF_READER_H
#define ARK_GWF_READER_H

#include <arrakis/arrakis.h>

typedef struct ark_gwf_reader ark_gwf_reader;

/* A channel in a frame. */
typedef struct ark_gwf_series {
    const char *name;
    arrakis_dtype dtype; /* NONE: no type of Arrakis; the samples cannot be read */
    double rate;
    int64_t start_ns; /* GPS time of the first sample */
    size_t count;     /* samples */
} ark_gwf_series;

/* Its samples, which stay until the next call with the reader. */
typedef struct ark_gwf_samples {
    const void *samples;
    const uint8_t *valid; /* a bit per sample, least significant first; NULL: none is missing */
} ark_gwf_samples;

/* Read what is in the file, but no samples. The descriptor must be that of a file, stays the
 * caller's, and is read by pread(). `samples_max` limits the bytes of a channel's samples in a
 * frame. EFORMAT: it is not a frame file, or is not whole; the text has the place. EUNSUPPORTED:
 * another version of the format. EIO, ENOMEM. */
arrakis_status ark_gwf_reader_new(ark_gwf_reader **out, int fd, size_t samples_max,
                                  arrakis_error *err);
void ark_gwf_reader_free(ark_gwf_reader *reader);
/* Compare the file's own checksum, for which all of the file is read. EFORMAT: it differs. */
arrakis_status ark_gwf_reader_check(ark_gwf_reader *reader, arrakis_error *err);

size_t ark_gwf_reader_frames(const ark_gwf_reader *reader);
/* A frame: when it begins, how long it lasts, and how many channels it has. */
void ark_gwf_reader_frame(const ark_gwf_reader *reader, size_t frame, int64_t *start_ns,
                          int64_t *duration_ns, size_t *channels);
/* A channel of a frame, in the order in which the file has them. */
const ark_gwf_series *ark_gwf_reader_series(const ark_gwf_reader *reader, size_t frame,
                                            size_t channel);
/* Read its samples. EUNSUPPORTED: a type, compression or shape that this reader does not have.
 * EFORMAT: a checksum differs, or the vector contradicts itself. */
arrakis_status ark_gwf_reader_read(ark_gwf_reader *reader, size_t frame, size_t channel,
                                   ark_gwf_samples *out, arrakis_error *err);

#endif
