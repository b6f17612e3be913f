/* SPDX-License-Identifier: Apache-2.0 */
#include "file/recorder_blocks.h"

#include "base/error.h"
#include "block/block.h"
#include "file/recorder_file.h"

static void count_samples(const arrakis_recorder *r, const arrakis_block *block, uint64_t *samples,
                          uint64_t *missing)
{
    size_t count = arrakis_channels_count(r->kind.spec->channels);
    *samples = *missing = 0;
    for (size_t i = 0; i < count; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        *samples += series.length;
        if (series.valid)
            *missing += arrakis_series_missing(series);
    }
}

/* Add a block of the file. */
static arrakis_status add_block(arrakis_recorder *r, const ark_ordered_block *ordered,
                                arrakis_error *err)
{
    const arrakis_block *block = ordered->block;
    uint64_t samples, missing;
    arrakis_error why;
    arrakis_status rc = ARRAKIS_OK;
    count_samples(r, block, &samples, &missing);
    if (r->file.fd < 0 && missing == samples) /* what has no sample may stay without a file */
        return ARRAKIS_OK;
    if (r->file.fd < 0)
        rc = ark_recorder_file_begin(r, &why);
    r->kind.spec->order = ordered->order->at;
    if (rc >= 0 && missing < samples)
        rc = r->format->add(r->kind.writer, block, &why);
    r->kind.spec->order = NULL; /* it goes with the block */
    if (rc < 0)
        return ark_recorder_file_give_up(r, ARRAKIS_UNSET, &why, err);
    int64_t start_ns = arrakis_block_start_ns(block);
    ark_recorder_file_count_missing(r, r->in_file_ns, start_ns);
    r->stats.samples += samples;
    r->stats.missing += missing;
    r->in_file += samples - missing;
    r->in_file_ns = start_ns + arrakis_block_duration_ns(block);
    return ARRAKIS_OK;
}

int64_t ark_recorder_blocks_end(const arrakis_recorder *r)
{
    return ark_recorder_earlier(r->joined_ns + r->kind.spec->stride_ns, ark_recorder_span_end(r));
}

arrakis_status ark_recorder_blocks_flush(arrakis_recorder *r, int64_t end_ns, arrakis_error *err)
{
    ark_ordered_block block;
    arrakis_error why;
    if (!r->joiner.count)
        return ARRAKIS_OK;
    if (ark_joiner_take(&r->joiner, &block, r->kind.joined, r->joined_ns, end_ns, &why) < 0)
        return ark_recorder_file_give_up(r, ARRAKIS_UNSET, &why, err);
    arrakis_status rc = add_block(r, &block, err);
    ark_joiner_clear_block(&block);
    return rc;
}

arrakis_status ark_recorder_blocks_add(arrakis_recorder *r, const arrakis_block *block,
                                       ark_block_order *order, int64_t end_ns, arrakis_error *err)
{
    arrakis_error why;
    int64_t at_ns = arrakis_block_start_ns(block);
    end_ns = ark_recorder_earlier(end_ns, at_ns + arrakis_block_duration_ns(block));
    if (at_ns < r->begin_ns)
        at_ns = r->begin_ns;
    while (at_ns < end_ns && !r->passed) {
        int64_t joined_ns = at_ns - (at_ns - r->begin_ns) % r->kind.spec->stride_ns;
        if (joined_ns != r->joined_ns)
            ARK_TRY(ark_recorder_blocks_flush(r, ark_recorder_blocks_end(r), err));
        if (r->passed)
            break;
        r->joined_ns = joined_ns;
        if (ark_joiner_add(&r->joiner, block, order, &why) < 0)
            return ark_recorder_file_give_up(r, ARRAKIS_UNSET, &why, err);
        at_ns = ark_recorder_blocks_end(r);
        if (at_ns <= end_ns)
            ARK_TRY(ark_recorder_blocks_flush(r, at_ns, err));
    }
    return ARRAKIS_OK;
}
