/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a call that has ended. No I/O. */
#ifndef ARK_FLIGHT_STATUS_H
#define ARK_FLIGHT_STATUS_H

#include "flight/transport.h"

/* OK, or the error that the server, or gRPC itself, returned: EAUTH, ENOTFOUND, EINVAL,
 * EUNSUPPORTED, EDEADLINE, ECONNECT, ESERVER. `url` is for the message. */
arrakis_status ark_flight_status(const ark_call_status *status, const char *url,
                                 arrakis_error *err);

#endif
