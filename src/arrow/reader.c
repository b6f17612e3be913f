/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/batch.h"
#include "arrow/flatbuffer.h"
#include "arrow/ipc.h"
#include "arrow/schema.h"
#include "base/buffer.h"
#include "base/error.h"
#include "block/bits.h"
#include "block/series_span.h"
#include "channel/channel.h"
#include "channel/rate.h"

#include <arrakis/arrow.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The most bytes that a message may have. Memory is allocated only for bytes that were pushed, not
 * for sizes that a header declares. */
#define HEADER_MAX ((uint64_t)64 << 20)
#define BODY_MAX ((uint64_t)1 << 30)

/* What an Arrow file begins with, and, without the zeros, ends with. */
static const char magic[8] = "ARROW1";
enum { MAGIC_END_SIZE = 6 };

struct arrakis_arrow_reader {
    arrakis_channels *known;
    ark_buffer buffer;
    size_t at;     /* where the message that is being read begins in the buffer */
    size_t needed; /* bytes of the message that must be in the buffer before it is read */
    bool finished; /* no more bytes come */
    bool ended;    /* an Arrow stream has ended, and no other has begun */
    bool in_file;  /* the stream is that of a file, whose footer follows */
    bool in_footer;
    size_t searched; /* bytes of the footer in which its end is not */
    /* of the schema */
    ark_schema *schema;
    arrakis_channels *channels; /* in the order of their columns */
    size_t *column_of;          /* by index in `channels` */
    size_t time_column;
    ark_column *columns;
    arrakis_series *series;
    /* of the batch at `at` */
    int64_t row, rows;
    size_t message_size; /* 0: no batch is being read */
    uint8_t *bits;
    size_t bits_size;
};

arrakis_status arrakis_arrow_reader_new(arrakis_arrow_reader **out, arrakis_channels *channels,
                                        arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_reader_new: out is NULL");
    *out = NULL;
    if (!channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_reader_new: channels is NULL");
    arrakis_arrow_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ark_no_memory(err, "an Arrow reader");
    r->known = arrakis_channels_ref(channels);
    *out = r;
    return ARRAKIS_OK;
}

/* Free the schema of an Arrow stream, and all that was made for it. */
static void forget_schema(arrakis_arrow_reader *r)
{
    ark_schema_free(r->schema);
    arrakis_channels_unref(r->channels);
    free(r->column_of);
    free(r->columns);
    free(r->series);
    r->schema = NULL;
    r->channels = NULL;
    r->column_of = NULL;
    r->columns = NULL;
    r->series = NULL;
}

void arrakis_arrow_reader_free(arrakis_arrow_reader *reader)
{
    if (!reader)
        return;
    arrakis_channels_unref(reader->known);
    forget_schema(reader);
    ark_buffer_clear(&reader->buffer);
    free(reader->bits);
    free(reader);
}

/* ------------------------------------------------------------------ bytes */

arrakis_status arrakis_arrow_reader_push(arrakis_arrow_reader *reader, const void *data,
                                         size_t size, arrakis_error *err)
{
    if (!reader || (!data && size))
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_reader_push: %s is NULL",
                        reader ? "data" : "reader");
    if (reader->finished)
        return ark_fail(err, ARRAKIS_EINVAL, "bytes for an Arrow reader that was finished");
    ark_buffer *buffer = &reader->buffer;
    if (reader->at) {
        memmove(buffer->data, buffer->data + reader->at, buffer->size - reader->at);
        buffer->size -= reader->at;
        reader->at = 0;
    }
    arrakis_status rc = ark_buffer_reserve(buffer, size, err);
    if (rc < 0 || !size)
        return rc;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    reader->message_size = 0; /* the buffer may have moved: the batch is read again */
    return ARRAKIS_OK;
}

void arrakis_arrow_reader_finish(arrakis_arrow_reader *reader)
{
    if (reader)
        reader->finished = true;
}

/* The format of bytes that are often given in place of an Arrow stream; NULL: none of these. */
static const char *other_format(const uint8_t *data, size_t size)
{
    static const struct {
        const char *first, *name;
    } formats[] = {
        {"FEA1", "a Feather file of version 1"},
        {"\x1f\x8b", "compressed by gzip"},
        {"\x28\xb5\x2f\xfd", "compressed by zstd"},
        {"PAR1", "a Parquet file"},
        {"{", "JSON"},
        {"[", "JSON"},
    };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t length = strlen(formats[i].first);
        if (size >= length && !memcmp(data, formats[i].first, length))
            return formats[i].name;
    }
    return NULL;
}

