/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and blocks in words, in the manner of Python's repr() and pprint(). */
#ifndef CLI_OUTPUT_TEXT_H
#define CLI_OUTPUT_TEXT_H

#include "out.h"

#include <arrakis/arrakis.h>

/** One sample, with as few digits as tell it apart from its neighbours; "--" where it is missing. */
void text_sample(struct out *out, arrakis_series series, size_t i);
/** "[1, 2, 3]"; of more than `limit` samples only `edge` at each end. */
void text_samples(struct out *out, arrakis_series series, size_t limit, size_t edge);
void text_channel(struct out *out, const arrakis_channel *channel);
void text_channel_pretty(struct out *out, const arrakis_channel *channel);
void text_block(struct out *out, const arrakis_block *block);
void text_block_pretty(struct out *out, const arrakis_block *block);

#endif
