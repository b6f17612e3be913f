/* SPDX-License-Identifier: Apache-2.0 */
#include "output_table.h"

#include "json_number.h"
#include "output_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void table_cell(struct out *line, const char *text, size_t width, bool right)
{
    size_t taken = text_width(text, strlen(text));
    size_t space = taken < width ? width - taken : 0;
    if (right)
        out_pad(line, ' ', space);
    out_plain(line, text);
    if (!right)
        out_pad(line, ' ', space);
    out_text(line, "  ");
}

void table_line(struct out *out, struct out *line, size_t columns)
{
    while (line->size && line->data[line->size - 1] == ' ')
        line->size--;
    size_t end = line->size;
    if (columns && text_width(line->data, line->size) > columns) {
        size_t width = 0;
        for (end = 0; end < line->size; end++) {
            width += ((unsigned char)line->data[end] & 0xc0) != 0x80;
            if (width == columns)
                break;
        }
    }
    if (line->size)
        out_bytes(out, line->data, end);
    if (end < line->size)
        out_text(out, "…");
    out_char(out, '\n');
    if (line->error)
        out->error = line->error;
    line->size = 0;
}

/* ---------------------------------------------------------------- channels */

struct column {
    const char *title;
    bool right;
    size_t streamed_width; /* at least this wide once rows are no longer held */
};

static const struct column full_columns[TABLE_COLUMNS] = {
    {"name", false, 0},           {"data_type", false, 0},
    {"sample_rate", true, 0},     {"time", true, 0},
    {"publisher", false, 0},      {"partition_id", false, 0},
    {"partition_index", true, 0}, {"stride", true, 11}, /* up to a minute */
    {"max_latency", true, 0},     {"replay_id", false, 0},
};
static const struct column short_columns[] = {
    {"name", false, 0}, {"data_type", false, 0}, {"sample_rate", true, 0}, {"stride", true, 11}};

static const struct column *columns_of(const struct channel_table *t, size_t *count)
{
    *count = t->full ? TABLE_COLUMNS : sizeof short_columns / sizeof *short_columns;
    return t->full ? full_columns : short_columns;
}

static void text_field(struct out *row, const char *text)
{
    out_text(row, text ? text : "-");
    out_char(row, '\0');
}

static void number_field(struct out *row, int64_t number)
{
    if (number == ARRAKIS_UNSET)
        out_char(row, '-');
    else
        out_format(row, "%lld", (long long)number);
    out_char(row, '\0');
}

static void rate_field(struct out *row, double hz)
{
    char *p = out_reserve(row, NUMBER_SIZE);
    if (p)
        out_advance(row, put_double(p, hz));
    out_char(row, '\0');
}

/* The cells of one row, in the order of the columns. */
static void put_row(struct out *row, const arrakis_channel *channel, bool full)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    text_field(row, info.name);
    text_field(row, arrakis_dtype_name(info.dtype));
    rate_field(row, info.sample_rate);
    if (full) {
        number_field(row, info.time_ns);
        text_field(row, info.publisher);
        text_field(row, info.partition_id);
        number_field(row, info.partition_index);
    }
    number_field(row, info.stride_ns);
    if (full) {
        number_field(row, info.max_latency_ns);
        text_field(row, info.replay_id);
    }
}

/* @return what follows the row */
static const char *write_row(const struct channel_table *t, struct out *out, const char *cells)
{
    struct out line = {.fd = -1};
    size_t n;
    const struct column *columns = columns_of(t, &n);
    for (size_t i = 0; i < n; i++) {
        table_cell(&line, cells, t->widths[i], columns[i].right);
        cells += strlen(cells) + 1;
    }
    table_line(out, &line, 0);
    out_free(&line);
    return cells;
}

static void write_titles(const struct channel_table *t, struct out *out)
{
    struct out titles = {.fd = -1};
    size_t n;
    const struct column *columns = columns_of(t, &n);
    for (size_t i = 0; i < n; i++)
        text_field(&titles, columns[i].title);
    if (!titles.error)
        write_row(t, out, titles.data);
    out_free(&titles);
}

static void find_widths(struct channel_table *t, bool streamed)
{
    size_t n;
    const struct column *columns = columns_of(t, &n);
    for (size_t i = 0; i < n; i++) {
        t->widths[i] = strlen(columns[i].title);
        if (streamed && t->widths[i] < columns[i].streamed_width)
            t->widths[i] = columns[i].streamed_width;
    }
    const char *cell = t->held.data;
    for (size_t row = 0; row < t->count; row++)
        for (size_t i = 0; i < n; i++) {
            size_t size = strlen(cell), width = text_width(cell, size);
            t->widths[i] = width > t->widths[i] ? width : t->widths[i];
            cell += size + 1;
        }
}

static void write_held(struct channel_table *t, struct out *out, bool streamed)
{
    find_widths(t, streamed);
    write_titles(t, out);
    const char *cells = t->held.data;
    for (size_t row = 0; row < t->count; row++)
        cells = write_row(t, out, cells);
    out_free(&t->held);
}