/* Whether the buffer has the whole message: OK; TIMEOUT: not yet, *needed has its size as far as
 * it is known. */
static arrakis_status check_whole(size_t *needed, const uint8_t *data, size_t size,
                                  arrakis_error *err)
{
    size_t prefix = size >= 4 && ark_load_u32(data) == UINT32_MAX ? 8 : 4;
    *needed = prefix;
    if (size < prefix)
        return ARRAKIS_TIMEOUT;
    int32_t header_size = ark_load_i32(data + prefix - 4);
    if (header_size <= 0) /* the end of the stream, or not a valid message */
        return ARRAKIS_OK;
    if ((uint64_t)header_size > HEADER_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "Arrow message: a header of %" PRId32 " bytes, expected at most %" PRIu64,
                        header_size, HEADER_MAX);
    *needed += (size_t)header_size;
    if (size < *needed)
        return ARRAKIS_TIMEOUT;
    ark_ipc_message message;
    ARK_TRY(
        ark_ipc_parse_parts(&message, data + prefix, (size_t)header_size, NULL, SIZE_MAX, err));
    if (message.body_size > BODY_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "Arrow message: a body of %zu bytes, expected at most %" PRIu64,
                        message.body_size, BODY_MAX);
    *needed += message.body_size;
    return size < *needed ? ARRAKIS_TIMEOUT : ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the schema */

static arrakis_status add_column(arrakis_arrow_reader *r, size_t i, arrakis_error *err)
{
    const ark_schema_field *field = &r->schema->fields[i];
    int64_t index = arrakis_channels_index(r->known, field->name);
    if (index < 0)
        return ark_fail(err, ARRAKIS_ENOTFOUND, "column '%.200s' is not one of the given channels",
                        field->name);
    if (arrakis_channels_index(r->channels, field->name) >= 0)
        return ark_fail(err, ARRAKIS_EFORMAT, "two columns '%.200s'", field->name);
    arrakis_channel *channel = arrakis_channels_get(r->known, (size_t)index);
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    if (field->kind != ARK_TYPE_LIST || field->dtype != info.dtype)
        return ark_fail(err, ARRAKIS_EMISMATCH, "column '%.200s' holds %s%s, expected lists of %s",
                        field->name, field->kind == ARK_TYPE_LIST ? "lists of " : "",
                        arrakis_dtype_name(field->dtype), arrakis_dtype_name(info.dtype));
    r->column_of[arrakis_channels_count(r->channels)] = i;
    arrakis_status rc =
        field->rate ? ark_rate_check(field->name, field->rate, info.sample_rate, err) : ARRAKIS_OK;
    return rc < 0 ? rc : arrakis_channels_add(r->channels, channel, err);
}

static arrakis_status add_time(arrakis_arrow_reader *r, size_t i, size_t *times,
                               arrakis_error *err)
{
    const ark_schema_field *field = &r->schema->fields[i];
    if ((*times)++)
        return ark_fail(err, ARRAKIS_EFORMAT, "two columns 'time'");
    if (field->kind != ARK_TYPE_PRIMITIVE || field->dtype != ARRAKIS_INT64)
        return ark_fail(err, ARRAKIS_EFORMAT, "column 'time' is not int64");
    r->time_column = i;
    return ARRAKIS_OK;
}

static arrakis_status bind_schema(arrakis_arrow_reader *r, arrakis_error *err)
{
    size_t times = 0, count = r->schema->count;
    arrakis_status rc = arrakis_channels_new(&r->channels, err);
    if (rc < 0)
        return rc;
    r->column_of = calloc(count + 1, sizeof *r->column_of);
    r->columns = calloc(count + 1, sizeof *r->columns);
    r->series = calloc(count + 1, sizeof *r->series);
    if (!r->column_of || !r->columns || !r->series)
        return ark_no_memory(err, "%zu columns", count);
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = strcmp(r->schema->fields[i].name, "time") == 0 ? add_time(r, i, &times, err)
                                                            : add_column(r, i, err);
    if (rc >= 0 && (times != 1 || count < 2))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "%zu columns, %zu of them 'time': expected one, and channels", count,
                        times);
    return rc;
}

