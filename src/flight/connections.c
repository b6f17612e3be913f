/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/connections.h"

#include "base/error.h"
#include "base/log.h"
#include "flight/location.h"
#include "flight/url.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The URL of the session to a location; "": it cannot be connected to. */
static arrakis_status url_of(char *out, size_t size, const ark_session *origin, const char *uri,
                             arrakis_error *err)
{
    ark_url url;
    out[0] = '\0';
    if (ark_location_of(uri) == ARK_LOCATION_REUSE) {
        snprintf(out, size, "%s", origin->url);
        return ARRAKIS_OK;
    }
    if (ark_location_of(uri) != ARK_LOCATION_FLIGHT)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "%.100s names a location that cannot be dialed: %.200s", origin->url, uri);
    if (ark_url_parse(&url, uri, err) < 0)
        return ark_fail_within(err, ARRAKIS_EFORMAT, "%.100s names a location", origin->url);
    ark_url_text(out, size, &url);
    return ARRAKIS_OK;
}

arrakis_status ark_connections_session(ark_session **out, ark_session *origin,
                                       ark_connect_options *connect, const char *uri,
                                       arrakis_error *err)
{
    char url[ARK_URL_SIZE];
    *out = NULL;
    ARK_TRY(url_of(url, sizeof url, origin, uri, err));
    if (strcmp(url, origin->url) != 0)
        return ark_session_open_named(out, url, connect, origin, err);
    *out = ark_session_ref(origin);
    return ARRAKIS_OK;
}

/* Close the connections that are not used any more. */
static void drop_unused(ark_connections *connections)
{
    size_t kept = 0;
    for (size_t i = 0; i < connections->count; i++)
        if (atomic_load(&connections->sessions[i]->refs) > 1) {
            connections->sessions[kept++] = connections->sessions[i];
        } else {
            ark_session_unref(connections->sessions[i]);
            ark_budget_return(connections->budget, ARK_COST_CONNECTIONS, 1);
        }
    connections->count = kept;
}

arrakis_status ark_connections_find(ark_connections *connections, ark_session **out,
                                    const char *uri, arrakis_error *err)
{
    char url[ARK_URL_SIZE];
    *out = NULL;
    ARK_TRY(url_of(url, sizeof url, connections->origin, uri, err));
    if (strcmp(url, connections->origin->url) == 0) {
        *out = ark_session_ref(connections->origin);
        return ARRAKIS_OK;
    }
    for (size_t i = 0; i < connections->count; i++)
        if (strcmp(url, connections->sessions[i]->url) == 0) {
            *out = ark_session_ref(connections->sessions[i]);
            return ARRAKIS_OK;
        }
    if (connections->count == ARK_CONNECTIONS_MAX)
        drop_unused(connections);
    ARK_TRY(ark_budget_spend(connections->budget, ARK_COST_CONNECTIONS, 1, err));
    arrakis_status rc =
        ark_session_open_named(out, url, connections->connect, connections->origin, err);
    if (rc < 0)
        ark_budget_return(connections->budget, ARK_COST_CONNECTIONS, 1);
    else
        connections->sessions[connections->count++] = ark_session_ref(*out);
    return rc;
}

arrakis_status ark_connections_read(ark_connections *connections, ark_batches *batches,
                                    const ark_endpoint *endpoint, size_t *location, bool again,
                                    arrakis_error *err)
{
    assert(*location < endpoint->uri_count);
    arrakis_status rc = ARRAKIS_OK;
    for (; *location < endpoint->uri_count; ++*location) {
        ark_session *session;
        rc = ark_connections_find(connections, &session, endpoint->uris[*location], err);
        if (rc == ARRAKIS_OK)
            rc = ark_batches_open(batches, session, connections->budget, endpoint->ticket,
                                  endpoint->ticket_size, again, err);
        ark_session_unref(session);
        if (rc == ARRAKIS_OK || rc == ARRAKIS_ENOMEM)
            return rc;
    }
    return rc;
}

bool ark_connections_fail_over(const ark_endpoint *endpoint, size_t *location,
                               const arrakis_error *failure)
{
    assert(failure->status < 0);
    bool may_differ = failure->status == ARRAKIS_ECONNECT ||
                      failure->status == ARRAKIS_EDEADLINE || failure->status == ARRAKIS_ESERVER;
    if (!may_differ || *location + 1 >= endpoint->uri_count)
        return false;
    ark_log(ARRAKIS_LOG_WARNING, "%s; the next location is read", failure->message);
    ++*location;
    return true;
}

void ark_connections_clear(ark_connections *connections)
{
    for (size_t i = 0; i < connections->count; i++)
        ark_session_unref(connections->sessions[i]);
    connections->count = 0;
}
