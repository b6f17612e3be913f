/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of a reader that are lost: when they are taken up again, and from where. */
#ifndef ARK_FLIGHT_LOSS_H
#define ARK_FLIGHT_LOSS_H

#include "flight/state.h"

/* The pauses between tries, which double from one to the next and are made longer at random by up to a
 * quarter. */
#define ARK_FLIGHT_LOSS_PAUSE_LEAST_NS ARRAKIS_SECOND_NS
#define ARK_FLIGHT_LOSS_PAUSE_MOST_NS (30 * ARRAKIS_SECOND_NS)
/* A server may take a start so shortly ago for the present, and begin with what comes next: arrakis-server with
 * Kafka does so within 2 s. That would be a gap, so data is asked for from this long before what is missing. */
#define ARK_FLIGHT_LOSS_RECENT_NS (5 * ARRAKIS_SECOND_NS)

/* The stream of a source has ended with an error, and was stopped. TIMEOUT: it is to be taken up again at
 * s->loss.again_ns; an error: it is not, for the reason in `err`. */
arrakis_status ark_flight_loss_note(ark_flight_reader *flight, ark_flight_source *s,
                                    arrakis_status why, arrakis_error *err);
/* New data has come of a source that was lost. */
void ark_flight_loss_end(ark_flight_reader *flight, ark_flight_source *s);
/* What the server is asked for: *out is the endpoint of the source, with a ticket that begins where the data
 * so far ends, if the source is lost and the server does not refuse that. *ticket: to be freed. */
arrakis_status ark_flight_loss_endpoint(const ark_flight_source *s, ark_endpoint *out,
                                        char **ticket, arrakis_error *err);
/* Whether all sources that are read are lost. */
bool ark_flight_loss_of_all(const ark_flight_reader *flight);

#endif