static arrakis_status take_schema(arrakis_arrow_reader *r, const ark_ipc_message *message,
                                  arrakis_error *err)
{
    if (r->schema)
        return ark_fail(err, ARRAKIS_EFORMAT, "an Arrow stream with a second schema");
    arrakis_status rc = ark_schema_read(&r->schema, message, err);
    if (rc >= 0 && (rc = bind_schema(r, err)) < 0)
        forget_schema(r);
    return rc;
}

/* ------------------------------------------------------------------ rows */

/* Where the samples of a row begin, and how many it has: 0 if it is null. */
static size_t find_samples(const ark_column *column, int64_t row, size_t *length)
{
    int32_t ends[2];
    memcpy(ends, column->offsets + (size_t)row * sizeof *ends, sizeof ends);
    *length = ark_is_set(column->valid, row) ? (size_t)(ends[1] - ends[0]) : 0;
    return (size_t)ends[0];
}

static arrakis_status make_bits(arrakis_arrow_reader *r, arrakis_error *err)
{
    size_t size = 0;
    for (size_t k = 0; k < arrakis_channels_count(r->channels); k++) {
        size_t length;
        find_samples(&r->columns[r->column_of[k]], r->row, &length);
        size += length / 8 + 1;
    }
    if (size <= r->bits_size)
        return ARRAKIS_OK;
    uint8_t *bits = realloc(r->bits, size);
    if (!bits)
        return ark_no_memory(err, "a block");
    r->bits = bits;
    r->bits_size = size;
    return ARRAKIS_OK;
}

/* Make the series of the row. */
static void make_series(arrakis_arrow_reader *r)
{
    uint8_t *bits = r->bits;
    for (size_t k = 0; k < arrakis_channels_count(r->channels); k++) {
        const ark_column *column = &r->columns[r->column_of[k]];
        arrakis_dtype dtype = ark_info(arrakis_channels_get(r->channels, k)).dtype;
        size_t length, first = find_samples(column, r->row, &length);
        arrakis_series *s = &r->series[k];
        *s = (arrakis_series){NULL, NULL, length, dtype};
        if (!length)
            continue;
        s->samples = column->values + first * arrakis_dtype_size(dtype);
        if (!column->child_valid)
            continue;
        memset(bits, 0xff, length / 8 + 1);
        ark_bits_copy_zeros(bits, 0, column->child_valid, first, length);
        s->valid = bits;
        bits += length / 8 + 1;
    }
}

static arrakis_status make_block(arrakis_arrow_reader *r, arrakis_block **block,
                                 arrakis_error *err)
{
    const ark_column *time = &r->columns[r->time_column];
    int64_t time_ns;
    memcpy(&time_ns, time->values + (size_t)r->row * sizeof time_ns, sizeof time_ns);
    if (!ark_is_set(time->valid, r->row) || time_ns < 0 || time_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EFORMAT, "row %" PRId64 ": its time is %" PRId64 " ns",
                        r->row, time_ns);
    ARK_TRY(make_bits(r, err));
    make_series(r);
    int64_t duration_ns = ark_series_span(r->series, r->channels);
    if (!duration_ns)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "row %" PRId64 " has no samples: how long it lasts "
                        "is not known",
                        r->row);
    return arrakis_block_new(block, r->channels, time_ns, duration_ns, r->series, err);
}

/* ------------------------------------------------------------------ messages */

/* An Arrow stream has ended. Another one may follow, with a schema of its own. */
static arrakis_status take_end(arrakis_arrow_reader *r, const ark_ipc_message *message,
                               arrakis_error *err)
{
    if (!r->schema)
        return ark_fail(err, ARRAKIS_EFORMAT, "an Arrow stream without a schema");
    forget_schema(r);
    r->at += message->size;
    r->ended = true;
    r->in_footer = r->in_file;
    r->in_file = false;
    r->searched = 0;
    return ARRAKIS_OK;
}

/* Pass the beginning of an Arrow file, behind which a stream is. TIMEOUT: it may be one. */
static arrakis_status skip_magic(arrakis_arrow_reader *r)
{
    size_t left = r->buffer.size - r->at, size = left < sizeof magic ? left : sizeof magic;
    if (r->schema || r->in_file || !size || memcmp(r->buffer.data + r->at, magic, size) != 0)
        return ARRAKIS_OK;
    if (size < sizeof magic)
        return r->finished ? ARRAKIS_OK : ARRAKIS_TIMEOUT;
    r->at += sizeof magic;
    r->in_file = true;
    return ARRAKIS_OK;
}

