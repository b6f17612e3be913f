/* SPDX-License-Identifier: Apache-2.0 */
/* The places of channels at a broker: their partitions and indexes. No I/O. */
#ifndef ARK_CLIENT_PLACES_H
#define ARK_CLIENT_PLACES_H

#include <arrakis/arrakis.h>

/* Channels in the order of their places. Borrows the channels. */
typedef struct ark_places {
    const arrakis_channel **list; /* NULL: none */
    arrakis_channel **
        takers; /* for each, a channel that is not in the list and has its place; NULL: none is known */
    size_t count;
} ark_places;

/* False: out of memory, and there are none. */
bool ark_places_make(ark_places *out, const arrakis_channels *channels);
void ark_places_clear(ark_places *places);

/* Whether a channel that is not in the list has the place of one that is, and that was described
 * earlier or without a time. */
bool ark_places_is_taken_by(const ark_places *places, const arrakis_channel_info *info);
/* Keep a channel, if it is such a one, as the taker of the place; of several the one that is there
 * since the earliest time, or without a time. */
void ark_places_take(ark_places *places, arrakis_channel *taker);
void ark_places_drop_takers(ark_places *places);

/* From when on data in the place that a channel had may be another one's, GPS; INT64_MAX: it is
 * its own; ARRAKIS_UNSET: that is not known. The partition has been numbered anew, another channel
 * of `now` has the place, or a taker of `was`: the earliest of these holds. Another channel of
 * `was` that had the place, too, has not taken it. `after` NULL: the channel `before` was removed.
 */
int64_t ark_places_doubt_ns(const ark_places *was, const ark_places *now,
                            const arrakis_channel *before, const arrakis_channel *after);

#endif
