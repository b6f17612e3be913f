/* SPDX-License-Identifier: Apache-2.0 */
#include "read/chain_mapping.h"

#include "base/error.h"
#include "channel/stride.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>

/* While the mappings are made. The arrays are indexed by channel of the chain, or as stated. */
typedef struct grouping {
    arrakis_reader *head;
    const ark_chain_segment *segments;
    size_t segment_count, total;
    size_t *group_of; /* channels of one group become one input */
    size_t group_count;
    size_t *input_of_group; /* by group: the input, plus one; 0: none yet */
    size_t *input_of, *number_in_input;
    size_t *output_of; /* by input: its number among the outputs of the mapping that is made */
} grouping;

static arrakis_status no_memory(const grouping *g, arrakis_error *err)
{
    return ark_fail(err, ARRAKIS_ENOMEM, "%zu channels: out of memory", g->total);
}

/* The chain's index of a reader's channel, or -1. */
static int64_t index_of(const grouping *g, const arrakis_channels *channels, size_t i)
{
    return arrakis_channels_index(g->head->channels,
                                  arrakis_channel_name(arrakis_channels_get(channels, i)));
}

typedef struct group_move {
    size_t turn, to;
} group_move;

/* Split the groups by one input of a reader: only channels that are both in it, or both not, stay
 * together. */
static void split_by(grouping *g, const arrakis_channels *channels, group_move *moves, size_t turn)
{
    for (size_t i = 0; i < arrakis_channels_count(channels); i++) {
        int64_t at = index_of(g, channels, i);
        if (at < 0)
            continue;
        group_move *move = &moves[g->group_of[at]];
        if (move->turn != turn)
            *move = (group_move){turn, g->group_count++};
        g->group_of[at] = move->to;
    }
}

static arrakis_status make_groups(grouping *g, arrakis_error *err)
{
    size_t most = 1, turn = 0;
    for (size_t i = 0; i < g->segment_count; i++)
        most += arrakis_channels_count(g->segments[i].reader->channels);
    group_move *moves = calloc(most + 1, sizeof *moves);
    if (!moves)
        return no_memory(g, err);
    g->group_count = 1;
    for (size_t i = 0; i < g->segment_count; i++)
        for (size_t k = 0; k < g->segments[i].reader->stream_count; k++)
            split_by(g, g->segments[i].reader->streams[k].channels, moves, ++turn);
    free(moves);
    for (size_t i = 0; i < g->total; i++)
        if (!g->group_of[i])
            return ark_fail(err, ARRAKIS_ENOTFOUND, "no endpoint for channel '%.200s'",
                            arrakis_channel_name(arrakis_channels_get(g->head->channels, i)));
    return ARRAKIS_OK;
}

static arrakis_status add_input(grouping *g, const char *id, arrakis_error *err)
{
    ark_reader_stream *stream = &g->head->streams[g->head->stream_count];
    if (!(stream->id = strdup(id)))
        return no_memory(g, err);
    g->head->stream_count++;
    return arrakis_channels_new(&stream->channels, err);
}

/* Put a channel into the input of its group. */
static arrakis_status group_channel(grouping *g, size_t at, const char *id, arrakis_error *err)
{
    size_t *number = &g->input_of_group[g->group_of[at]];
    arrakis_status rc = ARRAKIS_OK;
    if (!*number && (rc = add_input(g, id, err)) == ARRAKIS_OK)
        *number = g->head->stream_count;
    if (rc < 0)
        return rc;
    arrakis_channels *list = g->head->streams[*number - 1].channels;
    g->input_of[at] = *number - 1;
    g->number_in_input[at] = arrakis_channels_count(list);
    return arrakis_channels_add(list, arrakis_channels_get(g->head->channels, at), err);
}

/* The inputs get the order of the last reader, which may be read for ever: its inputs then are
 * mostly those of the chain, and need not be split. */
static arrakis_status make_inputs(grouping *g, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; i < g->total; i++)
        g->input_of[i] = SIZE_MAX;
    for (size_t segment = g->segment_count; rc == ARRAKIS_OK && segment-- > 0;) {
        const arrakis_reader *reader = g->segments[segment].reader;
        for (size_t k = 0; rc == ARRAKIS_OK && k < reader->stream_count; k++) {
            const ark_reader_stream *stream = &reader->streams[k];
            for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(stream->channels);
                 i++) {
                int64_t at = index_of(g, stream->channels, i);
                if (at >= 0 && g->input_of[at] == SIZE_MAX)
                    rc = group_channel(g, (size_t)at, stream->id, err);
            }
        }
    }
    for (size_t i = 0; rc == ARRAKIS_OK && i < g->head->stream_count; i++)
        rc = ark_stride_of(&g->head->streams[i].stride_ns, g->head->streams[i].channels, err);
    return rc;
}

