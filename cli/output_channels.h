/* SPDX-License-Identifier: Apache-2.0 */
/* A listing of channels on stdout, in the format asked for, as they become known. */
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
    bool progress; /* say on stderr how many there are while none is shown yet */
};

void channel_list_begin(struct channel_list *list, const struct options *options);
/** An arrakis_channel_fn: `list` is a struct channel_list. */
bool channel_list_add(arrakis_channel *channel, void *list);
/** @return the exit code, where that of finding the channels was `code` */
int channel_list_end(struct channel_list *list, int code);

#endif
