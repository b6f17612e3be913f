/* SPDX-License-Identifier: Apache-2.0 */
#include "read/row_decoder.h"

#include "arrow/batch.h"
#include "arrow/check.h"
#include "arrow/flatbuffer.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "base/error.h"
#include "block/bits.h"
#include "channel/channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIRECT_INDEXES = 65536, /* smaller indexes are looked up in a table, others are searched for */
    NO_CHANNEL = -1,
};

/* Later times would overflow when a few of them are added. */
static const int64_t latest_time_ns = ARRAKIS_TIME_MAX_NS;

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

/* A partition index beyond the table, and the channel that has it. */
typedef struct sparse_index {
    uint32_t index, channel;
} sparse_index;

typedef struct row_range {
    int64_t first, count;
} row_range;

struct ark_row_decoder {
    const arrakis_channels *channels;
    uint32_t channel_count;
    int64_t stride_ns;
    arrakis_dtype dtype;
    int32_t *channel_of; /* the number of a channel by its partition index, or NO_CHANNEL */
    uint32_t channel_of_size;
    sparse_index *sparse; /* sorted by index */
    size_t sparse_count;
    uint32_t *stride_samples; /* of each channel: samples in a stride */
    /* the message that is being decoded */
    const uint8_t *at;
    size_t left;
    bool schema_seen;
    bool all_readable; /* all batches of the message can be read */
    /* what was found in the last message, and the bytes it was found in */
    /* the last one that any of several decoders has read; NULL: not shared */
    ark_row_schema **latest;
    ark_row_schema *row_schema;
    const ark_schema *schema; /* of row_schema */
    size_t time_column, id_column, data_column;
    ark_column *columns;
    bytes header_bytes; /* of the batch: framing and header */
    size_t body_size;
    const uint8_t *body; /* where the columns point into */
    int64_t row_count;
    bytes shape_bytes; /* the ids, then the offsets */
    bool runs_kept;    /* the runs and the missing channels are those of these bytes */
    ark_run *runs;     /* mostly one or a few; grows */
    size_t run_count, run_room;
    uint32_t *missing;
    size_t missing_count, missing_room;
    row_range *ranges; /* of rows of requested channels, which must all have one time */
    size_t range_count, range_room;
    uint32_t *seen_in; /* of each channel: the generation in which a row of it was found last */
    uint32_t generation;
    int64_t duration_ns;
};

/* ------------------------------------------------------------------ making one */

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const sparse_index *)a)->index, y = ((const sparse_index *)b)->index;
    return (x > y) - (x < y);
}

static int by_index_and_channel(const void *a, const void *b)
{
    uint32_t x = ((const sparse_index *)a)->channel, y = ((const sparse_index *)b)->channel;
    int order = by_index(a, b);
    return order ? order : (x > y) - (x < y);
}

static int32_t channel_at(const ark_row_decoder *d, uint32_t index)
{
    if (index < d->channel_of_size)
        return d->channel_of[index];
    if (!d->sparse_count)
        return NO_CHANNEL;
    sparse_index key = {.index = index};
    const sparse_index *found = bsearch(&key, d->sparse, d->sparse_count, sizeof key, by_index);
    return found ? (int32_t)found->channel : NO_CHANNEL;
}

/* The tables, as large as the indexes of the channels need. */
static arrakis_status make_tables(ark_row_decoder *d, arrakis_error *err)
{
    size_t sparse = 0;
    for (uint32_t i = 0; i < d->channel_count; i++) {
        const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, i));
        if (info.partition_index == ARRAKIS_UNSET)
            return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no partition_index", info.name);
        if (info.partition_index >= DIRECT_INDEXES)
            sparse++;
        else if (info.partition_index >= d->channel_of_size)
            d->channel_of_size = (uint32_t)info.partition_index + 1;
    }
    size_t n = (size_t)d->channel_count + 1;
    d->channel_of = malloc((d->channel_of_size + 1) * sizeof *d->channel_of);
    d->sparse = calloc(sparse + 1, sizeof *d->sparse);
    d->stride_samples = calloc(n, sizeof *d->stride_samples);
    d->seen_in = calloc(n, sizeof *d->seen_in);
    if (!d->channel_of || !d->sparse || !d->stride_samples || !d->seen_in)
        return ark_no_memory(err, "%zu channels", n);
    for (uint32_t i = 0; i < d->channel_of_size; i++)
        d->channel_of[i] = NO_CHANNEL;
    return ARRAKIS_OK;
}

