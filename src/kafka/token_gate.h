/* SPDX-License-Identifier: Apache-2.0 */
/* A gate before the user's function that makes tokens: once the gate is closed, no thread is in
 * the function, and none enters it. */
#ifndef ARK_KAFKA_TOKEN_GATE_H
#define ARK_KAFKA_TOKEN_GATE_H

#include "base/monitor.h"
#include "kafka/token_source.h"

#include <stddef.h>

/* Can be cleared when all bytes are 0. */
typedef struct ark_token_gate {
    ark_token_source source;
    ark_monitor monitor;
    size_t running; /* how many calls of fn are running */
    bool closed;
} ark_token_gate;

void ark_token_gate_init(ark_token_gate *gate, ark_token_source source);
/* Do not call the source any more, and wait for calls that are running. */
void ark_token_gate_close(ark_token_gate *gate);
/* Clear it once nobody uses it any more. */
void ark_token_gate_clear(ark_token_gate *gate);

/* Whether the source may be called; then leave. */
bool ark_token_gate_enter(ark_token_gate *gate);
void ark_token_gate_leave(ark_token_gate *gate);
/* The source behind the gate, as a source of its own that must not be used once the gate is cleared. EAUTH: the gate
 * is closed. */
ark_token_source ark_token_gate_source(ark_token_gate *gate);

#endif
