/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and numbers from the tables of a server. No I/O. */
#ifndef ARK_FLIGHT_CHANNEL_ROWS_H
#define ARK_FLIGHT_CHANNEL_ROWS_H

#include "base/buffer.h"
#include "flight/batches.h"

enum { ARK_CHANNEL_COLUMNS = 9 };

/* Reads the tables of Find and Describe. Begins with all bytes 0; free() its text. */
typedef struct ark_channel_rows {
    uint64_t schema_id; /* in which the columns were found */
    size_t columns[ARK_CHANNEL_COLUMNS];
    ark_buffer text;
} ark_channel_rows;

/* The channel in a row. EFORMAT names the column, and what was found and expected. */
arrakis_status ark_channel_rows_read(arrakis_channel **out, ark_channel_rows *rows,
                                     const ark_batches *batches, int64_t row, arrakis_error *err);
/* The sum of the column `count` of a batch. */
arrakis_status ark_channel_rows_count(uint64_t *count, const ark_batches *batches,
                                      arrakis_error *err);

#endif
