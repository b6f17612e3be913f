/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a recorder, shared by the files recorder*.c. */
#ifndef ARK_FILE_RECORDER_STATE_H
#define ARK_FILE_RECORDER_STATE_H

#include "channel/stride.h"
#include "file/block_order.h"
#include "file/file_kind.h"
#include "file/folder.h"
#include "file/joiner.h"
#include "file/span_file.h"

struct arrakis_recorder {
    ark_file_form form;
    const ark_file_format *format;
    ark_file_kind kind;
    ark_folder folder;
    ark_span_file file;
    bool write_empty, shared, follow;
    int64_t max_failures;

    int64_t next_ns; /* no block before this time is taken */
    /* where the file of the block that was taken last begins: at that of its span, or where
     * channels have changed within it; ARRAKIS_UNSET: no block was taken, shared.
     * ark_recorder_part_end() alone moves it on */
    int64_t begin_ns;
    bool passed;        /* the rest of this file is passed over, as it has failed */
    bool finished;      /* the rest of this span is, as its file was finished */
    int64_t in_file_ns; /* up to where the file being written has blocks */
    uint64_t in_file;   /* samples of it that are there */
    bool joins; /* blocks are of the channels' own stride; those of a file are made of them */
    ark_joiner joiner;      /* of one block of the file */
    int64_t joined_ns;      /* where that one begins */
    int64_t failures;       /* in a row */
    int64_t lost_ns;        /* where those began */
    int64_t unsure;         /* files in a row whose names may not be on the disk */
    int64_t unsure_ns;      /* where those began; ARRAKIS_UNSET: there are none */
    ark_block_order *order; /* of the last block; NULL: there was none */
    arrakis_recorder_stats stats;
};

static inline int64_t ark_recorder_earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* The end of the span that a time is in. */
static inline int64_t ark_recorder_span_after(const arrakis_recorder *r, int64_t time_ns)
{
    return ark_stride_floor(time_ns, r->kind.spec->length_ns) + r->kind.spec->length_ns;
}

/* The end of the span that the recorder is in. */
static inline int64_t ark_recorder_span_end(const arrakis_recorder *r)
{
    return ark_recorder_span_after(r, r->begin_ns);
}

#endif
