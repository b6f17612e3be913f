/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/log.h"
#include "base/sized_struct.h"
#include "block/block.h"
#include "channel/channel.h"
#include "channel/stride.h"
#include "file/file_format.h"
#include "file/folder.h"
#include "file/formats.h"
#include "file/joiner.h"
#include "file/span_file.h"

#include <arrakis/file.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_DEFAULT 10

/* What files of the same names, types, rates and strides need. */
typedef struct file_kind {
    ark_file_spec *spec;
    ark_file_writer *writer;
    ark_block_order *joined; /* of blocks that are put together: the channels as files have them */
} file_kind;

struct arrakis_recorder {
    ark_file_form form;
    const ark_file_format *format;
    file_kind kind;
    ark_folder folder;
    ark_span_file file;
    bool write_empty, shared, follow;
    int64_t max_failures;

    int64_t next_ns; /* no block before this time is taken */
    /* where the file of the block that was taken last begins: at that of its span, or where
     * channels have changed within it; ARRAKIS_UNSET: no block was taken, shared. end_part() alone
     * moves it */
    int64_t begin_ns;
    bool passed;        /* the rest of this file is passed over, as it has failed */
    bool finished;      /* the rest of this span is, as its file was finished */
    int64_t in_file_ns; /* up to where the file being written has blocks */
    bool joins; /* blocks are of the channels' own stride; those of a file are made of them */
    ark_joiner joiner;      /* of one block of the file */
    int64_t joined_ns;      /* where that one begins */
    int64_t failures;       /* in a row */
    int64_t lost_ns;        /* where those began */
    int64_t unsure;         /* files in a row whose names may not be on the disk */
    int64_t unsure_ns;      /* where those began; ARRAKIS_UNSET: there are none */
    ark_block_order *order; /* of the last block; NULL: there was none */
    arrakis_recorder_stats stats;
};

/* ------------------------------------------------------------------ kinds of files */

static void clear_kind(file_kind *kind, const ark_file_format *format)
{
    if (kind->writer)
        format->close(kind->writer);
    ark_block_order_unref(kind->joined);
    ark_file_spec_free(kind->spec);
    *kind = (file_kind){NULL, NULL, NULL};
}

/* After a failure, too, it is to be cleared. */
static arrakis_status make_kind(file_kind *kind, const ark_file_format *format,
                                const arrakis_channels *channels, const ark_file_form *form,
                                arrakis_error *err)
{
    *kind = (file_kind){NULL, NULL, NULL};
    ARK_TRY(ark_file_spec_new(&kind->spec, channels, form, err));
    ARK_TRY(ark_block_order_new(&kind->joined, kind->spec->channels, kind->spec->channels, false,
                                err));
    return format->open(&kind->writer, kind->spec, err);
}

/* What all times at which files of a kind can begin and end are multiples of; the length of a file
 * is, too. */
