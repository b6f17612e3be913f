/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a batch -> rows of inputs. */
#ifndef ARK_FLIGHT_BATCH_ROWS_H
#define ARK_FLIGHT_BATCH_ROWS_H

#include "block/rows.h"
#include "flight/batches.h"
#include "read/reader.h"
#include "read/row_splitter.h"

#include <arrakis/reader.h>

/* An input of which an endpoint has the data, of all its channels. */
typedef struct ark_bound_input {
    size_t number;   /* of the input in the reader */
    size_t *columns; /* of the batch, one per channel of the input */
} ark_bound_input;

/* What comes next in a batch. All bytes 0: its begin. */
typedef struct ark_flight_cursor {
    int64_t row;
    size_t input;
    int64_t step; /* how many strides of rows longer than one have been handed out */
} ark_flight_cursor;

/* Memory for the rows of one input at a time. Can be cleared when all bytes are 0. */
typedef struct ark_flight_scratch {
    ark_run *runs;
    uint32_t *missing;
    ark_row_splitter splitter;
    ark_row_splitter_channel *channels;
    ark_row_splitter_output output;
    const ark_flight_cursor *owner; /* the cursor whose rows the splitter has; NULL: none */
} ark_flight_scratch;

/* For inputs of up to that many channels. To be cleared, also after ENOMEM. */
arrakis_status ark_batch_rows_init(ark_flight_scratch *scratch, size_t channels,
                                   arrakis_error *err);
void ark_batch_rows_clear(ark_flight_scratch *scratch);

/* Find the columns of all channels in a new schema. EMISMATCH names the channel, and what was
 * found and expected. */
arrakis_status ark_batch_rows_bind(ark_bound_input *inputs, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t *time_column, arrakis_error *err);
/* The rows at the cursor, which then moves on. DONE: the batch has no more. */
arrakis_status ark_batch_rows_next(ark_arrival *arrival, ark_flight_cursor *cursor,
                                   const ark_bound_input *inputs, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t time_column, ark_flight_scratch *scratch,
                                   arrakis_error *err);

#endif
