/* SPDX-License-Identifier: Apache-2.0 */
/* Which channels are recorded. */
#ifndef CLI_RECORD_CHANNELS_H
#define CLI_RECORD_CHANNELS_H

#include "source.h"

/** The channels that are named, or those that match --match and --publisher. @return 0, or the exit
 *  code after a message; *channels is to be dropped, and NULL when the program is to end. */
int record_channels_find(arrakis_channels **channels, arrakis_client *client,
                         const struct options *options);
/** Whether a stream of the same names would read the same: types, rates, strides and places. */
bool record_channels_same(const arrakis_channels *a, const arrakis_channels *b);
/** Their names, to be passed to free(). NULL after a message. */
const char **record_channels_names(const arrakis_channels *channels);

#endif
