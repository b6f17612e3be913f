/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/inputs.h"

#include "base/error.h"
#include "channel/channel.h"
#include "channel/stride.h"
#include "flight/batch_rows.h"
#include "flight/ticket.h"
#include "read/grouping.h"
#include "read/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ark_flight_inputs_has(const ark_flight_source *s, size_t input)
{
    for (size_t i = 0; i < s->input_count; i++)
        if (s->inputs[i].number == input)
            return true;
    return false;
}

/* Group channels: those that the same endpoints have become one input. So each endpoint has whole
 * inputs, whatever its slice of time. To be cleared also after an error. */
static arrakis_status group_channels(const ark_flight_reader *flight,
                                     const arrakis_channels *channels, ark_grouping *grouping,
                                     arrakis_error *err)
{
    size_t total = arrakis_channels_count(channels), names = 0;
    for (size_t i = 0; i < flight->count; i++)
        names += flight->sources[i].ticket.name_count;
    ARK_TRY(ark_grouping_init(grouping, total, names, err));
    for (size_t i = 0; i < flight->count; i++) {
        const ark_ticket *ticket = &flight->sources[i].ticket;
        ark_grouping_begin(grouping);
        for (size_t k = 0; k < ticket->name_count; k++) {
            int64_t at = arrakis_channels_index(channels, ticket->names[k]);
            if (at >= 0)
                ark_grouping_add(grouping, (size_t)at);
        }
    }
    for (size_t i = 0; i < total; i++)
        if (!grouping->group_of[i])
            return ark_fail(
                err, ARRAKIS_ENOTFOUND, "%.100s returned no endpoint for channel '%.200s'",
                flight->origin->url, arrakis_channel_name(arrakis_channels_get(channels, i)));
    return ARRAKIS_OK;
}

static arrakis_status add_input(ark_flight_reader *flight, arrakis_error *err)
{
    ark_reader_input *input = &flight->head.inputs[flight->head.input_count];
    ARK_TRY(arrakis_channels_new(&input->channels, err));
    if (asprintf(&input->id, "%s/%zu", flight->origin->url, flight->head.input_count) < 0) {
        input->id = NULL;
        arrakis_channels_unref(input->channels);
        return ark_no_memory(err, "an input");
    }
    flight->head.input_count++;
    return ARRAKIS_OK;
}

/* Make the inputs, in the order of their first channels. */
static arrakis_status make_inputs(ark_flight_reader *flight, const arrakis_channels *channels,
                                  const ark_grouping *grouping, size_t *input_of,
                                  arrakis_error *err)
{
    size_t total = arrakis_channels_count(channels);
    size_t *input_of_group = calloc(grouping->count, sizeof *input_of_group);
    flight->head.inputs = calloc(total, sizeof *flight->head.inputs);
    arrakis_status rc = input_of_group && flight->head.inputs
                            ? ARRAKIS_OK
                            : ark_no_memory(err, "%zu channels", total);
    for (size_t i = 0; rc == ARRAKIS_OK && i < total; i++) {
        size_t *input = &input_of_group[grouping->group_of[i]];
        if (!*input && (rc = add_input(flight, err)) == ARRAKIS_OK)
            *input = flight->head.input_count;
        if (rc == ARRAKIS_OK)
            rc = arrakis_channels_add(flight->head.inputs[*input - 1].channels,
                                      arrakis_channels_get(channels, i), err);
        input_of[i] = *input - 1;
    }
    free(input_of_group);
    for (size_t i = 0; rc == ARRAKIS_OK && i < flight->head.input_count; i++)
        rc =
            ark_stride_of(&flight->head.inputs[i].stride_ns, flight->head.inputs[i].channels, err);
    return rc;
}

static arrakis_status add_source_input(ark_flight_reader *flight, ark_flight_source *s,
                                       size_t input, arrakis_error *err)
{
    size_t channels = arrakis_channels_count(flight->head.inputs[input].channels);
    ark_bound_input *more = reallocarray(s->inputs, s->input_count + 1, sizeof *more);
    if (more)
        s->inputs = more;
    size_t *columns = calloc(channels, sizeof *columns);
    if (!more || !columns) {
        free(columns);
        return ark_no_memory(err, "an endpoint of %zu channels", channels);
    }
    s->inputs[s->input_count++] = (ark_bound_input){input, columns};
    return ARRAKIS_OK;
}

/* The sum of two times, which a server may have sent, without overflow. */
static int64_t add_times(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t due_after(const arrakis_channel *channel, const ark_reader_input *input)
{
    int64_t latency_ns = ark_info(channel).max_latency_ns;
    return latency_ns == ARRAKIS_UNSET ? ARRAKIS_UNSET : add_times(latency_ns, input->stride_ns);
}

/* Set which inputs each source has, and how long it may be silent. A live one sends rows for each
 * stride, even without samples. */
static arrakis_status set_source_inputs(ark_flight_reader *flight,
                                        const arrakis_channels *channels, const size_t *input_of,
                                        arrakis_error *err)
{
    size_t *seen = calloc(flight->head.input_count + 1,
                          sizeof *seen); /* by input: the last source that has it */
    arrakis_status rc =
        seen ? ARRAKIS_OK : ark_no_memory(err, "%zu inputs", flight->head.input_count);
    for (size_t i = 0; rc == ARRAKIS_OK && i < flight->count; i++) {
        ark_flight_source *s = &flight->sources[i];
        int64_t contract_ns = ARRAKIS_UNSET;
        for (size_t k = 0; rc == ARRAKIS_OK && k < s->ticket.name_count; k++) {
            int64_t at = arrakis_channels_index(channels, s->ticket.names[k]);
            if (at < 0)
                continue;
            size_t input = input_of[at];
            if (seen[input] != i + 1)
                rc = add_source_input(flight, s, input, err);
            seen[input] = i + 1;
            int64_t stride_ns = flight->head.inputs[input].stride_ns;
            s->step_ns = s->step_ns && s->step_ns < stride_ns ? s->step_ns : stride_ns;
            int64_t due_ns =
                due_after(arrakis_channels_get(channels, (size_t)at), &flight->head.inputs[input]);
            contract_ns = due_ns > contract_ns ? due_ns : contract_ns;
        }
        bool live = s->ticket.start_ns == ARRAKIS_UNSET && contract_ns != ARRAKIS_UNSET;
        s->due_after_ns = contract_ns;
        s->silence_ns = live ? add_times(contract_ns, flight->grace_ns) : flight->stall_ns;
    }
    free(seen);
    return rc;
}

arrakis_status ark_flight_inputs_plan(ark_flight_reader *flight, const arrakis_channels *channels,
                                      arrakis_error *err)
{
    assert(!flight->head.inputs);
    size_t total = arrakis_channels_count(channels);
    size_t *input_of = calloc(total + 1, sizeof *input_of);
    if (!input_of)
        return ark_no_memory(err, "%zu channels", total);
    ark_grouping grouping;
    arrakis_status rc = group_channels(flight, channels, &grouping, err);
    if (rc == ARRAKIS_OK)
        rc = make_inputs(flight, channels, &grouping, input_of, err);
    if (rc == ARRAKIS_OK)
        rc = set_source_inputs(flight, channels, input_of, err);
    ark_grouping_clear(&grouping);
    free(input_of);
    return rc;
}
