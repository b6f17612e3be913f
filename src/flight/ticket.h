/* SPDX-License-Identifier: Apache-2.0 */
/* The tickets that servers make of requests, as far as they are read. No I/O. */
#ifndef ARK_FLIGHT_TICKET_H
#define ARK_FLIGHT_TICKET_H

#include <arrakis/arrakis.h>

/* What is read of a ticket that a server made; to be cleared. */
typedef struct ark_ticket {
    int64_t start_ns, end_ns; /* 0 to ARRAKIS_TIME_MAX_NS; ARRAKIS_UNSET: null, or not there */
    char **names;             /* args.channels */
    size_t name_count;
} ark_ticket;

/* EFORMAT for what is no JSON of that form. Its size is for the reader of the endpoints to limit. */
arrakis_status ark_ticket_read(ark_ticket *out, const void *ticket, size_t size,
                               arrakis_error *err);
void ark_ticket_clear(ark_ticket *ticket);

#endif
