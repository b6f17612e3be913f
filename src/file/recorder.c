/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/sized_struct.h"
#include "file/formats.h"
#include "file/recorder_begin.h"
#include "file/recorder_blocks.h"
#include "file/recorder_file.h"
#include "file/recorder_follow.h"
#include "file/recorder_part.h"

#include <inttypes.h>
#include <stdlib.h>

#define FAILURES_DEFAULT 10

/* ------------------------------------------------------------------ opening */

static arrakis_status choose_folder(arrakis_recorder *r, const arrakis_recorder_options *o,
                                    arrakis_error *err)
{
    char prefix[ARK_SPAN_NAME_PREFIX_SIZE];
    if (!o->directory || !*o->directory)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_recorder_open: no directory is given");
    if (r->shared) {
        ARK_TRY(ark_span_name_partition(prefix, r->kind.spec->channels, err));
        ARK_TRY(ark_folder_init_shared(&r->folder, o->directory, prefix, err));
    } else {
        if (o->name)
            ARK_TRY(ark_span_name_check(o->name, err));
        else
            ark_span_name_prefix(prefix, r->kind.spec->channels);
        ARK_TRY(ark_folder_init(&r->folder, o->directory, o->name ? o->name : prefix, err));
    }
    r->folder.span = r->shared ? 0 : r->kind.spec->length_ns / ARRAKIS_SECOND_NS;
    r->folder.max_files = o->max_files;
    r->folder.max_bytes = o->max_bytes;
    return ark_folder_enter(&r->folder, err);
}

static arrakis_status check_limits(const arrakis_recorder_options *o, arrakis_error *err)
{
    if (o->compression < 0 || o->compression > 9)
        return ark_fail(err, ARRAKIS_EINVAL, "compression is %" PRId64 ", expected 0 to 9",
                        o->compression);
    if (o->shared && (o->name || o->write_empty || o->start_ns != ARRAKIS_UNSET))
        return ark_fail(err, ARRAKIS_EINVAL, "a shared recorder cannot have %s",
                        o->name          ? "a name: its partition names it"
                        : o->write_empty ? "write_empty"
                                         : "a start: its first block tells");
    if (o->shared && o->follow)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a shared recorder cannot follow channels: those of "
                        "a group stay as they are");
    const int64_t limits[] = {o->max_files, o->max_bytes, o->max_failures};
    static const char *const names[] = {"max_files", "max_bytes", "max_failures"};
    for (size_t i = 0; i < 3; i++)
        if (limits[i] != ARRAKIS_UNSET && limits[i] < 1)
            return ark_fail(err, ARRAKIS_EINVAL, "%s is %" PRId64 ", expected 1 or more", names[i],
                            limits[i]);
    return ARRAKIS_OK;
}

static arrakis_status choose_format(arrakis_recorder *r, const arrakis_recorder_options *o,
                                    arrakis_error *err)
{
    ARK_TRY(ark_formats_find(&r->format, o->format, err));
    if (o->compression && !r->format->compresses)
        return ark_fail(err, ARRAKIS_EINVAL, "files of the format %s are not compressed",
                        r->format->name);
    return ARRAKIS_OK;
}

static arrakis_status set_up(arrakis_recorder *r, const arrakis_channels *channels,
                             const arrakis_recorder_options *o, arrakis_error *err)
{
    r->write_empty = o->write_empty;
    r->shared = o->shared;
    r->follow = o->follow != 0;
    r->max_failures = o->max_failures == ARRAKIS_UNSET ? FAILURES_DEFAULT : o->max_failures;
    ARK_TRY(check_limits(o, err));
    r->form = (ark_file_form){o->length_ns, o->shared, (int)o->compression};
    ARK_TRY(choose_format(r, o, err));
    ARK_TRY(ark_file_kind_make(&r->kind, r->format, channels, &r->form, err));
    ARK_TRY(choose_folder(r, o, err));
    return ark_recorder_begin_first(r, o->start_ns, err);
}