static int64_t unit_of(const ark_file_spec *spec)
{
    return ark_stride_lcm(ARRAKIS_SECOND_NS, spec->own_ns);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t round_up(int64_t time_ns, int64_t unit_ns)
{
    return ark_stride_floor(time_ns + unit_ns - 1, unit_ns);
}

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

/* The end of the span that a time is in. */
static int64_t span_after(const arrakis_recorder *r, int64_t time_ns)
{
    return ark_stride_floor(time_ns, r->kind.spec->length_ns) + r->kind.spec->length_ns;
}

/* Where a file can begin at that time or later. Where channels are followed, what files have that
 * ended before their span did is not written again: the channels are others now. */
static int64_t choose_begin(const arrakis_recorder *r, int64_t time_ns)
{
    for (;;) {
        const int64_t end_ns = span_after(r, time_ns);
        const int64_t gps = time_ns / ARRAKIS_SECOND_NS;
        const int64_t reach =
            r->follow ? ark_folder_reach(&r->folder, r->format->extension, gps) : gps;
        if (reach > gps)
            time_ns = reach * ARRAKIS_SECOND_NS;
        time_ns = round_up(time_ns, unit_of(r->kind.spec));
        if (time_ns < end_ns)
            return time_ns;
    }
}

/* Whether there is a file of the whole span that begins at a time. */
static bool has_span(const arrakis_recorder *r, int64_t start_ns)
{
    ark_span_name name = {.gps = start_ns / ARRAKIS_SECOND_NS,
                          .length = r->kind.spec->length_ns / ARRAKIS_SECOND_NS};
    strcpy(name.extension, r->format->extension);
    return ark_folder_has(&r->folder, &name);
}

/* Where the first span begins, or just where the former recorder ended. A time that was noted by
 * hand may be within a file that is there: all of that is written again. */
static int64_t start_of(const arrakis_recorder *r, int64_t start_ns)
{
    const ark_noted_time *noted = &r->folder.noted;
    start_ns = ark_stride_floor(start_ns, r->kind.spec->length_ns);
    if (noted->time_ns == ARRAKIS_UNSET || noted->time_ns < start_ns)
        return start_ns;
    const int64_t span_ns = ark_stride_floor(noted->time_ns, r->kind.spec->length_ns);
    return !noted->within && (r->folder.others || has_span(r, span_ns)) ? span_ns : noted->time_ns;
}

static arrakis_status choose_start(arrakis_recorder *r, int64_t start_ns, arrakis_error *err)
{
    if (r->shared) { /* the first block tells */
        r->begin_ns = ARRAKIS_UNSET;
        return ARRAKIS_OK;
    }
    const bool given = start_ns != ARRAKIS_UNSET, known = r->folder.noted.time_ns != ARRAKIS_UNSET;
    if (!given)
        start_ns = known ? r->folder.noted.time_ns : arrakis_gps_now_ns();
    if (start_ns < 0 || start_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "recording from %" PRId64 " ns on, expected a GPS time", start_ns);
    r->folder.kept_gps = known ? r->folder.noted.time_ns / ARRAKIS_SECOND_NS : 0;
    start_ns = start_of(r, start_ns);
    if (!given && !known) /* one that is given is known to the next recorder, or was a mistake */
        ARK_TRY(ark_folder_note_next(&r->folder, start_ns, err));
    r->next_ns = r->begin_ns = choose_begin(r, start_ns);
    if (r->begin_ns > round_up(start_ns, unit_of(r->kind.spec))) /* those files were not noted */
        r->unsure_ns = start_ns;
    r->joins = r->follow || r->begin_ns % r->kind.spec->length_ns != 0;
    ark_folder_resume(&r->folder, r->begin_ns / ARRAKIS_SECOND_NS);
    return ARRAKIS_OK;
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
    ARK_TRY(make_kind(&r->kind, r->format, channels, &r->form, err));
    ARK_TRY(choose_folder(r, o, err));
    return choose_start(r, o->start_ns, err);
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
    clear_kind(&r->kind, r->format);
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

/* ------------------------------------------------------------------ files */

/* The end of the span that the recorder is in. */
static int64_t span_end(const arrakis_recorder *r)
{
    return span_after(r, r->begin_ns);
}

/* The name of the file that the recorder is in. It begins and ends with a second, and no other has
 * any of its time. */
static void name_of(ark_span_name *name, const arrakis_recorder *r, int64_t end_ns)
{
    *name = (ark_span_name){.gps = r->begin_ns / ARRAKIS_SECOND_NS,
                            .length = (end_ns - r->begin_ns) / ARRAKIS_SECOND_NS};
    strcpy(name->extension, r->format->extension);
}

/* Drop the file in progress, which was to end at end_ns. EIO: too many have failed. */
static arrakis_status give_up_file(arrakis_recorder *r, int64_t end_ns, const arrakis_error *why,
                                   arrakis_error *err)
{
    char text[ARK_SPAN_NAME_SIZE];
    ark_span_name name;
    name_of(&name, r, end_ns);
    ark_span_name_print(text, r->folder.prefix, &name);
    ark_span_file_drop(&r->file, &r->folder);
    ark_joiner_drop(&r->joiner);
    r->passed = true;
    r->stats.failed++;
    if (r->failures++ == 0)
        r->lost_ns = r->begin_ns;
    ark_log(ARRAKIS_LOG_ERROR, "%s/%s is not written: %s", r->folder.path, text, why->message);
    if (r->failures < r->max_failures)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EIO,
                    "%" PRId64 " files in a row could not be written, the last one, %s/%s, for: "
                    "%.200s. Nothing is kept of GPS %" PRId64 " to %" PRId64,
                    r->failures, r->folder.path, text, why->message,
                    r->lost_ns / ARRAKIS_SECOND_NS, end_ns / ARRAKIS_SECOND_NS);
}

static arrakis_status begin_file(arrakis_recorder *r, arrakis_error *err)
{
    ark_span_name name;
    name_of(&name, r, span_end(r));
    r->in_file_ns = r->begin_ns;
    return ark_span_file_begin(&r->file, &r->folder, &name, r->begin_ns, r->kind.writer, r->format,
                               err);
}

static void count_missing(arrakis_recorder *r, int64_t from_ns, int64_t to_ns)
{
    uint64_t samples = (uint64_t)llround(r->kind.spec->rate * ((double)(to_ns - from_ns) / 1e9));
    r->stats.samples += samples;
    r->stats.missing += samples;
}

/* Whether the names of all files are on the disk: a directory that has been synchronized has them
 * all. */
static bool note_names(arrakis_recorder *r)
{
    bool sure = r->folder.unsynchronized == 0;
    r->unsure = sure ? 0 : r->unsure + 1;
    if (sure)
        r->unsure_ns = ARRAKIS_UNSET;
    else if (r->unsure_ns == ARRAKIS_UNSET)
        r->unsure_ns = r->begin_ns;
    return sure;
}

/* What follows when a file has its name: a later recorder goes on at next_ns. */
static void note_file(arrakis_recorder *r, const ark_span_name *name, uint64_t size,
                      int64_t next_ns)
{
    arrakis_error err;
    bool sure = note_names(r);
    r->stats.files++;
    r->stats.bytes += size;
    r->stats.last_ns = r->begin_ns;
    if (r->failures)
        ark_log(ARRAKIS_LOG_WARNING,
                "files are written again; nothing is kept of GPS %" PRId64 " to %" PRId64,
                r->lost_ns / ARRAKIS_SECOND_NS, r->begin_ns / ARRAKIS_SECOND_NS);
    r->failures = 0;
    if (next_ns > r->begin_ns) /* before the time is noted: a crash between leaves none behind */
        ark_folder_remove_replaced(&r->folder, name);
    if (!r->shared && sure && ark_folder_note_next(&r->folder, next_ns, &err) < 0)
        ark_log(ARRAKIS_LOG_WARNING, "%s: after a restart spans are written again", err.message);
    r->stats.removed += ark_folder_thin(&r->folder, name);
}

/* Recording is about to end within a file: whatever happens, the rest of its time is not taken as
 * recorded. */
static void note_end(arrakis_recorder *r, const ark_span_name *name)
{
    arrakis_error err;
    const int64_t next_ns = arrakis_recorder_kept_ns(r);
    if (ark_folder_note_end(&r->folder, name, r->failures ? least(r->lost_ns, next_ns) : next_ns,
                            &err) < 0)
        ark_log(ARRAKIS_LOG_WARNING, "%s: after a restart spans are written again", err.message);
}

/* Complete the file that is being written: it ends at end_ns, and a later recorder goes on at
 * next_ns. */
static arrakis_status end_file(arrakis_recorder *r, int64_t end_ns, int64_t next_ns,
                               arrakis_error *err)
{
    uint64_t size = 0;
    arrakis_error why;
    ark_span_name name;
    name_of(&name, r, end_ns);
    if (next_ns == r->begin_ns)
        note_end(r, &name);
    if (ark_span_file_end(&r->file, &r->folder, &name, end_ns, r->kind.writer, r->format, &size,
                          &why) < 0)
        return give_up_file(r, end_ns, &why, err);
    count_missing(r, r->in_file_ns, end_ns);
    note_file(r, &name, size, next_ns);
    if (r->unsure < r->max_failures)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EIO,
                    "%s cannot be synchronized: %s. A power failure may lose the last %" PRId64
                    " files, from GPS %" PRId64 " on",
                    r->folder.path, strerror(r->folder.unsynchronized), r->unsure,
                    r->unsure_ns / ARRAKIS_SECOND_NS);
}

