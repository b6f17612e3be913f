/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/batch_rows.h"

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "base/error.h"
#include "channel/channel.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

arrakis_status ark_batch_rows_bind(ark_bound_input *inputs, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t *time_column, arrakis_error *err)
{
    assert(batches->schema);
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
        const arrakis_channels *channels = reader->inputs[inputs[i].number].channels;
        for (size_t k = 0; rc == ARRAKIS_OK && k < arrakis_channels_count(channels); k++)
            rc = bind_channel(&inputs[i].columns[k], arrakis_channels_get(channels, k), entries,
                              schema, err);
    }
    free(entries);
    return rc;
}

/* ------------------------------------------------------------------ rows */

/* The number of samples in a row of a channel; 0: the row is null. */
static uint32_t length_at(const ark_column *column, int64_t row)
{
    if (!ark_is_set(column->valid, row))
        return 0;
    return (uint32_t)(ark_offset_at(column->offsets, row + 1) -
                      ark_offset_at(column->offsets, row));
}

/* The duration of a row, told from the first channel that has samples; 0: none has. */
static int64_t duration_of(const arrakis_channels *channels, const ark_bound_input *bound,
                           const ark_batches *batches, int64_t row, int64_t stride_ns)
{
    for (size_t k = 0; k < arrakis_channels_count(channels); k++) {
        uint32_t length = length_at(&batches->columns[bound->columns[k]], row);
        const arrakis_channel *channel = arrakis_channels_get(channels, k);
        int64_t whole = ark_channel_samples(channel, stride_ns);
        if (!length)
            continue;
        if (whole > 0 && length % whole == 0)
            return length / whole <= ARRAKIS_TIME_MAX_NS / stride_ns ? length / whole * stride_ns
                                                                     : ARRAKIS_TIME_MAX_NS;
        double lasts_ns = length * (double)ARRAKIS_SECOND_NS / ark_info(channel).sample_rate;
        return lasts_ns < (double)ARRAKIS_TIME_MAX_NS ? (int64_t)lasts_ns : ARRAKIS_TIME_MAX_NS;
    }
    return 0;
}

/* All channels of a row must have its duration: exactly where it is a number of whole strides,
 * otherwise to one sample. */
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

/* The rows of one input, from the row of the batch at the cursor. */
static arrakis_status make_rows(ark_rows *rows, const ark_flight_cursor *cursor,
                                const ark_bound_input *bound, const ark_reader_input *input,
                                const ark_batches *batches, ark_flight_scratch *scratch,
                                arrakis_error *err)
{
    const arrakis_channels *channels = input->channels;
    rows->base = batches->body;
    rows->runs = scratch->runs;
    rows->missing = scratch->missing;
    for (uint32_t k = 0; k < arrakis_channels_count(channels); k++) {
        const ark_column *column = &batches->columns[bound->columns[k]];
        const arrakis_channel *channel = arrakis_channels_get(channels, k);
        uint32_t length = length_at(column, cursor->row);
        int64_t whole = ark_channel_samples(channel, input->stride_ns);
        ARK_TRY(check_length(channel, length, whole, rows->duration_ns, input->stride_ns, err));
        if (whole <= 0 || !length) {
            scratch->missing[rows->missing_count++] = k;
            continue;
        }
        size_t first = (size_t)ark_offset_at(column->offsets, cursor->row);
        scratch->runs[rows->run_count++] = (ark_run){
            .samples_at = (size_t)(column->values - batches->body) +
                          first * arrakis_dtype_size(ark_info(channel).dtype),
            .valid_at =
                column->child_valid ? (size_t)(column->child_valid - batches->body) : SIZE_MAX,
            .valid_bit = first,
            .channel = k,
            .channels = 1,
            .length = length,
        };
    }
    return ARRAKIS_OK;
}

