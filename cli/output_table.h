/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and blocks as tables of text. */
#ifndef CLI_OUTPUT_TABLE_H
#define CLI_OUTPUT_TABLE_H

#include "out.h"

#include <arrakis/arrakis.h>

enum { TABLE_COLUMNS = 10, TABLE_HELD_ROWS = 1000 };

/** Prints any number of channels in bounded memory: the first rows are held to find the widths of
 *  the columns, later ones are written as they come. Begins with `full` (all fields), and all
 *  other bytes 0. */
struct channel_table {
    bool full;
    struct out held; /* cells, each ended by a zero byte */
    size_t count;    /* of rows */
    size_t widths[TABLE_COLUMNS];
};

void channel_table_add(struct channel_table *table, struct out *out,
                       const arrakis_channel *channel);
void channel_table_end(struct channel_table *table, struct out *out);

/** A table of a block: one row per channel, by name. Begins with all bytes 0; for its blocks see
 *  struct json_blocks. */
struct block_table {
    const arrakis_channels *channels;
    size_t *order; /* channels by name */
};

/** @param columns     of the terminal: longer lines are cut; 0: not limited
 *  @param rows        at most this many lines in all; 0: not limited
 *  @param latency_ns  of the block, or ARRAKIS_UNSET */
void block_table_write(struct block_table *table, struct out *out, const arrakis_block *block,
                       size_t columns, size_t rows, int64_t latency_ns);
void block_table_free(struct block_table *table);

/** Write a line without the spaces at its end, cut to `columns` (0: not cut), and a line end. */
void table_line(struct out *out, struct out *line, size_t columns);
/** A cell padded to `width` and followed by the space between columns. */
void table_cell(struct out *line, const char *text, size_t width, bool right);

#endif
