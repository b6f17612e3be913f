/* SPDX-License-Identifier: Apache-2.0 */
/* The most that one answer of a server may cost. A server can send for ever, name any number of
 * locations, and send the same again and again. So all that an answer makes the library receive,
 * keep, connect to or wait for is charged here, and its limits are only here. arrakis.h states
 * them. No I/O. */
#ifndef ARK_FLIGHT_BUDGET_H
#define ARK_FLIGHT_BUDGET_H

#include <arrakis/arrakis.h>

typedef enum ark_cost {
    ARK_COST_ENDPOINTS,   /* endpoints of the answer */
    ARK_COST_CONNECTIONS, /* to servers or brokers, at one time */
    ARK_COST_CALLS,       /* endpoints that are read at one time */
    ARK_COST_HELD,        /* bytes of messages that are in memory at one time */
    ARK_COST_BYTES,       /* of all messages */
    ARK_COST_ROWS,        /* of all messages */
    ARK_COSTS,
} ark_cost;

enum {
    ARK_ENDPOINTS_MAX = 10000,
    ARK_CONNECTIONS_MAX = 64,
    ARK_CALLS_MAX = 1024,
    ARK_LOCATIONS_MAX = 16,        /* of one endpoint */
    ARK_TICKET_MAX = 64 << 10,     /* bytes, plus twice those of the request */
    ARK_INFO_MAX = 16 << 20,       /* bytes of all endpoints, plus twice those of the request */
    ARK_TABLE_BYTES_MAX = 1 << 30, /* of a table */
    ARK_TABLE_ROWS_MAX = 4 << 20,  /* of a table */
    ARK_TABLE_PATIENCE = 30, /* a table may take this many times as long as one of its messages */
    ARK_JSON_ANSWER_MAX = 1 << 20, /* bytes of an answer in JSON */
};

typedef struct ark_budget {
    const char *who; /* the server, for errors; borrowed */
    uint64_t spent[ARK_COSTS], limit[ARK_COSTS];
    int64_t deadline_ns, allowed_ns; /* monotonic, and the time allowed; INT64_MAX: no limit */
} ark_budget;

/* The budget of a table, whose messages may be timeout_ns apart (ARRAKIS_UNSET: no limit) and have
 * up to max_message bytes. */
ark_budget ark_budget_table(const char *who, int64_t max_message, int64_t timeout_ns);
/* The budget of data: any number of rows, for any time. */
ark_budget ark_budget_stream(const char *who, int64_t max_message);

/* Charge an amount. EFORMAT names the limit that it would exceed; then nothing is charged. */
arrakis_status ark_budget_spend(ark_budget *budget, ark_cost cost, uint64_t amount,
                                arrakis_error *err);
/* Return an amount of what counts at one time. */
void ark_budget_return(ark_budget *budget, ark_cost cost, uint64_t amount);
/* EDEADLINE: the whole answer takes too long. */
arrakis_status ark_budget_check_time(const ark_budget *budget, arrakis_error *err);

#endif
