/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/segments.h"

#include "base/error.h"
#include "flight/budget.h"
#include "flight/location.h"
#include "flight/ticket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    NO_SOURCE = 0, /* where a channel is read from: brokers are numbered from BROKER on */
    SERVER = 1,
    BROKER = 2,
    SLICES_MAX = 1000, /* of a request that has several segments */
};

/* An endpoint of the answer. */
typedef struct entry {
    ark_endpoint *endpoint;
    ark_ticket ticket;
    int64_t begin_ns; /* ARRAKIS_UNSET: the ticket has none */
    size_t number, source, segment;
    size_t *channels; /* their numbers */
    size_t channel_count;
} entry;

typedef struct division {
    const arrakis_channels *channels;
    const char *url; /* of the server that was asked */
    size_t total;
    entry *entries;
    size_t entry_count;
    ark_budget named; /* charged for the lists of brokers that the endpoints name */
    ark_budget read;  /* charged for the hosts of the brokers that are read, per segment */
    char **brokers;
    size_t broker_count;
    size_t *source, *next; /* of each channel, in a slice of time and in the next one */
    ark_segments *out;
} division;

static const char *name_of(const division *d, size_t channel)
{
    return arrakis_channel_name(arrakis_channels_get(d->channels, channel));
}

/* ------------------------------------------------------------------ reading the endpoints */

/* The brokers of an endpoint as one list; free() it. */
static char *broker_list(const ark_endpoint *endpoint)
{
    size_t size = 1, used = 0;
    for (size_t i = 0; i < endpoint->uri_count; i++)
        size += strlen(endpoint->uris[i]) + 1;
    char *list = calloc(1, size);
    for (size_t i = 0; list && i < endpoint->uri_count; i++) {
        size_t length;
        const char *at = ark_location_broker(endpoint->uris[i], &length);
        if (!at)
            continue;
        if (used)
            list[used++] = ',';
        memcpy(list + used, at, length);
        used += length;
    }
    return list;
}

static arrakis_status find_source(division *d, entry *e, arrakis_error *err)
{
    e->source = SERVER;
    if (ark_location_of(e->endpoint->uris[0]) != ARK_LOCATION_KAFKA)
        return ARRAKIS_OK;
    char *url = broker_list(e->endpoint);
    if (!url)
        return ark_no_memory(err, "a server's endpoints");
    size_t i = 0;
    while (i < d->broker_count && strcmp(d->brokers[i], url) != 0)
        i++;
    e->source = BROKER + i;
    arrakis_status rc = ARRAKIS_OK;
    if (i == d->broker_count)
        rc = ark_budget_spend(&d->named, ARK_COST_CONNECTIONS, 1, err);
    if (i == d->broker_count && rc == ARRAKIS_OK)
        d->brokers[d->broker_count++] = url;
    else
        free(url);
    return rc;
}

static arrakis_status read_entry(division *d, entry *e, arrakis_error *err)
{
    arrakis_status rc =
        ark_ticket_read(&e->ticket, e->endpoint->ticket, e->endpoint->ticket_size, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "%.100s", d->url);
    if (!(e->channels = calloc(e->ticket.name_count + 1, sizeof *e->channels)))
        return ark_no_memory(err, "a server's endpoints");
    for (size_t i = 0; i < e->ticket.name_count; i++) {
        int64_t at = arrakis_channels_index(d->channels, e->ticket.names[i]);
        if (at >= 0)
            e->channels[e->channel_count++] = (size_t)at;
    }
    e->begin_ns = e->ticket.start_ns;
    return find_source(d, e, err);
}

static arrakis_status read_entries(division *d, ark_flight_info *info, arrakis_error *err)
{
    d->total = arrakis_channels_count(d->channels);
    d->entries = calloc(info->count + 1, sizeof *d->entries);
    d->brokers = calloc(info->count + 1, sizeof *d->brokers);
    d->source = calloc(d->total + 1, sizeof *d->source);
    d->next = calloc(d->total + 1, sizeof *d->next);
    if (!d->entries || !d->brokers || !d->source || !d->next)
        return ark_no_memory(err, "a server's endpoints");
    arrakis_status rc = ARRAKIS_OK;
    for (; rc == ARRAKIS_OK && d->entry_count < info->count; d->entry_count++) {
        entry *e = &d->entries[d->entry_count];
        *e = (entry){.endpoint = &info->endpoints[d->entry_count], .number = d->entry_count};
        rc = read_entry(d, e, err);
    }
    return rc;
}

