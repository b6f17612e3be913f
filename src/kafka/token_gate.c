/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/token_gate.h"

#include "base/error.h"

void ark_token_gate_init(ark_token_gate *gate, ark_token_source source)
{
    gate->source = source;
    ark_monitor_init(&gate->monitor);
}

void ark_token_gate_close(ark_token_gate *gate)
{
    ark_monitor_enter(&gate->monitor);
    gate->closed = true;
    while (gate->running)
        ark_monitor_wait(&gate->monitor, INT64_MAX);
    ark_monitor_leave(&gate->monitor);
}

void ark_token_gate_clear(ark_token_gate *gate)
{
    ark_monitor_clear(&gate->monitor);
}

bool ark_token_gate_enter(ark_token_gate *gate)
{
    ark_monitor_enter(&gate->monitor);
    bool open = gate->source.fn && !gate->closed;
    gate->running += open;
    ark_monitor_leave(&gate->monitor);
    return open;
}

void ark_token_gate_leave(ark_token_gate *gate)
{
    ark_monitor_enter(&gate->monitor);
    gate->running--;
    ark_monitor_notify(&gate->monitor);
    ark_monitor_leave(&gate->monitor);
}

static arrakis_status pass_gate(char *text, size_t size, int64_t *expires_ns, void *opaque,
                                arrakis_error *err)
{
    ark_token_gate *gate = opaque;
    if (!ark_token_gate_enter(gate))
        return ark_fail(err, ARRAKIS_EAUTH, "the stream is being closed");
    arrakis_status rc = gate->source.fn(text, size, expires_ns, gate->source.opaque, err);
    ark_token_gate_leave(gate);
    return rc;
}

ark_token_source ark_token_gate_source(ark_token_gate *gate)
{
    return gate->source.fn ? (ark_token_source){pass_gate, gate} : gate->source;
}
