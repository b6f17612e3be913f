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

#include <stdlib.h>
#include <string.h>

enum {
    DIRECT_INDEXES = 65536, /* indexes below are looked up in a table, others by search */
    NO_SLOT = -1,
};

/* Times outside are no GPS times of any detector: they would overflow sums of a few. */
static const int64_t latest_time_ns = ARRAKIS_TIME_MAX_NS;

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

typedef struct far_index {
    uint32_t index, slot;
} far_index;

typedef struct row_run {
    int64_t first, count;
} row_run;

struct ark_row_decoder {
    const arrakis_channels *channels;
    uint32_t slot_count;
    int64_t stride_ns;
    arrakis_dtype dtype;
    int32_t *slot_of; /* by partition index */
    uint32_t slot_of_size;
    far_index *far; /* indexes beyond the table, sorted */
    size_t far_count;
    uint32_t *wanted_samples; /* in a stride, by slot */
    /* the message under way */
    const uint8_t *at;
    size_t left;
    bool schema_seen, whole; /* whole: all batches can be read */
    /* what was worked out, and from what */
    ark_row_schema **latest; /* that other decoders have read; NULL: none is shared */
    ark_row_schema *known;
    const ark_schema *schema; /* known's */
    size_t time_column, id_column, data_column;
    ark_column *columns;
    bytes header_bytes; /* the batch's framing and header */
    size_t body_size;
    const uint8_t *body; /* that the columns point into */
    int64_t row_count;
    bytes shape_bytes; /* the ids, then the offsets */
    bool plan_kept;    /* pieces and missing belong to these bytes */
    ark_piece *pieces; /* mostly one or a few: room for more is made when they come */
    size_t piece_count, piece_room;
    uint32_t *missing;
    size_t missing_count, missing_room;
    row_run *runs; /* rows that were asked for, which must all have one time */
    size_t run_count, run_room;
    uint32_t *stamp_of; /* slots met in the message of that stamp */
    uint32_t stamp;
    int64_t duration_ns;
};

/* ------------------------------------------------------------------ making one */

static int by_index(const void *a, const void *b)
{
    uint32_t x = ((const far_index *)a)->index, y = ((const far_index *)b)->index;
    return (x > y) - (x < y);
}

static int by_index_and_slot(const void *a, const void *b)
{
    uint32_t x = ((const far_index *)a)->slot, y = ((const far_index *)b)->slot;
    int order = by_index(a, b);
    return order ? order : (x > y) - (x < y);
}

static int32_t find_slot(const ark_row_decoder *d, uint32_t index)
{
    if (index < d->slot_of_size)
        return d->slot_of[index];
    if (!d->far_count)
        return NO_SLOT;
    far_index key = {.index = index};
    const far_index *found = bsearch(&key, d->far, d->far_count, sizeof key, by_index);
    return found ? (int32_t)found->slot : NO_SLOT;
}

/* Tables sized by the largest index that still fits the direct one. */
static arrakis_status allocate(ark_row_decoder *d, arrakis_error *err)
{
    size_t far = 0;
    for (uint32_t i = 0; i < d->slot_count; i++) {
        const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, i));
        if (info.partition_index == ARRAKIS_UNSET)
            return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no partition_index", info.name);
        if (info.partition_index >= DIRECT_INDEXES)
            far++;
        else if (info.partition_index >= d->slot_of_size)
            d->slot_of_size = (uint32_t)info.partition_index + 1;
    }
    size_t n = (size_t)d->slot_count + 1;
    d->slot_of = malloc((d->slot_of_size + 1) * sizeof *d->slot_of);
    d->far = calloc(far + 1, sizeof *d->far);
    d->wanted_samples = calloc(n, sizeof *d->wanted_samples);
    d->stamp_of = calloc(n, sizeof *d->stamp_of);
    if (!d->slot_of || !d->far || !d->wanted_samples || !d->stamp_of)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < d->slot_of_size; i++)
        d->slot_of[i] = NO_SLOT;
    return ARRAKIS_OK;
}

static arrakis_status same_index(const ark_row_decoder *d, uint32_t slot, uint32_t other,
                                 arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, other));
    return ark_fail(err, ARRAKIS_EINVAL, "channels %s and %s are both at partition %s, index %u",
                    ark_info(arrakis_channels_get(d->channels, slot)).name, info.name,
                    info.partition_id ? info.partition_id : "?", (uint32_t)info.partition_index);
}