/* Whether a channel is read from several sources. ENOTFOUND: no endpoint has a channel. */
static arrakis_status find_handovers(division *d, bool *found, arrakis_error *err)
{
    *found = false;
    for (size_t i = 0; i < d->entry_count; i++)
        for (size_t k = 0; k < d->entries[i].channel_count; k++) {
            size_t *source = &d->source[d->entries[i].channels[k]];
            *found = *found || (*source && *source != d->entries[i].source);
            *source = d->entries[i].source;
        }
    for (size_t i = 0; i < d->total; i++)
        if (d->source[i] == NO_SOURCE)
            return ark_fail(err, ARRAKIS_ENOTFOUND,
                            "%.100s returned no endpoint for channel '%.200s'", d->url,
                            name_of(d, i));
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ segments */

static size_t count_hosts(const char *url)
{
    size_t count = 1;
    for (; *url; url++)
        count += *url == ',';
    return count;
}

static arrakis_status add_broker(ark_segment *segment, const char *url, arrakis_error *err)
{
    ark_segment_broker *more =
        reallocarray(segment->brokers, segment->broker_count + 1, sizeof *more);
    if (!more)
        return ark_no_memory(err, "a server's endpoints");
    segment->brokers = more;
    ark_segment_broker *added = &more[segment->broker_count];
    ARK_TRY(arrakis_channels_new(&added->channels, err));
    if (!(added->url = strdup(url))) {
        arrakis_channels_unref(added->channels);
        return ark_no_memory(err, "a server's endpoints");
    }
    segment->broker_count++;
    return ARRAKIS_OK;
}

/* The entry of a segment for a list of brokers. Each new entry is charged, whatever its segment,
 * as the readers of all segments connect when the request begins. */
static arrakis_status find_broker(division *d, ark_segment *segment, const char *url,
                                  ark_segment_broker **out, arrakis_error *err)
{
    size_t i = 0;
    while (i < segment->broker_count && strcmp(segment->brokers[i].url, url) != 0)
        i++;
    arrakis_status rc = ARRAKIS_OK;
    if (i == segment->broker_count)
        rc = ark_budget_spend(&d->read, ARK_COST_CONNECTIONS, count_hosts(url), err);
    if (i == segment->broker_count && rc == ARRAKIS_OK)
        rc = add_broker(segment, url, err);
    if (rc == ARRAKIS_OK)
        *out = &segment->brokers[i];
    return rc;
}

/* Add a segment in which d->source has the source of each channel. The endpoints of servers are
 * added later. */
static arrakis_status add_segment(division *d, int64_t begin_ns, arrakis_error *err)
{
    ark_segment *more = reallocarray(d->out->segments, d->out->count + 1, sizeof *more);
    if (!more)
        return ark_no_memory(err, "a server's endpoints");
    d->out->segments = more;
    ark_segment *segment = &more[d->out->count++];
    *segment = (ark_segment){.begin_ns = begin_ns};
    arrakis_status rc = arrakis_channels_new(&segment->relayed, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < d->total; i++) {
        arrakis_channels *list = segment->relayed;
        if (d->source[i] >= BROKER) {
            ark_segment_broker *broker = NULL;
            ARK_TRY(find_broker(d, segment, d->brokers[d->source[i] - BROKER], &broker, err));
            list = broker->channels;
        }
        if (d->source[i] != NO_SOURCE)
            rc = arrakis_channels_add(list, arrakis_channels_get(d->channels, i), err);
    }
    return rc;
}

/* ------------------------------------------------------------------ slices of time */

static int by_begin(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    /* endpoints without a begin, which are live, come last */
    uint64_t i = x->begin_ns == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)x->begin_ns;
    uint64_t k = y->begin_ns == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)y->begin_ns;
    if (i != k)
        return i > k ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Live endpoints begin where the others end, if that is known. */
static void set_live_begins(division *d)
{
    int64_t end_ns = ARRAKIS_UNSET;
    for (size_t i = 0; i < d->entry_count; i++) {
        entry *e = &d->entries[i];
        if (e->begin_ns == ARRAKIS_UNSET)
            e->begin_ns = end_ns;
        else
            end_ns = e->ticket.end_ns > end_ns ? e->ticket.end_ns : end_ns;
    }
}

