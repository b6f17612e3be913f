/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program that pushes messages to a memory reader: keeps them until the stream is
 * read, and then has a thread push one each BENCH_PUSH_NS nanoseconds. When it did is noted in the
 * file that BENCH_PUSHED names. So a wake-up is measured without a broker. */
#include "times.h"

#include <arrakis/reader.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define SEEN __attribute__((visibility("default")))

typedef struct message {
    size_t input, size;
    void *bytes;
} message;

static arrakis_status (*push)(arrakis_reader *, size_t, const void *, size_t, arrakis_error *);
static arrakis_status (*next)(arrakis_stream *, int, arrakis_block **, arrakis_error *);
static int64_t *pushed;
static int64_t pause_ns;
static message kept[TIMES_MOST];
static size_t count;
static arrakis_reader *source;
/* A memory reader is used by one thread at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Python loads the library late, and for itself. */
static void begin(void)
{
    void *library = dlopen("libarrakis.so.0.1", RTLD_LAZY | RTLD_NOLOAD);
    pushed = times_open("BENCH_PUSHED");
    if (!library || !pushed)
        abort();
    *(void **)&push = dlsym(library, "arrakis_memory_reader_push");
    *(void **)&next = dlsym(library, "arrakis_stream_next");
    const char *text = getenv("BENCH_PUSH_NS");
    pause_ns = text ? strtoll(text, NULL, 10) : 1000000;
}

SEEN arrakis_status arrakis_memory_reader_push(arrakis_reader *reader, size_t input,
                                               const void *bytes, size_t size, arrakis_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin);
    (void)err;
    if (count == TIMES_MOST)
        abort();
    source = reader;
    message *m = &kept[count++];
    *m = (message){input, size, malloc(size)};
    if (!m->bytes)
        abort();
    memcpy(m->bytes, bytes, size);
    return ARRAKIS_OK;
}

/* There is always more to come: the program ends when it has what it wants. */
SEEN void arrakis_memory_reader_finish(arrakis_reader *reader)
{
    (void)reader;
}

static void *push_kept(void *unused)
{
    const struct timespec pause = {.tv_sec = pause_ns / 1000000000,
                                   .tv_nsec = pause_ns % 1000000000};
    arrakis_error err;
    for (size_t i = 0; i < count; i++) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        pushed[i] = times_now();
        if (push(source, kept[i].input, kept[i].bytes, kept[i].size, &err) < 0)
            abort();
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

SEEN arrakis_status arrakis_stream_next(arrakis_stream *stream, int timeout_ms,
                                        arrakis_block **out, arrakis_error *err)
{
    static bool begun;
    pthread_t thread;
    if (source && !begun && (begun = true) && pthread_create(&thread, NULL, push_kept, NULL) == 0)
        pthread_detach(thread);
    pthread_mutex_lock(&lock);
    arrakis_status rc = next(stream, timeout_ms, out, err);
    pthread_mutex_unlock(&lock);
    return rc;
}