/* Which inputs of the chain one input of a reader becomes. */
static arrakis_status map_input(const grouping *g, ark_chain_mapping *mapping,
                                const ark_reader_stream *stream, size_t number, arrakis_error *err)
{
    size_t first_output = mapping->output_count, count = arrakis_channels_count(stream->channels);
    bool in_order = true;
    mapping->first_output[number] = first_output;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = index_of(g, stream->channels, i);
        if (at < 0)
            continue;
        size_t to = g->input_of[at];
        const ark_reader_stream *ours = &g->head->streams[to];
        if (mapping->source_of[to] == SIZE_MAX) {
            ark_row_splitter_output *output = &mapping->outputs[mapping->output_count];
            *output = (ark_row_splitter_output){.input = to, .stride_ns = ours->stride_ns};
            output->count = (uint32_t)arrakis_channels_count(ours->channels);
            if (!(output->channels = calloc(output->count, sizeof *output->channels)))
                return no_memory(g, err);
            mapping->source_of[to] = number;
            g->output_of[to] = mapping->output_count++;
        }
        mapping->outputs[g->output_of[to]].channels[g->number_in_input[at]] =
            ark_row_splitter_channel_of(arrakis_channels_get(stream->channels, i), i,
                                        ours->stride_ns);
        in_order = in_order && g->number_in_input[at] == i;
    }
    mapping->first_output[number + 1] = mapping->output_count;
    mapping->unchanged[number] = in_order && mapping->output_count == first_output + 1 &&
                                 mapping->outputs[first_output].count == count &&
                                 mapping->outputs[first_output].stride_ns == stream->stride_ns;
    return ARRAKIS_OK;
}

static arrakis_status make_mapping(const grouping *g, ark_chain_mapping *mapping,
                                   const arrakis_reader *reader, arrakis_error *err)
{
    size_t streams = g->head->stream_count;
    mapping->source_of = calloc(streams + 1, sizeof *mapping->source_of);
    mapping->outputs = calloc(streams + 1, sizeof *mapping->outputs);
    mapping->first_output = calloc(reader->stream_count + 1, sizeof *mapping->first_output);
    mapping->unchanged = calloc(reader->stream_count + 1, sizeof *mapping->unchanged);
    if (!mapping->source_of || !mapping->outputs || !mapping->first_output || !mapping->unchanged)
        return no_memory(g, err);
    for (size_t i = 0; i < streams; i++)
        mapping->source_of[i] = SIZE_MAX;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < reader->stream_count; i++)
        rc = map_input(g, mapping, &reader->streams[i], i, err);
    return rc;
}

void ark_chain_mapping_clear(ark_chain_mapping *mapping)
{
    for (size_t i = 0; i < mapping->output_count; i++)
        free(mapping->outputs[i].channels);
    free(mapping->outputs);
    free(mapping->source_of);
    free(mapping->first_output);
    free(mapping->unchanged);
    *mapping = (ark_chain_mapping){0};
}

arrakis_status ark_chain_mapping_init(arrakis_reader *head, const ark_chain_segment *segments,
                                      size_t count, ark_chain_mapping *mappings,
                                      arrakis_error *err)
{
    size_t total = arrakis_channels_count(head->channels), groups = 2;
    for (size_t i = 0; i < count; i++)
        groups += arrakis_channels_count(segments[i].reader->channels);
    grouping g = {.head = head, .segments = segments, .segment_count = count, .total = total};
    g.group_of = calloc(total + 1, sizeof *g.group_of);
    g.input_of = calloc(total + 1, sizeof *g.input_of);
    g.number_in_input = calloc(total + 1, sizeof *g.number_in_input);
    g.output_of = calloc(total + 1, sizeof *g.output_of);
    g.input_of_group = calloc(groups, sizeof *g.input_of_group);
    head->streams = calloc(total + 1, sizeof *head->streams);
    arrakis_status rc = g.group_of && g.input_of && g.number_in_input && g.output_of &&
                                g.input_of_group && head->streams
                            ? make_groups(&g, err)
                            : no_memory(&g, err);
    if (rc == ARRAKIS_OK)
        rc = make_inputs(&g, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = make_mapping(&g, &mappings[i], segments[i].reader, err);
    free(g.group_of);
    free(g.input_of);
    free(g.number_in_input);
    free(g.output_of);
    free(g.input_of_group);
    return rc;
}
