/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and blocks as Python's repr() and pprint() write them. */
#ifndef CLI_OUTPUT_TEXT_H
#define CLI_OUTPUT_TEXT_H

#include "out.h"

#include <arrakis/arrakis.h>

/** A sample with the fewest digits that read back as the same value; "--" if it is missing. */
void text_sample(struct out *out, arrakis_series series, size_t i);
/** "[1, 2, 3]"; of more than `limit` samples only `edge` at each end. */
void text_samples(struct out *out, arrakis_series series, size_t limit, size_t edge);
void text_channel(struct out *out, const arrakis_channel *channel);
void text_channel_pretty(struct out *out, const arrakis_channel *channel);
void text_block(struct out *out, const arrakis_block *block);
void text_block_pretty(struct out *out, const arrakis_block *block);

#endif
