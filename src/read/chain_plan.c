/* SPDX-License-Identifier: Apache-2.0 */
/* The finest streams that several readers have in common. */
#include "read/chain_plan.h"

#include "base/error.h"
#include "channel/stride.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>

/* While the streams are made; arrays with one number per channel, or per group. */
typedef struct plan {
    arrakis_reader *head;
    const ark_chain_segment *segments;
    size_t segment_count, total;
    size_t *group_of; /* channels of one group are one stream */
    size_t group_count;
    size_t *stream_of_group; /* plus one; 0: none yet */
    size_t *stream_of, *slot_of;
    size_t *part_of; /* a stream's number among a link's parts */
} plan;

static arrakis_status no_memory(const plan *p, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ENOMEM, "%zu channels: out of memory", p->total);
}

/* The number of a channel among all, or -1. */
static int64_t number_of(const plan *p, const arrakis_channels *channels, size_t i)
{
    return arrakis_channels_index(p->head->channels,
                                  arrakis_channel_name(arrakis_channels_get(channels, i)));
}

typedef struct moved {
    size_t turn, to;
} moved;

/* Channels that a reader has in one stream, and were together so far, stay together. */
static void split_by(plan *p, const arrakis_channels *channels, moved *moves, size_t turn)
{
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        int64_t at = number_of(p, channels, i);
        if (at < 0)
            continue;
        moved *move = &moves[p->group_of[at]];
        if (move->turn != turn)
            *move = (moved){turn, p->group_count++};
        p->group_of[at] = move->to;
    }
}

static arrakis_status make_groups(plan *p, arrakis_error *err)
{
    size_t most = 1, turn = 0;
    for (size_t i = 0; i < p->segment_count; i++)
        most += arrakis_channels_count(p->segments[i].reader->channels);
    moved *moves = calloc(most + 1, sizeof *moves);
    if (!moves)
        return no_memory(p, err);
    p->group_count = 1;
    for (size_t i = 0; i < p->segment_count; i++)
        for (size_t k = 0; k < p->segments[i].reader->stream_count; k++)
            split_by(p, p->segments[i].reader->streams[k].channels, moves, ++turn);
    free(moves);
    for (size_t i = 0; i < p->total; i++)
        if (!p->group_of[i])
            return ark_fail(err, ARRAKIS_ENOTFOUND, "no endpoint for channel '%.200s'",
                            arrakis_channel_name(arrakis_channels_get(p->head->channels, i)));
    return ARRAKIS_OK;
}

static arrakis_status add_stream(plan *p, const char *id, arrakis_error *err)
{
    ark_reader_stream *stream = &p->head->streams[p->head->stream_count];
    if (!(stream->id = strdup(id)))
        return no_memory(p, err);
    p->head->stream_count++;
    return arrakis_channels_new(&stream->channels, err);
}

/* Put a channel into the stream of its group. */
static arrakis_status place(plan *p, size_t at, const char *id, arrakis_error *err)
{
    size_t *number = &p->stream_of_group[p->group_of[at]];
    arrakis_status rc = ARRAKIS_OK;
    if (!*number && (rc = add_stream(p, id, err)) == ARRAKIS_OK)
        *number = p->head->stream_count;
    if (rc < 0)
        return rc;
    arrakis_channels *list = p->head->streams[*number - 1].channels;
    p->stream_of[at] = *number - 1;
    p->slot_of[at] = arrakis_channels_count(list);
    return arrakis_channels_add(list, arrakis_channels_get(p->head->channels, at), err);
}

/* In the order of the last reader, whose streams then mostly are the chain's as they are: it may be
 * read for ever. */
static arrakis_status make_streams(plan *p, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; i < p->total; i++)
        p->stream_of[i] = SIZE_MAX;
    for (size_t segment = p->segment_count; rc == ARRAKIS_OK && segment-- > 0;) {
        const arrakis_reader *reader = p->segments[segment].reader;
        for (size_t k = 0; rc == ARRAKIS_OK && k < reader->stream_count; k++) {
            const ark_reader_stream *stream = &reader->streams[k];
            for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(stream->channels);
                 i++) {
                int64_t at = number_of(p, stream->channels, i);
                if (at >= 0 && p->stream_of[at] == SIZE_MAX)
                    rc = place(p, (size_t)at, stream->id, err);
            }
        }
    }
    for (size_t i = 0; rc == ARRAKIS_OK && i < p->head->stream_count; i++)
        rc = ark_stride_of(&p->head->streams[i].stride_ns, p->head->streams[i].channels, err);
    return rc;
}

