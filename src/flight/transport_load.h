/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the module that makes calls, when it is first needed. */
#ifndef ARK_FLIGHT_TRANSPORT_LOAD_H
#define ARK_FLIGHT_TRANSPORT_LOAD_H

#include "flight/transport.h"

#include <arrakis/arrakis.h>

/* Load the module, once per process. EUNSUPPORTED names what is missing. */
arrakis_status ark_transport_load(const ark_transport **out, arrakis_error *err);

#endif
