/* SPDX-License-Identifier: Apache-2.0 */
#include "file/recorder_follow.h"

#include "base/error.h"
#include "base/log.h"
#include "channel/stride.h"
#include "file/recorder_begin.h"
#include "file/recorder_blocks.h"
#include "file/recorder_part.h"

#include <inttypes.h>

arrakis_status ark_recorder_follow_order(const arrakis_recorder *r, ark_block_order **out,
                                         const arrakis_channels *found, arrakis_error *err)
{
    if (r->order && r->order->list == found) {
        *out = ark_block_order_ref(r->order);
        return ARRAKIS_OK;
    }
    ARK_TRY(ark_block_order_new(out, r->kind.spec->channels, found, r->follow, err));
    if (r->follow || (*out)->same)
        return ARRAKIS_OK;
    ark_block_order_unref(*out);
    *out = NULL;
    return ark_fail(err, ARRAKIS_EMISMATCH,
                    "channels of a block have other types or rates than those of the file");
}

/* Whether the channels of a block are others than those of the files, and to be followed. */
static bool is_changed(const arrakis_recorder *r, const ark_block_order *order)
{
    return r->follow && (!order->same || order->own_ns != r->kind.spec->own_ns);
}

/* Whether a file of the channels as they are can end where a block of others begins, and one of
 * those begin. If not, the file in progress has the channels that are as they were, up to where it
 * can. Where the strides of the others do not divide a file it never can. */
static bool can_follow(const arrakis_recorder *r, const ark_block_order *order, int64_t start_ns)
{
    const ark_file_spec *spec = r->kind.spec;
    return spec->length_ns % order->own_ns ||
           start_ns % ark_stride_lcm(ark_file_kind_unit(spec), order->own_ns) == 0;
}

/* Files of a block's channels cannot be made: what there is of those before is kept, and of those
 * that have not changed what the block has up to where a file can end. */
static void end_for_good(arrakis_recorder *r, const arrakis_block *block, ark_block_order *order)
{
    arrakis_error why;
    const int64_t end_ns =
        ark_stride_ceil(arrakis_block_start_ns(block), ark_file_kind_unit(r->kind.spec));
    const int64_t in_span_ns = ark_recorder_earlier(end_ns, ark_recorder_span_end(r));
    arrakis_status rc = ark_recorder_blocks_add(r, block, order, in_span_ns, &why);
    if (rc >= 0)
        rc = ark_recorder_part_end(r, end_ns, &why);
    if (rc < 0)
        ark_log(ARRAKIS_LOG_ERROR, "%s", why.message);
}

static void take_kind(arrakis_recorder *r, const ark_file_kind *kind)
{
    ark_file_kind_clear(&r->kind, r->format);
    r->kind = *kind;
    r->begin_ns = ark_recorder_begin_at(r, r->begin_ns);
}

static arrakis_status follow_channels(arrakis_recorder *r, const arrakis_block *block,
                                      ark_block_order **order, arrakis_error *err)
{
    ark_file_kind kind;
    ark_block_order *fitting = NULL;
    const arrakis_channels *channels = arrakis_block_channels(block);
    const int64_t start_ns = arrakis_block_start_ns(block);
    arrakis_status rc = ark_file_kind_make(&kind, r->format, channels, &r->form, err);
    if (rc >= 0)
        rc = ark_block_order_new(&fitting, kind.spec->channels, channels, true, err);
    if (rc < 0) {
        ark_file_kind_clear(&kind, r->format);
        end_for_good(r, block, *order);
        return rc;
    }
    rc = ark_recorder_part_end(r, start_ns, err);
    take_kind(r, &kind);
    ark_block_order_unref(*order);
    *order = fitting;
    if (rc >= 0)
        ark_log(ARRAKIS_LOG_INFO, "%s: with other channels from GPS %" PRId64 " on",
                r->folder.prefix, start_ns / ARRAKIS_SECOND_NS);
    return rc;
}

arrakis_status ark_recorder_follow(arrakis_recorder *r, const arrakis_block *block,
                                   ark_block_order **order, arrakis_error *err)
{
    return is_changed(r, *order) && can_follow(r, *order, arrakis_block_start_ns(block))
               ? follow_channels(r, block, order, err)
               : ARRAKIS_OK;
}
