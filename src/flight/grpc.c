/* SPDX-License-Identifier: Apache-2.0 */
/* The transport on gRPC's C core: built into a module of its own, see flight/transport.h.
 *
 * One thread per gRPC channel waits on gRPC's completion queue and does little but note what is
 * complete and wake the call's descriptor. So callers wait in poll(), where a cancel out of a
 * signal handler can wake them too, and gRPC itself is never called from one. A call has one
 * message received ahead of time, and while that is no large one the next is asked for by that
 * thread, which would otherwise have to be woken for it. As long as the
 * caller does not take a message, flow control keeps the server from sending the next one. */
#include "flight/transport.h"

#include "base/mutable.h"

#include <grpc/byte_buffer.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/slice_buffer.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Servers refuse more than one ping per five minutes. */
enum { KEEPALIVE_MS = 315000, KEEPALIVE_TIMEOUT_MS = 10000 };
/* While a call waits for a server that is away, the pauses between tries to connect double, from a second
 * on. */
enum { RECONNECT_MOST_MS = 30000 };
/* The next message is received while one of up to this size waits to be taken: much less than the
 * memory that is left beside the largest message. */
enum { AHEAD_MAX = 4 << 20 };
/* Bytes of the headers and trailers of an answer: the default of gRPC, set so that it does not
 * change. */
enum { METADATA_MAX = 8192 };
/* The memory of messages larger than this is returned to the system in steps of this size. */
enum { TRIM_STEP = 128 << 20 };

struct ark_transport_channel {
    grpc_channel *channel;
    grpc_completion_queue *queue;
    grpc_resource_quota *quota;
    pthread_t thread;
    bool has_thread;
};

/* An operation of gRPC; its address is the tag with which gRPC reports that it is done. Atomic, so
 * that tools that cannot see into gRPC know that it was made before the thread of the channel uses
 * it. */
typedef struct operation {
    _Atomic(ark_transport_call *) call;
    bool pending;
} operation;

struct ark_transport_call {
    grpc_call *call;
    int fd;
    pthread_mutex_t lock; /* of all below, which the thread of the channel uses, too */
    pthread_cond_t idle;
    operation begin, end, send, receive;
    unsigned pending;
    bool ended;
    bool receiving; /* gRPC has been asked for the next message */
    bool refused;   /* a compressed message has arrived, and the call is being canceled */
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *message; /* a message to be taken */
    grpc_byte_buffer *next;    /* the next one, or where gRPC puts it */
    grpc_status_code code;
    grpc_slice details;
    const char *origin;
    char *text, *arrow_code; /* copies with a zero byte */
};

/* ark_fail() is in the library, which the module does not use. */
__attribute__((format(printf, 3, 4))) static arrakis_status
fail(arrakis_error *err, arrakis_status status, const char *format, ...)
{
    if (err) {
        err->status = status;
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

/* Signals are handled in the threads of the program, not in those of the library or of gRPC, which
 * may start threads in any call that begins something. */
static sigset_t block_signals(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    return before;
}

/* ------------------------------------------------------------------ channels */

static void notify_call(int fd)
{
    const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* With the lock held. */
static bool submit_operation(ark_transport_call *call, operation *op, const grpc_op *ops,
                             size_t count)
{
    if (grpc_call_start_batch(call->call, ops, count, op, NULL) != GRPC_CALL_OK)
        return false;
    op->pending = true;
    call->pending++;
    return true;
}

/* Ask for one more message. With the lock held. */
static void receive_next(ark_transport_call *call)
{
    if (call->refused)
        return;
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->next;
    call->next = NULL;
    call->receiving = submit_operation(call, &call->receive, &op, 1);
}

/* A compressed message may become a thousand times as large, beyond every limit. Servers are told
 * that compression is not accepted, and gRPC does not unpack: a compressed message ends the call.
 * With the lock held. */
static bool refuse_compressed(ark_transport_call *call)
{
    if (call->next->type == GRPC_BB_RAW && call->next->data.raw.compression == GRPC_COMPRESS_NONE)
        return false;
    grpc_byte_buffer_destroy(call->next);
    call->next = NULL;
    call->refused = true;
    grpc_call_cancel_with_status(call->call, GRPC_STATUS_UNIMPLEMENTED,
                                 "a compressed message, expected an uncompressed one", NULL);
    return true;
}

/* Offer a message that has arrived, and ask for one more. With the lock held. */
static void hand_over(ark_transport_call *call)
{
    if (call->receiving || call->message || !call->next || refuse_compressed(call))
        return;
    call->message = call->next;
    call->next = NULL;
    if (grpc_byte_buffer_length(call->message) <= AHEAD_MAX)
        receive_next(call);
}

static void complete_operation(operation *op)
{
    ark_transport_call *call = atomic_load(&op->call);
    pthread_mutex_lock(&call->lock);
    op->pending = false;
    if (op == &call->end)
        call->ended = true;
    if (op == &call->receive) {
        call->receiving = false;
        hand_over(call);
    }
    notify_call(call->fd);
    if (--call->pending == 0)
        pthread_cond_signal(&call->idle);
    pthread_mutex_unlock(&call->lock); /* after this the call may be freed */
}

static void *run_queue(void *arg)
{
    grpc_completion_queue *queue = arg;
    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_OP_COMPLETE)
            complete_operation(event.tag);
    }
}

static void drop_log(gpr_log_func_args *args)
{
    (void)args;
}

static grpc_channel_credentials *make_credentials(const ark_transport_options *options)
{
    if (!options->tls)
        return grpc_insecure_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {options->key_pem, options->cert_pem};
    return grpc_ssl_credentials_create(options->roots_pem, options->cert_pem ? &pair : NULL, NULL,
                                       NULL);
}

static grpc_arg integer_arg(const char *key, int value)
{
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = ark_mutable(key)};
    arg.value.integer = value;
    return arg;
}

