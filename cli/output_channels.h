/* SPDX-License-Identifier: Apache-2.0 */
/* Prints channels on stdout in the requested format, as they are found. */
#ifndef CLI_OUTPUT_CHANNELS_H
#define CLI_OUTPUT_CHANNELS_H

#include "options.h"
#include "out.h"
#include "output_table.h"

struct channel_list {
    enum format format;
    struct out out;
    struct channel_table table;
    size_t count;
    bool progress; /* print their number on stderr, while no channel is printed yet */
};

void channel_list_begin(struct channel_list *list, const struct options *options);
/** An arrakis_channel_fn: `list` is a struct channel_list. */
bool channel_list_add(arrakis_channel *channel, void *list);
/** `code` is the exit code of finding the channels. @return the exit code of all */
int channel_list_end(struct channel_list *list, int code);

#endif
