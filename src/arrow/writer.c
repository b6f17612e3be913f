/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow/writer.h"

#include "arrow/flatbuffer.h"
#include "base/buffer.h"
#include "base/error.h"
#include "block/block.h"
#include "block/chunk.h"
#include "block/layout.h"
#include "channel/rate.h"

#include <arrakis/arrow.h>

#include <stdlib.h>
#include <string.h>

typedef struct column {
    arrakis_channel *channel;
    size_t index; /* of the channel in the last blocks; that in the next ones is mostly the same */
    char rate[ARK_RATE_TEXT_SIZE];
} column;

struct arrakis_arrow_writer {
    size_t count;
    column *columns; /* sorted by name */
    const char **names;
    const char **rates;
    arrakis_dtype *dtypes;
    ark_write_schema schema;
    bool padded;
    ark_buffer buffer;
    /* the batch under way: blocks of one layout and of one length */
    const arrakis_block *const *blocks;
    size_t rows, room; /* how many blocks, and for how many the arrays that follow have room */
    int64_t *times_ns;
    arrakis_series *series;
    /* input by input, the samples of each row; the first is NULL: some are missing */
    const uint8_t **base;
    size_t base_room;
};

static int by_name(const void *a, const void *b)
{
    const column *x = a, *y = b;
    return strcmp(arrakis_channel_name(x->channel), arrakis_channel_name(y->channel));
}

/* Make all arrays, and the columns sorted by name. */
static arrakis_status fill_writer(arrakis_arrow_writer *w, const arrakis_channels *channels,
                                  arrakis_error *err)
{
    size_t count = arrakis_channels_count(channels);
    w->columns = calloc(count + 1, sizeof *w->columns);
    w->names = calloc(count + 1, sizeof *w->names);
    w->rates = calloc(count + 1, sizeof *w->rates);
    w->dtypes = calloc(count + 1, sizeof *w->dtypes);
    if (!w->columns || !w->names || !w->rates || !w->dtypes)
        return ark_no_memory(err, "an Arrow writer of %zu channels", count);
    for (; w->count < count; w->count++)
        w->columns[w->count].channel =
            arrakis_channel_ref(arrakis_channels_get(channels, w->count));
    qsort(w->columns, count, sizeof *w->columns, by_name);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(w->columns[i].channel, &info);
        ARK_TRY(ark_rate_print(w->columns[i].rate, info.sample_rate, err));
        w->names[i] = info.name;
        w->rates[i] = w->columns[i].rate;
        w->dtypes[i] = info.dtype;
    }
    return ARRAKIS_OK;
}