/* Whether a file without a sample is written after all: it has some time, not all, of a file that
 * is written again, which can be removed only when other files have all of its time. */
static bool fills_up(const arrakis_recorder *r, int64_t end_ns)
{
    const int64_t length_ns = r->kind.spec->length_ns;
    return r->follow && (r->begin_ns % length_ns || end_ns % length_ns) &&
           ark_folder_is_cut(&r->folder, r->format->extension, r->begin_ns / ARRAKIS_SECOND_NS,
                             end_ns / ARRAKIS_SECOND_NS);
}

/* A file of which no block has come, or of which all blocks are empty. */
static arrakis_status skip_file(arrakis_recorder *r, int64_t end_ns, arrakis_error *err)
{
    arrakis_error why;
    if (!r->write_empty && !fills_up(r, end_ns)) {
        r->stats.empty++;
        return ARRAKIS_OK;
    }
    return begin_file(r, &why) < 0 ? give_up_file(r, end_ns, &why, err)
                                   : end_file(r, end_ns, end_ns, err);
}

/* ------------------------------------------------------------------ channels of blocks */

/* The order of a block's channels, as long as that block is there. */
static arrakis_status find_order(const arrakis_recorder *r, ark_block_order **out,
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
    ARK_TRY(find_order(r, out, arrakis_block_channels(block), err));
    arrakis_status rc = r->follow ? check_span(r, block, (*out)->own_ns, err) : ARRAKIS_OK;
    if (rc < 0) {
        ark_block_order_unref(*out);
        *out = NULL;
    }
    return rc;
}

