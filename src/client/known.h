/* SPDX-License-Identifier: Apache-2.0 */
/* What the channels of a stream were, and how they differ when they are described again. No I/O. */
#ifndef ARK_CLIENT_KNOWN_H
#define ARK_CLIENT_KNOWN_H

#include "align/changes.h"
#include "client/places.h"

typedef struct ark_known {
    const char *
        *names; /* of the stream's channels, in their order. Borrowed, but for the list itself */
    size_t count;
    arrakis_channels *channels; /* as they were; NULL: that is not known yet */
    ark_places places;          /* of those, and who has taken them since */
    bool direct;                /* some are read at a broker, so their places matter */
} ark_known;

/* Borrows the names from the channels. */
arrakis_status ark_known_init(ark_known *known, const arrakis_channels *stream, bool direct,
                              arrakis_error *err);
void ark_known_clear(ark_known *known);
/* From now on these are what the channels were. */
void ark_known_set(ark_known *known, const arrakis_channels *channels);

/* Compare with what is described now. The change has what, which, whether there is anything to
 * follow, and since when data is in doubt; ENOMEM. `follow`: a channel that was removed may come
 * back. */
arrakis_status ark_known_compare(const ark_known *known, const arrakis_channels *now, bool follow,
                                 ark_change *out);
/* Whether a record of a metadata topic may be a change. `noticed`: there was one, and the channels
 * may be as they were again, or have others in their places. `value` NULL: a tombstone. */
bool ark_known_may_change(const ark_known *known, bool noticed, const void *key, size_t key_size,
                          const void *value, size_t value_size);

#endif
