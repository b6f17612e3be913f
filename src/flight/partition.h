/* SPDX-License-Identifier: Apache-2.0 */
/* The table that the Partition exchange begins with. No I/O. */
#ifndef ARK_FLIGHT_PARTITION_H
#define ARK_FLIGHT_PARTITION_H

#include "base/buffer.h"

/* The schema and the batch as Flight sends them, with header and body separate. Columns channel,
 * data_type: utf8, sample_rate: int32; partition_id: utf8 and partition_index: uint32, which the
 * server fills in, are null. The bytes are those of pyarrow. Can be cleared when all bytes are
 * 0. */
typedef struct ark_partition_table {
    ark_buffer schema, header, body;
} ark_partition_table;

/* EINVAL: a rate that is not a whole number, which servers cannot accept. */
arrakis_status ark_partition_write(ark_partition_table *out, arrakis_channel *const *channels,
                                   size_t count, arrakis_error *err);
void ark_partition_clear(ark_partition_table *table);

#endif
