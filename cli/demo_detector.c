/* SPDX-License-Identifier: Apache-2.0 */
#include "demo_detector.h"

#include "demo_signal.h"
#include "report.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define STRIDE_NS (ARRAKIS_SECOND_NS / 16)
#define MAX_LATENCY_NS ARRAKIS_SECOND_NS
#define DROP_OUT_PERIOD_NS (20 * ARRAKIS_SECOND_NS)
enum { PUBLISH_TIMEOUT_MS = 2000, START_TIMEOUT_S = 10, SAMPLE_SIZE_MAX = 8 };

struct part {
    struct detector *detector;
    size_t number;
    char id[32]; /* of the partition and its publisher */
    arrakis_channels *channels;
    arrakis_publisher *publisher;
    arrakis_series *series;
    char **samples;
    pthread_t thread;
    bool running;
};

struct detector {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* signaled when the two below change */
    size_t settled;         /* parts that have published, or have failed */
    bool stopping, failed;
    atomic_llong drop_out_ns;
    arrakis_channels *channels;
    size_t part_count;
    struct part *parts;
};

/* ---------------------------------------------------------------- channels */

static arrakis_status add_channel(struct part *p, size_t index, arrakis_error *err)
{
    char name[64];
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    signal_describe(&info, name, p->number, index);
    info.publisher = p->id;
    info.partition_id = p->id;
    info.stride_ns = STRIDE_NS;
    info.max_latency_ns = MAX_LATENCY_NS;
    arrakis_channel *channel;
    arrakis_status rc = arrakis_channel_new(&channel, &info, err);
    if (rc >= 0)
        rc = arrakis_channels_add(p->channels, channel, err);
    if (rc >= 0)
        rc = arrakis_channels_add(p->detector->channels, channel, err);
    arrakis_channel_unref(channel);
    return rc;
}

static size_t samples_in_stride(const arrakis_channel *channel)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_channel_get(channel, &info);
    return (size_t)(info.sample_rate * (double)STRIDE_NS / 1e9);
}

static bool make_buffers(struct part *p, size_t count)
{
    p->series = calloc(count, sizeof *p->series);
    p->samples = calloc(count, sizeof *p->samples);
    for (size_t i = 0; p->series && p->samples && i < count; i++) {
        size_t length = samples_in_stride(arrakis_channels_get(p->channels, i));
        p->samples[i] = calloc(length, SAMPLE_SIZE_MAX);
        if (!p->samples[i])
            return false;
        p->series[i] = (arrakis_series){p->samples[i], NULL, length, ARRAKIS_DTYPE_NONE};
    }
    return p->series && p->samples;
}

static int open_part(struct part *p, size_t channel_count)
{
    arrakis_error err;
    snprintf(p->id, sizeof p->id, "SIM_%zu", p->number);
    arrakis_status rc = arrakis_channels_new(&p->channels, &err);
    for (size_t i = 0; rc >= 0 && i < channel_count; i++)
        rc = add_channel(p, i, &err);
    if (rc < 0)
        return finish(rc, &err);
    return make_buffers(p, channel_count) ? 0 : fail("out of memory");
}

int detector_open(struct detector **out, size_t partitions, size_t channels_each)
{
    *out = NULL;
    arrakis_error err;
    struct detector *d = calloc(1, sizeof *d);
    if (!d)
        return fail("out of memory");
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    atomic_store(&d->drop_out_ns, INT64_MAX);
    *out = d;
    arrakis_status rc = arrakis_channels_new(&d->channels, &err);
    if (rc < 0)
        return finish(rc, &err);
    d->parts = calloc(partitions, sizeof *d->parts);
    if (!d->parts)
        return fail("out of memory");
    d->part_count = partitions;
    for (size_t i = 0; i < partitions; i++) {
        d->parts[i].detector = d;
        d->parts[i].number = i;
        int code = open_part(&d->parts[i], channels_each);
        if (code)
            return code;
    }
    return 0;
}

arrakis_channels *detector_channels(const struct detector *d)
{
    return d->channels;
}

/* ---------------------------------------------------------------- publishing */

static struct timespec unix_time(int64_t gps_ns)
{
    int64_t ns = arrakis_gps_to_unix_ns(gps_ns);
    return (struct timespec){(time_t)(ns / ARRAKIS_SECOND_NS), (long)(ns % ARRAKIS_SECOND_NS)};
}

/* @return false when the detector is to stop */
static bool wait_until(struct detector *d, int64_t gps_ns)
{
    struct timespec until = unix_time(gps_ns);
    pthread_mutex_lock(&d->lock);
    while (!d->stopping && arrakis_gps_now_ns() < gps_ns)
        pthread_cond_timedwait(&d->changed, &d->lock, &until);
    bool stopping = d->stopping;
    pthread_mutex_unlock(&d->lock);
    return !stopping;
}

