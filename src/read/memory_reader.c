/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of messages that the program pushes itself. */
#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "read/ingest.h"
#include "read/reader.h"

#include <arrakis/reader.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct message {
    struct message *next;
    size_t input, size;
    uint8_t bytes[];
} message;

typedef struct memory_reader {
    arrakis_reader head;
    ark_ingest ingest;
    message *first, **last; /* not decoded yet; `taken`: the first is being decoded */
    size_t *waiting;        /* messages per input */
    bool taken, finished;
} memory_reader;

static arrakis_status memory_open(arrakis_reader *reader, arrakis_error *err)
{
    (void)reader;
    (void)err;
    return ARRAKIS_OK;
}

static void drop_first(memory_reader *memory)
{
    message *first = memory->first;
    memory->waiting[first->input]--;
    memory->first = first->next;
    if (!memory->first)
        memory->last = &memory->first;
    memory->taken = false;
    free(first);
}

static arrakis_status memory_next(arrakis_reader *reader, ark_arrival *arrival, arrakis_error *err)
{
    memory_reader *memory = (memory_reader *)reader;
    for (;;) {
        if (memory->taken) {
            arrakis_status rc = ark_ingest_next(&memory->ingest, arrival, err);
            if (rc != ARRAKIS_DONE)
                return rc;
            drop_first(memory);
        }
        if (!memory->first)
            break;
        const message *first = memory->first;
        memory->taken = true;
        if (first->next)
            ark_ingest_expect(first->next->bytes, first->next->size);
        ark_ingest_begin(&memory->ingest, first->input, reader->inputs[first->input].id,
                         (int64_t)memory->ingest.messages, first->bytes, first->size);
    }
    if (memory->finished)
        return ARRAKIS_DONE;
    ark_event_clear(reader->fd);
    return ARRAKIS_TIMEOUT;
}

static bool memory_done(const arrakis_reader *reader)
{
    const memory_reader *memory = (const memory_reader *)reader;
    return memory->finished && !memory->first;
}

static int64_t memory_exhausted(arrakis_reader *reader, size_t input, int64_t since_ns,
                                int64_t *again_ns)
{
    const memory_reader *memory = (const memory_reader *)reader;
    int64_t now_ns = ark_clock_now_ns();
    *again_ns = ARRAKIS_UNSET;
    return memory->waiting[input] || now_ns < since_ns ? ARRAKIS_UNSET : now_ns;
}

static void memory_stats(const arrakis_reader *reader, arrakis_stats *stats)
{
    ark_ingest_stats(&((const memory_reader *)reader)->ingest, stats);
}

static void memory_close(arrakis_reader *reader)
{
    memory_reader *memory = (memory_reader *)reader;
    while (memory->first)
        drop_first(memory);
    ark_ingest_clear(&memory->ingest);
    ark_reader_clear(reader);
    free(memory->waiting);
    if (reader->fd >= 0)
        close(reader->fd);
    free(memory);
}

static const ark_reader_ops memory_ops = {
    .open = memory_open,
    .next = memory_next,
    .done = memory_done,
    .exhausted = memory_exhausted,
    .stats = memory_stats,
    .close = memory_close,
};

arrakis_status arrakis_memory_reader_new(arrakis_reader **out, arrakis_channels *channels,
                                         arrakis_error *err)
{
    if (!out || !channels)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_memory_reader_new: %s is NULL",
                        out ? "channels" : "out");
    *out = NULL;
    memory_reader *memory = calloc(1, sizeof *memory);
    if (!memory)
        return ark_no_memory(err, "a reader");
    memory->head.ops = &memory_ops;
    memory->head.fd = ark_event_open();
    memory->last = &memory->first;
    arrakis_status rc = ark_reader_group(&memory->head, channels, "memory/", err);
    if (rc == ARRAKIS_OK)
        rc = ark_ingest_init(&memory->ingest, memory->head.inputs, memory->head.input_count, err);
    if (rc == ARRAKIS_OK &&
        !(memory->waiting = calloc(memory->head.input_count, sizeof *memory->waiting)))
        rc = ark_no_memory(err, "a reader");
    if (rc < 0) {
        memory_close(&memory->head);
        return rc;
    }
    *out = &memory->head;
    return ARRAKIS_OK;
}

arrakis_status arrakis_memory_reader_push(arrakis_reader *reader, size_t input, const void *bytes,
                                          size_t size, arrakis_error *err)
{
    if (!reader)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_memory_reader_push: reader is NULL");
    if (reader->ops != &memory_ops)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_memory_reader_push: not a memory reader");
    if (input >= reader->input_count || (!bytes && size))
        return ark_fail(err, ARRAKIS_EINVAL, "input %zu: the reader has %zu", input,
                        reader->input_count);
    memory_reader *memory = (memory_reader *)reader;
    message *m = size <= PTRDIFF_MAX - sizeof *m ? malloc(sizeof *m + size) : NULL;
    if (!m)
        return ark_no_memory(err, "a message of %zu bytes", size);
    m->next = NULL;
    m->input = input;
    m->size = size;
    if (size)
        memcpy(m->bytes, bytes, size);
    *memory->last = m;
    memory->last = &m->next;
    memory->waiting[input]++;
    ark_event_set(reader->fd);
    return ARRAKIS_OK;
}

void arrakis_memory_reader_finish(arrakis_reader *reader)
{
    if (!reader || reader->ops != &memory_ops)
        return;
    ((memory_reader *)reader)->finished = true;
    ark_event_set(reader->fd);
}
