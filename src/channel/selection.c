/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/selection.h"

#include "channel/channel.h"

bool ark_selection_offer(const ark_selection *selection, arrakis_channel *channel)
{
    const arrakis_channel_info info = ark_info(channel);
    ark_choice choice = selection->choose(&info, selection->opaque);
    return choice == ARK_CHOICE_TAKE ? selection->take(channel, selection->opaque)
                                     : choice == ARK_CHOICE_SKIP;
}
