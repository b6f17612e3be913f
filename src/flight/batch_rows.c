/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/batch_rows.h"

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "base/error.h"
#include "channel/channel.h"

#include <arrakis/reader.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The latest time at which sums cannot overflow. */
static const int64_t latest_ns = INT64_MAX / 4;

/* ------------------------------------------------------------------ a schema's columns */

typedef struct entry {
    const char *name;
    size_t column;
} entry;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static arrakis_status bind_channel(size_t *column, const arrakis_channel *channel,
                                   const entry *entries, const ark_schema *schema,
                                   arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(channel);
    const entry key = {.name = info.name};
    const entry *found = bsearch(&key, entries, schema->count, sizeof key, by_name);
    if (!found)
        return ark_fail(err, ARRAKIS_EMISMATCH, "the stream lacks channel '%.200s'", info.name);
    const ark_schema_field *field = &schema->fields[found->column];
    if (field->kind != ARK_TYPE_LIST || field->dtype != info.dtype)
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "channel '%.200s' is streamed as %s%s, expected lists of %s", info.name,
                        field->kind == ARK_TYPE_LIST ? "lists of " : "",
                        arrakis_dtype_name(field->dtype), arrakis_dtype_name(info.dtype));
    *column = found->column;
    return ARRAKIS_OK;
}

arrakis_status ark_batch_rows_bind(ark_flight_part *parts, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t *time_column, arrakis_error *err)
{
    const ark_schema *schema = batches->schema;
    const ark_schema_field *time = ark_batches_field(batches, "time", time_column);
    if (!time || time->kind != ARK_TYPE_PRIMITIVE || time->dtype != ARRAKIS_INT64)
        return ark_fail(err, ARRAKIS_EFORMAT, "a stream whose column time is %s, expected int64",
                        time ? "of another type" : "missing");
    entry *entries = calloc(schema->count + 1, sizeof *entries);
    if (!entries)
        return ark_no_memory(err, "a stream of %zu columns", schema->count);
    for (size_t i = 0; i < schema->count; i++)
        entries[i] = (entry){schema->fields[i].name, i};
    qsort(entries, schema->count, sizeof *entries, by_name);
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; i < count; i++) {
        const arrakis_channels *channels = reader->streams[parts[i].stream].channels;
        for (size_t k = 0; rc == ARRAKIS_OK && k < arrakis_channels_count(channels); k++)
            rc = bind_channel(&parts[i].columns[k], arrakis_channels_get(channels, k), entries,
                              schema, err);
    }
    free(entries);
    return rc;
}

/* ------------------------------------------------------------------ rows */

/* A channel's samples in a row; none where the row is null. */
static uint32_t length_at(const ark_column *column, int64_t row)
{
    if (!ark_is_set(column->valid, row))
        return 0;
    return (uint32_t)(ark_offset_at(column->offsets, row + 1) -
                      ark_offset_at(column->offsets, row));
}

/* How long a row lasts, by its first channel that has samples; 0: none has. */
static int64_t duration_of(const arrakis_channels *channels, const ark_flight_part *part,
                           const ark_batches *batches, int64_t row, int64_t stride_ns)
{
    for (size_t k = 0; k < arrakis_channels_count(channels); k++) {
        uint32_t length = length_at(&batches->columns[part->columns[k]], row);
        const arrakis_channel *channel = arrakis_channels_get(channels, k);
        int64_t whole = ark_channel_samples(channel, stride_ns);
        if (!length)
            continue;
        if (whole > 0 && length % whole == 0)
            return length / whole <= latest_ns / stride_ns ? length / whole * stride_ns
                                                           : latest_ns;
        double lasts_ns = length * (double)ARRAKIS_SECOND_NS / ark_info(channel).sample_rate;
        return lasts_ns < (double)latest_ns ? (int64_t)lasts_ns : latest_ns;
    }
    return 0;
}

/* The samples of one channel in one step; false: it has none there. */
static bool make_run(ark_run *run, const ark_column *column, const uint8_t *body, uint32_t channel,
                     size_t size, int64_t row, uint64_t skip, uint32_t whole)
{
    uint32_t length = length_at(column, row);
    if (skip >= length)
        return false;
    size_t first = (size_t)ark_offset_at(column->offsets, row) + (size_t)skip;
    length -= (uint32_t)skip;
    *run = (ark_run){
        .samples_at = (size_t)(column->values - body) + first * size,
        .valid_at = column->child_valid ? (size_t)(column->child_valid - body) : SIZE_MAX,
        .valid_bit = first,
        .channel = channel,
        .channels = 1,
        .length = length < whole ? length : whole,
    };
    return true;
}

