/* SPDX-License-Identifier: Apache-2.0 */
#include "file/arrow_file.h"

#include "arrow/writer.h"
#include "base/error.h"
#include "file/disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "ARROW1"; /* with its padding */
enum { MAGIC_SIZE = 6 };

struct ark_file_writer {
    arrakis_arrow_writer *arrow;
    int fd;
    uint64_t at;              /* how much is written */
    ark_write_place *batches; /* room for all strides of a file */
    size_t count, capacity;
};

static void close_writer(ark_file_writer *w)
{
    arrakis_arrow_writer_free(w->arrow);
    free(w->batches);
    free(w);
}

static arrakis_status open_writer(ark_file_writer **out, const ark_file_spec *spec,
                                  arrakis_error *err)
{
    ark_file_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ark_no_memory(err, "a writer of Arrow files");
    w->capacity = (size_t)(spec->length_ns / spec->stride_ns);
    w->batches = calloc(w->capacity, sizeof *w->batches);
    arrakis_status rc = w->batches ? arrakis_arrow_writer_new(&w->arrow, spec->channels, err)
                                   : ark_no_memory(err, "%zu record batches", w->capacity);
    if (rc < 0) {
        close_writer(w);
        return rc;
    }
    *out = w;
    return ARRAKIS_OK;
}

static arrakis_status append_bytes(ark_file_writer *w, const void *data, size_t size,
                                   arrakis_error *err)
{
    arrakis_status rc = ark_disk_write(w->fd, data, size, w->at, err);
    w->at += size;
    return rc;
}

static arrakis_status begin_file(ark_file_writer *w, int fd, int64_t start_ns, arrakis_error *err)
{
    (void)start_ns; /* each batch has its time */
    w->fd = fd;
    w->at = 0;
    w->count = 0;
    const void *schema;
    size_t size;
    ARK_TRY(arrakis_arrow_writer_schema(w->arrow, &schema, &size, err));
    ARK_TRY(append_bytes(w, magic, sizeof magic, err));
    return append_bytes(w, schema, size, err);
}

static arrakis_status add_block(ark_file_writer *w, const arrakis_block *block, arrakis_error *err)
{
    const void *batch;
    size_t size;
    assert(w->count < w->capacity);
    ARK_TRY(arrakis_arrow_writer_block(w->arrow, block, &batch, &size, err));
    ark_writer_place(&w->batches[w->count++], w->at, batch, size);
    return append_bytes(w, batch, size, err);
}

static arrakis_status end_file(ark_file_writer *w, int64_t end_ns, uint64_t *size,
                               arrakis_error *err)
{
    (void)end_ns;
    const void *data;
    size_t data_size;
    arrakis_arrow_writer_end(w->arrow, &data, &data_size);
    ARK_TRY(append_bytes(w, data, data_size, err));
    ARK_TRY(ark_writer_footer(w->arrow, w->batches, w->count, &data, &data_size, err));
    const uint32_t footer_size = (uint32_t)data_size;
    ARK_TRY(append_bytes(w, data, data_size, err));
    ARK_TRY(append_bytes(w, &footer_size, sizeof footer_size, err));
    ARK_TRY(append_bytes(w, magic, MAGIC_SIZE, err));
    *size = w->at;
    return ARRAKIS_OK;
}

const ark_file_format ark_arrow_file_format = {
    .name = "arrow",
    .extension = "arrow",
    .open = open_writer,
    .close = close_writer,
    .begin = begin_file,
    .add = add_block,
    .end = end_file,
};
