/* SPDX-License-Identifier: Apache-2.0 */
/* A batch's columns -> rows of streams. */
#ifndef ARK_FLIGHT_BATCH_ROWS_H
#define ARK_FLIGHT_BATCH_ROWS_H

#include "block/rows.h"
#include "flight/batches.h"
#include "read/reader.h"
#include "read/row_splitter.h"

#include <arrakis/reader.h>

/* What an endpoint carries of one stream: all of its channels. */
typedef struct ark_flight_part {
    size_t stream;
    size_t *columns; /* of the batch, one per channel of the input */
} ark_flight_part;

/* The place in a batch that comes next. All zero: its begin. */
typedef struct ark_flight_cursor {
    int64_t row;
    size_t part;
    int64_t step; /* of rows longer than the stream's stride: how many have come */
} ark_flight_cursor;

/* Room for the rows of any part, one at a time. All zero can be cleared. */
typedef struct ark_flight_scratch {
    ark_run *runs;
    uint32_t *missing;
    ark_row_splitter splitter;
    ark_row_splitter_channel *channels;
    ark_row_splitter_output output;
    const ark_flight_cursor *owner; /* whose rows the splitter has; NULL: nobody's */
} ark_flight_scratch;

/* For streams of up to that many channels. To be cleared also after ENOMEM. */
arrakis_status ark_batch_rows_init(ark_flight_scratch *scratch, size_t channels,
                                   arrakis_error *err);
void ark_batch_rows_clear(ark_flight_scratch *scratch);

/* Find the parts' columns in a new schema. EMISMATCH names the channel, found and wanted. */
arrakis_status ark_batch_rows_bind(ark_flight_part *parts, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t *time_column, arrakis_error *err);
/* The rows at the cursor, which moves on. DONE: the batch is used up. */
arrakis_status ark_batch_rows_next(ark_arrival *arrival, ark_flight_cursor *cursor,
                                   const ark_flight_part *parts, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t time_column, ark_flight_scratch *scratch,
                                   arrakis_error *err);

#endif
