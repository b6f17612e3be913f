/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/close.h"

#include "read/closing.h"

#include <stdlib.h>

typedef struct one {
    rd_kafka_t *rk;
    void (*after)(void *opaque);
    void *opaque;
} one;

static void close_one(void *opaque)
{
    one *o = opaque;
    /* no group was joined, so none must be left */
    rd_kafka_destroy_flags(o->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (o->after)
        o->after(o->opaque);
    free(o);
}

void ark_kafka_close(rd_kafka_t *rk, void (*after)(void *opaque), void *opaque)
{
    one *o = rk ? malloc(sizeof *o) : NULL;
    if (o) {
        *o = (one){rk, after, opaque};
        ark_closing closing = ARK_CLOSING_NONE;
        ark_closing_begin(&closing, rd_kafka_version_str(), close_one, o);
        ark_closing_wait(&closing);
        return;
    }
    if (rk)
        rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (after)
        after(opaque);
}
