/* SPDX-License-Identifier: Apache-2.0 */
/* The record batches of a DoGet. */
#ifndef ARK_FLIGHT_BATCHES_H
#define ARK_FLIGHT_BATCHES_H

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "flight/budget.h"
#include "flight/call.h"
#include "flight/session.h"

/* Can be closed when all bytes are 0. */
typedef struct ark_batches {
    ark_call call;
    ark_schema *schema;
    uint64_t schema_id;  /* unique in this process; 0: no schema has arrived yet */
    ark_column *columns; /* of the last batch; they point into its message */
    int64_t rows;
    const uint8_t *body; /* where the columns point into */
    uint64_t messages, bytes;
} ark_batches;

/* Start a DoGet; `again`: as ark_call_open(). The call, its messages and their rows are charged to the budget, which must live
 * until ark_batches_close(). */
arrakis_status ark_batches_open(ark_batches *batches, ark_session *session, ark_budget *budget,
                                const void *ticket, size_t ticket_size, bool again,
                                arrakis_error *err);
/* The next batch that has rows. TIMEOUT: none has arrived, or many messages had no rows: wait for
 * the descriptor of the call; DONE: no more. Never waits. */
arrakis_status ark_batches_next(ark_batches *batches, arrakis_error *err);
/* The same, but waits up to timeout_ns, and within the time of the budget. ECANCELED: as
 * ark_call_wait(). */
arrakis_status ark_batches_wait(ark_batches *batches, int cancel_fd, int64_t timeout_ns,
                                arrakis_error *err);
void ark_batches_close(ark_batches *batches);

/* The column of that name; NULL: there is none. */
const ark_schema_field *ark_batches_field(const ark_batches *batches, const char *name,
                                          size_t *column);

/* Decode one FlightData (also for fuzzing: no call is needed). TIMEOUT: no batch with rows. */
arrakis_status ark_batches_decode(ark_batches *batches, const uint8_t *message, size_t size,
                                  arrakis_error *err);

#endif