void channel_table_add(struct channel_table *t, struct out *out, const arrakis_channel *channel)
{
    t->held.fd = -1;
    put_row(&t->held, channel, t->full);
    if (t->held.error) {
        out->error = t->held.error;
        return;
    }
    t->count++;
    if (t->count == TABLE_HELD_ROWS) {
        write_held(t, out, true);
    } else if (t->count > TABLE_HELD_ROWS) {
        write_row(t, out, t->held.data);
        t->held.size = 0;
    }
}

void channel_table_end(struct channel_table *t, struct out *out)
{
    if (t->count && t->count < TABLE_HELD_ROWS && !t->held.error)
        write_held(t, out, false);
    out_free(&t->held);
}

/* ---------------------------------------------------------------- blocks */

static const struct column block_columns[] = {
    {"channel", false, 0}, {"data_type", false, 0}, {"sample_rate", true, 0},
    {"samples", true, 0},  {"has_gaps", false, 0},  {"data", false, 0},
};
enum { BLOCK_COLUMNS = sizeof block_columns / sizeof *block_columns };

static int by_name(const void *a, const void *b, void *opaque)
{
    const size_t *i = a, *j = b;
    const arrakis_channels *const *channels = opaque;
    return strcmp(arrakis_channel_name(arrakis_channels_get(*channels, *i)),
                  arrakis_channel_name(arrakis_channels_get(*channels, *j)));
}

static bool sort_channels(struct block_table *t, const arrakis_channels *channels)
{
    size_t n = arrakis_channels_count(channels);
    size_t *order = realloc(t->order, (n ? n : 1) * sizeof *order);
    if (!order)
        return false;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_name, &channels);
    t->order = order;
    t->channels = channels;
    return true;
}

static void put_series(struct out *row, const arrakis_block *block, size_t i)
{
    arrakis_series s = arrakis_block_series(block, i);
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(arrakis_channels_get(arrakis_block_channels(block), i), &info);
    text_field(row, info.name);
    text_field(row, arrakis_dtype_name(s.dtype));
    rate_field(row, info.sample_rate);
    number_field(row, (int64_t)s.length);
    text_field(row, arrakis_series_missing(s) ? "True" : "False");
    text_samples(row, s, 3, 1);
    out_char(row, '\0');
}

/* `count` rows of cells under their titles, as wide as they need; the last column is not padded. */
static void write_cells(struct out *out, const struct out *cells, size_t count, size_t columns)
{
    size_t widths[BLOCK_COLUMNS] = {0};
    const char *cell = cells->data;
    for (size_t i = 0; i < count * BLOCK_COLUMNS; i++) {
        size_t size = strlen(cell), width = text_width(cell, size);
        if (width > widths[i % BLOCK_COLUMNS] && i % BLOCK_COLUMNS < BLOCK_COLUMNS - 1)
            widths[i % BLOCK_COLUMNS] = width;
        cell += size + 1;
    }
    struct out line = {.fd = -1};
    cell = cells->data;
    for (size_t i = 0; i < count * BLOCK_COLUMNS; i++) {
        table_cell(&line, cell, widths[i % BLOCK_COLUMNS], block_columns[i % BLOCK_COLUMNS].right);
        cell += strlen(cell) + 1;
        if (i % BLOCK_COLUMNS == BLOCK_COLUMNS - 1)
            table_line(out, &line, columns);
    }
    out_free(&line);
}

static void write_caption(struct out *out, const arrakis_block *block, size_t hidden,
                          size_t columns, int64_t latency_ns)
{
    struct out line = {.fd = -1};
    char when[32];
    arrakis_time_format(when, arrakis_block_start_ns(block));
    out_format(&line, "GPS %.4f s (%s), %.4f s long", (double)arrakis_block_start_ns(block) / 1e9,
               when, (double)arrakis_block_duration_ns(block) / 1e9);
    if (latency_ns != ARRAKIS_UNSET)
        out_format(&line, ", latency %.3f s", (double)latency_ns / 1e9);
    if (hidden)
        out_format(&line, ", %zu more channels", hidden);
    table_line(out, &line, columns);
    out_free(&line);
}

void block_table_write(struct block_table *t, struct out *out, const arrakis_block *block,
                       size_t columns, size_t rows, int64_t latency_ns)
{
    const arrakis_channels *channels = arrakis_block_channels(block);
    if (t->channels != channels && !sort_channels(t, channels)) {
        out->error = ENOMEM;
        return;
    }
    size_t n = arrakis_channels_count(channels), shown = n;
    if (rows && n + 2 > rows)
        shown = rows > 2 ? rows - 2 : 1;
    struct out cells = {.fd = -1};
    for (size_t i = 0; i < BLOCK_COLUMNS; i++)
        text_field(&cells, block_columns[i].title);
    for (size_t i = 0; i < shown; i++)
        put_series(&cells, block, t->order[i]);
    if (cells.error)
        out->error = cells.error;
    else
        write_cells(out, &cells, shown + 1, columns);
    out_free(&cells);
    write_caption(out, block, n - shown, columns, latency_ns);
}

void block_table_free(struct block_table *t)
{
    free(t->order);
}
