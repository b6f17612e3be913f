/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a server: bytes out, bytes in, never waiting. Callers wait on the descriptor of a
 * call, together with everything else that may end the wait.
 *
 * The one implementation lives in a module of its own (flight/grpc.c), loaded when first needed, so
 * that a program that reads Kafka alone needs no gRPC. The module uses nothing of the library, and
 * the library nothing of the module but this table. */
#ifndef ARK_FLIGHT_TRANSPORT_H
#define ARK_FLIGHT_TRANSPORT_H

#include <arrakis/arrakis.h>

/* Of this header; a module that has another one is refused. */
#define ARK_TRANSPORT_VERSION 3u

typedef struct ark_transport_channel ark_transport_channel;
typedef struct ark_transport_call ark_transport_call;

typedef struct ark_transport_options {
    const char *target; /* host:port */
    bool tls;
    const char *roots_pem;          /* NULL: those that gRPC finds */
    const char *cert_pem, *key_pem; /* both or neither */
    const char *user_agent;
    /* What the connection's calls may hold of what has come and is not taken. The largest message
     * must fit, with room for the framing. */
    size_t memory_max;
    /* Another connection, with the same memory_max, or NULL: both may hold so much together. */
    const ark_transport_channel *beside;
} ark_transport_options;

typedef struct ark_header {
    const char *name, *value; /* name in lower case */
} ark_header;

/* How a call ended. Texts are borrowed from the call, never NULL. */
typedef struct ark_call_status {
    int code; /* gRPC's, 0 is success */
    const char *message;
    const char *arrow_code; /* trailer x-arrow-status */
    bool local;             /* the error came from this process, not from a server */
    bool overfull;          /* memory_max was not enough */
} ark_call_status;

typedef struct ark_transport {
    unsigned version;

    /* Does not connect yet. close: after its calls are. */
    arrakis_status (*open)(ark_transport_channel **out, const ark_transport_options *options,
                           arrakis_error *err);
    void (*close)(ark_transport_channel *channel);

    /* Begin a call. timeout_ns bounds the entire call; ARRAKIS_UNSET: no bound. */
    arrakis_status (*start)(ark_transport_call **out, ark_transport_channel *channel,
                            const char *method, const ark_header *headers, size_t header_count,
                            int64_t timeout_ns, arrakis_error *err);
    /* Becomes readable when send or recv may have a new result: an eventfd, which the user
     * may set to be called again. */
    int (*fd)(const ark_transport_call *call);
    /* Copies the message. TIMEOUT: the last one is still under way. With `last` nothing follows. */
    arrakis_status (*send)(ark_transport_call *call, const void *data, size_t size, bool last,
                           arrakis_error *err);
    /* OK: a message of that many bytes is here, to be taken. DONE: the call has ended, see status.
     * TIMEOUT: neither. */
    arrakis_status (*recv)(ark_transport_call *call, size_t *size);
    /* Copy the message whose size recv returned, and let the next one come. */
    void (*take)(ark_transport_call *call, void *to);
    /* After DONE. */
    void (*status)(ark_transport_call *call, ark_call_status *status);
    /* End it as soon as possible; from any thread, not from a signal handler. */
    void (*cancel)(ark_transport_call *call);
    /* Cancels what still runs, and waits until gRPC has let go of it. */
    void (*finish)(ark_transport_call *call);
} ark_transport;

/* The module's only symbol. */
#define ARK_TRANSPORT_SYMBOL "arrakis_grpc_transport"
ARRAKIS_API const ark_transport *arrakis_grpc_transport(void);

#endif
