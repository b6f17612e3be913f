/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include "base/log.h"
#include "channel/channel.h"
#include "client/describe.h"
#include "flight/query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An error names at most this many missing channels. */
#define NAMED_MAX 3

typedef struct wanted {
    const char *name;
    size_t index; /* in the list of requested names */
    arrakis_channel *channel;
    bool contested; /* two publishers have it */
} wanted;

typedef struct name_list {
    wanted *items; /* sorted by name, and later in the order of the request */
    size_t count;
    ark_places
        *places; /* of the channels as they were; NULL: they do not matter, and all is logged */
} name_list;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const wanted *)a)->name, ((const wanted *)b)->name);
}

static int by_request(const void *a, const void *b)
{
    size_t x = ((const wanted *)a)->index, y = ((const wanted *)b)->index;
    return (x > y) - (x < y);
}

static arrakis_status make_list(name_list *list, const char *const *names, size_t count,
                                arrakis_error *err)
{
    list->items = calloc(count, sizeof *list->items);
    if (!list->items)
        return ark_no_memory(err, "describing %zu channels", count);
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!names[i])
            return ark_fail(err, ARRAKIS_EINVAL, "channel name %zu is NULL", i);
        list->items[i] = (wanted){.name = names[i], .index = i};
    }
    qsort(list->items, count, sizeof *list->items, by_name);
    for (size_t i = 1; i < count; i++)
        if (by_name(&list->items[i - 1], &list->items[i]) == 0)
            return ark_fail(err, ARRAKIS_EINVAL, "channel '%.200s' is asked for twice",
                            list->items[i].name);
    return ARRAKIS_OK;
}

static const char *publisher_of(const arrakis_channel *channel)
{
    const char *publisher = ark_info(channel).publisher;
    return publisher ? publisher : "(unnamed)";
}

/* Two publishers have a channel of this name. The metadata that became active later is preferred,
 * and any with a time to any without. If that decides nothing, the publisher whose name is first
 * in the order of bytes is preferred, whichever was found first. */
static bool is_preferred(const arrakis_channel *channel, const arrakis_channel *to)
{
    const char *a = publisher_of(to), *b = publisher_of(channel);
    int64_t x = ark_info(to).time_ns, y = ark_info(channel).time_ns;
    return y > x || (y == x && strcmp(b, a) < 0);
}

/* Logged once per name: a server may send a channel any number of times. */
static void note_publishers(wanted *item, const arrakis_channel *channel)
{
    if (item->contested || !item->channel ||
        strcmp(publisher_of(item->channel), publisher_of(channel)) == 0)
        return;
    item->contested = true;
    ark_log(ARRAKIS_LOG_WARNING, "channel '%.200s' has two publishers, %.100s and %.100s",
            item->name, publisher_of(item->channel), publisher_of(channel));
}

static wanted *find_wanted(const name_list *list, const char *name)
{
    wanted key = {.name = name};
    return bsearch(&key, list->items, list->count, sizeof key, by_name);
}

static ark_choice choose_wanted(const arrakis_channel_info *info, void *opaque)
{
    const name_list *list = opaque;
    return find_wanted(list, info->name) || ark_places_is_taken_by(list->places, info)
               ? ARK_CHOICE_TAKE
               : ARK_CHOICE_SKIP;
}

static bool take_wanted(arrakis_channel *channel, void *opaque)
{
    name_list *list = opaque;
    wanted *item = find_wanted(list, arrakis_channel_name(channel));
    if (!item && list->places)
        ark_places_take(list->places, channel);
    if (item && !list->places)
        note_publishers(item, channel);
    if (item && (!item->channel || is_preferred(channel, item->channel))) {
        arrakis_channel_unref(item->channel);
        item->channel = arrakis_channel_ref(channel);
    }
    return true;
}

static bool is_hidden(const arrakis_error *passed_over)
{
    return passed_over->status < 0 && passed_over->status != ARRAKIS_EFORMAT;
}

/* Names that were not found may be in a topic that could not be read: then that is the error,
 * unless the topic can never be read (EFORMAT). */