/* Received messages have megabytes each. glibc would return each to the system, and its pages
 * would fault again: up to half of the time of a long stream. glibc learns from what is freed how
 * much to keep, up to twice this size. If the program has set this itself, nothing changes. */
static void learn_sizes(void)
{
    enum { LARGE = 8 << 20 };
    void *volatile large = malloc(LARGE);
    free(large);
}

/* The target is always a name to be looked up: "unix:1" and the like would have other meanings for
 * gRPC. */
static grpc_channel *create_channel(const ark_transport_options *options,
                                    const grpc_channel_args *args)
{
    char target[320];
    grpc_channel_credentials *credentials = make_credentials(options);
    if (!credentials)
        return NULL;
    snprintf(target, sizeof target, "dns:///%s", options->target);
    grpc_channel *channel = grpc_channel_create(target, credentials, args);
    grpc_channel_credentials_release(credentials);
    return channel;
}

/* Without a common quota, each of many locations that a server names could fill that much
 * memory. */
static grpc_resource_quota *share_quota(const ark_transport_options *options)
{
    if (options->beside) {
        grpc_resource_quota_ref(options->beside->quota);
        return options->beside->quota;
    }
    grpc_resource_quota *quota = grpc_resource_quota_create("libarrakis");
    grpc_resource_quota_resize(quota, options->memory_max);
    return quota;
}

static void open_grpc(ark_transport_channel *channel, const ark_transport_options *options)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, learn_sizes);
    /* gRPC logs to stderr; the settings of a program that uses gRPC, too, are kept. */
    if (!grpc_is_initialized())
        gpr_set_log_function(drop_log);
    grpc_init();
    grpc_arg agent = {.type = GRPC_ARG_STRING, .key = ark_mutable("grpc.primary_user_agent")};
    agent.value.string = ark_mutable(options->user_agent);
    /* gRPC checks its own limit once the whole message has arrived: it is a little above ours,
     * whose error tells more. The quota ends the connection while a message arrives. */
    channel->quota = share_quota(options);
    grpc_arg memory = {.type = GRPC_ARG_POINTER, .key = ark_mutable(GRPC_ARG_RESOURCE_QUOTA)};
    memory.value.pointer.p = channel->quota;
    memory.value.pointer.vtable = grpc_resource_quota_arg_vtable();
    grpc_arg args[] = {
        memory,
        integer_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
                    options->memory_max < INT_MAX ? (int)options->memory_max : INT_MAX),
        integer_arg(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1),
        integer_arg(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        integer_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS),
        integer_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        integer_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MOST_MS),
        /* only identity */
        integer_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        integer_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        integer_arg(GRPC_ARG_MAX_METADATA_SIZE, METADATA_MAX),
        agent,
    };
    const grpc_channel_args all = {sizeof args / sizeof *args, args};
    channel->queue = grpc_completion_queue_create_for_next(NULL);
    channel->channel = create_channel(options, &all);
    channel->has_thread =
        channel->channel && pthread_create(&channel->thread, NULL, run_queue, channel->queue) == 0;
}

