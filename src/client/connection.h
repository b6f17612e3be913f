/* SPDX-License-Identifier: Apache-2.0 */
/* What clients and publishers are connected with. */
#ifndef ARK_CLIENT_CONNECTION_H
#define ARK_CLIENT_CONNECTION_H

#include <arrakis/arrakis.h>

/* EINVAL names what a connection cannot have: properties that are not whole, a limit that is not over 0,
 * a broker or a pattern of brokers that is not one. What a server's part must be is checked where the
 * server is opened. */
arrakis_status ark_connection_check(const arrakis_connection *connection, arrakis_error *err);

#endif