static arrakis_status fail_missing(const name_list *list, const arrakis_error *passed_over,
                                   arrakis_error *err)
{
    char text[400] = "";
    size_t missing = 0, used = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!list->items[i].channel && missing++ < NAMED_MAX) {
            int n = snprintf(text + used, sizeof text - used, "%s'%.120s'", used ? ", " : "",
                             list->items[i].name);
            used += n > 0 ? (size_t)n : 0;
        }
    if (!missing)
        return ARRAKIS_OK;
    bool hidden = is_hidden(passed_over);
    return ark_fail(err, hidden ? passed_over->status : ARRAKIS_ENOTFOUND,
                    "%zu of %zu channels not found: %s%s%s%s", missing, list->count, text,
                    missing > NAMED_MAX ? ", ..." : "", passed_over->status < 0 ? "; " : "",
                    passed_over->status < 0 ? passed_over->message : "");
}

/* Without the channels that were not found. */
static arrakis_status hand_out(arrakis_channels **out, const name_list *list, arrakis_error *err)
{
    arrakis_status rc = arrakis_channels_new(out, err);
    for (size_t i = 0; rc == ARRAKIS_OK && i < list->count; i++)
        if (list->items[i].channel)
            rc = arrakis_channels_add(*out, list->items[i].channel, err);
    if (rc == ARRAKIS_OK)
        return rc;
    arrakis_channels_unref(*out);
    *out = NULL;
    return rc;
}

/* Look the names up. time_ns is for servers: brokers and files have only present descriptions. */
static arrakis_status look_up(arrakis_client *client, name_list *list, const char *const *names,
                              int64_t time_ns, const char *replay_id, arrakis_error *passed_over,
                              arrakis_error *err)
{
    if (ark_client_asks_server(client)) {
        arrakis_status rc = ark_client_check(client, err);
        return rc < 0 ? rc
                      : ark_query_describe(client->server, names, list->count, time_ns, replay_id,
                                           take_wanted, list, err);
    }
    arrakis_query query = ARRAKIS_QUERY_INIT;
    query.max_rate = HUGE_VAL;
    query.replay_id = replay_id;
    ark_selection selection = {names, list->count, NULL, take_wanted, list};
    if (list->places) /* any channel may have taken one */
        selection = (ark_selection){NULL, 0, choose_wanted, take_wanted, list};
    return ark_client_search(client, &query, &selection, passed_over, err);
}

/* With `places` channels that are known not to exist are left out. */
static arrakis_status describe_names(arrakis_client *client, arrakis_channels **out,
                                     const char *const *names, size_t count, int64_t time_ns,
                                     const char *replay_id, ark_places *places, arrakis_error *err)
{
    name_list list = {.places = places};
    arrakis_error passed_over = {.status = ARRAKIS_OK};
    arrakis_status rc = make_list(&list, names, count, err);
    if (rc == ARRAKIS_OK)
        rc = look_up(client, &list, names, time_ns, replay_id, &passed_over, err);
    if (rc == ARRAKIS_OK)
        qsort(list.items, list.count, sizeof *list.items, by_request);
    if (rc == ARRAKIS_OK && (!places || is_hidden(&passed_over)))
        rc = fail_missing(&list, &passed_over, err);
    if (rc == ARRAKIS_OK)
        rc = hand_out(out, &list, err);
    for (size_t i = 0; i < list.count; i++)
        arrakis_channel_unref(list.items[i].channel);
    free(list.items);
    return rc;
}

arrakis_status arrakis_client_describe(arrakis_client *client, arrakis_channels **out,
                                       const char *const *names, size_t count, int64_t time_ns,
                                       const char *replay_id, arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!client || !out || !names || !count)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_client_describe: %s",
                        !client ? "client is NULL"
                        : !out  ? "out is NULL"
                                : "no names are given");
    return describe_names(client, out, names, count, time_ns, replay_id, NULL, err);
}

arrakis_status ark_describe_present(arrakis_client *client, arrakis_channels **out,
                                    const char *const *names, size_t count, const char *replay_id,
                                    ark_places *places, arrakis_error *err)
{
    *out = NULL;
    ark_places_drop_takers(places);
    return describe_names(client, out, names, count, ARRAKIS_UNSET, replay_id, places, err);
}
