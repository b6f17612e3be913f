/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include <stdio.h>
#include <string.h>

workload workload_read(void)
{
    workload w = {
        .prefix = bench_text("prefix", "bench"),
        .partitions = (size_t)bench_number("partitions", 1),
        .channels = (size_t)bench_number("channels", 80),
        .samples = (size_t)bench_number("samples", 1),
        .strides = (size_t)bench_number("strides", 1),
        .dtype = arrakis_dtype_parse(bench_text("dtype", "float32")),
        .start_ns = bench_number("start", 1400000000) * ARRAKIS_SECOND_NS,
    };
    w.wanted = (size_t)bench_number("wanted", (int64_t)(w.partitions * w.channels));
    if (!w.dtype || !w.partitions || !w.channels || !w.samples ||
        w.wanted > w.partitions * w.channels)
        bench_fail("no such workload");
    return w;
}

arrakis_channels *workload_channels(const workload *w, size_t count)
{
    arrakis_channels *channels;
    arrakis_error err;
    if (arrakis_channels_new(&channels, &err) < 0)
        bench_fail("%s", err.message);
    size_t all = w->partitions * w->channels;
    for (size_t k = 0; k < count; k++) {
        size_t number = k * all / count;
        size_t partition = number / w->channels, index = number % w->channels;
        char name[64], partition_id[64];
        snprintf(name, sizeof name, "H1:BEN-P%04zu_C%03zu", partition, index);
        snprintf(partition_id, sizeof partition_id, "%s%04zu", w->prefix, partition);
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = name;
        info.dtype = w->dtype;
        info.sample_rate = 16.0 * (double)w->samples;
        info.publisher = "BENCH";
        info.partition_id = partition_id;
        info.partition_index = (int64_t)index;
        info.stride_ns = STRIDE_NS;
        info.max_latency_ns = 2 * ARRAKIS_SECOND_NS;
        arrakis_channel *channel;
        if (arrakis_channel_new(&channel, &info, &err) < 0 ||
            arrakis_channels_add(channels, channel, &err) < 0)
            bench_fail("%s", err.message);
        arrakis_channel_unref(channel);
    }
    return channels;
}

/* Bits of a float between 1 and 2: every one is a number. */
void workload_samples(const workload *w, size_t partition, size_t stride, uint8_t *out)
{
    uint64_t x = 0x9E3779B97F4A7C15u ^ (partition + 1) * 0x2545F4914F6CDD1Du ^ stride << 32;
    for (size_t i = 0; i < w->channels * w->samples; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        if (arrakis_dtype_size(w->dtype) == 8) {
            uint64_t bits = 0x3ff0000000000000u | x >> 12;
            memcpy(out + 8 * i, &bits, 8);
        } else {
            uint32_t bits = 0x3f800000u | (uint32_t)(x >> 41);
            memcpy(out + 4 * i, &bits, 4);
        }
    }
}

workload_message *workload_load(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        bench_fail("cannot read %s", path);
    size_t size = (size_t)ftell(file), messages = 0;
    rewind(file);
    uint8_t *bytes = bench_alloc(size);
    if (fread(bytes, 1, size, file) != size)
        bench_fail("cannot read %s", path);
    fclose(file);
    workload_message *list = NULL;
    for (int pass = 0; pass < 2; pass++) {
        messages = 0;
        for (size_t at = 0; at + 8 <= size;) {
            uint32_t head[2];
            memcpy(head, bytes + at, sizeof head);
            if (list)
                list[messages] = (workload_message){head[0], head[1], bytes + at + 8};
            messages++;
            at += 8 + head[1];
        }
        if (!list)
            list = bench_alloc(messages * sizeof *list);
    }
    *count = messages;
    return list;
}