static arrakis_status add_slot(ark_row_decoder *d, uint32_t slot, arrakis_error *err)
{
    const arrakis_channel *channel = arrakis_channels_get(d->channels, slot);
    const arrakis_channel_info info = ark_info(channel);
    uint32_t index = (uint32_t)info.partition_index;
    if (index < d->slot_of_size && d->slot_of[index] != NO_SLOT)
        return same_index(d, (uint32_t)d->slot_of[index], slot, err);
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
    d->wanted_samples[slot] = (uint32_t)samples;
    if (index < d->slot_of_size)
        d->slot_of[index] = (int32_t)slot;
    else
        d->far[d->far_count++] = (far_index){index, slot};
    return ARRAKIS_OK;
}

/* For the search by index; two that are the same lie beside each other then. */
static arrakis_status sort_far(ark_row_decoder *d, arrakis_error *err)
{
    qsort(d->far, d->far_count, sizeof *d->far, by_index_and_slot);
    for (size_t i = 1; i < d->far_count; i++)
        if (d->far[i].index == d->far[i - 1].index)
            return same_index(d, d->far[i - 1].slot, d->far[i].slot, err);
    return ARRAKIS_OK;
}

arrakis_status ark_row_decoder_new(ark_row_decoder **out, const arrakis_channels *channels,
                                   int64_t stride_ns, ark_row_schema **latest, arrakis_error *err)
{
    *out = NULL;
    ark_row_decoder *d = calloc(1, sizeof *d);
    if (!d)
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    d->channels = channels;
    d->slot_count = (uint32_t)arrakis_channels_count(channels);
    d->stride_ns = stride_ns;
    d->latest = latest;
    d->dtype = d->slot_count ? ark_info(arrakis_channels_get(channels, 0)).dtype : 0;
    arrakis_status rc = allocate(d, err);
    for (uint32_t i = 0; rc == ARRAKIS_OK && i < d->slot_count; i++)
        rc = add_slot(d, i, err);
    if (rc == ARRAKIS_OK)
        rc = sort_far(d, err);
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
    free(d->slot_of);
    free(d->far);
    free(d->wanted_samples);
    free(d->pieces);
    free(d->missing);
    free(d->runs);
    free(d->stamp_of);
    free(d->header_bytes.data);
    free(d->shape_bytes.data);
    free(d->columns);
    ark_row_schema_drop(d->known);
    free(d);
}

/* ------------------------------------------------------------------ remembered bytes */

static bool keep_room(bytes *kept, size_t size)
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

static bool keep(bytes *kept, const uint8_t *data, size_t size)
{
    if (!keep_room(kept, size))
        return false;
    memcpy(kept->data, data, size);
    kept->size = size;
    return true;
}

static bool begins_with(const uint8_t *data, size_t size, const bytes *kept)
{
    return kept->size && size >= kept->size && !memcmp(data, kept->data, kept->size);
}

/* Nothing worked out so far holds any more. */
static void forget(ark_row_decoder *d)
{
    d->header_bytes.size = d->shape_bytes.size = 0;
    d->plan_kept = false;
    ark_row_schema_drop(d->known);
    d->known = NULL;
    d->schema = NULL;
}

/* ------------------------------------------------------------------ schema */

static arrakis_status check_data(const ark_row_decoder *d, const ark_row_schema *known,
                                 arrakis_error *err)
{
    const ark_field *data = &known->schema->fields[known->data_column];
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
    ark_row_schema *known;
    arrakis_status rc = ark_row_schema_take(&known, d->latest, d->at, d->left, err);
    if (rc < 0)
        return rc;
    forget(d);
    d->known = known;
    d->schema = known->schema;
    d->time_column = known->time_column;
    d->id_column = known->id_column;
    d->data_column = known->data_column;
    if ((rc = check_data(d, known, err)) < 0) {
        forget(d);
        return rc;
    }
    ark_column *columns = realloc(d->columns, d->schema->count * sizeof *columns);
    if (!columns) {
        forget(d);
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    }
    d->columns = columns;
    d->at += known->size;
    d->left -= known->size;
    return ARRAKIS_OK;
}

void ark_row_decoder_begin(ark_row_decoder *d, const void *message, size_t size)
{
    d->at = message;
    d->left = size;
    d->schema_seen = d->whole = false;
}