static arrakis_status same_index(const ark_row_decoder *d, uint32_t number, uint32_t other,
                                 arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, other));
    return ark_fail(err, ARRAKIS_EINVAL, "channels %s and %s are both at partition %s, index %u",
                    ark_info(arrakis_channels_get(d->channels, number)).name, info.name,
                    info.partition_id ? info.partition_id : "?", (uint32_t)info.partition_index);
}

static arrakis_status add_channel(ark_row_decoder *d, uint32_t number, arrakis_error *err)
{
    const arrakis_channel *channel = arrakis_channels_get(d->channels, number);
    const arrakis_channel_info info = ark_info(channel);
    uint32_t index = (uint32_t)info.partition_index;
    if (index < d->channel_of_size && d->channel_of[index] != NO_CHANNEL)
        return same_index(d, (uint32_t)d->channel_of[index], number, err);
    if (info.dtype != d->dtype)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "channel %s is %s, others of its partition %s are %s: expected one type",
                        info.name, arrakis_dtype_name(info.dtype),
                        info.partition_id ? info.partition_id : "?", arrakis_dtype_name(d->dtype));
    int64_t samples = ark_channel_samples(channel, d->stride_ns);
    if (samples <= 0)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "%s: %g Hz gives no whole number of samples in %lld ns", info.name,
                        info.sample_rate, (long long)d->stride_ns);
    d->stride_samples[number] = (uint32_t)samples;
    if (index < d->channel_of_size)
        d->channel_of[index] = (int32_t)number;
    else
        d->sparse[d->sparse_count++] = (sparse_index){index, number};
    return ARRAKIS_OK;
}

/* Sort by index, to be searched. Two channels of one index are then side by side. */
static arrakis_status sort_sparse(ark_row_decoder *d, arrakis_error *err)
{
    qsort(d->sparse, d->sparse_count, sizeof *d->sparse, by_index_and_channel);
    for (size_t i = 1; i < d->sparse_count; i++)
        if (d->sparse[i].index == d->sparse[i - 1].index)
            return same_index(d, d->sparse[i - 1].channel, d->sparse[i].channel, err);
    return ARRAKIS_OK;
}

arrakis_status ark_row_decoder_new(ark_row_decoder **out, const arrakis_channels *channels,
                                   int64_t stride_ns, ark_row_schema **latest, arrakis_error *err)
{
    assert(stride_ns > 0);
    *out = NULL;
    ark_row_decoder *d = calloc(1, sizeof *d);
    if (!d)
        return ark_no_memory(err, "a decoder");
    d->channels = channels;
    d->channel_count = (uint32_t)arrakis_channels_count(channels);
    d->stride_ns = stride_ns;
    d->latest = latest;
    d->dtype = d->channel_count ? ark_info(arrakis_channels_get(channels, 0)).dtype : 0;
    arrakis_status rc = make_tables(d, err);
    for (uint32_t i = 0; rc == ARRAKIS_OK && i < d->channel_count; i++)
        rc = add_channel(d, i, err);
    if (rc == ARRAKIS_OK)
        rc = sort_sparse(d, err);
    if (rc < 0) {
        ark_row_decoder_free(d);
        return rc;
    }
    *out = d;
    return ARRAKIS_OK;
}

void ark_row_decoder_free(ark_row_decoder *d)
{
    if (!d)
        return;
    free(d->channel_of);
    free(d->sparse);
    free(d->stride_samples);
    free(d->runs);
    free(d->missing);
    free(d->ranges);
    free(d->seen_in);
    free(d->header_bytes.data);
    free(d->shape_bytes.data);
    free(d->columns);
    ark_row_schema_unref(d->row_schema);
    free(d);
}

/* ------------------------------------------------------------------ remembered bytes */

static bool bytes_reserve(bytes *kept, size_t size)
{
    kept->size = 0;
    if (size > kept->capacity) {
        uint8_t *data = realloc(kept->data, size);
        if (!data)
            return false;
        kept->data = data;
        kept->capacity = size;
    }
    return true;
}

static bool bytes_copy(bytes *kept, const uint8_t *data, size_t size)
{
    if (!bytes_reserve(kept, size))
        return false;
    memcpy(kept->data, data, size);
    kept->size = size;
    return true;
}

