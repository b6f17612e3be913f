/* SPDX-License-Identifier: Apache-2.0 */
/* Rows kept for later: blocks that lie far ahead of their stream wait here, in time order, until more
 * of the stream tells whether their times are right. No I/O, no clock. */
#ifndef ARK_BLOCK_HOLD_H
#define ARK_BLOCK_HOLD_H

#include "block/layout.h"
#include "block/rows.h"

/* With so many in a row that go forward, the oldest is believed. */
enum { ARK_HOLD_MOST = 4 };

typedef struct ark_held {
    int64_t slot_ns;  /* begin of the stride they are for */
    int64_t since_ns; /* when they came */
    ark_rows rows;    /* a copy: what they point to lies behind this */
} ark_held;

/* All zero is an empty one. */
typedef struct ark_hold {
    ark_held *held[ARK_HOLD_MOST]; /* oldest first */
    uint32_t count;
} ark_hold;

void ark_hold_clear(ark_hold *hold);
/* Keep a copy of rows behind all others; there must be room. False: out of memory, all is as before. */
bool ark_hold_add(ark_hold *hold, const ark_stripe *stripe, const ark_rows *rows, int64_t slot_ns,
                  int64_t now_ns);
/* Take out the oldest, or the newest; to be passed to free(). There must be one. */
ark_held *ark_hold_take_oldest(ark_hold *hold);
ark_held *ark_hold_take_newest(ark_hold *hold);

static inline const ark_held *ark_hold_oldest(const ark_hold *hold)
{
    return hold->count ? hold->held[0] : NULL;
}

static inline const ark_held *ark_hold_newest(const ark_hold *hold)
{
    return hold->count ? hold->held[hold->count - 1] : NULL;
}

#endif
