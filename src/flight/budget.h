/* SPDX-License-Identifier: Apache-2.0 */
/* What one answer of a server may cost. A server can go on for ever, name as many places as it likes and
 * say the same again and again: whatever an answer makes us take, keep, connect to or wait for is
 * charged here, and the limits of it are nowhere else. arrakis.h states them. No I/O. */
#ifndef ARK_FLIGHT_BUDGET_H
#define ARK_FLIGHT_BUDGET_H

#include <arrakis/arrakis.h>

typedef enum ark_cost {
    ARK_COST_ENDPOINTS,   /* parts that the answer has */
    ARK_COST_CONNECTIONS, /* servers, or brokers, at one time */
    ARK_COST_CALLS,       /* parts that are read at one time */
    ARK_COST_HELD,        /* bytes of messages that are kept at one time */
    ARK_COST_BYTES,       /* of all messages */
    ARK_COST_ROWS,        /* of all messages */
    ARK_COSTS,
} ark_cost;

enum {
    ARK_ENDPOINTS_MAX = 10000,
    ARK_CONNECTIONS_MAX = 64,
    ARK_CALLS_MAX = 1024,
    ARK_LOCATIONS_MAX = 16,        /* of one endpoint */
    ARK_TICKET_MAX = 64 << 10,     /* bytes, and twice the request's besides */
    ARK_INFO_MAX = 16 << 20,       /* bytes of all endpoints, and twice the request's besides */
    ARK_TABLE_BYTES_MAX = 1 << 30, /* of a table */
    ARK_TABLE_ROWS_MAX = 4 << 20,  /* of a table */
    ARK_TABLE_PATIENCE = 30,       /* a table may take so many times what a part of it may */
    ARK_JSON_ANSWER_MAX = 1 << 20, /* bytes of an answer in JSON */
};

typedef struct ark_budget {
    const char *who; /* the server, for errors; borrowed */
    uint64_t spent[ARK_COSTS], limit[ARK_COSTS];
    int64_t deadline_ns, allowed_ns; /* monotonic, and how long that was; INT64_MAX: for ever */
} ark_budget;

/* Of a table, whose parts may be timeout_ns apart (ARRAKIS_UNSET: no matter). Messages of up to
 * max_message bytes. */
ark_budget ark_budget_table(const char *who, int64_t max_message, int64_t timeout_ns);
/* Of data: as many rows, and as long, as the stream has. */
ark_budget ark_budget_stream(const char *who, int64_t max_message);

/* EFORMAT, naming the limit, when it would be passed: then nothing is charged. */
arrakis_status ark_budget_spend(ark_budget *budget, ark_cost cost, uint64_t amount,
                                arrakis_error *err);
/* What counts at one time is over. */
void ark_budget_return(ark_budget *budget, ark_cost cost, uint64_t amount);
/* EDEADLINE when the whole answer takes too long. */
arrakis_status ark_budget_check_time(const ark_budget *budget, arrakis_error *err);

#endif
