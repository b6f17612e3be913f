/* SPDX-License-Identifier: Apache-2.0 */
/* The connections to the places that one answer names. A place is connected to once, however many
 * endpoints it has. */
#ifndef ARK_FLIGHT_PLACES_H
#define ARK_FLIGHT_PLACES_H

#include "flight/batches.h"
#include "flight/budget.h"
#include "flight/dial.h"
#include "flight/info.h"
#include "flight/session.h"

typedef struct ark_places {
    ark_session *here;      /* who answers: borrowed */
    ark_dial_options *dial; /* borrowed */
    ark_budget *budget;     /* borrowed */
    ark_session *sessions[ARK_CONNECTIONS_MAX];
    size_t count;
} ark_places;

/* The connection to a location; to be freed. EUNSUPPORTED for a location that cannot be dialed; EFORMAT:
 * too many connections are in use. */
arrakis_status ark_places_find(ark_places *places, ark_session **out, const char *uri,
                               arrakis_error *err);
void ark_places_clear(ark_places *places);

/* Begin to read an endpoint at that location, or at the first after it that can be dialed. */
arrakis_status ark_places_start(ark_places *places, ark_batches *batches,
                                const ark_endpoint *endpoint, size_t *location,
                                arrakis_error *err);
/* After a failure: whether the endpoint's next location may do better. It is logged then, and *location is
 * the next. */
bool ark_places_fail_over(const ark_endpoint *endpoint, size_t *location,
                          const arrakis_error *failure);

/* A connection to a location that `here` has named; to be freed. It has a token only where the rule of
 * flight/auth.h gives it one. */
arrakis_status ark_places_session(ark_session **out, ark_session *here, ark_dial_options *dial,
                                  const char *uri, arrakis_error *err);

#endif
