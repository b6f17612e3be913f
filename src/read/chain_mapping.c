/* SPDX-License-Identifier: Apache-2.0 */
#include "read/chain_mapping.h"

#include "base/error.h"
#include "channel/stride.h"
#include "read/grouping.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* While the mappings are made. The arrays are indexed by channel of the chain, or as stated. */
typedef struct making {
    arrakis_reader *head;
    const ark_chain_segment *segments;
    size_t segment_count, total;
    ark_grouping groups;    /* channels of one group become one input */
    size_t *input_of_group; /* by group: the input, plus one; 0: none yet */
    size_t *input_of, *number_in_input;
    size_t *output_of; /* by input: its number among the outputs of the mapping that is made */
} making;

/* The chain's index of a reader's channel, or -1. */
static int64_t index_of(const making *m, const arrakis_channels *channels, size_t i)
{
    return arrakis_channels_index(m->head->channels,
                                  arrakis_channel_name(arrakis_channels_get(channels, i)));
}

static arrakis_status make_groups(making *m, arrakis_error *err)
{
    size_t entries = 0;
    for (size_t i = 0; i < m->segment_count; i++)
        entries += arrakis_channels_count(m->segments[i].reader->channels);
    ARK_TRY(ark_grouping_init(&m->groups, m->total, entries, err));
    for (size_t i = 0; i < m->segment_count; i++)
        for (size_t k = 0; k < m->segments[i].reader->input_count; k++) {
            const arrakis_channels *channels = m->segments[i].reader->inputs[k].channels;
            ark_grouping_begin(&m->groups);
            for (size_t n = 0; n < arrakis_channels_count(channels); n++) {
                int64_t at = index_of(m, channels, n);
                if (at >= 0)
                    ark_grouping_add(&m->groups, (size_t)at);
            }
        }
    for (size_t i = 0; i < m->total; i++)
        if (!m->groups.group_of[i])
            return ark_fail(err, ARRAKIS_ENOTFOUND, "no endpoint for channel '%.200s'",
                            arrakis_channel_name(arrakis_channels_get(m->head->channels, i)));
    return ARRAKIS_OK;
}

static arrakis_status add_input(making *m, const char *id, arrakis_error *err)
{
    ark_reader_input *input = &m->head->inputs[m->head->input_count];
    if (!(input->id = strdup(id)))
        return ark_no_memory(err, "%zu channels", m->total);
    m->head->input_count++;
    return arrakis_channels_new(&input->channels, err);
}

/* Put a channel into the input of its group. */
static arrakis_status group_channel(making *m, size_t at, const char *id, arrakis_error *err)
{
    size_t *number = &m->input_of_group[m->groups.group_of[at]];
    arrakis_status rc = ARRAKIS_OK;
    if (!*number && (rc = add_input(m, id, err)) == ARRAKIS_OK)
        *number = m->head->input_count;
    if (rc < 0)
        return rc;
    arrakis_channels *list = m->head->inputs[*number - 1].channels;
    m->input_of[at] = *number - 1;
    m->number_in_input[at] = arrakis_channels_count(list);
    return arrakis_channels_add(list, arrakis_channels_get(m->head->channels, at), err);
}

/* The inputs get the order of the last reader, which may be read for ever: its inputs then are
 * mostly those of the chain, and need not be split. */
static arrakis_status make_inputs(making *m, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    m->input_of_group = calloc(m->groups.count, sizeof *m->input_of_group);
    if (!m->input_of_group)
        return ark_no_memory(err, "%zu channels", m->total);
    for (size_t i = 0; i < m->total; i++)
        m->input_of[i] = SIZE_MAX;
    for (size_t segment = m->segment_count; rc == ARRAKIS_OK && segment-- > 0;) {
        const arrakis_reader *reader = m->segments[segment].reader;
        for (size_t k = 0; rc == ARRAKIS_OK && k < reader->input_count; k++) {
            const ark_reader_input *input = &reader->inputs[k];
            for (size_t i = 0; rc == ARRAKIS_OK && i < arrakis_channels_count(input->channels);
                 i++) {
                int64_t at = index_of(m, input->channels, i);
                if (at >= 0 && m->input_of[at] == SIZE_MAX)
                    rc = group_channel(m, (size_t)at, input->id, err);
            }
        }
    }
    for (size_t i = 0; rc == ARRAKIS_OK && i < m->head->input_count; i++)
        rc = ark_stride_of(&m->head->inputs[i].stride_ns, m->head->inputs[i].channels, err);
    return rc;
}

