/* SPDX-License-Identifier: Apache-2.0 */
#include "output_channels.h"

#include "output_json.h"
#include "output_text.h"

#include <stdio.h>
#include <unistd.h>

/* Listings are written in pieces of about this size. */
enum { PIECE_SIZE = 16384 };

void channel_list_begin(struct channel_list *l, const struct options *o)
{
    *l = (struct channel_list){.format = (enum format)o->format, .out = {.fd = STDOUT_FILENO}};
    l->table.full = l->format == FORMAT_TABLE_FULL;
    bool table = l->format == FORMAT_TABLE || l->format == FORMAT_TABLE_FULL;
    l->progress = table && !o->quiet && isatty(STDERR_FILENO);
}

static void show_progress(const struct channel_list *l)
{
    if (!l->progress)
        return;
    if (l->count == TABLE_HELD_ROWS)
        fprintf(stderr, "\r\033[K");
    else if (l->count < TABLE_HELD_ROWS && l->count % 100 == 0)
        fprintf(stderr, "\r%zu channels", l->count);
}

bool channel_list_add(arrakis_channel *channel, void *list)
{
    struct channel_list *l = list;
    l->count++;
    show_progress(l);
    switch (l->format) {
    case FORMAT_TABLE:
    case FORMAT_TABLE_FULL:
        channel_table_add(&l->table, &l->out, channel);
        break;
    case FORMAT_JSON:
        json_channel(&l->out, channel, JSON_LINE);
        break;
    case FORMAT_JSON_PP:
    case FORMAT_JSON_ABRV:
        json_channel(&l->out, channel, JSON_PRETTY);
        break;
    case FORMAT_REPR:
        text_channel(&l->out, channel);
        out_char(&l->out, '\n');
        break;
    case FORMAT_PPRINT:
        text_channel_pretty(&l->out, channel);
        out_char(&l->out, '\n');
        break;
    case FORMAT_STR:
    case FORMAT_ARROW:
        out_plain(&l->out, arrakis_channel_name(channel));
        out_char(&l->out, '\n');
        break;
    }
    if (l->out.size >= PIECE_SIZE)
        out_flush(&l->out);
    return !l->out.error;
}

int channel_list_end(struct channel_list *l, int code)
{
    if (l->progress && l->count < TABLE_HELD_ROWS)
        fprintf(stderr, "\r\033[K");
    channel_table_end(&l->table, &l->out);
    if (l->progress && l->count >= TABLE_HELD_ROWS)
        fprintf(stderr, "%zu channels\n", l->count);
    return out_finish(&l->out, code);
}