/* ------------------------------------------------------------------ batch header */

static void shift(const uint8_t **at, const uint8_t *from, const uint8_t *to)
{
    *at = to + (*at - from);
}

/* The columns of the last batch, as they lie in another body of the same header. No rows of it are
 * null, or it would not be repeated. */
static void rebase(ark_row_decoder *d, const uint8_t *body)
{
    ark_column *data = &d->columns[d->data_column];
    shift(&d->columns[d->time_column].values, d->body, body);
    shift(&d->columns[d->id_column].values, d->body, body);
    shift(&data->offsets, d->body, body);
    shift(&data->values, d->body, body);
    if (data->child_valid)
        shift(&data->child_valid, d->body, body);
    d->body = body;
}

/* Whether a batch with the same header is known to be valid but for the ids, the list offsets and
 * how many samples are null, which are looked at in every message. */
static bool can_repeat(const ark_row_decoder *d)
{
    if (d->row_count == 0) /* there may be an offset all the same */
        return false;
    for (size_t i = 0; i < d->schema->count; i++)
        if (d->columns[i].contents_checked ||
            (d->schema->fields[i].kind == ARK_TYPE_LIST && i != d->data_column))
            return false;
    return true;
}

/* Find the columns of the next batch; DONE behind the last. */
static arrakis_status read_header(ark_row_decoder *d, bool *known, arrakis_error *err)
{
    *known = begins_with(d->at, d->left, &d->header_bytes) &&
             d->left - d->header_bytes.size >= d->body_size;
    if (*known) {
        rebase(d, d->at + d->header_bytes.size);
        d->at += d->header_bytes.size + d->body_size;
        d->left -= d->header_bytes.size + d->body_size;
        return ARRAKIS_OK;
    }
    ark_ipc_message message;
    arrakis_status rc = ark_ipc_cut(&message, d->at, d->left, err);
    if (rc < 0)
        return rc;
    if (message.kind == ARK_IPC_END)
        return ARRAKIS_DONE;
    if (message.kind != ARK_IPC_BATCH)
        return ark_fail(err, ARRAKIS_EFORMAT, "a second schema in one message");
    d->header_bytes.size = 0;
    d->plan_kept = false;
    if ((rc = ark_batch_read(d->columns, &d->row_count, d->schema, &message, err)) < 0)
        return rc;
    d->body = message.body;
    d->body_size = message.body_size;
    if (can_repeat(d) && !keep(&d->header_bytes, d->at, (size_t)(message.body - d->at)))
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    d->at += message.size;
    d->left -= message.size;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ plan: which samples go where */

/* Whether the ids and offsets are the ones that the plan was made from. */
static bool same_shape(const ark_row_decoder *d)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    size_t ids = (size_t)d->row_count * sizeof(uint32_t), offsets = ids + sizeof(int32_t);
    if (!d->plan_kept || d->shape_bytes.size != ids + offsets)
        return false;
    if (id->values + ids == data->offsets) /* mostly they lie behind each other */
        return !memcmp(d->shape_bytes.data, id->values, ids + offsets);
    return !memcmp(d->shape_bytes.data, id->values, ids) &&
           !memcmp(d->shape_bytes.data + ids, data->offsets, offsets);
}

static bool keep_shape(ark_row_decoder *d)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    size_t ids = (size_t)d->row_count * sizeof(uint32_t), offsets = ids + sizeof(int32_t);
    if (!keep_room(&d->shape_bytes, ids + offsets))
        return false;
    memcpy(d->shape_bytes.data, id->values, ids);
    memcpy(d->shape_bytes.data + ids, data->offsets, offsets);
    d->shape_bytes.size = ids + offsets;
    return true;
}

/* The list with room for one more; NULL: out of memory, the list is as before. */
static void *with_room(void *list, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return list;
    void *grown = reallocarray(list, 2 * count + 1, size);
    if (grown)
        *room = 2 * count + 1;
    return grown;
}

