/* SPDX-License-Identifier: Apache-2.0 */
/* The record batches that a DoGet brings. */
#ifndef ARK_FLIGHT_BATCHES_H
#define ARK_FLIGHT_BATCHES_H

#include "arrow/batch.h"
#include "arrow/schema.h"
#include "flight/budget.h"
#include "flight/call.h"
#include "flight/session.h"

/* All zero is none. */
typedef struct ark_batches {
    ark_call call;
    ark_schema *schema;
    uint64_t schema_id;  /* no other schema of this process has it; 0: none came yet */
    ark_column *columns; /* of the present batch; they point into its message */
    int64_t rows;
    const uint8_t *body; /* where the columns' bytes begin */
    uint64_t messages, bytes;
} ark_batches;

/* The budget is charged for the call, its messages and their rows; it is borrowed until _close. */
arrakis_status ark_batches_start(ark_batches *batches, ark_session *session, ark_budget *budget,
                                 const void *ticket, size_t ticket_size, arrakis_error *err);
/* The next batch that has rows. TIMEOUT: not here yet, or not found among many messages: the
 * call's descriptor tells when to look again; DONE. Never waits. */
arrakis_status ark_batches_next(ark_batches *batches, arrakis_error *err);
/* The same, waiting up to timeout_ns for it, and within the budget's time; ECANCELED as
 * ark_call_wait. */
arrakis_status ark_batches_wait(ark_batches *batches, int cancel_fd, int64_t timeout_ns,
                                arrakis_error *err);
void ark_batches_close(ark_batches *batches);

/* The column of that name; NULL where there is none. */
const ark_schema_field *ark_batches_field(const ark_batches *batches, const char *name,
                                          size_t *column);

/* Decode one FlightData (also for fuzzing: no call is needed). TIMEOUT: no batch with rows. */
arrakis_status ark_batches_decode(ark_batches *batches, const uint8_t *message, size_t size,
                                  arrakis_error *err);

#endif