static bool begins_with(const uint8_t *data, size_t size, const bytes *kept)
{
    return kept->size && size >= kept->size && !memcmp(data, kept->data, kept->size);
}

/* Forget all that was found in the messages so far. */
static void forget_schema(ark_row_decoder *d)
{
    d->header_bytes.size = d->shape_bytes.size = 0;
    d->runs_kept = false;
    ark_row_schema_unref(d->row_schema);
    d->row_schema = NULL;
    d->schema = NULL;
}

/* ------------------------------------------------------------------ schema */

static arrakis_status check_data(const ark_row_decoder *d, const ark_row_schema *row_schema,
                                 arrakis_error *err)
{
    const ark_schema_field *data = &row_schema->schema->fields[row_schema->data_column];
    if (data->kind != ARK_TYPE_LIST)
        return ark_fail(err, ARRAKIS_EFORMAT, "column data is %s%s%s, expected list of %s",
                        data->type_name, *data->child_name ? " of " : "", data->child_name,
                        arrakis_dtype_name(d->dtype));
    if (data->dtype != d->dtype)
        return ark_fail(err, ARRAKIS_EFORMAT, "samples are %s, expected %s as channel %s declares",
                        arrakis_dtype_name(data->dtype), arrakis_dtype_name(d->dtype),
                        ark_info(arrakis_channels_get(d->channels, 0)).name);
    return ARRAKIS_OK;
}

static arrakis_status read_schema(ark_row_decoder *d, arrakis_error *err)
{
    ark_row_schema *row_schema;
    ARK_TRY(ark_row_schema_get(&row_schema, d->latest, d->at, d->left, err));
    forget_schema(d);
    d->row_schema = row_schema;
    d->schema = row_schema->schema;
    d->time_column = row_schema->time_column;
    d->id_column = row_schema->id_column;
    d->data_column = row_schema->data_column;
    arrakis_status rc = check_data(d, row_schema, err);
    if (rc < 0) {
        forget_schema(d);
        return rc;
    }
    ark_column *columns = realloc(d->columns, d->schema->count * sizeof *columns);
    if (!columns) {
        rc = ark_no_memory(err, "%zu columns", d->schema->count);
        forget_schema(d);
        return rc;
    }
    d->columns = columns;
    d->at += row_schema->size;
    d->left -= row_schema->size;
    return ARRAKIS_OK;
}

void ark_row_decoder_begin(ark_row_decoder *d, const void *message, size_t size)
{
    d->at = message;
    d->left = size;
    d->schema_seen = d->all_readable = false;
}

/* ------------------------------------------------------------------ batch header */

static void move_pointer(const uint8_t **at, const uint8_t *from, const uint8_t *to)
{
    *at = to + (*at - from);
}

/* Move the columns of the last batch to another body with the same header. Neither batch has null
 * rows: headers of batches with null rows are not kept. */
static void move_columns(ark_row_decoder *d, const uint8_t *body)
{
    ark_column *data = &d->columns[d->data_column];
    move_pointer(&d->columns[d->time_column].values, d->body, body);
    move_pointer(&d->columns[d->id_column].values, d->body, body);
    move_pointer(&data->offsets, d->body, body);
    move_pointer(&data->values, d->body, body);
    if (data->child_valid)
        move_pointer(&data->child_valid, d->body, body);
    d->body = body;
}

/* Whether a batch with the same header is valid, too, once its list offsets and the number of its
 * null samples have been checked. */
static bool can_repeat(const ark_row_decoder *d)
{
    if (d->row_count == 0) /* the columns may have an offset all the same */
        return false;
    for (size_t i = 0; i < d->schema->count; i++)
        if (d->columns[i].contents_checked ||
            (d->schema->fields[i].kind == ARK_TYPE_LIST && i != d->data_column))
            return false;
    return true;
}

/* Find the columns of the next batch; DONE after the last. *repeated: its header is that of the
 * last batch. */
