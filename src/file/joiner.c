/* SPDX-License-Identifier: Apache-2.0 */
#include "file/joiner.h"

#include "base/error.h"
#include "base/mutable.h"
#include "block/bits.h"
#include "block/block.h"
#include "channel/channel.h"
#include "file/file_spec.h"

#include <stdlib.h>
#include <string.h>

void ark_joiner_clear_block(ark_ordered_block *b)
{
    arrakis_block_unref(b->block);
    ark_block_order_unref(b->order);
    *b = (ark_ordered_block){NULL, NULL};
}

void ark_joiner_drop(ark_joiner *j)
{
    for (size_t i = 0; i < j->count; i++)
        ark_joiner_clear_block(&j->blocks[i]);
    j->count = 0;
}

void ark_joiner_clear(ark_joiner *j)
{
    ark_joiner_drop(j);
    free(j->blocks);
    *j = (ark_joiner){NULL, 0, 0};
}

arrakis_status ark_joiner_add(ark_joiner *j, const arrakis_block *block, ark_block_order *order,
                              arrakis_error *err)
{
    if (j->count == j->capacity) {
        size_t capacity = j->capacity ? 2 * j->capacity : 16;
        ark_ordered_block *blocks = reallocarray(j->blocks, capacity, sizeof *blocks);
        if (!blocks)
            return ark_no_memory(err, "%zu blocks", capacity);
        j->blocks = blocks;
        j->capacity = capacity;
    }
    j->blocks[j->count++] =
        (ark_ordered_block){arrakis_block_ref(ark_mutable(block)), ark_block_order_ref(order)};
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ one block of all */

/* Where the samples of the channels lie while they are put together, and one bit for each: 1, it
 * is there. */
typedef struct joined {
    arrakis_series *series;
    uint8_t *bytes;
} joined;

static size_t aligned(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static arrakis_status make_room(joined *all, const arrakis_channels *channels, int64_t duration_ns,
                                arrakis_error *err)
{
    size_t count = arrakis_channels_count(channels), size = 0;
    if (!(all->series = calloc(count, sizeof *all->series)))
        return ark_no_memory(err, "a block of %zu channels", count);
    for (size_t i = 0; i < count; i++) {
        const arrakis_channel *channel = arrakis_channels_get(channels, i);
        arrakis_series *s = &all->series[i];
        s->dtype = ark_info(channel).dtype;
        ARK_TRY(ark_file_spec_samples(&s->length, channel, duration_ns, err));
        size += aligned(s->length * arrakis_dtype_size(s->dtype)) + aligned(s->length / 8 + 1);
    }
    if (!(all->bytes = calloc(1, size)))
        return ark_no_memory(err, "a block of %zu bytes", size);
    return ARRAKIS_OK;
}

/* What a block has within the time of the one that is made: `count` samples from its `from` on are
 * those from `to` on. */
typedef struct common {
    size_t from, to, count;
} common;

static common find_common(const arrakis_channel *channel, int64_t start_ns, size_t length,
                          const arrakis_block *block, size_t there)
{
    int64_t after_ns = block->start_ns - start_ns;
    int64_t away = ark_channel_samples(channel, after_ns < 0 ? -after_ns : after_ns);
    size_t from = after_ns < 0 ? (size_t)away : 0, to = after_ns < 0 ? 0 : (size_t)away;
    if (away < 0 || from >= there || to >= length)
        return (common){0, 0, 0};
    size_t left = there - from, room = length - to;
    return (common){from, to, left < room ? left : room};
}

/* Copy what the blocks have of a channel. Returns how many samples are there. */
static size_t join_channel(const ark_joiner *j, size_t i, const arrakis_channel *channel,
                           int64_t start_ns, const arrakis_series *all, uint8_t *samples,
                           uint8_t *valid)
{
    size_t there = 0, done = 0, width = arrakis_dtype_size(all->dtype);
    for (size_t b = 0; b < j->count; b++) {
        const size_t at = j->blocks[b].order->at[i];
        if (at == ARK_BLOCK_ORDER_OTHER)
            continue;
        arrakis_series s;
        ark_block_series(&s, j->blocks[b].block, at);
        common c = find_common(channel, start_ns, all->length, j->blocks[b].block, s.length);
        if (!c.count || c.to < done || (s.valid && arrakis_series_missing(s) == s.length))
            continue;
        ark_bits_clear(valid, done, c.to - done);
        memcpy(samples + c.to * width, (const uint8_t *)s.samples + c.from * width,
               c.count * width);
        there += c.count;
        if (s.valid)
            there -= ark_bits_copy_zeros(valid, c.to, s.valid, c.from, c.count);
        done = c.to + c.count;
    }
    ark_bits_clear(valid, done, all->length - done);
    return there;
}

static void join_channels(const ark_joiner *j, joined *all, const arrakis_channels *channels,
                          int64_t start_ns)
{
    uint8_t *at = all->bytes;
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        arrakis_series *s = &all->series[i];
        uint8_t *samples = at;
        uint8_t *valid = samples + aligned(s->length * arrakis_dtype_size(s->dtype));
        at = valid + aligned(s->length / 8 + 1);
        memset(valid, 0xff, s->length / 8 + 1);
        size_t there =
            join_channel(j, i, arrakis_channels_get(channels, i), start_ns, s, samples, valid);
        s->samples = there ? samples : NULL;
        s->valid = there < s->length ? valid : NULL;
    }
}

static arrakis_status join_blocks(const ark_joiner *j, ark_ordered_block *out,
                                  ark_block_order *order, int64_t start_ns, int64_t end_ns,
                                  arrakis_error *err)
{
    joined all = {NULL, NULL};
    arrakis_status rc = make_room(&all, order->list, end_ns - start_ns, err);
    if (rc >= 0) {
        join_channels(j, &all, order->list, start_ns);
        rc = arrakis_block_new(&out->block, order->list, start_ns, end_ns - start_ns, all.series,
                               err);
    }
    if (rc >= 0)
        out->order = ark_block_order_ref(order);
    free(all.series);
    free(all.bytes);
    return rc;
}

/* Whether the one block that is held is what is to be made. */
static bool is_whole(const ark_joiner *j, int64_t start_ns, int64_t end_ns)
{
    return j->count == 1 && j->blocks[0].order->same && j->blocks[0].block->start_ns == start_ns &&
           j->blocks[0].block->duration_ns == end_ns - start_ns;
}

arrakis_status ark_joiner_take(ark_joiner *j, ark_ordered_block *out, ark_block_order *order,
                               int64_t start_ns, int64_t end_ns, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    *out = (ark_ordered_block){NULL, NULL};
    if (is_whole(j, start_ns, end_ns)) {
        *out = j->blocks[0];
        j->count = 0;
    } else {
        rc = join_blocks(j, out, order, start_ns, end_ns, err);
    }
    ark_joiner_drop(j);
    return rc;
}
