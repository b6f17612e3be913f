/* SPDX-License-Identifier: Apache-2.0 */
#include "file/recorder_file.h"

#include "base/error.h"
#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The name of the file that the recorder is in. It begins and ends with a second, and no other has
 * any of its time. */
static void name_of(ark_span_name *name, const arrakis_recorder *r, int64_t end_ns)
{
    *name = (ark_span_name){.gps = r->begin_ns / ARRAKIS_SECOND_NS,
                            .length = (end_ns - r->begin_ns) / ARRAKIS_SECOND_NS};
    strcpy(name->extension, r->format->extension);
}

/* What is lost: "NAME" and "of GPS A to B"; where it is not known yet when the file would have ended,
 * "NAME from GPS A on" and "from GPS A on". */
typedef struct loss_text {
    char file[ARK_SPAN_NAME_SIZE + 40], times[80];
} loss_text;

static void describe_loss(loss_text *text, const arrakis_recorder *r, int64_t end_ns)
{
    char full[ARK_SPAN_NAME_SIZE];
    ark_span_name name;
    const int64_t from = r->lost_ns / ARRAKIS_SECOND_NS, gps = r->begin_ns / ARRAKIS_SECOND_NS;
    const bool open_end = end_ns == ARRAKIS_UNSET && r->follow;
    end_ns = end_ns == ARRAKIS_UNSET ? ark_recorder_span_end(r) : end_ns;
    name_of(&name, r, end_ns);
    ark_span_name_print(full, r->folder.prefix, &name);
    if (open_end) {
        snprintf(text->file, sizeof text->file, "%s from GPS %" PRId64 " on", r->folder.prefix,
                 gps);
        snprintf(text->times, sizeof text->times, "from GPS %" PRId64 " on", from);
        return;
    }
    snprintf(text->file, sizeof text->file, "%s", full);
    snprintf(text->times, sizeof text->times, "of GPS %" PRId64 " to %" PRId64, from,
             end_ns / ARRAKIS_SECOND_NS);
}

arrakis_status ark_recorder_file_give_up(arrakis_recorder *r, int64_t end_ns,
                                         const arrakis_error *why, arrakis_error *err)
{
    loss_text text;
    ark_span_file_drop(&r->file, &r->folder);
    ark_joiner_drop(&r->joiner);
    r->passed = true;
    r->stats.failed++;
    if (r->failures++ == 0)
        r->lost_ns = r->begin_ns;
    describe_loss(&text, r, end_ns);
    ark_log(ARRAKIS_LOG_ERROR, "%s/%s is not written: %s", r->folder.path, text.file,
            why->message);
    if (r->failures < r->max_failures)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EIO,
                    "%" PRId64 " files in a row could not be written, the last one, %s/%s, for: "
                    "%.200s. Nothing is kept %s",
                    r->failures, r->folder.path, text.file, why->message, text.times);
}

arrakis_status ark_recorder_file_begin(arrakis_recorder *r, arrakis_error *err)
{
    ark_span_name name;
    name_of(&name, r, ark_recorder_span_end(r));
    r->in_file_ns = r->begin_ns;
    r->in_file = 0;
    return ark_span_file_begin(&r->file, &r->folder, &name, r->begin_ns, r->kind.writer, r->format,
                               err);
}

void ark_recorder_file_count_missing(arrakis_recorder *r, int64_t from_ns, int64_t to_ns)
{
    uint64_t samples = (uint64_t)llround(r->kind.spec->rate * ((double)(to_ns - from_ns) / 1e9));
    r->stats.samples += samples;
    r->stats.missing += samples;
}

/* Whether the names of all files are on the disk: a directory that has been synchronized has them
 * all. */
static void note_names(arrakis_recorder *r)
{
    bool sure = r->folder.unsynchronized == 0;
    r->unsure = sure ? 0 : r->unsure + 1;
    if (sure)
        r->unsure_ns = ARRAKIS_UNSET;
    else if (r->unsure_ns == ARRAKIS_UNSET)
        r->unsure_ns = r->begin_ns;
}

static void warn_not_noted(const arrakis_error *err)
{
    ark_log(ARRAKIS_LOG_WARNING, "%s: after a restart spans may be written again", err->message);
}

/* A file has its name, or stays: a later recorder goes on at next_ns, unless it may be lost. */
static void note_time(arrakis_recorder *r, const ark_span_name *name, int64_t next_ns)
{
    arrakis_error err;
    const bool sure = r->folder.unsynchronized == 0;
    if (next_ns > r->begin_ns) /* before the time is noted: a crash between leaves none behind */
        ark_folder_remove_replaced(&r->folder, name);
    if (!r->shared &&
        (sure ? ark_folder_note_next(&r->folder, next_ns, &err)
              : ark_folder_note_again(&r->folder, arrakis_recorder_kept_ns(r), &err)) < 0)
        warn_not_noted(&err);
}

