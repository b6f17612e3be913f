/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks on stdout, in the format asked for. */
#ifndef CLI_OUTPUT_BLOCK_H
#define CLI_OUTPUT_BLOCK_H

#include <arrakis/arrow.h>

#include "options.h"
#include "out.h"
#include "output_json.h"
#include "output_table.h"

/* Several blocks go to one Arrow batch where they have so many bytes of samples together at most. */
enum { ARROW_BLOCKS = 64, ARROW_BYTES = 1 << 20 };

struct block_printer {
    enum format format;
    bool live; /* redraw in place */
    struct out out;
    struct json_blocks json;
    struct block_table table;
    arrakis_arrow_writer *arrow;
    arrakis_block *waiting[ARROW_BLOCKS]; /* for the batch to be full */
    size_t waiting_count, waiting_most;
    bool failed; /* in a way that has been reported */
};

/** Refuses what cannot go to a terminal. @return 0, or the exit code after a message. */
int block_printer_check(const struct options *options);
/** @param live      whether a table may be redrawn in place where stdout is a terminal
 *  @return 0, or the exit code after a message */
int block_printer_begin(struct block_printer *printer, const struct options *options,
                        const arrakis_channels *channels, bool live);
/** @param latency_ns of the block, or ARRAKIS_UNSET
 *  @return whether to go on */
bool block_printer_add(struct block_printer *printer, arrakis_block *block, int64_t latency_ns);
/** Whether blocks wait for others to be written with: if none is there, block_printer_flush(). */
bool block_printer_waits(const struct block_printer *printer);
/** Write what waits. @return whether to go on */
bool block_printer_flush(struct block_printer *printer);
/** @return the exit code, where that of getting the blocks was `code` */
int block_printer_end(struct block_printer *printer, int code);

#endif