/* Which inputs of the chain one input of a reader becomes. */
static arrakis_status map_input(const making *m, ark_chain_mapping *mapping,
                                const ark_reader_input *input, size_t number, arrakis_error *err)
{
    size_t first_output = mapping->output_count, count = arrakis_channels_count(input->channels);
    bool in_order = true;
    mapping->first_output[number] = first_output;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = index_of(m, input->channels, i);
        if (at < 0)
            continue;
        size_t to = m->input_of[at];
        const ark_reader_input *ours = &m->head->inputs[to];
        if (mapping->source_of[to] == SIZE_MAX) {
            ark_row_splitter_output *output = &mapping->outputs[mapping->output_count];
            *output = (ark_row_splitter_output){.input = to, .stride_ns = ours->stride_ns};
            output->count = (uint32_t)arrakis_channels_count(ours->channels);
            if (!(output->channels = calloc(output->count, sizeof *output->channels)))
                return ark_no_memory(err, "%zu channels", m->total);
            mapping->source_of[to] = number;
            m->output_of[to] = mapping->output_count++;
        }
        mapping->outputs[m->output_of[to]].channels[m->number_in_input[at]] =
            ark_row_splitter_channel_of(arrakis_channels_get(input->channels, i), i,
                                        ours->stride_ns);
        in_order = in_order && m->number_in_input[at] == i;
    }
    mapping->first_output[number + 1] = mapping->output_count;
    mapping->unchanged[number] = in_order && mapping->output_count == first_output + 1 &&
                                 mapping->outputs[first_output].count == count &&
                                 mapping->outputs[first_output].stride_ns == input->stride_ns;
    return ARRAKIS_OK;
}

static arrakis_status make_mapping(const making *m, ark_chain_mapping *mapping,
                                   const arrakis_reader *reader, arrakis_error *err)
{
    size_t inputs = m->head->input_count;
    mapping->source_of = calloc(inputs + 1, sizeof *mapping->source_of);
    mapping->outputs = calloc(inputs + 1, sizeof *mapping->outputs);
    mapping->first_output = calloc(reader->input_count + 1, sizeof *mapping->first_output);
    mapping->unchanged = calloc(reader->input_count + 1, sizeof *mapping->unchanged);
    if (!mapping->source_of || !mapping->outputs || !mapping->first_output || !mapping->unchanged)
        return ark_no_memory(err, "%zu channels", m->total);
    for (size_t i = 0; i < inputs; i++)
        mapping->source_of[i] = SIZE_MAX;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < reader->input_count; i++)
        rc = map_input(m, mapping, &reader->inputs[i], i, err);
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
    assert(!head->inputs);
    size_t total = arrakis_channels_count(head->channels);
    making m = {.head = head, .segments = segments, .segment_count = count, .total = total};
    m.input_of = calloc(total + 1, sizeof *m.input_of);
    m.number_in_input = calloc(total + 1, sizeof *m.number_in_input);
    m.output_of = calloc(total + 1, sizeof *m.output_of);
    head->inputs = calloc(total + 1, sizeof *head->inputs);
    arrakis_status rc = m.input_of && m.number_in_input && m.output_of && head->inputs
                            ? make_groups(&m, err)
                            : ark_no_memory(err, "%zu channels", total);
    if (rc == ARRAKIS_OK)
        rc = make_inputs(&m, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < count; i++)
        rc = make_mapping(&m, &mappings[i], segments[i].reader, err);
    ark_grouping_clear(&m.groups);
    free(m.input_of);
    free(m.number_in_input);
    free(m.output_of);
    free(m.input_of_group);
    return rc;
}