arrakis_status arrakis_arrow_writer_new(arrakis_arrow_writer **out,
                                        const arrakis_channels *channels, arrakis_error *err)
{
    if (!out)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_writer_new: out is NULL");
    *out = NULL;
    if (!channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_writer_new: channels is NULL");
    arrakis_arrow_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ark_no_memory(err, "an Arrow writer");
    arrakis_status rc = fill_writer(w, channels, err);
    if (rc < 0) {
        arrakis_arrow_writer_free(w);
        return rc;
    }
    *out = w;
    return ARRAKIS_OK;
}

static arrakis_status build_schema(arrakis_arrow_writer *w, arrakis_error *err)
{
    return ark_write_schema_build(&w->schema, w->count, w->names, w->dtypes, w->rates, err);
}

arrakis_status arrakis_arrow_writer_schema(arrakis_arrow_writer *writer, const void **data,
                                           size_t *size, arrakis_error *err)
{
    if (!writer || !data || !size)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_arrow_writer_schema: writer, data or size is NULL");
    *data = NULL;
    *size = 0;
    writer->buffer.size = 0;
    ARK_TRY(build_schema(writer, err));
    ARK_TRY(ark_write_columns_schema(&writer->buffer, &writer->schema, err));
    *data = writer->buffer.data;
    *size = writer->buffer.size;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ batches */

void arrakis_arrow_writer_pad(arrakis_arrow_writer *writer, bool pad)
{
    if (writer)
        writer->padded = pad;
}

/* Find the channel of column `i` in the blocks. */
static arrakis_status find_channel(arrakis_arrow_writer *w, size_t i, const ark_layout *layout,
                                   arrakis_error *err)
{
    const char *name = w->names[i];
    size_t index = w->columns[i].index;
    if (index >= arrakis_channels_count(layout->channels) ||
        strcmp(arrakis_channel_name(arrakis_channels_get(layout->channels, index)), name) != 0) {
        int64_t found = arrakis_channels_index(layout->channels, name);
        if (found < 0)
            return ark_fail(err, ARRAKIS_ENOTFOUND, "the block has no channel %s", name);
        index = w->columns[i].index = (size_t)found;
    }
    const ark_layout_position *at = &layout->positions[index];
    arrakis_dtype dtype = (arrakis_dtype)layout->inputs[at->input].channels[at->channel].dtype;
    if (dtype != w->dtypes[i])
        return ark_fail(err, ARRAKIS_EMISMATCH, "channel %s is %s in the block, %s in the schema",
                        name, arrakis_dtype_name(dtype), arrakis_dtype_name(w->dtypes[i]));
    return ARRAKIS_OK;
}

static arrakis_status make_room(arrakis_arrow_writer *w, size_t rows, size_t inputs,
                                arrakis_error *err)
{
    if (rows > w->room) {
        int64_t *times_ns = reallocarray(w->times_ns, rows, sizeof *times_ns);
        w->times_ns = times_ns ? times_ns : w->times_ns;
        arrakis_series *series = reallocarray(w->series, rows, sizeof *series);
        w->series = series ? series : w->series;
        if (!times_ns || !series)
            return ark_no_memory(err, "a batch of %zu rows", rows);
        w->room = rows;
    }
    if (rows * inputs > w->base_room) {
        const uint8_t **base = reallocarray(w->base, rows * inputs, sizeof *base);
        if (!base)
            return ark_no_memory(err, "a batch of %zu rows", rows);
        w->base = base;
        w->base_room = rows * inputs;
    }
    return ARRAKIS_OK;
}

/* Where the samples of each row lie, input by input. */
static void find_samples(arrakis_arrow_writer *w)
{
    size_t inputs = w->blocks[0]->layout->input_count;
    for (size_t k = 0; k < inputs; k++) {
        const uint8_t **base = w->base + k * w->rows;
        bool whole = true;
        for (size_t i = 0; i < w->rows; i++) {
            const ark_chunk *chunk = w->blocks[i]->chunks[k];
            base[i] = chunk ? chunk->samples : NULL;
            whole = whole && chunk && !chunk->mask;
        }
        if (!whole)
            base[0] = NULL;
    }
}

static void cells_of_column(void *opaque, size_t number, ark_column_cells *out)
{
    arrakis_arrow_writer *w = opaque;
    const arrakis_block *block = w->blocks[0];
    const ark_layout *layout = block->layout;
    size_t channel = w->columns[number].index;
    const ark_layout_position *position = &layout->positions[channel];
    const ark_layout_channel *where = &layout->inputs[position->input].channels[position->channel];
    *out =
        (ark_column_cells){.base = w->base + position->input * w->rows, .offset = where->offset};
    ark_block_series(&w->series[0], block, channel);
    out->dtype = w->series[0].dtype;
    out->length = w->series[0].length;
    if (out->base[0])
        return;
    for (size_t i = 1; i < w->rows; i++)
        ark_block_series(&w->series[i], w->blocks[i], channel);
    out->series = w->series;
}

static arrakis_status append_batch(arrakis_arrow_writer *w, const arrakis_block *const *blocks,
                                   size_t rows, arrakis_error *err)
{
    const ark_layout *layout = blocks[0]->layout;
    arrakis_status rc = make_room(w, rows, layout->input_count, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < w->count; i++)
        rc = find_channel(w, i, layout, err);
    if (rc < 0)
        return rc;
    w->blocks = blocks;
    w->rows = rows;
    for (size_t i = 0; i < rows; i++)
        w->times_ns[i] = arrakis_block_start_ns(blocks[i]);
    find_samples(w);
    const ark_column_source source = {cells_of_column, w, w->padded};
    return ark_write_columns_rows(&w->buffer, w->times_ns, rows, w->count, &source, err);
}

/* How many of the first blocks have series of the same lengths as the first one. */
static size_t count_alike(const arrakis_block *const *blocks, size_t count)
{
    size_t alike = 1;
    while (alike < count && blocks[alike]->layout == blocks[0]->layout &&
           blocks[alike]->duration_ns == blocks[0]->duration_ns)
        alike++;
    return alike;
}

arrakis_status arrakis_arrow_writer_blocks(arrakis_arrow_writer *writer,
                                           const arrakis_block *const *blocks, size_t count,
                                           const void **data, size_t *size, arrakis_error *err)
{
    if (!writer || !blocks || !count || !data || !size)
        return ark_fail(
            err, ARRAKIS_EINVAL,
            "arrakis_arrow_writer_blocks: writer, blocks, count, data or size is NULL");
    *data = NULL;
    *size = 0;
    for (size_t i = 0; i < count; i++)
        if (!blocks[i])
            return ark_fail(err, ARRAKIS_EINVAL, "arrakis_arrow_writer_blocks: block %zu is NULL",
                            i);
    writer->buffer.size = 0;
    for (size_t at = 0, rows; at < count; at += rows) {
        rows = count_alike(blocks + at, count - at);
        ARK_TRY(append_batch(writer, blocks + at, rows, err));
    }
    *data = writer->buffer.data;
    *size = writer->buffer.size;
    return ARRAKIS_OK;
}

arrakis_status arrakis_arrow_writer_block(arrakis_arrow_writer *writer, const arrakis_block *block,
                                          const void **data, size_t *size, arrakis_error *err)
{
    if (!writer || !block || !data || !size)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_arrow_writer_block: writer, block, data or size is NULL");
    return arrakis_arrow_writer_blocks(writer, &block, 1, data, size, err);
}

void arrakis_arrow_writer_end(arrakis_arrow_writer *writer, const void **data, size_t *size)
{
    if (!data || !size)
        return;
    *data = writer ? ark_write_end_marker : NULL;
    *size = writer ? sizeof ark_write_end_marker : 0;
}

/* ------------------------------------------------------------------ files */

void ark_writer_place(ark_write_place *out, uint64_t offset, const void *batch, size_t size)
{
    size_t header_size = 8 + ark_load_u32((const uint8_t *)batch + 4);
    *out = (ark_write_place){(int64_t)offset, (int32_t)header_size, (int64_t)(size - header_size)};
}

arrakis_status ark_writer_footer(arrakis_arrow_writer *writer, const ark_write_place *batches,
                                 size_t count, const void **data, size_t *size, arrakis_error *err)
{
    writer->buffer.size = 0;
    ARK_TRY(build_schema(writer, err));
    ARK_TRY(ark_write_columns_footer(&writer->buffer, &writer->schema, batches, count, err));
    *data = writer->buffer.data;
    *size = writer->buffer.size;
    return ARRAKIS_OK;
}

void arrakis_arrow_writer_free(arrakis_arrow_writer *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; i < writer->count; i++)
        arrakis_channel_unref(writer->columns[i].channel);
    free(writer->columns);
    free(writer->names);
    free(writer->rates);
    free(writer->dtypes);
    free(writer->times_ns);
    free(writer->series);
    free(writer->base);
    ark_write_schema_clear(&writer->schema);
    ark_buffer_clear(&writer->buffer);
    free(writer);
}
