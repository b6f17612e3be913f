/* SPDX-License-Identifier: Apache-2.0 */
#include "read/ingest.h"

#include "base/error.h"
#include "base/log.h"

#include <stdlib.h>

arrakis_status ark_intake_init(ark_intake *intake, const ark_reader_stream *streams, size_t count,
                               arrakis_error *err)
{
    *intake = (ark_intake){.count = count};
    if (!(intake->lanes = calloc(count + 1, sizeof *intake->lanes)))
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = ark_row_decoder_new(&intake->lanes[i].decoder, streams[i].channels,
                                 streams[i].stride_ns, &intake->schema, err);
    return rc;
}

void ark_intake_clear(ark_intake *intake)
{
    for (size_t i = 0; intake->lanes && i < intake->count; i++)
        ark_row_decoder_free(intake->lanes[i].decoder);
    free(intake->lanes);
    ark_row_schema_drop(intake->schema);
    *intake = (ark_intake){0};
}

void ark_intake_begin(ark_intake *intake, size_t stream, const char *topic, int64_t offset,
                      const void *message, size_t size)
{
    intake->messages++;
    intake->bytes += size;
    intake->stream = stream;
    intake->topic = topic;
    intake->offset = offset;
    intake->busy = true;
    intake->rows_seen = false;
    ark_row_decoder_begin(intake->lanes[stream].decoder, message, size);
}

static void count_undecodable(ark_intake *intake, ark_intake_lane *lane, const arrakis_error *why)
{
    intake->undecodable++;
    uint64_t times = ark_episode_note(&lane->undecodable, arrakis_gps_now_ns());
    if (times)
        ark_log(
            ARRAKIS_LOG_WARNING,
            "topic %s, offset %lld: message skipped, it cannot be read (%llu since last said): "
            "%s",
            intake->topic, (long long)intake->offset, (unsigned long long)times, why->message);
}

/* Indexes that match nothing for long mean a publisher that runs with an old registration. */
static void count_unwanted(ark_intake *intake, ark_intake_lane *lane)
{
    intake->unwanted++;
    if (!lane->no_rows)
        ark_log(ARRAKIS_LOG_WARNING,
                "topic %s, offset %lld: no row of a channel asked for; if that goes on, the "
                "publisher and the metadata disagree on partition indexes",
                intake->topic, (long long)intake->offset);
    lane->no_rows = true;
}

arrakis_status ark_intake_next(ark_intake *intake, ark_arrival *arrival, arrakis_error *err)
{
    ark_intake_lane *lane = &intake->lanes[intake->stream];
    while (intake->busy) {
        arrakis_error why;
        arrakis_status rc = ark_row_decoder_next(lane->decoder, &arrival->rows, &why);
        if (rc == ARRAKIS_OK && arrival->rows.piece_count) {
            arrival->stream = intake->stream;
            intake->rows_seen = true;
            lane->no_rows = false;
            return ARRAKIS_OK;
        }
        if (rc == ARRAKIS_OK)
            continue;
        if (rc == ARRAKIS_ENOMEM)
            return ark_fail(err, rc, "topic %s, offset %lld: %s", intake->topic,
                            (long long)intake->offset, why.message);
        intake->busy = false;
        if (rc < 0)
            count_undecodable(intake, lane, &why);
        else if (!intake->rows_seen)
            count_unwanted(intake, lane);
    }
    return ARRAKIS_DONE;
}

void ark_intake_stats(const ark_intake *intake, arrakis_stats *stats)
{
    stats->messages += intake->messages;
    stats->bytes += intake->bytes;
    stats->undecodable += intake->undecodable;
    stats->unwanted += intake->unwanted;
}