static void channel_close(ark_transport_channel *channel)
{
    if (!channel)
        return;
    if (channel->channel)
        grpc_channel_destroy(channel->channel);
    grpc_completion_queue_shutdown(channel->queue);
    if (channel->has_thread)
        pthread_join(channel->thread, NULL);
    else
        run_queue(channel->queue);
    grpc_completion_queue_destroy(channel->queue);
    grpc_resource_quota_unref(channel->quota);
    grpc_shutdown();
    free(channel);
}

static arrakis_status channel_open(ark_transport_channel **out,
                                   const ark_transport_options *options, arrakis_error *err)
{
    *out = NULL;
    ark_transport_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        return fail(err, ARRAKIS_ENOMEM, "opening %s: out of memory", options->target);
    sigset_t before = block_signals();
    open_grpc(channel, options);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!channel->channel || !channel->has_thread) {
        bool made = channel->channel != NULL;
        channel_close(channel);
        return made ? fail(err, ARRAKIS_EIO, "opening %s: no thread", options->target)
                    : fail(err, ARRAKIS_EINVAL,
                           "opening %s: unusable certificates (CA file, certificate or key)",
                           options->target);
    }
    *out = channel;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ calls */

static bool begin_call(ark_transport_call *call, const ark_header *headers, size_t header_count,
                       bool again)
{
    grpc_metadata *metadata = calloc(header_count + 1, sizeof *metadata);
    if (!metadata)
        return false;
    for (size_t i = 0; i < header_count; i++) {
        metadata[i].key = grpc_slice_from_copied_string(headers[i].name);
        metadata[i].value = grpc_slice_from_copied_string(headers[i].value);
    }
    grpc_op first[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                        {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    first[0].data.send_initial_metadata.metadata = metadata;
    first[0].data.send_initial_metadata.count = header_count;
    first[0].flags = again ? GRPC_INITIAL_METADATA_WAIT_FOR_READY : 0;
    first[1].data.recv_initial_metadata.recv_initial_metadata = &call->initial;
    grpc_op last = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    last.data.recv_status_on_client.trailing_metadata = &call->trailing;
    last.data.recv_status_on_client.status = &call->code;
    last.data.recv_status_on_client.status_details = &call->details;
    last.data.recv_status_on_client.error_string = &call->origin;
    pthread_mutex_lock(&call->lock);
    bool ok = submit_operation(call, &call->end, &last, 1) &&
              submit_operation(call, &call->begin, first, 2);
    if (ok)
        receive_next(call);
    pthread_mutex_unlock(&call->lock);
    for (size_t i = 0; i < header_count; i++) {
        grpc_slice_unref(metadata[i].key);
        grpc_slice_unref(metadata[i].value);
    }
    free(metadata);
    return ok;
}

static void call_finish(ark_transport_call *call)
{
    if (!call)
        return;
    if (call->call)
        grpc_call_cancel(call->call, NULL);
    pthread_mutex_lock(&call->lock);
    while (call->pending)
        pthread_cond_wait(&call->idle, &call->lock);
    pthread_mutex_unlock(&call->lock);
    if (call->call)
        grpc_call_unref(call->call);
    if (call->message)
        grpc_byte_buffer_destroy(call->message);
    if (call->next)
        grpc_byte_buffer_destroy(call->next);
    grpc_metadata_array_destroy(&call->initial);
    grpc_metadata_array_destroy(&call->trailing);
    grpc_slice_unref(call->details);
    gpr_free(ark_mutable(call->origin));
    free(call->text);
    free(call->arrow_code);
    if (call->fd >= 0)
        close(call->fd);
    pthread_cond_destroy(&call->idle);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static gpr_timespec deadline_in(int64_t timeout_ns)
{
    if (timeout_ns == ARRAKIS_UNSET)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(timeout_ns, GPR_TIMESPAN));
}

static arrakis_status call_start(ark_transport_call **out, ark_transport_channel *channel,
                                 const char *method, const ark_header *headers,
                                 size_t header_count, int64_t timeout_ns, bool again,
                                 arrakis_error *err)
{
    *out = NULL;
    ark_transport_call *call = calloc(1, sizeof *call);
    if (!call)
        return fail(err, ARRAKIS_ENOMEM, "%s: out of memory", method);
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->idle, NULL);
    grpc_metadata_array_init(&call->initial);
    grpc_metadata_array_init(&call->trailing);
    call->details = grpc_empty_slice();
    call->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    operation *const operations[] = {&call->begin, &call->end, &call->send, &call->receive};
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        atomic_store(&operations[i]->call, call);
    sigset_t before = block_signals();
    if (again)
        grpc_channel_reset_connect_backoff(channel->channel);
    if (call->fd >= 0)
        call->call = grpc_channel_create_call(
            channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS, channel->queue,
            grpc_slice_from_static_string(method), NULL, deadline_in(timeout_ns), NULL);
    bool begun = call->call && begin_call(call, headers, header_count, again);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!begun) {
        bool described = call->fd >= 0;
        call_finish(call);
        return fail(err, ARRAKIS_EIO, "%s: %s", method,
                    described ? "gRPC does not take the call" : "no descriptor for events");
    }
    *out = call;
    return ARRAKIS_OK;
}

