/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/wish.h"

#include "channel/channel.h"

bool ark_wish_offer(const ark_wish *wish, arrakis_channel *channel)
{
    const arrakis_channel_info info = ark_info(channel);
    ark_want want = wish->wants(&info, wish->opaque);
    return want == ARK_WANT ? wish->take(channel, wish->opaque) : want == ARK_WANT_NOT;
}
