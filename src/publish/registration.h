/* SPDX-License-Identifier: Apache-2.0 */
/* What a publisher is told by its server. */
#ifndef ARK_PUBLISH_REGISTRATION_H
#define ARK_PUBLISH_REGISTRATION_H

#include "kafka/properties.h"

#include <arrakis/arrakis.h>

/* All zero is none; to be cleared. */
typedef struct ark_registration {
    arrakis_channels *channels;     /* as the server has them */
    char *broker;                   /* NULL: the server named none */
    ark_property_copies properties; /* the server's, then the connection's */
} ark_registration;

/* Ask connection->url: its channels for the publisher, after those of options->channels that it lacks
 * or has otherwise have been registered there; and the producer's properties. */
arrakis_status ark_registration_make(ark_registration *out, const arrakis_connection *connection,
                                     const arrakis_publisher_options *options, arrakis_error *err);
void ark_registration_clear(ark_registration *registration);

#endif
