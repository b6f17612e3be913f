/* SPDX-License-Identifier: Apache-2.0 */
/* Rows kept for later. Rows far ahead of their input may have a wrong time: they wait here, in the
 * order of time, until later rows of the input show whether their times are right. No I/O, no
 * clock. */
#ifndef ARK_BLOCK_HELD_ROWS_H
#define ARK_BLOCK_HELD_ROWS_H

#include "block/layout.h"
#include "block/rows.h"

/* When so many are held, each later than the one before, the time of the oldest is taken for
 * right. */
enum { ARK_HELD_MOST = 4 };

typedef struct ark_held {
    int64_t stride_start_ns; /* begin of the stride that the rows belong to */
    int64_t since_ns;        /* when the rows came */
    ark_rows rows;           /* a copy, with the memory that it points to behind this struct */
} ark_held;

/* Empty when all bytes are 0. */
typedef struct ark_held_rows {
    ark_held *held[ARK_HELD_MOST]; /* oldest first */
    uint32_t count;
} ark_held_rows;

void ark_held_rows_clear(ark_held_rows *all);
/* Keep a copy of rows that are later than all others; there must be room. False: out of memory,
 * and nothing has changed. */
bool ark_held_rows_add(ark_held_rows *all, const ark_layout_input *input, const ark_rows *rows,
                       int64_t stride_start_ns, int64_t now_ns);
/* Take out the oldest, or the newest: the caller passes it to free(). There must be one. */
ark_held *ark_held_rows_take_oldest(ark_held_rows *all);
ark_held *ark_held_rows_take_newest(ark_held_rows *all);

static inline const ark_held *ark_held_rows_oldest(const ark_held_rows *all)
{
    return all->count ? all->held[0] : NULL;
}

static inline const ark_held *ark_held_rows_newest(const ark_held_rows *all)
{
    return all->count ? all->held[all->count - 1] : NULL;
}

#endif