/* The parts of one stream of a reader. */
static arrakis_status link_stream(const plan *p, ark_chain_link *link,
                                  const ark_reader_stream *stream, size_t number,
                                  arrakis_error *err)
{
    size_t first = link->part_count, count = arrakis_channels_count(stream->channels);
    bool in_order = true;
    link->first[number] = first;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = number_of(p, stream->channels, i);
        if (at < 0)
            continue;
        size_t to = p->stream_of[at];
        const ark_reader_stream *ours = &p->head->streams[to];
        if (link->from[to] == SIZE_MAX) {
            ark_row_splitter_part *part = &link->parts[link->part_count];
            *part = (ark_row_splitter_part){.stream = to, .stride_ns = ours->stride_ns};
            part->count = (uint32_t)arrakis_channels_count(ours->channels);
            if (!(part->slots = calloc(part->count, sizeof *part->slots)))
                return no_memory(p, err);
            link->from[to] = number;
            p->part_of[to] = link->part_count++;
        }
        link->parts[p->part_of[to]].slots[p->slot_of[at]] = ark_row_splitter_slot_of(
            arrakis_channels_get(stream->channels, i), i, ours->stride_ns);
        in_order = in_order && p->slot_of[at] == i;
    }
    link->first[number + 1] = link->part_count;
    link->same[number] = in_order && link->part_count == first + 1 &&
                         link->parts[first].count == count &&
                         link->parts[first].stride_ns == stream->stride_ns;
    return ARRAKIS_OK;
}

static arrakis_status make_link(const plan *p, ark_chain_link *link, const arrakis_reader *reader,
                                arrakis_error *err)
{
    size_t streams = p->head->stream_count;
    link->from = calloc(streams + 1, sizeof *link->from);
    link->parts = calloc(streams + 1, sizeof *link->parts);
    link->first = calloc(reader->stream_count + 1, sizeof *link->first);
    link->same = calloc(reader->stream_count + 1, sizeof *link->same);
    if (!link->from || !link->parts || !link->first || !link->same)
        return no_memory(p, err);
    for (size_t i = 0; i < streams; i++)
        link->from[i] = SIZE_MAX;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < reader->stream_count; i++)
        rc = link_stream(p, link, &reader->streams[i], i, err);
    return rc;
}

void ark_chain_plan_clear(ark_chain_link *link)
{
    for (size_t i = 0; i < link->part_count; i++)
        free(link->parts[i].slots);
    free(link->parts);
    free(link->from);
    free(link->first);
    free(link->same);
    *link = (ark_chain_link){0};
}

arrakis_status ark_chain_plan(arrakis_reader *head, const ark_chain_segment *segments,
                              size_t count, ark_chain_link *links, arrakis_error *err)
{
    size_t total = arrakis_channels_count(head->channels), groups = 2;
    for (size_t i = 0; i < count; i++)
        groups += arrakis_channels_count(segments[i].reader->channels);
    plan p = {.head = head, .segments = segments, .segment_count = count, .total = total};
    p.group_of = calloc(total + 1, sizeof *p.group_of);
    p.stream_of = calloc(total + 1, sizeof *p.stream_of);
    p.slot_of = calloc(total + 1, sizeof *p.slot_of);
    p.part_of = calloc(total + 1, sizeof *p.part_of);
    p.stream_of_group = calloc(groups, sizeof *p.stream_of_group);
    head->streams = calloc(total + 1, sizeof *head->streams);
    arrakis_status rc =
        p.group_of && p.stream_of && p.slot_of && p.part_of && p.stream_of_group && head->streams
            ? make_groups(&p, err)
            : no_memory(&p, err);
    if (rc == ARRAKIS_OK)
        rc = make_streams(&p, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = make_link(&p, &links[i], segments[i].reader, err);
    free(p.group_of);
    free(p.stream_of);
    free(p.slot_of);
    free(p.part_of);
    free(p.stream_of_group);
    return rc;
}
