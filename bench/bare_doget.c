/* SPDX-License-Identifier: Apache-2.0 */
/* The limit of a DoGet: the C core of gRPC in one thread that drops every message, with the
 * settings of src/flight/grpc.c that matter here. */
#include "bench.h"

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD "/arrow.flight.protocol.FlightService/DoGet"

typedef struct totals {
    uint64_t messages, bytes;
} totals;

/* A Ticket: field 1, the request. */
static grpc_byte_buffer *make_ticket(void)
{
    char text[200];
    uint8_t bytes[2 + sizeof text] = {0x0a};
    int64_t start_ns = bench_number("start", 0) * 1000000000;
    int64_t end_ns = start_ns + bench_number("blocks", 1) * bench_number("stride", STRIDE_NS);
    int n =
        snprintf(text, sizeof text, "{\"request\":\"%s\",\"args\":{\"start\":%lld,\"end\":%lld}}",
                 bench_text("request", "Stream"), (long long)start_ns, (long long)end_ns);
    if (n < 0 || n > 127)
        bench_fail("a ticket of %d bytes", n);
    bytes[1] = (uint8_t)n;
    memcpy(bytes + 2, text, (size_t)n);
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes, (size_t)n + 2);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

static void wait_for(grpc_completion_queue *queue, const void *tag)
{
    grpc_event event;
    do
        event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    while (event.tag != tag);
}

static void begin(grpc_call *call, grpc_completion_queue *queue, grpc_metadata_array *initial)
{
    grpc_byte_buffer *ticket = make_ticket();
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                      {.op = GRPC_OP_SEND_MESSAGE},
                      {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                      {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    ops[1].data.send_message.send_message = ticket;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = initial;
    if (grpc_call_start_batch(call, ops, 4, ops, NULL) != GRPC_CALL_OK)
        bench_fail("gRPC does not take the call");
    wait_for(queue, ops);
    grpc_byte_buffer_destroy(ticket);
}

static totals receive(grpc_call *call, grpc_completion_queue *queue)
{
    totals sum = {0, 0};
    for (;;) {
        grpc_byte_buffer *message = NULL;
        grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
        op.data.recv_message.recv_message = &message;
        if (grpc_call_start_batch(call, &op, 1, &op, NULL) != GRPC_CALL_OK)
            bench_fail("gRPC does not receive");
        wait_for(queue, &op);
        if (!message)
            return sum;
        sum.messages++;
        sum.bytes += grpc_byte_buffer_length(message);
        grpc_byte_buffer_destroy(message);
    }
}

int main(int argc, char **argv)
{
    bench_begin(argc, argv);
    bench_span span = bench_start();
    void *volatile large =
        malloc(8 << 20); /* as in src/flight/grpc.c: the C library learns to keep memory */
    free(large);
    grpc_init();
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH};
    arg.value.integer = -1;
    const grpc_channel_args args = {1, &arg};
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_channel *channel = grpc_channel_create(bench_text("url", NULL), plain, &args);
    grpc_call *call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                               grpc_slice_from_static_string(METHOD), NULL,
                                               gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_metadata_array initial;
    grpc_metadata_array_init(&initial);
    begin(call, queue, &initial);
    totals sum = receive(call, queue);
    span = bench_stop(span);
    printf("{\"messages\": %llu, \"bytes\": %llu, \"blocks\": %llu, \"wall\": %.6f, "
           "\"cpu\": %.6f, \"peak_kb\": %ld}\n",
           (unsigned long long)sum.messages, (unsigned long long)sum.bytes,
           (unsigned long long)sum.messages - 1, (double)span.wall_ns * 1e-9, span.cpu_s,
           bench_peak_kb());
    fflush(stdout);
    _Exit(0); /* without the shutdown of gRPC, which is not measured */
}
