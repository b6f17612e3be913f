/* SPDX-License-Identifier: Apache-2.0 */
#include <arrakis/arrow.h>

#include "output_block.h"

#include "output_text.h"
#include "report.h"
#include "screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int block_printer_check(const struct options *o)
{
    if (o->format == FORMAT_ARROW && isatty(STDOUT_FILENO))
        return fail_usage(o->command,
                          "--arrow writes bytes that are not for a terminal: send them "
                          "to a file or a pipe");
    return 0;
}

static int begin_arrow(struct block_printer *p, const arrakis_channels *channels)
{
    arrakis_error err;
    const void *data;
    size_t size;
    arrakis_status rc = arrakis_arrow_writer_new(&p->arrow, channels, &err);
    if (rc >= 0)
        rc = arrakis_arrow_writer_schema(p->arrow, &data, &size, &err);
    if (rc < 0) {
        arrakis_arrow_writer_free(p->arrow);
        p->arrow = NULL;
        return finish(rc, &err);
    }
    p->columns = arrakis_channels_ref(channels);
    out_through(&p->out, data, size);
    return 0;
}

int block_printer_begin(struct block_printer *p, const struct options *o,
                        const arrakis_channels *channels, bool live)
{
    *p = (struct block_printer){.format = (enum format)o->format, .out = {.fd = STDOUT_FILENO}};
    p->json.style = p->format == FORMAT_JSON      ? JSON_LINE
                    : p->format == FORMAT_JSON_PP ? JSON_PRETTY
                                                  : JSON_ABBREVIATED;
    p->live = live && p->format == FORMAT_TABLE && isatty(STDOUT_FILENO);
    if (p->live)
        screen_begin();
    return p->format == FORMAT_ARROW ? begin_arrow(p, channels) : 0;
}

static void add_table(struct block_printer *p, const arrakis_block *block, int64_t latency_ns)
{
    size_t columns = 0, rows = 0;
    if (isatty(STDOUT_FILENO))
        screen_size(&columns, &rows);
    /* The cursor is on the line below the frame. */
    block_table_write(&p->table, &p->out, block, columns, p->live ? rows - 1 : 0, latency_ns);
    if (p->live)
        screen_draw(&p->out);
}

static void write_waiting(struct block_printer *p)
{
    const void *data;
    size_t size;
    arrakis_error err;
    arrakis_status rc = arrakis_arrow_writer_blocks(
        p->arrow, (const arrakis_block *const *)p->waiting, p->waiting_count, &data, &size, &err);
    while (p->waiting_count)
        arrakis_block_unref(p->waiting[--p->waiting_count]);
    if (rc >= 0) {
        out_through(&p->out, data, size);
        return;
    }
    finish(rc, &err);
    p->failed = true;
}

/* How many blocks of this size go to one batch. */
static size_t batch_size(const arrakis_block *block)
{
    size_t bytes = 0, count = arrakis_channels_count(arrakis_block_channels(block));
    for (size_t i = 0; i < count; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        bytes += series.length * arrakis_dtype_size(series.dtype);
    }
    size_t blocks = bytes ? ARROW_BYTES / bytes : ARROW_BLOCKS;
    return blocks < 1 ? 1 : blocks < ARROW_BLOCKS ? blocks : ARROW_BLOCKS;
}

bool block_printer_flush(struct block_printer *p)
{
    if (p->waiting_count)
        write_waiting(p);
    return !p->out.error && !p->failed;
}

/* Whether the schema of an Arrow stream is that of these channels. */
static bool same_columns(const arrakis_channels *a, const arrakis_channels *b)
{
    bool same = arrakis_channels_count(a) == arrakis_channels_count(b);
    for (size_t i = 0; same && a != b && i < arrakis_channels_count(a); i++) {
        arrakis_channel_info x = ARRAKIS_CHANNEL_INFO_INIT, y = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(a, i), &x);
        arrakis_channel_get(arrakis_channels_get(b, i), &y);
        same = x.dtype == y.dtype && x.sample_rate == y.sample_rate && strcmp(x.name, y.name) == 0;
    }
    return same;
}

static void end_arrow(struct block_printer *p)
{
    const void *data;
    size_t size;
    arrakis_arrow_writer_end(p->arrow, &data, &size);
    out_through(&p->out, data, size);
    arrakis_arrow_writer_free(p->arrow);
    p->arrow = NULL;
    arrakis_channels_unref(p->columns);
    p->columns = NULL;
}

/* Channels have changed: the Arrow stream ends, and another one begins. */
static bool change_columns(struct block_printer *p, const arrakis_channels *channels)
{
    if (p->columns != channels && !same_columns(p->columns, channels)) {
        if (!block_printer_flush(p))
            return false;
        end_arrow(p);
        p->waiting_most = 0;
        p->failed = begin_arrow(p, channels) != 0;
    }
    return !p->failed;
}

static void add_arrow(struct block_printer *p, arrakis_block *block)
{
    if (!change_columns(p, arrakis_block_channels(block)))
        return;
    if (!p->waiting_most) /* all blocks of an Arrow stream have about the same size */
        p->waiting_most = batch_size(block);
    p->waiting[p->waiting_count++] = arrakis_block_ref(block);
    if (p->waiting_count == p->waiting_most)
        write_waiting(p);
}

bool block_printer_add(struct block_printer *p, arrakis_block *block, int64_t latency_ns)
{
    switch (p->format) {
    case FORMAT_TABLE:
    case FORMAT_TABLE_FULL:
        add_table(p, block, latency_ns);
        break;
    case FORMAT_JSON:
    case FORMAT_JSON_PP:
    case FORMAT_JSON_ABRV:
        json_block(&p->json, &p->out, block);
        break;
    case FORMAT_STR:
    case FORMAT_REPR:
        text_block(&p->out, block);
        break;
    case FORMAT_PPRINT:
        text_block_pretty(&p->out, block);
        break;
    case FORMAT_ARROW:
        add_arrow(p, block);
        break;
    }
    return out_flush(&p->out) && !p->failed;
}

int block_printer_end(struct block_printer *p, int code)
{
    block_printer_flush(p);
    if (p->arrow)
        end_arrow(p);
    if (p->live)
        screen_end();
    json_blocks_free(&p->json);
    block_table_free(&p->table);
    return out_finish(&p->out, p->failed ? EXIT_FAILURE : code);
}