/* Every channel must last as long as the others of its block, to the sample where they are whole.
 * */
static arrakis_status check_length(const arrakis_channel *channel, uint32_t length, int64_t whole,
                                   int64_t duration_ns, int64_t stride_ns, arrakis_error *err)
{
    double wanted =
        ark_info(channel).sample_rate * (double)duration_ns / (double)ARRAKIS_SECOND_NS;
    if (duration_ns % stride_ns == 0)
        wanted = (double)whole * (double)(duration_ns / stride_ns);
    if (length == 0 || fabs(wanted - length) <= (duration_ns % stride_ns ? 1.0 : 0.0))
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "channel '%.200s' has %u samples in a block of %lld ns, expected %.0f",
                    ark_info(channel).name, length, (long long)duration_ns, wanted);
}

static arrakis_status make_rows(ark_rows *rows, const ark_flight_cursor *cursor,
                                const ark_flight_part *part, const ark_reader_stream *stream,
                                const ark_batches *batches, int64_t duration_ns,
                                ark_flight_scratch *scratch, arrakis_error *err)
{
    const arrakis_channels *channels = stream->channels;
    rows->base = batches->body;
    rows->runs = scratch->runs;
    rows->missing = scratch->missing;
    for (uint32_t k = 0; k < arrakis_channels_count(channels); k++) {
        const ark_column *column = &batches->columns[part->columns[k]];
        const arrakis_channel *channel = arrakis_channels_get(channels, k);
        int64_t whole = ark_channel_samples(channel, stream->stride_ns);
        ARK_TRY(check_length(channel, length_at(column, cursor->row), whole, duration_ns,
                             stream->stride_ns, err));
        ark_run *run = &scratch->runs[rows->run_count];
        if (whole <= 0 ||
            !make_run(run, column, batches->body, k, arrakis_dtype_size(ark_info(channel).dtype),
                      cursor->row, (uint64_t)cursor->step * (uint64_t)whole, (uint32_t)whole)) {
            scratch->missing[rows->missing_count++] = k;
            continue;
        }
        if (rows->duration_ns == stream->stride_ns && run->length != whole)
            return ark_fail(err, ARRAKIS_EFORMAT, "channel '%.200s' has %u of %lld samples",
                            ark_info(channel).name, run->length, (long long)whole);
        rows->run_count++;
    }
    return ARRAKIS_OK;
}

static arrakis_status read_time(int64_t *time_ns, const ark_column *time, int64_t row,
                                arrakis_error *err)
{
    memcpy(time_ns, time->values + (size_t)row * sizeof *time_ns, sizeof *time_ns);
    if (ark_is_set(time->valid, row) && *time_ns >= 0 && *time_ns <= latest_ns)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EFORMAT, "time %lld: expected GPS nanoseconds up to %lld",
                    (long long)*time_ns, (long long)latest_ns);
}

/* Past what has been served: to the next step, part or row. */
static void move_on(ark_flight_cursor *cursor, bool more_steps, size_t part_count)
{
    cursor->step = more_steps ? cursor->step + 1 : 0;
    if (more_steps)
        return;
    if (++cursor->part == part_count) {
        cursor->part = 0;
        cursor->row++;
    }
}

arrakis_status ark_batch_rows_next(ark_arrival *arrival, ark_flight_cursor *cursor,
                                   const ark_flight_part *parts, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t time_column, ark_flight_scratch *scratch,
                                   arrakis_error *err)
{
    if (cursor->row >= batches->rows)
        return ARRAKIS_DONE;
    const ark_flight_part *part = &parts[cursor->part];
    const ark_reader_stream *stream = &reader->streams[part->stream];
    int64_t time_ns, stride_ns = stream->stride_ns;
    ARK_TRY(read_time(&time_ns, &batches->columns[time_column], cursor->row, err));
    int64_t duration_ns = duration_of(stream->channels, part, batches, cursor->row, stride_ns);
    if (!duration_ns) /* nothing but gaps */
        duration_ns = stride_ns;
    int64_t done_ns = cursor->step * stride_ns, left_ns = duration_ns - done_ns;
    *arrival = (ark_arrival){.stream = part->stream};
    arrival->rows.time_ns = time_ns + done_ns;
    arrival->rows.duration_ns = left_ns < stride_ns ? left_ns : stride_ns;
    arrakis_status rc =
        make_rows(&arrival->rows, cursor, part, stream, batches, duration_ns, scratch, err);
    move_on(cursor, left_ns > stride_ns, count);
    return rc;
}
