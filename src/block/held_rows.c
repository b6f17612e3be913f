/* SPDX-License-Identifier: Apache-2.0 */
#include "block/held_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ark_held_rows_clear(ark_held_rows *all)
{
    while (all->count)
        free(ark_held_rows_take_newest(all));
}

static size_t samples_of(const ark_run *run)
{
    return (size_t)run->channels * run->length;
}

static size_t sample_bytes(const ark_run *run, const ark_layout_input *input)
{
    return samples_of(run) * input->channels[run->channel].size;
}

/* The bytes of a run's validity bitmap, from the one that has the first bit. */
static size_t valid_bytes(const ark_run *run)
{
    return run->valid_at == SIZE_MAX ? 0 : (run->valid_bit % 8 + samples_of(run) + 7) / 8;
}

static void copy_run(ark_run *to, const ark_run *from, const ark_layout_input *input,
                     uint8_t *base, const uint8_t *from_base, size_t *offset)
{
    size_t samples = sample_bytes(from, input), valid = valid_bytes(from);
    *to = *from;
    to->samples_at = *offset;
    memcpy(base + *offset, from_base + from->samples_at, samples);
    *offset += samples;
    if (!valid)
        return;
    to->valid_at = *offset;
    to->valid_bit = from->valid_bit % 8;
    memcpy(base + *offset, from_base + from->valid_at + from->valid_bit / 8, valid);
    *offset += valid;
}

bool ark_held_rows_add(ark_held_rows *all, const ark_layout_input *input, const ark_rows *rows,
                       int64_t stride_start_ns, int64_t now_ns)
{
    assert(all->count < ARK_HELD_MOST);
    size_t bytes = 0, runs_size = rows->run_count * sizeof *rows->runs;
    size_t missing_size = rows->missing_count * sizeof *rows->missing;
    for (size_t i = 0; i < rows->run_count; i++)
        bytes += sample_bytes(&rows->runs[i], input) + valid_bytes(&rows->runs[i]);
    ark_held *held = malloc(sizeof *held + runs_size + missing_size + bytes);
    if (!held)
        return false;
    ark_run *runs = (ark_run *)(held + 1);
    uint32_t *missing = (uint32_t *)((uint8_t *)runs + runs_size);
    uint8_t *base = (uint8_t *)missing + missing_size;
    size_t offset = 0;
    for (size_t i = 0; i < rows->run_count; i++)
        copy_run(&runs[i], &rows->runs[i], input, base, rows->base, &offset);
    if (missing_size)
        memcpy(missing, rows->missing, missing_size);
    *held = (ark_held){stride_start_ns, now_ns, *rows};
    held->rows.base = base;
    held->rows.runs = runs;
    held->rows.missing = missing;
    all->held[all->count++] = held;
    return true;
}

ark_held *ark_held_rows_take_oldest(ark_held_rows *all)
{
    assert(all->count);
    ark_held *oldest = all->held[0];
    all->count--;
    memmove(all->held, all->held + 1, all->count * sizeof(ark_held *));
    return oldest;
}

ark_held *ark_held_rows_take_newest(ark_held_rows *all)
{
    assert(all->count);
    return all->held[--all->count];
}
