/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody asks of very many channels. One is made only once it is wanted. */
#ifndef ARK_CHANNEL_WISH_H
#define ARK_CHANNEL_WISH_H

#include <arrakis/arrakis.h>

typedef enum ark_want { ARK_WANT_NOT, ARK_WANT, ARK_WANT_NO_MORE } ark_want;
typedef struct ark_wish {
    const char *const *names; /* of those alone; each once */
    size_t name_count;        /* 0: of all */
    ark_want (*wants)(const arrakis_channel_info *info, void *opaque);
    arrakis_channel_fn take; /* those that are wanted; false: no more */
    void *opaque;
} ark_wish;
/* Ask for a channel that is there already. False: no more. */
bool ark_wish_offer(const ark_wish *wish, arrakis_channel *channel);

#endif