static arrakis_status read_time(int64_t *time_ns, const ark_column *time, int64_t row,
                                arrakis_error *err)
{
    memcpy(time_ns, time->values + (size_t)row * sizeof *time_ns, sizeof *time_ns);
    if (ark_is_set(time->valid, row) && *time_ns >= 0 && *time_ns <= ARRAKIS_TIME_MAX_NS)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EFORMAT, "time %lld: expected GPS nanoseconds up to %lld",
                    (long long)*time_ns, (long long)ARRAKIS_TIME_MAX_NS);
}

/* Go on to the next input, or to the next row of the batch. */
static void move_on(ark_flight_cursor *cursor, size_t input_count)
{
    cursor->step = 0;
    if (++cursor->input == input_count) {
        cursor->input = 0;
        cursor->row++;
    }
}

/* Split rows that are longer than the stride of their input; begin with the step of the cursor. */
static void split_rows(const ark_rows *rows, ark_flight_cursor *cursor,
                       const ark_reader_input *input, size_t number, ark_flight_scratch *scratch)
{
    size_t count = arrakis_channels_count(input->channels);
    for (uint32_t k = 0; k < count; k++)
        scratch->channels[k] = ark_row_splitter_channel_of(
            arrakis_channels_get(input->channels, k), k, input->stride_ns);
    scratch->output =
        (ark_row_splitter_output){number, input->stride_ns, scratch->channels, (uint32_t)count};
    ark_row_splitter_begin(&scratch->splitter, rows, rows->duration_ns, &scratch->output, 1);
    ark_row_splitter_skip(&scratch->splitter, cursor->step);
    scratch->owner = cursor;
}

arrakis_status ark_batch_rows_next(ark_arrival *arrival, ark_flight_cursor *cursor,
                                   const ark_bound_input *inputs, size_t count,
                                   const arrakis_reader *reader, const ark_batches *batches,
                                   size_t time_column, ark_flight_scratch *scratch,
                                   arrakis_error *err)
{
    assert(cursor->input < count);
    assert(scratch->runs);
    for (; cursor->row < batches->rows; move_on(cursor, count)) {
        const ark_bound_input *bound = &inputs[cursor->input];
        const ark_reader_input *input = &reader->inputs[bound->number];
        if (!cursor->step || scratch->owner != cursor) {
            ark_rows rows = {0};
            scratch->owner = NULL;
            ARK_TRY(read_time(&rows.time_ns, &batches->columns[time_column], cursor->row, err));
            rows.duration_ns =
                duration_of(input->channels, bound, batches, cursor->row, input->stride_ns);
            if (!rows.duration_ns) /* no channel has samples */
                rows.duration_ns = input->stride_ns;
            ARK_TRY(make_rows(&rows, cursor, bound, input, batches, scratch, err));
            if (rows.duration_ns <= input->stride_ns) {
                *arrival = (ark_arrival){.input = bound->number, .rows = rows};
                move_on(cursor, count);
                return ARRAKIS_OK;
            }
            split_rows(&rows, cursor, input, bound->number, scratch);
        }
        cursor->step++;
        if (ark_row_splitter_next(&scratch->splitter, arrival))
            return ARRAKIS_OK;
    }
    return ARRAKIS_DONE;
}

arrakis_status ark_batch_rows_init(ark_flight_scratch *scratch, size_t channels,
                                   arrakis_error *err)
{
    *scratch = (ark_flight_scratch){0};
    scratch->runs = calloc(channels + 1, sizeof *scratch->runs);
    scratch->missing = calloc(channels + 1, sizeof *scratch->missing);
    scratch->channels = calloc(channels + 1, sizeof *scratch->channels);
    if (!scratch->runs || !scratch->missing || !scratch->channels)
        return ark_no_memory(err, "%zu channels", channels);
    return ark_row_splitter_init(&scratch->splitter, channels, err);
}

void ark_batch_rows_clear(ark_flight_scratch *scratch)
{
    free(scratch->runs);
    free(scratch->missing);
    free(scratch->channels);
    ark_row_splitter_clear(&scratch->splitter);
    *scratch = (ark_flight_scratch){0};
}
