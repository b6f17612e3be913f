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
    NOBODY = 0, /* sources of a channel: brokers are numbered from BROKER on */
    SERVER = 1,
    BROKER = 2,
    MOST_SLICES = 1000, /* of one request that goes from one kind of source to another */
};

/* An endpoint. */
typedef struct entry {
    ark_endpoint *endpoint;
    ark_ticket ticket;
    int64_t begin_ns; /* ARRAKIS_UNSET: not known */
    size_t number, source, segment;
    size_t *channels; /* their numbers */
    size_t channel_count;
} entry;

typedef struct plan {
    const arrakis_channels *channels;
    const char *url; /* of the server that was asked */
    size_t total;
    entry *entries;
    size_t entry_count;
    ark_budget named; /* lists of brokers that the endpoints name */
    ark_budget read;  /* hosts of those that are read, in each segment: each reader has its own */
    char **brokers;
    size_t broker_count;
    size_t *source, *next; /* of every channel, in a slice and in the one after */
    ark_segments *out;
} plan;

static const char *name_of(const plan *p, size_t channel)
{
    return arrakis_channel_name(arrakis_channels_get(p->channels, channel));
}

/* ------------------------------------------------------------------ reading the endpoints */

/* An endpoint's brokers as one list, to be freed. */
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

static arrakis_status find_source(plan *p, entry *e, arrakis_error *err)
{
    e->source = SERVER;
    if (ark_location_of(e->endpoint->uris[0]) != ARK_LOCATION_KAFKA)
        return ARRAKIS_OK;
    char *url = broker_list(e->endpoint);
    if (!url)
        return ark_no_memory(err, "a server's endpoints");
    size_t i = 0;
    while (i < p->broker_count && strcmp(p->brokers[i], url) != 0)
        i++;
    e->source = BROKER + i;
    arrakis_status rc = ARRAKIS_OK;
    if (i == p->broker_count)
        rc = ark_budget_spend(&p->named, ARK_COST_CONNECTIONS, 1, err);
    if (i == p->broker_count && rc == ARRAKIS_OK)
        p->brokers[p->broker_count++] = url;
    else
        free(url);
    return rc;
}

static arrakis_status read_entry(plan *p, entry *e, arrakis_error *err)
{
    arrakis_status rc =
        ark_ticket_read(&e->ticket, e->endpoint->ticket, e->endpoint->ticket_size, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "%.100s", p->url);
    if (!(e->channels = calloc(e->ticket.name_count + 1, sizeof *e->channels)))
        return ark_no_memory(err, "a server's endpoints");
    for (size_t i = 0; i < e->ticket.name_count; i++) {
        int64_t at = arrakis_channels_index(p->channels, e->ticket.names[i]);
        if (at >= 0)
            e->channels[e->channel_count++] = (size_t)at;
    }
    e->begin_ns = e->ticket.start_ns;
    return find_source(p, e, err);
}

static arrakis_status read_entries(plan *p, ark_flight_info *info, arrakis_error *err)
{
    p->total = arrakis_channels_count(p->channels);
    p->entries = calloc(info->count + 1, sizeof *p->entries);
    p->brokers = calloc(info->count + 1, sizeof *p->brokers);
    p->source = calloc(p->total + 1, sizeof *p->source);
    p->next = calloc(p->total + 1, sizeof *p->next);
    if (!p->entries || !p->brokers || !p->source || !p->next)
        return ark_no_memory(err, "a server's endpoints");
    arrakis_status rc = ARRAKIS_OK;
    for (; rc == ARRAKIS_OK && p->entry_count < info->count; p->entry_count++) {
        entry *e = &p->entries[p->entry_count];
        *e = (entry){.endpoint = &info->endpoints[p->entry_count], .number = p->entry_count};
        rc = read_entry(p, e, err);
    }
    return rc;
}