/* Pass the footer of an Arrow file, which tells where the batches lie: its size is behind it. */
static arrakis_status skip_footer(arrakis_arrow_reader *r, arrakis_error *err)
{
    const uint8_t *data = r->buffer.data + r->at, *found;
    size_t left = r->buffer.size - r->at;
    while ((found = memmem(data + r->searched, left - r->searched, magic, MAGIC_END_SIZE))) {
        size_t end = (size_t)(found - data);
        if (end >= 4 && ark_load_u32(found - 4) == end - 4) {
            r->at += end + MAGIC_END_SIZE;
            r->in_footer = false;
            return ARRAKIS_OK;
        }
        r->searched = end + 1;
    }
    if (left >= MAGIC_END_SIZE && r->searched < left - MAGIC_END_SIZE + 1)
        r->searched = left - MAGIC_END_SIZE + 1;
    if (r->finished || left > HEADER_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT, "an Arrow file without the end of its footer");
    return ARRAKIS_TIMEOUT;
}

/* Parse the message at `at`. TIMEOUT: it is not whole yet. */
static arrakis_status parse_message(arrakis_arrow_reader *r, ark_ipc_message *message,
                                    arrakis_error *err)
{
    const uint8_t *data = r->buffer.data + r->at;
    size_t left = r->buffer.size - r->at;
    const char *other = r->schema ? NULL : other_format(data, left);
    if (other)
        return ark_fail(err, ARRAKIS_EFORMAT, "%s is %s: expected an Arrow IPC stream",
                        r->ended ? "what follows the Arrow stream" : "the input", other);
    if (left < r->needed && !r->finished)
        return ARRAKIS_TIMEOUT;
    arrakis_status rc = check_whole(&r->needed, data, left, err);
    if (rc < 0 || (rc == ARRAKIS_TIMEOUT && !r->finished))
        return rc;
    r->needed = 0;
    return ark_ipc_parse(message, data, left, err);
}

/* Take the message at `at`. A batch stays there until all its rows have been taken. TIMEOUT: the
 * message is not whole yet; DONE: no message comes. */
static arrakis_status take_message(arrakis_arrow_reader *r, arrakis_error *err)
{
    arrakis_status rc = r->in_footer ? skip_footer(r, err) : ARRAKIS_OK;
    if (rc == ARRAKIS_OK)
        rc = skip_magic(r);
    if (rc != ARRAKIS_OK)
        return rc;
    if (r->at == r->buffer.size)
        return r->finished || r->ended ? ARRAKIS_DONE : ARRAKIS_TIMEOUT;
    ark_ipc_message message;
    rc = parse_message(r, &message, err);
    if (rc != ARRAKIS_OK)
        return rc;
    if (message.kind == ARK_IPC_END)
        return take_end(r, &message, err);
    if (message.kind == ARK_IPC_SCHEMA) {
        if ((rc = take_schema(r, &message, err)) == ARRAKIS_OK) {
            r->at += message.size;
            r->ended = false;
        }
        return rc;
    }
    if (!r->schema)
        return ark_fail(err, ARRAKIS_EFORMAT, "an Arrow stream without a schema");
    rc = ark_batch_read(r->columns, &r->rows, r->schema, &message, err);
    if (rc == ARRAKIS_OK)
        r->message_size = message.size;
    return rc;
}

arrakis_status arrakis_arrow_reader_next(arrakis_arrow_reader *reader, arrakis_block **block,
                                         arrakis_error *err)
{
    if (block)
        *block = NULL;
    if (!reader || !block)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_reader_next: %s is NULL",
                        reader ? "block" : "reader");
    for (;;) {
        if (reader->message_size && reader->row < reader->rows) {
            arrakis_status rc = make_block(reader, block, err);
            reader->row += rc == ARRAKIS_OK;
            return rc;
        }
        reader->at += reader->message_size;
        if (reader->message_size)
            reader->row = 0;
        reader->message_size = 0;
        arrakis_status rc = take_message(reader, err);
        if (rc != ARRAKIS_OK)
            return rc;
    }
}
