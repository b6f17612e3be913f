/* SPDX-License-Identifier: Apache-2.0 */
/* The module that calls are made by, loaded when it is first needed. */
#ifndef ARK_FLIGHT_TRANSPORT_LOAD_H
#define ARK_FLIGHT_TRANSPORT_LOAD_H

#include "flight/transport.h"

#include <arrakis/arrakis.h>

/* Load the module, once a process. EUNSUPPORTED says what was missing. */
arrakis_status ark_transport_load(const ark_transport **out, arrakis_error *err);

#endif
