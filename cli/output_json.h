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

/** Followed by a line end. */
void json_channel(struct out *out, const arrakis_channel *channel, enum json_style style);

/** Writes blocks. Blocks of one stream have the same channels: their text is made once. Set up by
 *  its style and zeros; whatever blocks it has seen must outlive it, or be of one stream. */
struct json_blocks {
    enum json_style style;
    const arrakis_channels *channels; /* whose text is kept */
    struct out names;    /* what stands before the samples of each, with zeros between */
    struct out metadata; /* all that follows the samples */
};

void json_block(struct json_blocks *writer, struct out *out, const arrakis_block *block);
void json_blocks_free(struct json_blocks *writer);

#endif
