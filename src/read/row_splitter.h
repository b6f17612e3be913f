/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one input -> rows of several inputs, each with some of its channels and perhaps with a
 * shorter stride. No sample is copied: the new rows point to where the old ones did. No I/O. */
#ifndef ARK_READ_ROW_SPLITTER_H
#define ARK_READ_ROW_SPLITTER_H

#include "block/rows.h"
#include "read/reader.h"

/* Where a channel of an output comes from. */
typedef struct ark_row_splitter_channel {
    uint32_t from;   /* its number in the rows that are split */
    uint32_t size;   /* bytes per sample */
    int64_t samples; /* in one stride of the output */
} ark_row_splitter_channel;

/* An input that the rows are split into. */
typedef struct ark_row_splitter_output {
    size_t input; /* its number in the arrivals */
    int64_t stride_ns;
    ark_row_splitter_channel *channels;
    uint32_t count;
} ark_row_splitter_output;

/* Where a channel of the rows that are split is: number `at` of the channels of a run. */
typedef struct ark_row_splitter_location {
    const ark_run *run; /* NULL: missing */
    uint32_t at;
} ark_row_splitter_location;

/* Can be cleared, and has no rows, when all bytes are 0. */
typedef struct ark_row_splitter {
    ark_rows rows; /* that are split */
    bool in_steps; /* rows longer than the stride of an output become several, one stride each */
    const ark_row_splitter_output *outputs;
    size_t count, output; /* the number of outputs, and the one that comes next */
    int64_t step;         /* of that output */
    ark_row_splitter_location *locations;
    ark_run *runs;
    uint32_t *missing;
    uint32_t channels; /* the most that rows may have */
} ark_row_splitter;

/* For rows of up to that many channels. */
arrakis_status ark_row_splitter_init(ark_row_splitter *splitter, size_t channels,
                                     arrakis_error *err);
void ark_row_splitter_clear(ark_row_splitter *splitter);

/* The description of a channel whose number is `from` in the rows that are split. */
ark_row_splitter_channel ark_row_splitter_channel_of(const arrakis_channel *channel, uint32_t from,
                                                     int64_t stride_ns);

/* Begin with rows of an input whose stride is stride_ns. What the rows point to, and the outputs,
 * must stay until ark_row_splitter_next() returns false. */
void ark_row_splitter_begin(ark_row_splitter *splitter, const ark_rows *rows, int64_t stride_ns,
                            const ark_row_splitter_output *outputs, size_t count);
/* Pass over the first rows of the first output. */
void ark_row_splitter_skip(ark_row_splitter *splitter, int64_t steps);
/* The next rows of an output, output by output, each in the order of time. They are valid until
 * the next call. False: there are no more. */
bool ark_row_splitter_next(ark_row_splitter *splitter, ark_arrival *arrival);

#endif