/* Append a row's samples, to the piece before where they lie behind it and belong behind it. */
static bool add_piece(ark_row_decoder *d, uint32_t slot, int32_t first, uint32_t length)
{
    const ark_column *data = &d->columns[d->data_column];
    size_t size = arrakis_dtype_size(d->dtype);
    size_t samples_at = (size_t)(data->values - d->body) + (size_t)first * size;
    ark_piece *last = d->piece_count ? &d->pieces[d->piece_count - 1] : NULL;
    if (last && last->length == length && last->slot + last->slots == slot &&
        last->samples_at + (size_t)last->slots * length * size == samples_at) {
        last->slots++;
        return true;
    }
    ark_piece *pieces = with_room(d->pieces, &d->piece_room, d->piece_count, sizeof *pieces);
    if (!pieces)
        return false;
    d->pieces = pieces;
    ark_piece *piece = &d->pieces[d->piece_count++];
    *piece = (ark_piece){.samples_at = samples_at,
                         .valid_at = SIZE_MAX,
                         .slot = slot,
                         .slots = 1,
                         .length = length};
    if (data->child_valid) {
        piece->valid_at = (size_t)(data->child_valid - d->body);
        piece->valid_bit = (size_t)first;
    }
    return true;
}

static bool add_to_runs(ark_row_decoder *d, int64_t row)
{
    row_run *last = d->run_count ? &d->runs[d->run_count - 1] : NULL;
    if (last && last->first + last->count == row) {
        last->count++;
        return true;
    }
    row_run *runs = with_room(d->runs, &d->run_room, d->run_count, sizeof *runs);
    if (!runs)
        return false;
    d->runs = runs;
    d->runs[d->run_count++] = (row_run){row, 1};
    return true;
}

