/* SPDX-License-Identifier: Apache-2.0 */
/* Publish a sine on float32 channels, one block per stride: publish BROKER [BLOCKS [CHANNELS]].
 * CHANNELS is a file as `arrakis-cli describe --json` prints it. */
#include <arrakis/arrakis.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char own_channel[] =
    "{\"name\": \"X1:EXAMPLE-SINE\", \"data_type\": \"float32\", \"sample_rate\": 256,"
    " \"publisher\": \"example\", \"partition_id\": \"example_0\", \"partition_index\": 0,"
    " \"stride\": 62500000, \"max_latency\": 1000000000}";
static arrakis_error err;

static void check(arrakis_status rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}

static arrakis_block *make_block(arrakis_channels *channels, int64_t start_ns, int64_t stride_ns)
{
    size_t count = arrakis_channels_count(channels);
    arrakis_series *series = (arrakis_series *)calloc(count, sizeof *series);
    float **owned = (float **)calloc(count, sizeof *owned);
    for (size_t i = 0; series && owned && i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        arrakis_channel_get(arrakis_channels_get(channels, i), &info);
        series[i].dtype = ARRAKIS_FLOAT32;
        series[i].length = (size_t)(info.sample_rate * (double)stride_ns / 1e9 + 0.5);
        float *samples = (float *)calloc(series[i].length, sizeof *samples);
        for (size_t k = 0; samples && k < series[i].length; k++) {
            double t = (double)(start_ns % ARRAKIS_SECOND_NS) / 1e9 + (double)k / info.sample_rate;
            samples[k] = (float)sin(2 * 3.141592653589793 * t);
        }
        series[i].samples = owned[i] = samples; /* NULL would be published as missing */
    }
    arrakis_block *block;
    check(arrakis_block_new(&block, channels, start_ns, stride_ns, series, &err));
    for (size_t i = 0; i < count; i++)
        free(owned[i]);
    free(owned);
    free(series);
    return block;
}

static arrakis_channels *make_channels(void)
{
    arrakis_channel *channel;
    arrakis_channels *channels;
    check(arrakis_channel_from_json(&channel, own_channel, strlen(own_channel), &err));
    check(arrakis_channels_new(&channels, &err));
    check(arrakis_channels_add(channels, channel, &err));
    arrakis_channel_unref(channel); /* the list has a reference of its own */
    return channels;
}

int main(int argc, char **argv)
{
    arrakis_connection to = ARRAKIS_CONNECTION_INIT;
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    arrakis_publisher *publisher;
    if (argc > 3)
        check(arrakis_channels_load(&options.channels, argv[3], &err));
    else
        options.channels = make_channels();
    if (!arrakis_channels_count(options.channels))
        return fprintf(stderr, "%s has no channels\n", argv[3]), 1;
    arrakis_channel_get(arrakis_channels_get(options.channels, 0), &info);
    to.kafka_url = argc > 1 ? argv[1] : "localhost:9092";
    options.publisher_id = info.publisher;
    options.max_failures = 10;
    check(arrakis_publisher_open(&publisher, &to, &options, &err));

    int64_t start_ns = arrakis_gps_now_ns() / info.stride_ns * info.stride_ns;
    for (int n = argc > 2 ? atoi(argv[2]) : 80; n > 0; n--, start_ns += info.stride_ns) {
        int64_t due_ns =
            arrakis_gps_to_unix_ns(start_ns + info.stride_ns); /* when the block is complete */
        struct timespec due = {due_ns / ARRAKIS_SECOND_NS, due_ns % ARRAKIS_SECOND_NS};
        clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &due, NULL);
        arrakis_block *block = make_block(options.channels, start_ns, info.stride_ns);
        arrakis_status rc = arrakis_publisher_publish(publisher, block, 10000, &err);
        if (rc < 0 && arrakis_status_retriable(rc))
            fprintf(stderr, "dropped: %s\n", err.message); /* the next one may be delivered */
        else
            check(rc); /* after ten failures in a row, too */
        arrakis_block_unref(block);
    }
    arrakis_publisher_close(publisher);
    arrakis_channels_unref(options.channels);
    return 0;
}