static arrakis_status read_header(ark_row_decoder *d, bool *repeated, arrakis_error *err)
{
    *repeated = begins_with(d->at, d->left, &d->header_bytes) &&
                d->left - d->header_bytes.size >= d->body_size;
    if (*repeated) {
        move_columns(d, d->at + d->header_bytes.size);
        d->at += d->header_bytes.size + d->body_size;
        d->left -= d->header_bytes.size + d->body_size;
        return ARRAKIS_OK;
    }
    ark_ipc_message message;
    ARK_TRY(ark_ipc_parse(&message, d->at, d->left, err));
    if (message.kind == ARK_IPC_END)
        return ARRAKIS_DONE;
    if (message.kind != ARK_IPC_BATCH)
        return ark_fail(err, ARRAKIS_EFORMAT, "a second schema in one message");
    d->header_bytes.size = 0;
    d->runs_kept = false;
    ARK_TRY(ark_batch_read(d->columns, &d->row_count, d->schema, &message, err));
    d->body = message.body;
    d->body_size = message.body_size;
    if (can_repeat(d) && !bytes_copy(&d->header_bytes, d->at, (size_t)(message.body - d->at)))
        return ark_no_memory(err, "a batch's header");
    d->at += message.size;
    d->left -= message.size;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ runs: which samples go where */

/* Whether the ids and offsets are those that the runs were found in. */
static bool same_shape(const ark_row_decoder *d)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    size_t ids = (size_t)d->row_count * sizeof(uint32_t), offsets = ids + sizeof(int32_t);
    if (!d->runs_kept || d->shape_bytes.size != ids + offsets)
        return false;
    if (id->values + ids == data->offsets) /* mostly one follows the other */
        return !memcmp(d->shape_bytes.data, id->values, ids + offsets);
    return !memcmp(d->shape_bytes.data, id->values, ids) &&
           !memcmp(d->shape_bytes.data + ids, data->offsets, offsets);
}

static bool keep_shape(ark_row_decoder *d)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    size_t ids = (size_t)d->row_count * sizeof(uint32_t), offsets = ids + sizeof(int32_t);
    if (!bytes_reserve(&d->shape_bytes, ids + offsets))
        return false;
    memcpy(d->shape_bytes.data, id->values, ids);
    memcpy(d->shape_bytes.data + ids, data->offsets, offsets);
    d->shape_bytes.size = ids + offsets;
    return true;
}

/* The list with room for one more; NULL: out of memory, and the list is unchanged. */
static void *with_room(void *list, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return list;
    void *grown = reallocarray(list, 2 * count + 1, size);
    if (grown)
        *room = 2 * count + 1;
    return grown;
}

/* Append the samples of a row: to the last run, if they follow it in the message and in the
 * block. */
static bool add_run(ark_row_decoder *d, uint32_t channel, int32_t first, uint32_t length)
{
    const ark_column *data = &d->columns[d->data_column];
    size_t size = arrakis_dtype_size(d->dtype);
    size_t samples_at = (size_t)(data->values - d->body) + (size_t)first * size;
    ark_run *last = d->run_count ? &d->runs[d->run_count - 1] : NULL;
    if (last && last->length == length && last->channel + last->channels == channel &&
        last->samples_at + (size_t)last->channels * length * size == samples_at) {
        last->channels++;
        return true;
    }
    ark_run *runs = with_room(d->runs, &d->run_room, d->run_count, sizeof *runs);
    if (!runs)
        return false;
    d->runs = runs;
    ark_run *run = &d->runs[d->run_count++];
    *run = (ark_run){.samples_at = samples_at,
                     .valid_at = SIZE_MAX,
                     .channel = channel,
                     .channels = 1,
                     .length = length};
    if (data->child_valid) {
        run->valid_at = (size_t)(data->child_valid - d->body);
        run->valid_bit = (size_t)first;
    }
    return true;
}

static bool add_to_ranges(ark_row_decoder *d, int64_t row)
{
    row_range *last = d->range_count ? &d->ranges[d->range_count - 1] : NULL;
    if (last && last->first + last->count == row) {
        last->count++;
        return true;
    }
    row_range *ranges = with_room(d->ranges, &d->range_room, d->range_count, sizeof *ranges);
    if (!ranges)
        return false;
    d->ranges = ranges;
    d->ranges[d->range_count++] = (row_range){row, 1};
    return true;
}

/* All rows of requested channels must have one duration: the stride, or less. */
static arrakis_status check_length(ark_row_decoder *d, uint32_t channel, uint32_t length,
                                   arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, channel));
    int64_t duration = d->stride_ns;
    if (length != d->stride_samples[channel]) {
        double lasts_ns = (double)length * (double)ARRAKIS_SECOND_NS / info.sample_rate;
        duration = lasts_ns < (double)latest_time_ns ? (int64_t)lasts_ns : latest_time_ns;
        if (duration == d->stride_ns) /* only by rounding: the number of samples is another one */
            duration++;
    }
    if (d->duration_ns == ARRAKIS_UNSET)
        d->duration_ns = duration;
    if (duration != d->duration_ns)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "channel %s has %u samples (%lld ns), others of the message last %lld ns",
                        info.name, length, (long long)duration, (long long)d->duration_ns);
    return ARRAKIS_OK;
}

