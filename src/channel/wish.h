/* SPDX-License-Identifier: Apache-2.0 */
/* Selects channels out of very many: a channel is made only once it is selected. */
#ifndef ARK_CHANNEL_WISH_H
#define ARK_CHANNEL_WISH_H

#include <arrakis/arrakis.h>

typedef enum ark_want {
    ARK_WANT_NOT,
    ARK_WANT,
    ARK_WANT_NO_MORE, /* neither this channel nor any other */
} ark_want;

typedef struct ark_wish {
    const char *const *names; /* select only among channels of these names, each once */
    size_t name_count;        /* 0: among all channels */
    ark_want (*wants)(const arrakis_channel_info *info, void *opaque);
    arrakis_channel_fn take; /* called for each selected channel; false: no more */
    void *opaque;
} ark_wish;
/* Hand over a channel, if it is selected. False: no more. */
bool ark_wish_offer(const ark_wish *wish, arrakis_channel *channel);

#endif
