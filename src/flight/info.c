/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/info.h"

#include "base/error.h"
#include "flight/message.h"
#include "flight/proto.h"

#include <stdlib.h>
#include <string.h>

enum { INFO_ENDPOINT = 3, ENDPOINT_TICKET = 1, ENDPOINT_LOCATION = 2 };

static const char reuse_connection[] = "arrow-flight-reuse-connection://?";

/* Make room for one more, by doubling. */
static bool grow_list(void *list, size_t count, size_t size)
{
    if (count & (count - 1))
        return true;
    void *now, *more;
    memcpy(&now, list, sizeof now);
    more = reallocarray(now, count ? count * 2 : 1, size);
    if (more)
        memcpy(list, &more, sizeof more);
    return more != NULL;
}

/* The bytes of the first field of a message, the only one that is used. */
static arrakis_status read_first(ark_proto_field *out, const ark_proto_field *message,
                                 arrakis_error *err)
{
    return ark_flight_message_read_result(&out->data, &out->size, message->data, message->size,
                                          err);
}

static arrakis_status add_uri(ark_endpoint *endpoint, const uint8_t *text, size_t size,
                              arrakis_error *err)
{
    if (memchr(text, 0, size))
        return ark_fail(err, ARRAKIS_EFORMAT, "an endpoint's location contains a NUL byte");
    if (endpoint->uri_count == ARK_LOCATIONS_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT, "an endpoint of over %d locations",
                        ARK_LOCATIONS_MAX);
    if (!grow_list(&endpoint->uris, endpoint->uri_count, sizeof *endpoint->uris))
        return ark_no_memory(err, "a server's endpoints");
    char *uri = strndup((const char *)text, size);
    if (!uri)
        return ark_no_memory(err, "a server's endpoints");
    endpoint->uris[endpoint->uri_count++] = uri;
    return ARRAKIS_OK;
}

static arrakis_status set_ticket(ark_endpoint *endpoint, const ark_proto_field *ticket,
                                 size_t size_max, arrakis_error *err)
{
    if (ticket->size > size_max)
        return ark_fail(err, ARRAKIS_EFORMAT, "a ticket of %zu bytes, expected up to %zu",
                        ticket->size, size_max);
    uint8_t *copy = malloc(ticket->size + 1);
    if (!copy)
        return ark_no_memory(err, "a server's endpoints");
    memcpy(copy, ticket->data, ticket->size);
    free(endpoint->ticket);
    endpoint->ticket = copy;
    endpoint->ticket_size = ticket->size;
    return ARRAKIS_OK;
}

static arrakis_status read_endpoint(ark_endpoint *endpoint, const ark_proto_field *message,
                                    size_t ticket_max, arrakis_error *err)
{
    ark_proto proto = {message->data, message->data + message->size};
    ark_proto_field field, inner;
    arrakis_status rc;
    while ((rc = ark_proto_next(&proto, &field, err)) == ARRAKIS_OK) {
        bool ticket = field.number == ENDPOINT_TICKET;
        if (!field.is_bytes || (!ticket && field.number != ENDPOINT_LOCATION))
            continue;
        if ((rc = read_first(&inner, &field, err)) == ARRAKIS_OK)
            rc = ticket ? set_ticket(endpoint, &inner, ticket_max, err)
                        : add_uri(endpoint, inner.data, inner.size, err);
        if (rc < 0)
            return rc;
    }
    if (rc < 0)
        return rc;
    if (!endpoint->ticket)
        return ark_fail(err, ARRAKIS_EFORMAT, "an endpoint without a ticket");
    return endpoint->uri_count ? ARRAKIS_OK
                               : add_uri(endpoint, (const uint8_t *)reuse_connection,
                                         strlen(reuse_connection), err);
}

arrakis_status ark_flight_info_read(ark_flight_info *out, const uint8_t *data, size_t size,
                                    size_t request_size, ark_budget *budget, arrakis_error *err)
{
    ark_proto proto = {data, data + size};
    ark_proto_field field;
    arrakis_status rc;
    *out = (ark_flight_info){0};
    if (size > ARK_INFO_MAX + 2 * request_size)
        return ark_fail(err, ARRAKIS_EFORMAT, "endpoints of %zu bytes, expected up to %zu", size,
                        ARK_INFO_MAX + 2 * request_size);
    while ((rc = ark_proto_next(&proto, &field, err)) == ARRAKIS_OK) {
        if (field.number != INFO_ENDPOINT || !field.is_bytes)
            continue;
        if ((rc = ark_budget_spend(budget, ARK_COST_ENDPOINTS, 1, err)) < 0)
            break;
        if (!grow_list(&out->endpoints, out->count, sizeof *out->endpoints)) {
            rc = ark_no_memory(err, "a server's endpoints");
            break;
        }
        out->endpoints[out->count] = (ark_endpoint){0};
        rc = read_endpoint(&out->endpoints[out->count++], &field,
                           ARK_TICKET_MAX + 2 * request_size, err);
        if (rc < 0)
            break;
    }
    if (rc == ARRAKIS_DONE)
        return ARRAKIS_OK;
    ark_flight_info_clear(out);
    return rc;
}

static arrakis_status copy_endpoint(ark_endpoint *to, const arrakis_endpoint *from,
                                    arrakis_error *err)
{
    if (from->location_count > ARK_LOCATIONS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "an endpoint of %zu locations, expected up to %d",
                        from->location_count, ARK_LOCATIONS_MAX);
    to->ticket = malloc(from->ticket_size + 1);
    if (!to->ticket)
        return ark_no_memory(err, "an endpoint");
    if (from->ticket_size)
        memcpy(to->ticket, from->ticket, from->ticket_size);
    to->ticket_size = from->ticket_size;
    arrakis_status rc = ARRAKIS_OK;
    for (size_t i = 0; rc == ARRAKIS_OK && i < from->location_count; i++)
        rc = add_uri(to, (const uint8_t *)from->locations[i], strlen(from->locations[i]), err);
    if (rc == ARRAKIS_OK && !from->location_count)
        rc = add_uri(to, (const uint8_t *)reuse_connection, strlen(reuse_connection), err);
    return rc;
}

arrakis_status ark_flight_info_copy(ark_flight_info *out, const arrakis_endpoint *endpoints,
                                    size_t count, arrakis_error *err)
{
    *out = (ark_flight_info){0};
    if (count > ARK_ENDPOINTS_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu endpoints, expected up to %d", count,
                        ARK_ENDPOINTS_MAX);
    if (!(out->endpoints = calloc(count + 1, sizeof *out->endpoints)))
        return ark_no_memory(err, "%zu endpoints", count);
    arrakis_status rc = ARRAKIS_OK;
    while (rc == ARRAKIS_OK && out->count < count) {
        rc = copy_endpoint(&out->endpoints[out->count], &endpoints[out->count], err);
        out->count++; /* also one that is copied in part: it is to be cleared */
    }
    return rc;
}

void ark_flight_info_clear_endpoint(ark_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->uri_count; i++)
        free(endpoint->uris[i]);
    free(endpoint->uris);
    free(endpoint->ticket);
    *endpoint = (ark_endpoint){0};
}

void ark_flight_info_clear(ark_flight_info *info)
{
    for (size_t i = 0; i < info->count; i++)
        ark_flight_info_clear_endpoint(&info->endpoints[i]);
    free(info->endpoints);
    *info = (ark_flight_info){0};
}
