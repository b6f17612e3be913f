/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/close.h"

#include "kafka/call.h"

#include <stdlib.h>
#include <string.h>

typedef struct one {
    rd_kafka_t *rk;
    void (*after)(void *opaque);
    void *opaque;
} one;

static void close_one(void *opaque)
{
    one *o = opaque;
    ark_kafka_call_wait(o->rk);
    /* no group was joined, so none must be left */
    rd_kafka_destroy_flags(o->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (o->after)
        o->after(o->opaque);
    free(o);
}

/* Whether the handle uses nothing that exit() takes down, as it does OpenSSL. */
static bool is_plain(rd_kafka_t *rk)
{
    char text[32] = "";
    size_t size = sizeof text;
    return rd_kafka_conf_get(rd_kafka_conf(rk), "security.protocol", text, &size) ==
               RD_KAFKA_CONF_OK &&
           strcmp(text, "plaintext") == 0;
}

void ark_kafka_close_begin(ark_closing *closing, rd_kafka_t *rk, void (*close)(void *opaque),
                           void *opaque)
{
    const bool long_yet = ark_kafka_call_pending(rk), plain = is_plain(rk);
    const void *before = closing->first;
    ark_closing_begin(closing, rd_kafka_version_str(), close, opaque);
    if (long_yet && closing->first != before) /* else it was closed without a thread */
        ark_closing_leave(closing, plain);
}

void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque)
{
    one *o = rk ? malloc(sizeof *o) : NULL;
    if (o) {
        *o = (one){rk, after, opaque};
        ark_closing closing = ARK_CLOSING_NONE;
        ark_kafka_close_begin(&closing, rk, close_one, o);
        ark_closing_wait(&closing);
        return;
    }
    if (rk) {
        ark_kafka_call_wait(rk);
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    if (after)
        after(opaque);
}
