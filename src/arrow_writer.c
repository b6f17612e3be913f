/* SPDX-License-Identifier: Apache-2.0 */
#include "arrow_ipc.h"
#include "block.h"
#include "error.h"
#include "rate_text.h"

#include <stdlib.h>
#include <string.h>

typedef struct column {
    arrakis_channel *channel;
    size_t place; /* of the channel in the last block: the next block mostly agrees */
    char rate[ARK_RATE_TEXT_SIZE];
} column;

struct arrakis_arrow_writer {
    size_t count;
    column *columns; /* sorted by name */
    const char **names;
    const char **rates;
    arrakis_dtype *dtypes;
    arrakis_series *series;
    ark_buffer buffer;
};

static int by_name(const void *a, const void *b)
{
    const column *x = a, *y = b;
    return strcmp(arrakis_channel_name(x->channel), arrakis_channel_name(y->channel));
}

/* All arrays; the columns in order, each with a reference to its channel. */
static arrakis_status fill(arrakis_arrow_writer *w, const arrakis_channels *channels,
                           arrakis_error *err)
{
    size_t count = arrakis_channels_count(channels);
    w->columns = calloc(count + 1, sizeof *w->columns);
    w->names = calloc(count + 1, sizeof *w->names);
    w->rates = calloc(count + 1, sizeof *w->rates);
    w->dtypes = calloc(count + 1, sizeof *w->dtypes);
    w->series = calloc(count + 1, sizeof *w->series);
    if (!w->columns || !w->names || !w->rates || !w->dtypes || !w->series)
        return ark_fail(err, ARRAKIS_ENOMEM, "no memory for an Arrow writer of %zu channels",
                        count);
    for (; w->count < count; w->count++)
        w->columns[w->count].channel =
            arrakis_channel_ref(arrakis_channels_get(channels, w->count));
    qsort(w->columns, count, sizeof *w->columns, by_name);
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(w->columns[i].channel, &info);
        arrakis_status rc = ark_rate_print(w->columns[i].rate, info.sample_rate, err);
        if (rc < 0)
            return rc;
        w->names[i] = info.name;
        w->rates[i] = w->columns[i].rate;
        w->dtypes[i] = info.data_type;
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
        return ark_fail(err, ARRAKIS_ENOMEM, "no memory for an Arrow writer");
    arrakis_status rc = fill(w, channels, err);
    if (rc < 0) {
        arrakis_arrow_writer_free(w);
        return rc;
    }
    *out = w;
    return ARRAKIS_OK;
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
    arrakis_status rc = ark_columns_write_schema(&writer->buffer, writer->count, writer->names,
                                                 writer->dtypes, writer->rates, err);
    if (rc < 0)
        return rc;
    *data = writer->buffer.data;
    *size = writer->buffer.size;
    return ARRAKIS_OK;
}

/* Take the series of column `i` out of the block. */
static arrakis_status take(arrakis_arrow_writer *w, size_t i, const arrakis_block *block,
                           arrakis_error *err)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    const char *name = w->names[i];
    size_t place = w->columns[i].place;
    if (place >= arrakis_channels_count(channels) ||
        strcmp(arrakis_channel_name(arrakis_channels_get(channels, place)), name) != 0) {
        int64_t found = arrakis_channels_index(channels, name);
        if (found < 0)
            return ark_fail(err, ARRAKIS_ENOTFOUND, "the block has no channel %s", name);
        place = w->columns[i].place = (size_t)found;
    }
    ark_block_series(&w->series[i], block, place);
    if (w->series[i].data_type != w->dtypes[i])
        return ark_fail(err, ARRAKIS_EMISMATCH, "channel %s is %s in the block, %s in the schema",
                        name, arrakis_dtype_name(w->series[i].data_type),
                        arrakis_dtype_name(w->dtypes[i]));
    return ARRAKIS_OK;
}

arrakis_status arrakis_arrow_writer_block(arrakis_arrow_writer *writer, const arrakis_block *block,
                                          const void **data, size_t *size, arrakis_error *err)
{
    if (!writer || !block || !data || !size)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_arrow_writer_block: writer, block, data or size is NULL");
    *data = NULL;
    *size = 0;
    for (size_t i = 0; i < writer->count; i++) {
        arrakis_status rc = take(writer, i, block, err);
        if (rc < 0)
            return rc;
    }
    writer->buffer.size = 0;
    arrakis_status rc = ark_columns_write_batch(&writer->buffer, arrakis_block_start_ns(block),
                                                writer->count, writer->series, err);
    if (rc < 0)
        return rc;
    *data = writer->buffer.data;
    *size = writer->buffer.size;
    return ARRAKIS_OK;
}

void arrakis_arrow_writer_end(arrakis_arrow_writer *writer, const void **data, size_t *size)
{
    static const uint8_t marker[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    if (!data || !size)
        return;
    /* It ends alike for all. */
    *data = writer ? marker : NULL;
    *size = writer ? sizeof marker : 0;
}

void arrakis_arrow_writer_free(arrakis_arrow_writer *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; i < writer->count; i++)
        arrakis_channel_free(writer->columns[i].channel);
    free(writer->columns);
    free(writer->names);
    free(writer->rates);
    free(writer->dtypes);
    free(writer->series);
    ark_buffer_free(&writer->buffer);
    free(writer);
}