/* A row's duration must be the stride, or the same shorter span as its neighbours'. */
static arrakis_status check_length(ark_row_decoder *d, uint32_t slot, uint32_t length,
                                   arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(arrakis_channels_get(d->channels, slot));
    int64_t duration = d->stride_ns;
    if (length != d->wanted_samples[slot]) {
        double lasts_ns = (double)length * (double)ARRAKIS_SECOND_NS / info.sample_rate;
        duration = lasts_ns < (double)latest_time_ns ? (int64_t)lasts_ns : latest_time_ns;
        if (duration == d->stride_ns) /* by rounding: the samples do not fit all the same */
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
    int32_t found = ark_is_set(id->valid, row) ? find_slot(d, index) : NO_SLOT;
    if (found == NO_SLOT || !ark_is_set(data->valid, row))
        return ARRAKIS_OK;
    uint32_t slot = (uint32_t)found;
    if (d->stamp_of[slot] == d->stamp)
        return ark_fail(err, ARRAKIS_EFORMAT, "two rows for channel %s (id %u)",
                        ark_info(arrakis_channels_get(d->channels, slot)).name, index);
    d->stamp_of[slot] = d->stamp;
    int32_t first = ark_offset_at(data->offsets, row);
    uint32_t length = (uint32_t)(ark_offset_at(data->offsets, row + 1) - first);
    arrakis_status rc = check_length(d, slot, length, err);
    if (rc == ARRAKIS_OK && (!add_piece(d, slot, first, length) || !add_to_runs(d, row)))
        return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
    return rc;
}

/* The slots without a row. */
static arrakis_status note_missing(ark_row_decoder *d, arrakis_error *err)
{
    for (uint32_t slot = 0; slot < d->slot_count; slot++) {
        if (d->stamp_of[slot] == d->stamp)
            continue;
        uint32_t *missing =
            with_room(d->missing, &d->missing_room, d->missing_count, sizeof *missing);
        if (!missing)
            return ark_fail(err, ARRAKIS_ENOMEM, "out of memory");
        d->missing = missing;
        d->missing[d->missing_count++] = slot;
    }
    return ARRAKIS_OK;
}

static arrakis_status make_plan(ark_row_decoder *d, arrakis_error *err)
{
    const ark_column *id = &d->columns[d->id_column], *data = &d->columns[d->data_column];
    d->plan_kept = false;
    d->piece_count = d->missing_count = d->run_count = 0;
    d->duration_ns = ARRAKIS_UNSET;
    if (++d->stamp == 0) { /* once in 4 billion messages */
        memset(d->stamp_of, 0, d->slot_count * sizeof *d->stamp_of);
        d->stamp = 1;
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
    /* the plan follows from the header, the ids and the offsets alone, but where rows may be null */
    if (!id->valid && !data->valid && d->row_count > 0)
        d->plan_kept = keep_shape(d);
    return ARRAKIS_OK;
}

/* Whether the rows of a run all have that time. */
static bool has_time(const ark_column *time, const row_run *run, int64_t time_ns)
{
    const uint8_t *at = time->values + (size_t)run->first * sizeof time_ns;
    for (int64_t i = 0; time->valid && i < run->count; i++)
        if (!ark_is_set(time->valid, run->first + i))
            return false;
    size_t others = (size_t)(run->count - 1) * sizeof time_ns;
    return ark_load_i64(at) == time_ns && (!others || !memcmp(at, at + sizeof time_ns, others));
}

/* One time for all rows that were asked for. */
static arrakis_status read_time(const ark_row_decoder *d, int64_t *time_ns, arrakis_error *err)
{
    const ark_column *time = &d->columns[d->time_column];
    if (!d->run_count)
        return ARRAKIS_OK;
    *time_ns = ark_load_i64(time->values + (size_t)d->runs[0].first * sizeof *time_ns);
    if (*time_ns < 0 || *time_ns > latest_time_ns)
        return ark_fail(err, ARRAKIS_EFORMAT, "time %lld: expected GPS nanoseconds up to %lld",
                        (long long)*time_ns, (long long)latest_time_ns);
    for (size_t i = 0; i < d->run_count; i++)
        if (!has_time(time, &d->runs[i], *time_ns))
            return ark_fail(err, ARRAKIS_EFORMAT, "rows of different times, the first of %lld ns",
                            (long long)*time_ns);
    return ARRAKIS_OK;
}

/* What may differ in a batch whose header is known: offsets, and below nulls. */
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

/* The plan for the batch that was found: the one of before, or a new one. */
static arrakis_status plan(ark_row_decoder *d, bool known, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    if (known && d->columns[d->data_column].child_valid && (rc = check_nulls(d, err)) < 0)
        return rc;
    if (known && same_shape(d))
        return ARRAKIS_OK;
    if (known && (rc = check_offsets(d, err)) < 0)
        return rc;
    return make_plan(d, err);
}

static arrakis_status read_batch(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    arrakis_status rc;
    if (!d->schema_seen) {
        if (ark_row_schema_begins(d->known, d->at, d->left)) {
            d->at += d->known->size;
            d->left -= d->known->size;
        } else if ((rc = read_schema(d, err)) < 0) {
            return rc;
        }
        d->schema_seen = true;
    }
    bool known;
    if ((rc = read_header(d, &known, err)) != ARRAKIS_OK)
        return rc;
    *rows = (ark_rows){.duration_ns = d->stride_ns};
    if (d->row_count == 0)
        return ARRAKIS_OK;
    if ((rc = plan(d, known, err)) < 0 || (rc = read_time(d, &rows->time_ns, err)) < 0)
        return rc;
    rows->duration_ns = d->duration_ns;
    rows->base = d->body;
    rows->pieces = d->pieces;
    rows->piece_count = d->piece_count;
    rows->missing = d->missing;
    rows->missing_count = d->missing_count;
    return ARRAKIS_OK;
}

/* Whether nothing or the end-of-stream marker comes next, as it does behind nearly every first
 * batch. */
static bool at_end(const ark_row_decoder *d)
{
    if (d->left >= 8 && ark_load_u32(d->at) == UINT32_MAX)
        return ark_load_u32(d->at + 4) == 0;
    return d->left == 0 || (d->left >= 4 && ark_load_u32(d->at) == 0);
}

/* The first batch, if all that follow can be read, too: a message is taken whole or not at all. */
static arrakis_status read_first(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    const uint8_t *at = d->at;
    size_t left = d->left;
    arrakis_status rc = read_batch(d, rows, err);
    if (rc != ARRAKIS_OK || at_end(d)) {
        d->whole = true;
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
    d->whole = true;
    return read_batch(d, rows, err);
}

arrakis_status ark_row_decoder_next(ark_row_decoder *d, ark_rows *rows, arrakis_error *err)
{
    const uint8_t *at = d->at;
    size_t left = d->left;
    bool schema_seen = d->schema_seen;
    bool whole = d->whole;
    if (whole && !left)
        return ARRAKIS_DONE;
    arrakis_status rc = whole ? read_batch(d, rows, err) : read_first(d, rows, err);
    if (rc != ARRAKIS_ENOMEM)
        return rc;
    /* from there again */
    d->at = at;
    d->left = left;
    d->schema_seen = schema_seen;
    d->whole = whole;
    d->header_bytes.size = 0;
    return rc;
}
