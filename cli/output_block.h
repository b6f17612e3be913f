/* SPDX-License-Identifier: Apache-2.0 */
/* Prints blocks on stdout in the requested format. */
#ifndef CLI_OUTPUT_BLOCK_H
#define CLI_OUTPUT_BLOCK_H

#include <arrakis/arrow.h>

#include "options.h"
#include "out.h"
#include "output_json.h"
#include "output_table.h"

/* An Arrow batch has at most this many blocks, and bytes of samples if it has several. */
enum { ARROW_BLOCKS = 64, ARROW_BYTES = 1 << 20 };

struct block_printer {
    enum format format;
    bool live; /* redraw in place */
    struct out out;
    struct json_blocks json;
    struct block_table table;
    arrakis_arrow_writer *arrow;
    arrakis_channels *columns;            /* of the Arrow stream */
    arrakis_block *waiting[ARROW_BLOCKS]; /* for the batch that is being filled */
    size_t waiting_count, waiting_most;
    bool failed; /* a message has been printed */
};

/** Refuse formats that cannot be printed on a terminal. @return 0, or the exit code after a
 *  message. */
int block_printer_check(const struct options *options);
/** @param live      whether a table may be redrawn in place where stdout is a terminal
 *  @return 0, or the exit code after a message */
int block_printer_begin(struct block_printer *printer, const struct options *options,
                        const arrakis_channels *channels, bool live);
/** @param latency_ns of the block, or ARRAKIS_UNSET
 *  @return whether to go on */
bool block_printer_add(struct block_printer *printer, arrakis_block *block, int64_t latency_ns);
/** Write the blocks that wait for a full batch: no other block is ready. @return whether to go
 *  on */
bool block_printer_flush(struct block_printer *printer);
/** `code` is the exit code of reading the blocks. @return the exit code of all */
int block_printer_end(struct block_printer *printer, int code);

#endif
