/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the connections of clients and publishers. */
#ifndef ARK_CLIENT_CONNECTION_H
#define ARK_CLIENT_CONNECTION_H

#include <arrakis/arrakis.h>

/* EINVAL names what is wrong with a connection: incomplete properties, a limit that is not over 0,
 * an invalid broker or pattern of brokers. Its options for servers are checked where a server is
 * opened. */
arrakis_status ark_connection_check(const arrakis_connection *connection, arrakis_error *err);

#endif
