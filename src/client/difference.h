/* SPDX-License-Identifier: Apache-2.0 */
/* How channels differ from what they were. No I/O. */
#ifndef ARK_CLIENT_DIFFERENCE_H
#define ARK_CLIENT_DIFFERENCE_H

#include <arrakis/arrakis.h>

/* What a stream reads of a channel. */
typedef enum ark_difference {
    ARK_DIFFERENCE_NONE,
    ARK_DIFFERENCE_CHANGED,
    ARK_DIFFERENCE_REMOVED,
} ark_difference;

/* How a channel differs; `is` NULL: it is not there any more. `partitions`: they matter, too. */
ark_difference ark_difference_of(const arrakis_channel_info *was, const arrakis_channel_info *is,
                                 bool partitions);
/* The difference in words: what it was, and what it is now. */
void ark_difference_text(char *text, size_t size, const arrakis_channel_info *was,
                         const arrakis_channel_info *is, bool partitions);

#endif