arrakis_status arrakis_recorder_open(arrakis_recorder **out, arrakis_channels *channels,
                                     const arrakis_recorder_options *options, arrakis_error *err)
{
    arrakis_recorder_options o = ARRAKIS_RECORDER_OPTIONS_INIT;
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_recorder_open: out is NULL");
    *out = NULL;
    if (!channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_recorder_open: channels is NULL");
    ARK_TRY(ark_sized_struct_take(&o, sizeof o, options, "recorder_options", err));
    arrakis_recorder *r = calloc(1, sizeof *r);
    if (!r)
        return ark_no_memory(err, "a recorder");
    r->folder = (ark_folder)ARK_FOLDER_INIT;
    r->file = (ark_span_file)ARK_SPAN_FILE_INIT;
    r->unsure_ns = ARRAKIS_UNSET;
    r->stats = (arrakis_recorder_stats)ARRAKIS_RECORDER_STATS_INIT;
    arrakis_status rc = set_up(r, channels, &o, err);
    if (rc < 0)
        arrakis_recorder_close(r);
    else
        *out = r;
    return rc;
}

void arrakis_recorder_close(arrakis_recorder *r)
{
    if (!r)
        return;
    ark_span_file_drop(&r->file, &r->folder);
    ark_file_kind_clear(&r->kind, r->format);
    ark_folder_clear(&r->folder);
    ark_joiner_clear(&r->joiner);
    ark_block_order_unref(r->order);
    free(r);
}

int64_t arrakis_recorder_next_ns(const arrakis_recorder *r)
{
    return r && r->begin_ns != ARRAKIS_UNSET ? r->next_ns : ARRAKIS_UNSET;
}

int64_t arrakis_recorder_kept_ns(const arrakis_recorder *r)
{
    return !r ? ARRAKIS_UNSET : r->unsure_ns != ARRAKIS_UNSET ? r->unsure_ns : r->begin_ns;
}

int64_t arrakis_recorder_stride_ns(const arrakis_recorder *r)
{
    return !r ? ARRAKIS_UNSET : r->joins ? r->kind.spec->own_ns : r->kind.spec->stride_ns;
}

const char *arrakis_recorder_name(const arrakis_recorder *r)
{
    return r ? r->folder.prefix : NULL;
}

void arrakis_recorder_get_stats(const arrakis_recorder *r, arrakis_recorder_stats *stats)
{
    if (r && stats)
        ark_sized_struct_give(stats, &r->stats, sizeof r->stats);
}

/* ------------------------------------------------------------------ blocks */

static arrakis_status check_span(const arrakis_recorder *r, const arrakis_block *block,
                                 int64_t wanted_ns, arrakis_error *err)
{
    int64_t start_ns = arrakis_block_start_ns(block);
    if (arrakis_block_duration_ns(block) != wanted_ns || start_ns % wanted_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a block of %" PRId64 " ns from %" PRId64 " ns on, expected %" PRId64
                        " ns, from a multiple of that on",
                        arrakis_block_duration_ns(block), start_ns, wanted_ns);
    if (start_ns < r->next_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a block from %" PRId64 " ns on, expected one from %" PRId64 " ns on",
                        start_ns, r->next_ns);
    return ARRAKIS_OK;
}

/* *out: the order of its channels. */
static arrakis_status check_block(const arrakis_recorder *r, const arrakis_block *block,
                                  ark_block_order **out, arrakis_error *err)
{
    *out = NULL;
    if (!r->follow)
        ARK_TRY(check_span(r, block, arrakis_recorder_stride_ns(r), err));
    ARK_TRY(ark_recorder_follow_order(r, out, arrakis_block_channels(block), err));
    arrakis_status rc = r->follow ? check_span(r, block, (*out)->own_ns, err) : ARRAKIS_OK;
    if (rc < 0) {
        ark_block_order_unref(*out);
        *out = NULL;
    }
    return rc;
}

static arrakis_status take_block(arrakis_recorder *r, const arrakis_block *block,
                                 ark_block_order **order, arrakis_error *err)
{
    const int64_t start_ns = arrakis_block_start_ns(block);
    if (r->begin_ns == ARRAKIS_UNSET)
        r->begin_ns = ark_stride_floor(start_ns, r->kind.spec->length_ns);
    ARK_TRY(ark_recorder_part_go_to(r, start_ns, err));
    ARK_TRY(ark_recorder_follow(r, block, order, err));
    r->next_ns = start_ns + arrakis_block_duration_ns(block);
    ARK_TRY(ark_recorder_blocks_add(r, block, *order, ark_recorder_span_end(r), err));
    return ark_recorder_part_go_to(r, r->next_ns, err);
}

arrakis_status arrakis_recorder_block(arrakis_recorder *r, const arrakis_block *block,
                                      arrakis_error *err)
{
    ark_block_order *order;
    if (!r || !block)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_recorder_block: %s is NULL",
                        r ? "block" : "recorder");
    ARK_TRY(check_block(r, block, &order, err));
    arrakis_status rc = take_block(r, block, &order, err);
    ark_block_order_unref(r->order);
    r->order = order;
    return rc;
}

/* The rest of the span is missing. A block that comes after all does not take the place of the
 * file. */
static arrakis_status finish_span(arrakis_recorder *r, arrakis_error *err)
{
    const int64_t failures = r->failures, end_ns = ark_recorder_span_end(r);
    ARK_TRY(ark_recorder_blocks_flush(r, ark_recorder_blocks_end(r), err));
    if (r->file.fd >= 0) {
        ARK_TRY(ark_recorder_file_end(r, end_ns, r->begin_ns, err));
        r->passed = r->finished = true;
    } else if (r->write_empty && !r->passed && r->next_ns > r->begin_ns) {
        ARK_TRY(ark_recorder_file_skip(r, end_ns, r->begin_ns, err));
        r->passed = r->finished = true;
    }
    if (r->failures <= failures)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EIO, "the last file, of GPS %" PRId64 ", could not be written",
                    r->begin_ns / ARRAKIS_SECOND_NS);
}

arrakis_status arrakis_recorder_finish(arrakis_recorder *r, arrakis_error *err)
{
    if (!r)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_recorder_finish: recorder is NULL");
    if (!r->shared)
        return finish_span(r, err);
    if (r->file.fd >= 0) {
        ark_span_file_drop(&r->file, &r->folder);
        r->passed = r->finished = true;
    }
    return ARRAKIS_OK;
}