static arrakis_status add_row(ark_row_decoder *d, int64_t row, arrakis_error *err)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    uint32_t index;
    memcpy(&index, id->values + (size_t)row * sizeof index, sizeof index);
    int32_t found = ark_is_set(id->valid, row) ? channel_at(d, index) : NO_CHANNEL;
    if (found == NO_CHANNEL || !ark_is_set(data->valid, row))
        return ARRAKIS_OK;
    uint32_t channel = (uint32_t)found;
    if (d->seen_in[channel] == d->generation)
        return ark_fail(err, ARRAKIS_EFORMAT, "two rows for channel %s (id %u)",
                        ark_info(arrakis_channels_get(d->channels, channel)).name, index);
    d->seen_in[channel] = d->generation;
    int32_t first = ark_offset_at(data->offsets, row);
    uint32_t length = (uint32_t)(ark_offset_at(data->offsets, row + 1) - first);
    arrakis_status rc = check_length(d, channel, length, err);
    if (rc == ARRAKIS_OK && (!add_run(d, channel, first, length) || !add_to_ranges(d, row)))
        return ark_no_memory(err, "%zu rows", d->run_count);
    return rc;
}

/* Note the channels without a row. */
static arrakis_status note_missing(ark_row_decoder *d, arrakis_error *err)
{
    for (uint32_t channel = 0; channel < d->channel_count; channel++) {
        if (d->seen_in[channel] == d->generation)
            continue;
        uint32_t *missing =
            with_room(d->missing, &d->missing_room, d->missing_count, sizeof *missing);
        if (!missing)
            return ark_no_memory(err, "%zu rows", d->missing_count);
        d->missing = missing;
        d->missing[d->missing_count++] = channel;
    }
    return ARRAKIS_OK;
}

static arrakis_status find_runs(ark_row_decoder *d, arrakis_error *err)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    d->runs_kept = false;
    d->run_count = d->missing_count = d->range_count = 0;
    d->duration_ns = ARRAKIS_UNSET;
    if (++d->generation == 0) { /* after 4 billion messages */
        memset(d->seen_in, 0, d->channel_count * sizeof *d->seen_in);
        d->generation = 1;
    }
    arrakis_status rc = ARRAKIS_OK;
    for (int64_t row = 0; rc == ARRAKIS_OK && row < d->row_count; row++)
        rc = add_row(d, row, err);
    if (rc == ARRAKIS_OK)
        rc = note_missing(d, err);
    if (rc < 0)
        return rc;
    if (d->duration_ns == ARRAKIS_UNSET)
        d->duration_ns = d->stride_ns;
    /* where no row is null, the runs depend on the header, the ids and the offsets alone */
    if (!id->valid && !data->valid && d->row_count > 0)
        d->runs_kept = keep_shape(d);
    return ARRAKIS_OK;
}

/* Whether all rows of a range have that time. */
static bool has_time(const ark_column *time, const row_range *range, int64_t time_ns)
{
    const uint8_t *at = time->values + (size_t)range->first * sizeof time_ns;
    for (int64_t i = 0; time->valid && i < range->count; i++)
        if (!ark_is_set(time->valid, range->first + i))
            return false;
    size_t others = (size_t)(range->count - 1) * sizeof time_ns;
    return ark_load_i64(at) == time_ns && (!others || !memcmp(at, at + sizeof time_ns, others));
}

/* The time of all rows of requested channels, which must be one. */
static arrakis_status read_time(const ark_row_decoder *d, int64_t *time_ns, arrakis_error *err)
{
    const ark_column *time = &d->columns[d->time_column];
    if (!d->range_count)
        return ARRAKIS_OK;
    *time_ns = ark_load_i64(time->values + (size_t)d->ranges[0].first * sizeof *time_ns);
    if (*time_ns < 0 || *time_ns > latest_time_ns)
        return ark_fail(err, ARRAKIS_EFORMAT, "time %lld: expected GPS nanoseconds up to %lld",
                        (long long)*time_ns, (long long)latest_time_ns);
    for (size_t i = 0; i < d->range_count; i++)
        if (!has_time(time, &d->ranges[i], *time_ns))
            return ark_fail(err, ARRAKIS_EFORMAT, "rows of different times, the first of %lld ns",
                            (long long)*time_ns);
    return ARRAKIS_OK;
}

