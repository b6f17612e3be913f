/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and blocks as JSON, the same values that the reference client prints. */
#ifndef CLI_OUTPUT_JSON_H
#define CLI_OUTPUT_JSON_H

#include "out.h"

#include <arrakis/arrakis.h>

enum json_style {
    JSON_LINE,        /* one line */
    JSON_PRETTY,      /* indented */
    JSON_ABBREVIATED, /* indented, and series as short texts */
};

/** Writes a channel and a line end. */
void json_channel(struct out *out, const arrakis_channel *channel, enum json_style style);

/** Writes blocks. The text of the channels is made once for all blocks of a stream. Begins with
 *  its style, and all other bytes 0. */
struct json_blocks {
    enum json_style style;
    arrakis_channels *channels; /* their text is kept; a reference */
    struct out names;           /* per channel, the text before its samples; ended by zero bytes */
    struct out metadata;        /* the text after all samples */
};

void json_block(struct json_blocks *writer, struct out *out, const arrakis_block *block);
void json_blocks_free(struct json_blocks *writer);

#endif
