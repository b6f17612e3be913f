/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a server: bytes out, bytes in, never waiting. Callers wait on the descriptor of a call,
 * together with everything else that may end the wait.
 *
 * The one implementation lives in a module of its own (flight/grpc.c), loaded when first needed,
 * so that a program that only reads Kafka does not need gRPC. The module uses nothing of the
 * library, and the library only this table of the module. */
#ifndef ARK_FLIGHT_TRANSPORT_H
#define ARK_FLIGHT_TRANSPORT_H

#include <arrakis/arrakis.h>

/* The version of this header; a module with another version is refused. */
#define ARK_TRANSPORT_VERSION 4u

typedef struct ark_transport_channel ark_transport_channel;
typedef struct ark_transport_call ark_transport_call;

typedef struct ark_transport_options {
    const char *target; /* host:port */
    bool tls;
    const char *roots_pem;          /* NULL: those that gRPC finds */
    const char *cert_pem, *key_pem; /* both or neither */
    const char *user_agent;
    /* The most bytes of received messages that the calls of the connection may hold. The largest
     * message must fit, with room for the framing. */
    size_t memory_max;
    /* Another connection with which memory_max is shared, or NULL. It must have the same
     * memory_max. */
    const ark_transport_channel *beside;
} ark_transport_options;

typedef struct ark_header {
    const char *name, *value; /* name in lower case */
} ark_header;

/* How a call ended. Texts are borrowed from the call, never NULL. */
typedef struct ark_call_status {
    int code; /* that of gRPC; 0: success */
    const char *message;
    const char *arrow_code; /* trailer x-arrow-status */
    bool local;             /* the error came from this process, not from a server */
    bool overfull;          /* memory_max was not enough */
} ark_call_status;

typedef struct ark_transport {
    unsigned version;

    /* Open a channel, without connecting yet. To be closed after all its calls have been
     * finished. */
    arrakis_status (*open)(ark_transport_channel **out, const ark_transport_options *options,
                           arrakis_error *err);
    void (*close)(ark_transport_channel *channel);

    /* Start a call. timeout_ns bounds the whole call; ARRAKIS_UNSET: no bound. `again`: the server
     * may be away. A connection is tried at once, whenever it was tried last, and waited for. */
    arrakis_status (*start)(ark_transport_call **out, ark_transport_channel *channel,
                            const char *method, const ark_header *headers, size_t header_count,
                            int64_t timeout_ns, bool again, arrakis_error *err);
    /* Becomes readable when send or recv may have a new result. It is an eventfd, which the caller
     * may set, too. */
    int (*fd)(const ark_transport_call *call);
    /* Send a copy of a message. TIMEOUT: the one before is still being sent. `last`: no other
     * message follows. */
    arrakis_status (*send)(ark_transport_call *call, const void *data, size_t size, bool last,
                           arrakis_error *err);
    /* OK: a message of that many bytes can be taken. DONE: the call has ended, see status.
     * TIMEOUT: neither. */
    arrakis_status (*recv)(ark_transport_call *call, size_t *size);
    /* Copy the message whose size recv returned, and receive the next one. */
    void (*take)(ark_transport_call *call, void *to);
    /* How the call ended; after DONE. */
    void (*status)(ark_transport_call *call, ark_call_status *status);
    /* Cancel the call. May be called in any thread, but not in a signal handler. */
    void (*cancel)(ark_transport_call *call);
    /* Cancel the call if it has not ended, wait until gRPC does not use it any more, and free
     * it. */
    void (*finish)(ark_transport_call *call);
} ark_transport;

/* The only symbol of the module. */
#define ARK_TRANSPORT_SYMBOL "arrakis_grpc_transport"
ARRAKIS_API const ark_transport *arrakis_grpc_transport(void);

#endif