/* Where the header of a batch is that of the last one, offsets and null samples may still be
 * invalid. */
static arrakis_status check_offsets(const ark_row_decoder *d, arrakis_error *err)
{
    const ark_column *data = &d->columns[d->data_column];
    if (!ark_check_offsets(data->offsets, d->row_count, data->child_length))
        return ark_fail(err, ARRAKIS_EFORMAT, "list offsets lead out of the %lld samples",
                        (long long)data->child_length);
    return ARRAKIS_OK;
}

static arrakis_status check_nulls(const ark_row_decoder *d, arrakis_error *err)
{
    const ark_column *data = &d->columns[d->data_column];
    int64_t nulls = ark_bits_zeros(data->child_valid, data->child_length);
    if (nulls != data->child_null_count)
        return ark_fail(err, ARRAKIS_EFORMAT, "%lld samples are null, and a bitmap has %lld",
                        (long long)data->child_null_count, (long long)nulls);
    return ARRAKIS_OK;
}

/* The runs of the batch: those of the last one, or new ones. */
static arrakis_status batch_runs(ark_row_decoder *d, bool repeated, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    if (repeated && d->columns[d->data_column].child_valid && (rc = check_nulls(d, err)) < 0)
        return rc;
    if (repeated && same_shape(d))
        return ARRAKIS_OK;
    if (repeated && (rc = check_offsets(d, err)) < 0)
        return rc;
    return find_runs(d, err);
}

static arrakis_status read_batch(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    arrakis_status rc;
    if (!d->schema_seen) {
        if (ark_row_schema_begins(d->row_schema, d->at, d->left)) {
            d->at += d->row_schema->size;
            d->left -= d->row_schema->size;
        } else if ((rc = read_schema(d, err)) < 0) {
            return rc;
        }
        d->schema_seen = true;
    }
    bool repeated;
    if ((rc = read_header(d, &repeated, err)) != ARRAKIS_OK)
        return rc;
    *rows = (ark_rows){.duration_ns = d->stride_ns};
    if (d->row_count == 0)
        return ARRAKIS_OK;
    ARK_TRY(batch_runs(d, repeated, err));
    ARK_TRY(read_time(d, &rows->time_ns, err));
    rows->duration_ns = d->duration_ns;
    rows->base = d->body;
    rows->runs = d->runs;
    rows->run_count = d->run_count;
    rows->missing = d->missing;
    rows->missing_count = d->missing_count;
    return ARRAKIS_OK;
}

/* Whether nothing or the end-of-stream marker follows, as after the first batch of nearly all
 * messages. */
static bool at_end(const ark_row_decoder *d)
{
    if (d->left >= 8 && ark_load_u32(d->at) == UINT32_MAX)
        return ark_load_u32(d->at + 4) == 0;
    return d->left == 0 || (d->left >= 4 && ark_load_u32(d->at) == 0);
}

/* The first batch, if all batches that follow can be read, too. */
static arrakis_status read_first(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    const uint8_t *at = d->at;
    size_t left = d->left;
    arrakis_status rc = read_batch(d, rows, err);
    if (rc != ARRAKIS_OK || at_end(d)) {
        d->all_readable = true;
        d->left = 0;
        return rc;
    }
    while ((rc = read_batch(d, rows, err)) == ARRAKIS_OK)
        ;
    if (rc < 0)
        return rc;
    d->at = at;
    d->left = left;
    d->schema_seen = false;
    d->all_readable = true;
    return read_batch(d, rows, err);
}

arrakis_status ark_row_decoder_next(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    const uint8_t *at = d->at;
    size_t left = d->left;
    bool schema_seen = d->schema_seen;
    bool all_readable = d->all_readable;
    if (all_readable && !left)
        return ARRAKIS_DONE;
    arrakis_status rc = all_readable ? read_batch(d, rows, err) : read_first(d, rows, err);
    if (rc != ARRAKIS_ENOMEM)
        return rc;
    /* the next call repeats this one */
    d->at = at;
    d->left = left;
    d->schema_seen = schema_seen;
    d->all_readable = all_readable;
    d->header_bytes.size = 0;
    return rc;
}