/* Set d->next to the source of each channel in a slice. A channel that is read from a broker stays
 * there, unless the slice has another source for it. */
static arrakis_status read_slice(division *d, size_t first, size_t end, arrakis_error *err)
{
    memset(d->next, 0, d->total * sizeof *d->next);
    for (size_t i = first; i < end; i++) {
        const entry *e = &d->entries[i];
        for (size_t k = 0; k < e->channel_count; k++) {
            size_t *source = &d->next[e->channels[k]];
            if (*source != NO_SOURCE && *source != e->source)
                return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                                "%.100s names two sources of channel '%.200s' for the same time, "
                                "a broker and a server or another broker",
                                d->url, name_of(d, e->channels[k]));
            *source = e->source;
        }
    }
    for (size_t i = 0; i < d->total; i++)
        if (d->next[i] == NO_SOURCE && d->source[i] >= BROKER)
            d->next[i] = d->source[i];
    return ARRAKIS_OK;
}

/* Check that each endpoint of a server ends where another source takes over its channels, or
 * later. */
static arrakis_status check_ends(const division *d, arrakis_error *err)
{
    size_t *last =
        calloc(d->total + 1, sizeof *last); /* by channel: the last segment that has it */
    if (!last)
        return ark_no_memory(err, "a server's endpoints");
    for (size_t i = 0; i < d->out->count; i++) {
        const ark_segment *segment = &d->out->segments[i];
        for (size_t b = 0; b <= segment->broker_count; b++) {
            const arrakis_channels *list =
                b < segment->broker_count ? segment->brokers[b].channels : segment->relayed;
            for (size_t k = 0; k < arrakis_channels_count(list); k++)
                last[arrakis_channels_index(
                    d->channels, arrakis_channel_name(arrakis_channels_get(list, k)))] = i;
        }
    }
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < d->entry_count; i++) {
        const entry *e = &d->entries[i];
        if (e->source != SERVER || e->segment + 1 == d->out->count)
            continue;
        int64_t until_ns = d->out->segments[e->segment + 1].begin_ns;
        bool ends = e->ticket.end_ns != ARRAKIS_UNSET && e->ticket.end_ns <= until_ns;
        for (size_t k = 0; rc == ARRAKIS_OK && !ends && k < e->channel_count; k++)
            if (last[e->channels[k]] == e->segment)
                rc = ark_fail(err, ARRAKIS_EUNSUPPORTED,
                              "%.100s names a server for channel '%.200s' beyond %lld ns, where "
                              "other channels go over from a server to a broker",
                              d->url, name_of(d, e->channels[k]), (long long)until_ns);
    }
    free(last);
    return rc;
}

static arrakis_status check_begin(const division *d, int64_t begin_ns, bool first,
                                  arrakis_error *err)
{
    if (begin_ns != ARRAKIS_UNSET || first)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                    "%.100s does not give the time at which one source of a channel ends and the "
                    "next begins: a "
                    "ticket has no start, and none before it an end",
                    d->url);
}

/* Add a segment wherever the source of a channel changes. */
static arrakis_status add_segments(division *d, int64_t start_ns, arrakis_error *err)
{
    qsort(d->entries, d->entry_count, sizeof *d->entries, by_begin);
    set_live_begins(d);
    qsort(d->entries, d->entry_count, sizeof *d->entries, by_begin);
    memset(d->source, 0, d->total * sizeof *d->source);
    size_t slices = 0, end;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t first = 0; rc == ARRAKIS_OK && first < d->entry_count; first = end) {
        int64_t begin_ns = d->entries[first].begin_ns;
        for (end = first; end < d->entry_count && d->entries[end].begin_ns == begin_ns;)
            end++;
        rc = check_begin(d, begin_ns, first == 0, err);
        if (rc == ARRAKIS_OK && ++slices > SLICES_MAX)
            rc = ark_fail(err, ARRAKIS_EUNSUPPORTED, "%.100s names over %d slices of time", d->url,
                          SLICES_MAX);
        if (rc == ARRAKIS_OK)
            rc = read_slice(d, first, end, err);
        if (rc == ARRAKIS_OK && memcmp(d->source, d->next, d->total * sizeof *d->next) != 0) {
            memcpy(d->source, d->next, d->total * sizeof *d->next);
            rc = add_segment(d, d->out->count ? begin_ns : start_ns, err);
        }
        for (size_t i = first; rc == ARRAKIS_OK && i < end; i++)
            d->entries[i].segment = d->out->count ? d->out->count - 1 : 0;
    }
    return rc < 0 ? rc : check_ends(d, err);
}