/* Whether a channel is to be read from different sources. ENOTFOUND: one is from none. */
static arrakis_status look_for_seams(plan *p, bool *found, arrakis_error *err)
{
    *found = false;
    for (size_t i = 0; i < p->entry_count; i++)
        for (size_t k = 0; k < p->entries[i].channel_count; k++) {
            size_t *source = &p->source[p->entries[i].channels[k]];
            *found = *found || (*source && *source != p->entries[i].source);
            *source = p->entries[i].source;
        }
    for (size_t i = 0; i < p->total; i++)
        if (p->source[i] == NOBODY)
            return ark_fail(err, ARRAKIS_ENOTFOUND,
                            "%.100s returned no endpoint for channel '%.200s'", p->url,
                            name_of(p, i));
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

/* The segment's entry for a list of brokers. The readers of all segments connect when the request begins:
 * each new entry is charged, in whichever segment. */
static arrakis_status find_broker(plan *p, ark_segment *segment, const char *url,
                                  ark_segment_broker **out, arrakis_error *err)
{
    size_t i = 0;
    while (i < segment->broker_count && strcmp(segment->brokers[i].url, url) != 0)
        i++;
    arrakis_status rc = ARRAKIS_OK;
    if (i == segment->broker_count)
        rc = ark_budget_spend(&p->read, ARK_COST_CONNECTIONS, count_hosts(url), err);
    if (i == segment->broker_count && rc == ARRAKIS_OK)
        rc = add_broker(segment, url, err);
    if (rc == ARRAKIS_OK)
        *out = &segment->brokers[i];
    return rc;
}

/* A segment of the channels as they are in p->source. Its servers' endpoints are added later. */
static arrakis_status add_segment(plan *p, int64_t begin_ns, arrakis_error *err)
{
    ark_segment *more = reallocarray(p->out->segments, p->out->count + 1, sizeof *more);
    if (!more)
        return ark_no_memory(err, "a server's endpoints");
    p->out->segments = more;
    ark_segment *segment = &more[p->out->count++];
    *segment = (ark_segment){.begin_ns = begin_ns};
    arrakis_status rc = arrakis_channels_new(&segment->relayed, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < p->total; i++) {
        arrakis_channels *list = segment->relayed;
        if (p->source[i] >= BROKER) {
            ark_segment_broker *broker = NULL;
            ARK_TRY(find_broker(p, segment, p->brokers[p->source[i] - BROKER], &broker, err));
            list = broker->channels;
        }
        if (p->source[i] != NOBODY)
            rc = arrakis_channels_add(list, arrakis_channels_get(p->channels, i), err);
    }
    return rc;
}

/* ------------------------------------------------------------------ slices of time */

static int by_begin(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    /* the present comes after the past */
    uint64_t i = x->begin_ns == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)x->begin_ns;
    uint64_t k = y->begin_ns == ARRAKIS_UNSET ? UINT64_MAX : (uint64_t)y->begin_ns;
    if (i != k)
        return i > k ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

/* What has no start goes on where the others end, if that is known. */
static void begin_the_present(plan *p)
{
    int64_t end_ns = ARRAKIS_UNSET;
    for (size_t i = 0; i < p->entry_count; i++) {
        entry *e = &p->entries[i];
        if (e->begin_ns == ARRAKIS_UNSET)
            e->begin_ns = end_ns;
        else
            end_ns = e->ticket.end_ns > end_ns ? e->ticket.end_ns : end_ns;
    }
}

/* The sources of a slice's channels into p->next: what comes from a broker goes on to do so, unless
 * the slice says otherwise. */
static arrakis_status read_slice(plan *p, size_t first, size_t end, arrakis_error *err)
{
    memset(p->next, 0, p->total * sizeof *p->next);
    for (size_t i = first; i < end; i++) {
        const entry *e = &p->entries[i];
        for (size_t k = 0; k < e->channel_count; k++) {
            size_t *source = &p->next[e->channels[k]];
            if (*source != NOBODY && *source != e->source)
                return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                                "%.100s names two sources of channel '%.200s' for the same time, "
                                "a broker and a server or another broker",
                                p->url, name_of(p, e->channels[k]));
            *source = e->source;
        }
    }
    for (size_t i = 0; i < p->total; i++)
        if (p->next[i] == NOBODY && p->source[i] >= BROKER)
            p->next[i] = p->source[i];
    return ARRAKIS_OK;
}

/* A server's endpoint is read to its end, or to where another source takes its channels over. */
static arrakis_status check_ends(const plan *p, arrakis_error *err)
{
    size_t *last = calloc(p->total + 1, sizeof *last); /* segment that has a channel */
    if (!last)
        return ark_no_memory(err, "a server's endpoints");
    for (size_t i = 0; i < p->out->count; i++) {
        const ark_segment *segment = &p->out->segments[i];
        for (size_t b = 0; b <= segment->broker_count; b++) {
            const arrakis_channels *list =
                b < segment->broker_count ? segment->brokers[b].channels : segment->relayed;
            for (size_t k = 0; k < arrakis_channels_count(list); k++)
                last[arrakis_channels_index(
                    p->channels, arrakis_channel_name(arrakis_channels_get(list, k)))] = i;
        }
    }
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < p->entry_count; i++) {
        const entry *e = &p->entries[i];
        if (e->source != SERVER || e->segment + 1 == p->out->count)
            continue;
        int64_t until_ns = p->out->segments[e->segment + 1].begin_ns;
        bool ends = e->ticket.end_ns != ARRAKIS_UNSET && e->ticket.end_ns <= until_ns;
        for (size_t k = 0; rc == ARRAKIS_OK && !ends && k < e->channel_count; k++)
            if (last[e->channels[k]] == e->segment)
                rc = ark_fail(err, ARRAKIS_EUNSUPPORTED,
                              "%.100s names a server for channel '%.200s' beyond %lld ns, where "
                              "other channels go over from a server to a broker",
                              p->url, name_of(p, e->channels[k]), (long long)until_ns);
    }
    free(last);
    return rc;
}

