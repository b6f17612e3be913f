/* SPDX-License-Identifier: Apache-2.0 */
#include "flight/places.h"

#include "base/error.h"
#include "base/log.h"
#include "flight/location.h"
#include "flight/url.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The URL that a session of that location has; "" where it cannot be dialed. */
static arrakis_status url_of(char *out, size_t size, const ark_session *here, const char *uri,
                             arrakis_error *err)
{
    ark_url url;
    out[0] = '\0';
    if (ark_location_of(uri) == ARK_LOCATION_REUSE) {
        snprintf(out, size, "%s", here->url);
        return ARRAKIS_OK;
    }
    if (ark_location_of(uri) != ARK_LOCATION_FLIGHT)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "%.100s names a location that cannot be dialed: %.200s", here->url, uri);
    if (ark_url_parse(&url, uri, err) < 0)
        return ark_fail_within(err, ARRAKIS_EFORMAT, "%.100s names a location", here->url);
    ark_url_text(out, size, &url);
    return ARRAKIS_OK;
}

arrakis_status ark_places_session(ark_session **out, ark_session *here, ark_dial_options *dial,
                                  const char *uri, arrakis_error *err)
{
    char url[ARK_URL_SIZE];
    *out = NULL;
    ARK_TRY(url_of(url, sizeof url, here, uri, err));
    if (strcmp(url, here->url) != 0)
        return ark_session_open_named(out, url, dial, here, err);
    *out = ark_session_ref(here);
    return ARRAKIS_OK;
}

/* Connections that nobody uses any more. */
static void drop_unused(ark_places *places)
{
    size_t kept = 0;
    for (size_t i = 0; i < places->count; i++)
        if (atomic_load(&places->sessions[i]->refs) > 1) {
            places->sessions[kept++] = places->sessions[i];
        } else {
            ark_session_free(places->sessions[i]);
            ark_budget_return(places->budget, ARK_COST_CONNECTIONS, 1);
        }
    places->count = kept;
}

arrakis_status ark_places_find(ark_places *places, ark_session **out, const char *uri,
                               arrakis_error *err)
{
    char url[ARK_URL_SIZE];
    *out = NULL;
    ARK_TRY(url_of(url, sizeof url, places->here, uri, err));
    if (strcmp(url, places->here->url) == 0) {
        *out = ark_session_ref(places->here);
        return ARRAKIS_OK;
    }
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(url, places->sessions[i]->url) == 0) {
            *out = ark_session_ref(places->sessions[i]);
            return ARRAKIS_OK;
        }
    if (places->count == ARK_CONNECTIONS_MAX)
        drop_unused(places);
    ARK_TRY(ark_budget_spend(places->budget, ARK_COST_CONNECTIONS, 1, err));
    arrakis_status rc = ark_session_open_named(out, url, places->dial, places->here, err);
    if (rc < 0)
        ark_budget_return(places->budget, ARK_COST_CONNECTIONS, 1);
    else
        places->sessions[places->count++] = ark_session_ref(*out);
    return rc;
}

arrakis_status ark_places_start(ark_places *places, ark_batches *batches,
                                const ark_endpoint *endpoint, size_t *location, arrakis_error *err)
{
    assert(*location < endpoint->uri_count);
    arrakis_status rc = ARRAKIS_OK;
    for (; *location < endpoint->uri_count; ++*location) {
        ark_session *session;
        rc = ark_places_find(places, &session, endpoint->uris[*location], err);
        if (rc == ARRAKIS_OK)
            rc = ark_batches_start(batches, session, places->budget, endpoint->ticket,
                                   endpoint->ticket_size, err);
        ark_session_free(session);
        if (rc == ARRAKIS_OK || rc == ARRAKIS_ENOMEM)
            return rc;
    }
    return rc;
}

bool ark_places_fail_over(const ark_endpoint *endpoint, size_t *location,
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

void ark_places_clear(ark_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        ark_session_free(places->sessions[i]);
    places->count = 0;
}
