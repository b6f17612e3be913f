/* SPDX-License-Identifier: Apache-2.0 */
/* What a server answers to a publisher: its channels, its broker, and properties for its
 * producer. */
#ifndef ARK_PUBLISH_REGISTRATION_H
#define ARK_PUBLISH_REGISTRATION_H

#include "kafka/properties.h"

#include <arrakis/arrakis.h>

/* Can be cleared when all bytes are 0. */
typedef struct ark_registration {
    arrakis_channels *channels;     /* with the partitions that the server has assigned */
    char *broker;                   /* NULL: the server named none */
    ark_property_copies properties; /* the server's, then the connection's */
} ark_registration;

/* Ask the server connection->url: register those of options->channels that it does not have, or
 * has otherwise, and read its channels of the publisher and the properties for the producer. */
arrakis_status ark_registration_init(ark_registration *out, const arrakis_connection *connection,
                                     const arrakis_publisher_options *options, arrakis_error *err);
void ark_registration_clear(ark_registration *registration);

#endif