/* What follows when a file has its name: a later recorder goes on at next_ns. */
static void note_file(arrakis_recorder *r, const ark_span_name *name, uint64_t size,
                      int64_t next_ns)
{
    note_names(r);
    r->stats.files++;
    r->stats.bytes += size;
    r->stats.last_ns = r->begin_ns;
    if (r->failures)
        ark_log(ARRAKIS_LOG_WARNING,
                "files are written again; nothing is kept of GPS %" PRId64 " to %" PRId64,
                r->lost_ns / ARRAKIS_SECOND_NS, r->begin_ns / ARRAKIS_SECOND_NS);
    r->failures = 0;
    note_time(r, name, next_ns);
    r->stats.removed += ark_folder_thin(&r->folder, name);
}

/* What part of a file's samples is there, in billionths: recorders of other channels have another
 * number. */
static uint64_t part_of_all(const arrakis_recorder *r, const ark_span_name *name)
{
    return (uint64_t)llround(1e9 * (double)r->in_file /
                             (r->kind.spec->rate * (double)name->length));
}

/* Recording is about to end within a file: whatever happens, the rest of its time is not taken as
 * recorded. */
static arrakis_status note_end(arrakis_recorder *r, const ark_span_name *name, arrakis_error *err)
{
    const int64_t kept_ns = arrakis_recorder_kept_ns(r);
    const int64_t next_ns = r->failures ? ark_recorder_earlier(r->lost_ns, kept_ns) : kept_ns;
    return ark_folder_note_end(&r->folder, name, part_of_all(r, name), next_ns, err);
}

/* Just before a file has its name: what is noted of it is then of that file, or nearly so. A file
 * in which recording does not end only replaces what was noted of an earlier one, and need not be
 * noted. */
static arrakis_status note_before_name(arrakis_recorder *r, const ark_span_name *name, bool ends,
                                       arrakis_error *err)
{
    arrakis_error unheeded;
    if (ends)
        return note_end(r, name, err);
    if (ark_noted_time_ended(&r->folder.noted, name))
        note_end(r, name, &unheeded);
    return ARRAKIS_OK;
}

/* Recording ended in a file of that name when the source had more of it than now: it stays. */
static bool keep_former(arrakis_recorder *r, const ark_span_name *name, int64_t next_ns)
{
    char text[ARK_SPAN_NAME_SIZE];
    const uint64_t part = ark_folder_part(&r->folder, name), now = part_of_all(r, name);
    if (part <= now)
        return false;
    ark_span_name_print(text, r->folder.prefix, name);
    ark_log(ARRAKIS_LOG_WARNING,
            "%s/%s has %.2f %% of its samples, and of its span there are %.2f %% now: it stays",
            r->folder.path, text, (double)part / 1e7, (double)now / 1e7);
    ark_span_file_drop(&r->file, &r->folder);
    if (next_ns > r->begin_ns)
        note_time(r, name, next_ns);
    return true;
}

arrakis_status ark_recorder_file_end(arrakis_recorder *r, int64_t end_ns, int64_t next_ns,
                                     arrakis_error *err)
{
    uint64_t size = 0;
    arrakis_error why;
    ark_span_name name;
    name_of(&name, r, end_ns);
    if (keep_former(r, &name, next_ns))
        return ARRAKIS_OK;
    if (ark_span_file_write(&r->file, end_ns, r->kind.writer, r->format, &size, &why) < 0 ||
        note_before_name(r, &name, next_ns == r->begin_ns, &why) < 0 ||
        ark_span_file_name(&r->file, &r->folder, &name, size, &why) < 0)
        return ark_recorder_file_give_up(r, end_ns, &why, err);
    ark_recorder_file_count_missing(r, r->in_file_ns, end_ns);
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

arrakis_status ark_recorder_file_skip(arrakis_recorder *r, int64_t end_ns, int64_t next_ns,
                                      arrakis_error *err)
{
    arrakis_error why;
    ark_span_name name;
    name_of(&name, r, end_ns);
    const bool written = r->write_empty || fills_up(r, end_ns);
    const bool there = written && ark_folder_is_there(&r->folder, &name);
    if (there && next_ns > r->begin_ns)
        ark_folder_remove_replaced(&r->folder, &name);
    if (!written || there) {
        r->stats.empty++;
        return ARRAKIS_OK;
    }
    return ark_recorder_file_begin(r, &why) < 0 ? ark_recorder_file_give_up(r, end_ns, &why, err)
                                                : ark_recorder_file_end(r, end_ns, next_ns, err);
}