/* ------------------------------------------------------------------ blocks */

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
    if (r->file.fd < 0 && missing == samples && !r->write_empty)
        return ARRAKIS_OK;
    if (r->file.fd < 0)
        rc = begin_file(r, &why);
    r->kind.spec->order = ordered->order->at;
    if (rc >= 0 && missing < samples)
        rc = r->format->add(r->kind.writer, block, &why);
    r->kind.spec->order = NULL; /* it goes with the block */
    if (rc < 0)
        return give_up_file(r, span_end(r), &why, err);
    int64_t start_ns = arrakis_block_start_ns(block);
    count_missing(r, r->in_file_ns, start_ns);
    r->stats.samples += samples;
    r->stats.missing += missing;
    r->in_file_ns = start_ns + arrakis_block_duration_ns(block);
    return ARRAKIS_OK;
}

/* Where the block of the file ends that is being joined. */
static int64_t joined_end(const arrakis_recorder *r)
{
    return least(r->joined_ns + r->kind.spec->stride_ns, span_end(r));
}

/* Add what is joined, as a block that ends at end_ns. */
static arrakis_status add_joined(arrakis_recorder *r, int64_t end_ns, arrakis_error *err)
{
    ark_ordered_block block;
    arrakis_error why;
    if (!r->joiner.count)
        return ARRAKIS_OK;
    if (ark_joiner_take(&r->joiner, &block, r->kind.joined, r->joined_ns, end_ns, &why) < 0)
        return give_up_file(r, span_end(r), &why, err);
    arrakis_status rc = add_block(r, &block, err);
    ark_joiner_clear_block(&block);
    return rc;
}

/* Hold a block for each block of the file that it has some time of before end_ns. */
static arrakis_status join_block(arrakis_recorder *r, const arrakis_block *block,
                                 ark_block_order *order, int64_t end_ns, arrakis_error *err)
{
    arrakis_error why;
    int64_t at_ns = arrakis_block_start_ns(block);
    end_ns = least(end_ns, at_ns + arrakis_block_duration_ns(block));
    if (at_ns < r->begin_ns)
        at_ns = r->begin_ns;
    while (at_ns < end_ns && !r->passed) {
        int64_t joined_ns = at_ns - (at_ns - r->begin_ns) % r->kind.spec->stride_ns;
        if (joined_ns != r->joined_ns)
            ARK_TRY(add_joined(r, joined_end(r), err));
        if (r->passed)
            break;
        r->joined_ns = joined_ns;
        if (ark_joiner_add(&r->joiner, block, order, &why) < 0)
            return give_up_file(r, span_end(r), &why, err);
        at_ns = joined_end(r);
        if (at_ns <= end_ns)
            ARK_TRY(add_joined(r, at_ns, err));
    }
    return ARRAKIS_OK;
}

/* The one place where files end and begin: the one in progress ends at end_ns, which is the end of
 * its span, or where channels have changed; the next one begins there. */
