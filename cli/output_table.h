/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and blocks as tables of text. */
#ifndef CLI_OUTPUT_TABLE_H
#define CLI_OUTPUT_TABLE_H

#include "out.h"

#include <arrakis/arrakis.h>

enum { TABLE_COLUMNS = 10, TABLE_HELD_ROWS = 1000 };

/** A listing of any length in constant memory: the first rows are held to find the columns' widths,
 *  later ones are written as they come. Set up with `full` (every field) and zeros. */
struct channel_table {
    bool full;
    struct out held; /* cells, each ended by zero */
    size_t count;    /* of rows */
    size_t widths[TABLE_COLUMNS];
};

void channel_table_add(struct channel_table *table, struct out *out,
                       const arrakis_channel *channel);
void channel_table_end(struct channel_table *table, struct out *out);

/** A table of a block: one row per channel, by name. Set up with zeros; see struct json_blocks. */
struct block_table {
    const arrakis_channels *channels;
    size_t *order; /* channels by name */
};

/** @param columns     of the terminal: longer lines are cut; 0: not limited
 *  @param rows        at most so many lines in all; 0: not limited
 *  @param latency_ns  of the block, or ARRAKIS_UNSET */
void block_table_write(struct block_table *table, struct out *out, const arrakis_block *block,
                       size_t columns, size_t rows, int64_t latency_ns);
void block_table_free(struct block_table *table);

/** One line of text cut to `columns` (0: as it is), without spaces at its end, and a line end. */
void table_line(struct out *out, struct out *line, size_t columns);
/** A cell padded to `width` and followed by the space between columns. */
void table_cell(struct out *line, const char *text, size_t width, bool right);

#endif
