/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/request.h"

#include "arrow/check.h"
#include "base/error.h"
#include "base/json_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The version of the JSON schemas that the requests follow. */
#define REQUEST_VERSION "0.5.0"

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t time_ns)
{
    return time_ns == ARRAKIS_UNSET ? json_null() : json_integer(time_ns);
}

/* Make the text of a request. Owns `args`, in which a value is missing that there was no memory
 * for. */
static arrakis_status finish_request(char **out, const char *kind, json_t *args, size_t wanted,
                                     arrakis_error *err)
{
    *out = NULL;
    size_t found = json_object_size(args);
    json_t *request = found == wanted ? json_pack("{s:s,s:O,s:s}", "request", kind, "args", args,
                                                  "version", REQUEST_VERSION)
                                      : NULL;
    if (request)
        *out = ark_json_text(request, JSON_COMPACT);
    json_decref(request);
    json_decref(args);
    return *out ? ARRAKIS_OK : ark_no_memory(err, "a request %s", kind);
}

/* Check a text for a request; it may be NULL. */
static arrakis_status check_text(const char *text, arrakis_error *err)
{
    return !text || ark_check_utf8((const uint8_t *)text, (int64_t)strlen(text))
               ? ARRAKIS_OK
               : ark_fail(err, ARRAKIS_EINVAL, "a request with '%.200s', which is not UTF-8",
                          text);
}

static arrakis_status check_texts(const char *const *texts, size_t count, const char *replay_id,
                                  arrakis_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!texts[i] || check_text(texts[i], err) < 0)
            return texts[i] ? ARRAKIS_EINVAL
                            : ark_fail(err, ARRAKIS_EINVAL, "a request whose text %zu is NULL", i);
    return check_text(replay_id, err);
}

/* Append a value. Returns the list, or NULL: out of memory. */
static json_t *append_value(json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) == 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *type_list(const arrakis_query *query)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < query->dtype_count; i++)
        list = append_value(list, json_string(arrakis_dtype_name(query->dtypes[i])));
    return list;
}

static json_t *text_list(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++)
        list = append_value(list, json_string(texts[i]));
    return list;
}

/* Servers accept only whole rates: rounding the limits inwards loses no channel with such a
 * rate. */
static json_t *whole_rate(double rate)
{
    return rate <= 0 ? json_integer(0) : json_integer((json_int_t)fmin(rate, 4294967295.0));
}

arrakis_status ark_request_search(char **out, const char *kind, const arrakis_query *query,
                                  arrakis_error *err)
{
    *out = NULL;
    if (isnan(query->min_rate) || isnan(query->max_rate))
        return ark_fail(err, ARRAKIS_EINVAL, "a search between the rates %g and %g",
                        query->min_rate, query->max_rate);
    if (check_text(query->pattern, err) < 0 ||
        check_texts(query->publishers, query->publisher_count, query->replay_id, err) < 0)
        return ARRAKIS_EINVAL;
    json_t *args = json_object();
    json_object_set_new(args, "pattern", json_string(query->pattern ? query->pattern : ".*"));
    json_object_set_new(args, "data_type", type_list(query));
    json_object_set_new(args, "min_rate", whole_rate(ceil(query->min_rate)));
    json_object_set_new(args, "max_rate", whole_rate(floor(query->max_rate)));
    json_object_set_new(args, "publisher", text_list(query->publishers, query->publisher_count));
    json_object_set_new(args, "time", time_or_null(query->time_ns));
    json_object_set_new(args, "replay_id", text_or_null(query->replay_id));
    return finish_request(out, kind, args, 7, err);
}

arrakis_status ark_request_describe(char **out, const char *const *names, size_t count,
                                    int64_t time_ns, const char *replay_id, arrakis_error *err)
{
    *out = NULL;
    if (check_texts(names, count, replay_id, err) < 0)
        return ARRAKIS_EINVAL;
    json_t *args = json_object();
    json_object_set_new(args, "channels", text_list(names, count));
    json_object_set_new(args, "time", time_or_null(time_ns));
    json_object_set_new(args, "replay_id", text_or_null(replay_id));
    return finish_request(out, "Describe", args, 3, err);
}

arrakis_status ark_request_publisher(char **out, const char *kind, const char *publisher_id,
                                     const char *replay_id, arrakis_error *err)
{
    *out = NULL;
    if (check_texts(&publisher_id, 1, replay_id, err) < 0)
        return ARRAKIS_EINVAL;
    json_t *args = json_object();
    json_object_set_new(args, "publisher_id", json_string(publisher_id));
    json_object_set_new(args, "replay_id", text_or_null(replay_id));
    return finish_request(out, kind, args, 2, err);
}

static json_t *name_list(const arrakis_channels *channels)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < arrakis_channels_count(channels); i++)
        list = append_value(list,
                            json_string(arrakis_channel_name(arrakis_channels_get(channels, i))));
    return list;
}

arrakis_status ark_request_stream(char **out, const ark_stream_request *request,
                                  arrakis_error *err)
{
    *out = NULL;
    if (check_text(request->replay_id, err) < 0)
        return ARRAKIS_EINVAL;
    json_t *args = json_object();
    json_object_set_new(args, "channels", name_list(request->channels));
    json_object_set_new(args, "start", time_or_null(request->start_ns));
    json_object_set_new(args, "end", time_or_null(request->end_ns));
    json_object_set_new(args, "replay_start", time_or_null(request->replay_start_ns));
    json_object_set_new(args, "replay_end", time_or_null(request->replay_end_ns));
    json_object_set_new(args, "replay_id", text_or_null(request->replay_id));
    return finish_request(out, "Stream", args, 6, err);
}
