/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the tickets that servers make from requests. No I/O. */
#ifndef ARK_FLIGHT_TICKET_H
#define ARK_FLIGHT_TICKET_H

#include <arrakis/arrakis.h>

/* The fields of a ticket that are used; to be cleared. */
typedef struct ark_ticket {
    int64_t start_ns, end_ns; /* 0 to ARRAKIS_TIME_MAX_NS; ARRAKIS_UNSET: null or absent */
    char **names;             /* args.channels */
    size_t name_count;
} ark_ticket;

/* EFORMAT: it is not JSON of that form. Its size is limited where the endpoints are read. */
arrakis_status ark_ticket_read(ark_ticket *out, const void *ticket, size_t size,
                               arrakis_error *err);
/* The same ticket with another start, as text; to be freed. EFORMAT: it is not JSON of that form. */
arrakis_status ark_ticket_move(char **out, const void *ticket, size_t size, int64_t start_ns,
                               arrakis_error *err);
/* What follows the name of the first channel where all of them are meant: " and others", or nothing. */
const char *ark_ticket_others(const ark_ticket *ticket);
void ark_ticket_clear(ark_ticket *ticket);

#endif
