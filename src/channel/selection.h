/* SPDX-License-Identifier: Apache-2.0 */
/* Selects channels out of very many: a channel is made only once it is selected. */
#ifndef ARK_CHANNEL_SELECTION_H
#define ARK_CHANNEL_SELECTION_H

#include <arrakis/arrakis.h>

typedef enum ark_choice {
    ARK_CHOICE_SKIP,
    ARK_CHOICE_TAKE,
    ARK_CHOICE_STOP, /* neither this channel nor any other */
} ark_choice;

typedef struct ark_selection {
    const char *const *names; /* select only among channels of these names, each once */
    size_t name_count;        /* 0: among all channels */
    ark_choice (*choose)(const arrakis_channel_info *info, void *opaque);
    arrakis_channel_fn take; /* called for each selected channel; false: no more */
    void *opaque;
} ark_selection;
/* Hand over a channel, if it is selected. False: no more. */
bool ark_selection_offer(const ark_selection *selection, arrakis_channel *channel);

#endif
