/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the answers to actions. No I/O. */
#ifndef ARK_FLIGHT_RESULT_H
#define ARK_FLIGHT_RESULT_H

#include <arrakis/arrakis.h>

/* The JSON object in a Result, as text; free() it. EFORMAT: it is not one. */
arrakis_status ark_result_json(char **out, const uint8_t *message, size_t message_size,
                               arrakis_error *err);

#endif