/* Add one segment with all endpoints. */
static arrakis_status add_one_segment(division *d, int64_t start_ns, arrakis_error *err)
{
    ark_segments_clear(d->out);
    for (size_t i = 0; i < d->entry_count; i++) {
        const entry *e = &d->entries[i];
        d->entries[i].segment = 0;
        for (size_t k = 0; k < e->channel_count; k++)
            d->source[e->channels[k]] = e->source;
    }
    return add_segment(d, start_ns, err);
}

/* Only servers, which one reader could read slice by slice. But while it reads a slice that lacks
 * a channel of a later one, it could not report that the channel has no data. So each slice
 * becomes a segment, if the begins of all slices are known. */
static arrakis_status add_server_segments(division *d, int64_t start_ns, arrakis_error *err)
{
    arrakis_status rc = add_segments(d, start_ns, err);
    return rc == ARRAKIS_EUNSUPPORTED ? add_one_segment(d, start_ns, err) : rc;
}

/* ------------------------------------------------------------------ all of it */

/* Add each endpoint of a server to its segment. */
static arrakis_status assign_relays(const division *d, arrakis_error *err)
{
    for (size_t i = 0; i < d->entry_count; i++) {
        const entry *e = &d->entries[i];
        if (e->source != SERVER)
            continue;
        ark_segment *segment = &d->out->segments[e->segment];
        ark_endpoint *more = reallocarray(segment->relays, segment->relay_count + 1, sizeof *more);
        if (!more)
            return ark_no_memory(err, "a server's endpoints");
        segment->relays = more;
        segment->relays[segment->relay_count++] = *e->endpoint;
        *e->endpoint = (ark_endpoint){0};
    }
    return ARRAKIS_OK;
}

static void clear_plan(division *d)
{
    for (size_t i = 0; d->entries && i < d->entry_count; i++) {
        ark_ticket_clear(&d->entries[i].ticket);
        free(d->entries[i].channels);
    }
    free(d->entries);
    for (size_t i = 0; d->brokers && i < d->broker_count; i++)
        free(d->brokers[i]);
    free(d->brokers);
    free(d->source);
    free(d->next);
}

arrakis_status ark_segments_init(ark_segments *out, ark_flight_info *info,
                                 const arrakis_channels *channels, int64_t start_ns,
                                 const char *url, arrakis_error *err)
{
    assert(arrakis_channels_count(channels));
    *out = (ark_segments){0};
    bool handovers;
    division d = {.channels = channels,
                  .url = url,
                  .named = ark_budget_stream(url, INT64_MAX),
                  .read = ark_budget_stream(url, INT64_MAX),
                  .out = out};
    arrakis_status rc = read_entries(&d, info, err);
    if (rc == ARRAKIS_OK)
        rc = find_handovers(&d, &handovers, err);
    if (rc == ARRAKIS_OK)
        rc = handovers         ? add_segments(&d, start_ns, err)
             : !d.broker_count ? add_server_segments(&d, start_ns, err)
                               : add_one_segment(&d, start_ns, err);
    if (rc == ARRAKIS_OK)
        rc = assign_relays(&d, err);
    clear_plan(&d);
    return rc;
}

void ark_segments_clear(ark_segments *segments)
{
    for (size_t i = 0; i < segments->count; i++) {
        ark_segment *segment = &segments->segments[i];
        for (size_t k = 0; k < segment->broker_count; k++) {
            free(segment->brokers[k].url);
            arrakis_channels_unref(segment->brokers[k].channels);
        }
        free(segment->brokers);
        ark_flight_info relays = {segment->relays, segment->relay_count};
        ark_flight_info_clear(&relays);
        arrakis_channels_unref(segment->relayed);
    }
    free(segments->segments);
    *segments = (ark_segments){0};
}