static arrakis_status check_begin(const plan *p, int64_t begin_ns, bool first, arrakis_error *err)
{
    if (begin_ns != ARRAKIS_UNSET || first)
        return ARRAKIS_OK;
    return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                    "%.100s does not give the time at which one source of a channel ends and the "
                    "next begins: a "
                    "ticket has no start, and none before it an end",
                    p->url);
}

/* A segment ends where a channel's source changes. */
static arrakis_status cut_slices(plan *p, int64_t start_ns, arrakis_error *err)
{
    qsort(p->entries, p->entry_count, sizeof *p->entries, by_begin);
    begin_the_present(p);
    qsort(p->entries, p->entry_count, sizeof *p->entries, by_begin);
    memset(p->source, 0, p->total * sizeof *p->source);
    size_t slices = 0, end;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t first = 0; rc == ARRAKIS_OK && first < p->entry_count; first = end) {
        int64_t begin_ns = p->entries[first].begin_ns;
        for (end = first; end < p->entry_count && p->entries[end].begin_ns == begin_ns;)
            end++;
        rc = check_begin(p, begin_ns, first == 0, err);
        if (rc == ARRAKIS_OK && ++slices > MOST_SLICES)
            rc = ark_fail(err, ARRAKIS_EUNSUPPORTED, "%.100s names over %d slices of time", p->url,
                          MOST_SLICES);
        if (rc == ARRAKIS_OK)
            rc = read_slice(p, first, end, err);
        if (rc == ARRAKIS_OK && memcmp(p->source, p->next, p->total * sizeof *p->next) != 0) {
            memcpy(p->source, p->next, p->total * sizeof *p->next);
            rc = add_segment(p, p->out->count ? begin_ns : start_ns, err);
        }
        for (size_t i = first; rc == ARRAKIS_OK && i < end; i++)
            p->entries[i].segment = p->out->count ? p->out->count - 1 : 0;
    }
    return rc < 0 ? rc : check_ends(p, err);
}

/* All at once. */
static arrakis_status put_together(plan *p, int64_t start_ns, arrakis_error *err)
{
    ark_segments_clear(p->out);
    for (size_t i = 0; i < p->entry_count; i++) {
        const entry *e = &p->entries[i];
        p->entries[i].segment = 0;
        for (size_t k = 0; k < e->channel_count; k++)
            p->source[e->channels[k]] = e->source;
    }
    return add_segment(p, start_ns, err);
}

/* Servers alone, which one reader reads slice by slice: but while it reads a slice that lacks a
 * channel of a later one, nobody could say so. Slices that cannot be told apart are left to it. */
static arrakis_status cut_servers(plan *p, int64_t start_ns, arrakis_error *err)
{
    arrakis_status rc = cut_slices(p, start_ns, err);
    return rc == ARRAKIS_EUNSUPPORTED ? put_together(p, start_ns, err) : rc;
}

/* ------------------------------------------------------------------ all of it */

/* The endpoints of servers, each to its segment. */
static arrakis_status hand_out(const plan *p, arrakis_error *err)
{
    for (size_t i = 0; i < p->entry_count; i++) {
        const entry *e = &p->entries[i];
        if (e->source != SERVER)
            continue;
        ark_segment *segment = &p->out->segments[e->segment];
        ark_endpoint *more = reallocarray(segment->relays, segment->relay_count + 1, sizeof *more);
        if (!more)
            return ark_no_memory(err, "a server's endpoints");
        segment->relays = more;
        segment->relays[segment->relay_count++] = *e->endpoint;
        *e->endpoint = (ark_endpoint){0};
    }
    return ARRAKIS_OK;
}

static void clear_plan(plan *p)
{
    for (size_t i = 0; p->entries && i < p->entry_count; i++) {
        ark_ticket_clear(&p->entries[i].ticket);
        free(p->entries[i].channels);
    }
    free(p->entries);
    for (size_t i = 0; p->brokers && i < p->broker_count; i++)
        free(p->brokers[i]);
    free(p->brokers);
    free(p->source);
    free(p->next);
}

arrakis_status ark_segments_make(ark_segments *out, ark_flight_info *info,
                                 const arrakis_channels *channels, int64_t start_ns,
                                 const char *url, arrakis_error *err)
{
    assert(arrakis_channels_count(channels));
    *out = (ark_segments){0};
    bool seams;
    plan p = {.channels = channels,
              .url = url,
              .named = ark_budget_stream(url, INT64_MAX),
              .read = ark_budget_stream(url, INT64_MAX),
              .out = out};
    arrakis_status rc = read_entries(&p, info, err);
    if (rc == ARRAKIS_OK)
        rc = look_for_seams(&p, &seams, err);
    if (rc == ARRAKIS_OK)
        rc = seams             ? cut_slices(&p, start_ns, err)
             : !p.broker_count ? cut_servers(&p, start_ns, err)
                               : put_together(&p, start_ns, err);
    if (rc == ARRAKIS_OK)
        rc = hand_out(&p, err);
    clear_plan(&p);
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