static arrakis_status end_part(arrakis_recorder *r, int64_t end_ns, arrakis_error *err)
{
    arrakis_status rc = add_joined(r, least(joined_end(r), end_ns), err);
    if (rc >= 0 && r->file.fd >= 0)
        rc = end_file(r, end_ns, end_ns, err);
    else if (rc >= 0 && !r->passed && r->begin_ns < end_ns)
        rc = skip_file(r, end_ns, err);
    r->finished = r->finished && end_ns < span_end(r);
    r->passed = r->finished;
    if (r->begin_ns < end_ns)
        r->begin_ns = choose_begin(r, end_ns);
    return rc;
}

/* End the span that the recorder is in, and skip those before `start_ns`. */
static arrakis_status go_to_span(arrakis_recorder *r, int64_t start_ns, arrakis_error *err)
{
    while (start_ns >= span_end(r))
        ARK_TRY(end_part(r, span_end(r), err));
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ channels that change */

/* Files of a block's channels cannot be made: what there is of those before is kept, and of those
 * that have not changed what the block has up to where a file can end. */
static void end_for_good(arrakis_recorder *r, const arrakis_block *block, ark_block_order *order)
{
    arrakis_error why;
    const int64_t end_ns = round_up(arrakis_block_start_ns(block), unit_of(r->kind.spec));
    arrakis_status rc = join_block(r, block, order, least(end_ns, span_end(r)), &why);
    if (rc >= 0)
        rc = end_part(r, end_ns, &why);
    if (rc < 0)
        ark_log(ARRAKIS_LOG_ERROR, "%s", why.message);
}

static void take_kind(arrakis_recorder *r, const file_kind *kind)
{
    clear_kind(&r->kind, r->format);
    r->kind = *kind;
    r->begin_ns = choose_begin(r, r->begin_ns);
}

/* Go on with the channels of a block, from its start on. *order: theirs. */
static arrakis_status follow_channels(arrakis_recorder *r, const arrakis_block *block,
                                      ark_block_order **order, arrakis_error *err)
{
    file_kind kind;
    ark_block_order *fitting = NULL;
    const arrakis_channels *channels = arrakis_block_channels(block);
    const int64_t start_ns = arrakis_block_start_ns(block);
    arrakis_status rc = make_kind(&kind, r->format, channels, &r->form, err);
    if (rc >= 0)
        rc = ark_block_order_new(&fitting, kind.spec->channels, channels, true, err);
    if (rc < 0) {
        clear_kind(&kind, r->format);
        end_for_good(r, block, *order);
        return rc;
    }
    rc = end_part(r, start_ns, err);
    take_kind(r, &kind);
    ark_block_order_unref(*order);
    *order = fitting;
    if (rc >= 0)
        ark_log(ARRAKIS_LOG_INFO, "%s: with other channels from GPS %" PRId64 " on",
                r->folder.prefix, start_ns / ARRAKIS_SECOND_NS);
    return rc;
}

/* Whether a file of the channels as they are can end where a block of others begins, and one of
 * those begin. If not, the file in progress has the channels that are as they were, up to where it
 * can. Where the strides of the others do not divide a file it never can. */
static bool can_follow(const arrakis_recorder *r, const ark_block_order *order, int64_t start_ns)
{
    const ark_file_spec *spec = r->kind.spec;
    return spec->length_ns % order->own_ns ||
           start_ns % ark_stride_lcm(unit_of(spec), order->own_ns) == 0;
}

static arrakis_status take_block(arrakis_recorder *r, const arrakis_block *block,
                                 ark_block_order **order, arrakis_error *err)
{
    const int64_t start_ns = arrakis_block_start_ns(block);
    if (r->begin_ns == ARRAKIS_UNSET)
        r->begin_ns = ark_stride_floor(start_ns, r->kind.spec->length_ns);
    ARK_TRY(go_to_span(r, start_ns, err));
    if (is_changed(r, *order) && can_follow(r, *order, start_ns))
        ARK_TRY(follow_channels(r, block, order, err));
    r->next_ns = start_ns + arrakis_block_duration_ns(block);
    ARK_TRY(join_block(r, block, *order, span_end(r), err));
    return go_to_span(r, r->next_ns, err);
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

/* The rest of the span is missing. A block that comes after all does not take the place of the file. */
static arrakis_status finish_span(arrakis_recorder *r, arrakis_error *err)
{
    const int64_t failures = r->failures;
    ARK_TRY(add_joined(r, joined_end(r), err));
    if (r->file.fd >= 0) {
        ARK_TRY(end_file(r, span_end(r), r->begin_ns, err));
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