static int call_fd(const ark_transport_call *call)
{
    return call->fd;
}

static arrakis_status call_send(ark_transport_call *call, const void *data, size_t size, bool last,
                                arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_TIMEOUT;
    sigset_t before = block_signals();
    pthread_mutex_lock(&call->lock);
    if (!call->send.pending) {
        grpc_slice slice = grpc_slice_from_copied_buffer(data, size);
        grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_op ops[2] = {{.op = GRPC_OP_SEND_MESSAGE}, {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}};
        ops[0].data.send_message.send_message = buffer;
        rc = submit_operation(call, &call->send, ops, last ? 2 : 1)
                 ? ARRAKIS_OK
                 : fail(err, ARRAKIS_EIO, "gRPC does not take the message");
        grpc_byte_buffer_destroy(buffer);
        grpc_slice_unref(slice);
    }
    pthread_mutex_unlock(&call->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static arrakis_status call_recv(ark_transport_call *call, size_t *size)
{
    uint64_t count;
    arrakis_status rc = ARRAKIS_TIMEOUT;
    /* cleared before looking: what arrives later sets it again */
    while (read(call->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&call->lock);
    if (call->message) {
        *size = grpc_byte_buffer_length(call->message);
        rc = ARRAKIS_OK;
    } else if (!call->receiving && call->ended) {
        rc = ARRAKIS_DONE;
    }
    pthread_mutex_unlock(&call->lock);
    return rc;
}

static void give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* Copy piece by piece, and free each before the next, so that a large message is not in memory
 * twice. Allocators return small pieces to the system only when malloc_trim() is called. */
static void move_pieces(grpc_slice_buffer *pieces, uint8_t *at)
{
    for (size_t freed = 0; pieces->count;) {
        grpc_slice slice = grpc_slice_buffer_take_first(pieces);
        memcpy(at, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        at += GRPC_SLICE_LENGTH(slice);
        freed += GRPC_SLICE_LENGTH(slice);
        grpc_slice_unref(slice);
        if (freed >= TRIM_STEP) {
            give_back();
            freed = 0;
        }
    }
}

static void call_take(ark_transport_call *call, void *to)
{
    move_pieces(&call->message->data.raw.slice_buffer, to);
    grpc_byte_buffer_destroy(call->message);
    pthread_mutex_lock(&call->lock);
    call->message = NULL;
    hand_over(call);
    if (call->message)
        notify_call(call->fd);
    else if (!call->receiving)
        receive_next(call);
    pthread_mutex_unlock(&call->lock);
}

static void call_status(ark_transport_call *call, ark_call_status *status)
{
    if (!call->text)
        call->text = strndup((const char *)GRPC_SLICE_START_PTR(call->details),
                             GRPC_SLICE_LENGTH(call->details));
    for (size_t i = 0; i < call->trailing.count && !call->arrow_code; i++) {
        const grpc_metadata *trailer = &call->trailing.metadata[i];
        if (grpc_slice_str_cmp(trailer->key, "x-arrow-status") == 0)
            call->arrow_code = strndup((const char *)GRPC_SLICE_START_PTR(trailer->value),
                                       GRPC_SLICE_LENGTH(trailer->value));
    }
    *status = (ark_call_status){
        .code = (int)call->code,
        .message = call->text ? call->text : "",
        .arrow_code = call->arrow_code ? call->arrow_code : "",
        .local = call->initial.count == 0 && call->trailing.count == 0,
        .overfull = call->code == GRPC_STATUS_RESOURCE_EXHAUSTED && call->text &&
                    strcmp(call->text, "Buffers full") == 0, /* the text of gRPC for that */
    };
}

static void call_cancel(ark_transport_call *call)
{
    grpc_call_cancel(call->call, NULL);
}

const ark_transport *arrakis_grpc_transport(void)
{
    static const ark_transport table = {
        .version = ARK_TRANSPORT_VERSION,
        .open = channel_open,
        .close = channel_close,
        .start = call_start,
        .fd = call_fd,
        .send = call_send,
        .recv = call_recv,
        .take = call_take,
        .status = call_status,
        .cancel = call_cancel,
        .finish = call_finish,
    };
    return &table;
}
