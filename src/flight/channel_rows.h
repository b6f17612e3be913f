/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and numbers out of a server's tables. No I/O. */
#ifndef ARK_FLIGHT_CHANNEL_ROWS_H
#define ARK_FLIGHT_CHANNEL_ROWS_H

#include "base/buffer.h"
#include "flight/batches.h"

enum { ARK_CHANNEL_COLUMNS = 9 };

/* Reads the tables of Find and Describe. All zero is new; free its text. */
typedef struct ark_channel_rows {
    uint64_t schema_id; /* the schema that the columns were found in */
    size_t columns[ARK_CHANNEL_COLUMNS];
    ark_buffer text;
} ark_channel_rows;

/* The channel in a row. EFORMAT names the column, found and wanted. */
arrakis_status ark_channel_rows_read(arrakis_channel **out, ark_channel_rows *rows,
                                     const ark_batches *batches, int64_t row, arrakis_error *err);
/* The sum of a batch's column `count`. */
arrakis_status ark_channel_rows_count(uint64_t *count, const ark_batches *batches,
                                      arrakis_error *err);

#endif
