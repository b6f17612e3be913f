/* SPDX-License-Identifier: Apache-2.0 */
#include "file/recorder_begin.h"

#include "base/error.h"
#include "base/log.h"
#include "channel/stride.h"

#include <inttypes.h>
#include <string.h>

/* No clock of a site is this wrong. */
#define CLOCK_MARGIN_NS (60 * ARRAKIS_SECOND_NS)

int64_t ark_recorder_begin_at(const arrakis_recorder *r, int64_t time_ns)
{
    for (;;) {
        const int64_t end_ns = ark_recorder_span_after(r, time_ns);
        const int64_t gps = time_ns / ARRAKIS_SECOND_NS;
        const int64_t reach =
            r->follow ? ark_folder_reach(&r->folder, r->format->extension, gps) : gps;
        if (reach > gps)
            time_ns = reach * ARRAKIS_SECOND_NS;
        time_ns = ark_stride_ceil(time_ns, ark_file_kind_unit(r->kind.spec));
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
    return !noted->within && has_span(r, span_ns) ? span_ns : noted->time_ns;
}

/* A time that is far in the future was noted under a clock that was wrong, and nothing would be
 * recorded before it comes. A file may be of a span that is not over, as recording has ended in it. */
static arrakis_status check_clock(const arrakis_recorder *r, bool given, arrakis_error *err)
{
    const ark_folder *folder = &r->folder;
    if (folder->noted.time_ns == ARRAKIS_UNSET)
        return ARRAKIS_OK;
    const int64_t ahead_ns = folder->noted.time_ns - arrakis_gps_now_ns();
    if (ahead_ns <= CLOCK_MARGIN_NS + r->kind.spec->length_ns)
        return ARRAKIS_OK;
    const int64_t gps = folder->noted.time_ns / ARRAKIS_SECOND_NS;
    const int64_t ahead = ahead_ns / ARRAKIS_SECOND_NS;
    if (!given)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "by %s/%s recording goes on at GPS %" PRId64 ", which is %" PRId64
                        " s ahead of the clock: set the clock, remove that file, or give a start",
                        folder->path, folder->noted_in, gps, ahead);
    ark_log(ARRAKIS_LOG_WARNING,
            "by %s/%s recording goes on at GPS %" PRId64 ", which is %" PRId64
            " s ahead of the clock",
            folder->path, folder->noted_in, gps, ahead);
    return ARRAKIS_OK;
}

arrakis_status ark_recorder_begin_first(arrakis_recorder *r, int64_t start_ns, arrakis_error *err)
{
    if (r->shared) { /* the first block tells */
        r->begin_ns = ARRAKIS_UNSET;
        return ARRAKIS_OK;
    }
    const bool given = start_ns != ARRAKIS_UNSET, known = r->folder.noted.time_ns != ARRAKIS_UNSET;
    ARK_TRY(check_clock(r, given, err));
    if (!given)
        start_ns = known ? r->folder.noted.time_ns : arrakis_gps_now_ns();
    if (start_ns < 0 || start_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "recording from %" PRId64 " ns on, expected a GPS time", start_ns);
    r->folder.kept_gps = known ? r->folder.noted.time_ns / ARRAKIS_SECOND_NS : 0;
    start_ns = start_of(r, start_ns);
    if (!given && !known) /* one that is given is known to the next recorder, or was a mistake */
        ARK_TRY(ark_folder_note_first(&r->folder, start_ns, err));
    r->next_ns = r->begin_ns = ark_recorder_begin_at(r, start_ns);
    const int64_t possible_ns = ark_stride_ceil(start_ns, ark_file_kind_unit(r->kind.spec));
    if (r->begin_ns > possible_ns) /* the files between were not noted */
        r->unsure_ns = start_ns;
    r->joins = r->follow || r->begin_ns % r->kind.spec->length_ns != 0;
    ark_folder_resume(&r->folder, r->begin_ns / ARRAKIS_SECOND_NS);
    return ARRAKIS_OK;
}
