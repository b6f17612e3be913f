/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/ticket.h"

#include "base/error.h"
#include "base/json_load.h"
#include "base/json_text.h"

#include <stdlib.h>
#include <string.h>

static arrakis_status read_names(ark_ticket *out, const json_t *list, arrakis_error *err)
{
    size_t count = json_array_size(list);
    if (!count)
        return ark_fail(err, ARRAKIS_EFORMAT, "a ticket without args.channels");
    if (!(out->names = calloc(count, sizeof *out->names)))
        return ark_no_memory(err, "a ticket of %zu channels", count);
    for (; out->name_count < count; out->name_count++) {
        const char *name = json_string_value(json_array_get(list, out->name_count));
        if (!name)
            return ark_fail(err, ARRAKIS_EFORMAT,
                            "a ticket whose args.channels[%zu] is not a string", out->name_count);
        if (!(out->names[out->name_count] = strdup(name)))
            return ark_no_memory(err, "a ticket of %zu channels", count);
    }
    return ARRAKIS_OK;
}

static arrakis_status read_ticket_time(int64_t *out, const json_t *args, const char *key,
                                       arrakis_error *err)
{
    const json_t *value = json_object_get(args, key);
    if (!json_is_integer(value))
        return ARRAKIS_OK;
    int64_t time_ns = json_integer_value(value);
    if (time_ns < 0 || time_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "a ticket whose args.%s is %lld: expected GPS nanoseconds from 0 to %lld",
                        key, (long long)time_ns, (long long)ARRAKIS_TIME_MAX_NS);
    *out = time_ns;
    return ARRAKIS_OK;
}

arrakis_status ark_ticket_read(ark_ticket *out, const void *ticket, size_t size,
                               arrakis_error *err)
{
    *out = (ark_ticket){.start_ns = ARRAKIS_UNSET, .end_ns = ARRAKIS_UNSET};
    json_t *request = ark_json_load(ticket, size, size, 0, "a ticket", err);
    if (!request)
        return ARRAKIS_EFORMAT;
    const json_t *args = json_object_get(request, "args");
    arrakis_status rc = read_ticket_time(&out->start_ns, args, "start", err);
    if (rc == ARRAKIS_OK)
        rc = read_ticket_time(&out->end_ns, args, "end", err);
    if (rc == ARRAKIS_OK)
        rc = read_names(out, json_object_get(args, "channels"), err);
    json_decref(request);
    if (rc < 0)
        ark_ticket_clear(out);
    return rc;
}

arrakis_status ark_ticket_move(char **out, const void *ticket, size_t size, int64_t start_ns,
                               arrakis_error *err)
{
    *out = NULL;
    json_t *request = ark_json_load(ticket, size, size, 0, "a ticket", err);
    if (!request)
        return ARRAKIS_EFORMAT;
    json_t *args = json_object_get(request, "args");
    if (json_is_object(args) &&
        json_object_set_new(args, "start", json_integer((json_int_t)start_ns)) == 0)
        *out = ark_json_text(request, JSON_COMPACT);
    json_decref(request);
    return *out ? ARRAKIS_OK : ark_no_memory(err, "a ticket of %zu bytes", size);
}

const char *ark_ticket_others(const ark_ticket *ticket)
{
    return ticket->name_count > 1 ? " and others" : "";
}

void ark_ticket_clear(ark_ticket *ticket)
{
    for (size_t i = 0; i < ticket->name_count; i++)
        free(ticket->names[i]);
    free(ticket->names);
    *ticket = (ark_ticket){.start_ns = ARRAKIS_UNSET, .end_ns = ARRAKIS_UNSET};
}
