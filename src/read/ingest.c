/* SPDX-License-Identifier: Apache-2.0 */
#include "read/ingest.h"

#include "base/error.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

arrakis_status ark_ingest_init(ark_ingest *ingest, const ark_reader_input *inputs, size_t count,
                               arrakis_error *err)
{
    *ingest = (ark_ingest){.count = count};
    if (!(ingest->inputs = calloc(count + 1, sizeof *ingest->inputs)))
        return ark_no_memory(err, "%zu inputs", count);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = ark_row_decoder_new(&ingest->inputs[i].decoder, inputs[i].channels,
                                 inputs[i].stride_ns, &ingest->schema, err);
    return rc;
}

void ark_ingest_clear(ark_ingest *ingest)
{
    for (size_t i = 0; ingest->inputs && i < ingest->count; i++)
        ark_row_decoder_free(ingest->inputs[i].decoder);
    free(ingest->inputs);
    ark_row_schema_unref(ingest->schema);
    *ingest = (ark_ingest){0};
}

void ark_ingest_begin(ark_ingest *ingest, size_t input, const char *topic, int64_t offset,
                      const void *message, size_t size)
{
    assert(input < ingest->count);
    assert(!ingest->busy);
    ingest->messages++;
    ingest->bytes += size;
    ingest->input = input;
    ingest->topic = topic;
    ingest->offset = offset;
    ingest->busy = true;
    ingest->rows_seen = false;
    ark_row_decoder_begin(ingest->inputs[input].decoder, message, size);
}

static void count_undecodable(ark_ingest *ingest, ark_ingest_input *input,
                              const arrakis_error *why)
{
    ingest->undecodable++;
    uint64_t times = ark_log_limit_note(&input->undecodable, arrakis_gps_now_ns());
    if (times)
        ark_log(ARRAKIS_LOG_WARNING,
                "topic %s, offset %lld: message skipped, it cannot be decoded (%llu since the "
                "last report): "
                "%s",
                ingest->topic, (long long)ingest->offset, (unsigned long long)times, why->message);
}

/* Partition indexes that match no channel for long come from a publisher with an old
 * registration. */
static void count_unwanted(ark_ingest *ingest, ark_ingest_input *input)
{
    ingest->unwanted++;
    if (!input->no_rows)
        ark_log(ARRAKIS_LOG_WARNING,
                "topic %s, offset %lld: no row of a channel asked for; if that goes on, the "
                "publisher and the metadata disagree on partition indexes",
                ingest->topic, (long long)ingest->offset);
    input->no_rows = true;
}

arrakis_status ark_ingest_next(ark_ingest *ingest, ark_arrival *arrival, arrakis_error *err)
{
    ark_ingest_input *input = &ingest->inputs[ingest->input];
    while (ingest->busy) {
        arrakis_error why;
        arrakis_status rc = ark_row_decoder_next(input->decoder, &arrival->rows, &why);
        if (rc == ARRAKIS_OK && arrival->rows.run_count) {
            arrival->input = ingest->input;
            ingest->rows_seen = true;
            input->no_rows = false;
            return ARRAKIS_OK;
        }
        if (rc == ARRAKIS_OK)
            continue;
        if (rc == ARRAKIS_ENOMEM)
            return ark_fail(err, rc, "topic %s, offset %lld: %s", ingest->topic,
                            (long long)ingest->offset, why.message);
        ingest->busy = false;
        if (rc < 0)
            count_undecodable(ingest, input, &why);
        else if (!ingest->rows_seen)
            count_unwanted(ingest, input);
    }
    return ARRAKIS_DONE;
}

void ark_ingest_stats(const ark_ingest *ingest, arrakis_stats *stats)
{
    stats->messages += ingest->messages;
    stats->bytes += ingest->bytes;
    stats->undecodable += ingest->undecodable;
    stats->unwanted += ingest->unwanted;
}