static void settle_part(struct detector *d, bool failed)
{
    pthread_mutex_lock(&d->lock);
    d->settled++;
    d->failed = d->failed || failed;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

/* The second partition, or the only one. */
static bool dropped_out(const struct part *p, int64_t start_ns)
{
    struct detector *d = p->detector;
    int64_t since_ns = start_ns - atomic_load(&d->drop_out_ns);
    return p->number == (d->part_count > 1) && since_ns >= 0 &&
           since_ns % DROP_OUT_PERIOD_NS < ARRAKIS_SECOND_NS;
}

static arrakis_status publish_part(struct part *p, int64_t start_ns, arrakis_error *err)
{
    for (size_t i = 0; i < arrakis_channels_count(p->channels); i++)
        signal_make(p->samples[i], p->number, i, start_ns, p->series[i].length);
    arrakis_block *block;
    arrakis_status rc =
        arrakis_block_new(&block, p->channels, start_ns, STRIDE_NS, p->series, err);
    if (rc >= 0)
        rc = arrakis_publisher_publish(p->publisher, block, PUBLISH_TIMEOUT_MS, err);
    arrakis_block_unref(block);
    return rc;
}

/* After a pause of the machine, what was missed is left out. */
static int64_t next_stride(int64_t start_ns)
{
    int64_t now_ns = arrakis_gps_now_ns();
    int64_t present_ns = now_ns - now_ns % STRIDE_NS;
    return start_ns + 16 * STRIDE_NS < present_ns ? present_ns : start_ns + STRIDE_NS;
}

static void *publish_all(void *opaque)
{
    struct part *p = opaque;
    bool settled = false;
    int64_t now_ns = arrakis_gps_now_ns();
    int64_t start_ns = now_ns - now_ns % STRIDE_NS;
    for (; wait_until(p->detector, start_ns + STRIDE_NS); start_ns = next_stride(start_ns)) {
        arrakis_error err;
        arrakis_status rc =
            dropped_out(p, start_ns) ? ARRAKIS_OK : publish_part(p, start_ns, &err);
        if (rc < 0)
            fail("publishing %s: %s", p->id, err.message);
        if (!settled || rc < 0)
            settle_part(p->detector, rc < 0);
        settled = true;
        if (rc < 0)
            break;
    }
    return NULL;
}

static bool start_thread(struct part *p)
{
    /* Only the main thread handles signals. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    p->running = pthread_create(&p->thread, NULL, publish_all, p) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p->running;
}

static int start_part(struct part *p, const char *kafka_url)
{
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    to.kafka_url = kafka_url;
    options.publisher_id = p->id;
    options.channels = p->channels;
    arrakis_error err;
    arrakis_status rc = arrakis_publisher_open(&p->publisher, &to, &options, &err);
    if (rc < 0)
        return finish(rc, &err);
    return start_thread(p) ? 0 : fail("starting a thread failed");
}

static int wait_for_all(struct detector *d)
{
    struct timespec until = unix_time(arrakis_gps_now_ns() + START_TIMEOUT_S * ARRAKIS_SECOND_NS);
    int timed_out = 0;
    pthread_mutex_lock(&d->lock);
    while (d->settled < d->part_count && !d->failed && !timed_out)
        timed_out = pthread_cond_timedwait(&d->changed, &d->lock, &until);
    bool failed = d->failed;
    pthread_mutex_unlock(&d->lock);
    if (timed_out)
        return fail("the simulated detector did not get going in %d s", START_TIMEOUT_S);
    return failed ? EXIT_FAILURE : 0;
}

int detector_start(struct detector *d, const char *kafka_url)
{
    for (size_t i = 0; i < d->part_count; i++) {
        int code = start_part(&d->parts[i], kafka_url);
        if (code)
            return code;
    }
    return wait_for_all(d);
}

void detector_drop_out(struct detector *d, int64_t at_ns)
{
    atomic_store(&d->drop_out_ns, at_ns);
}

static void close_part(struct part *p)
{
    if (p->running)
        pthread_join(p->thread, NULL);
    arrakis_publisher_close(p->publisher);
    for (size_t i = 0; p->samples && i < arrakis_channels_count(p->channels); i++)
        free(p->samples[i]);
    free(p->samples);
    free(p->series);
    arrakis_channels_unref(p->channels);
}

void detector_close(struct detector *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < d->part_count; i++)
        close_part(&d->parts[i]);
    free(d->parts);
    arrakis_channels_unref(d->channels);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
