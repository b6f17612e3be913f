/* SPDX-License-Identifier: Apache-2.0 */
/* Channels and messages for the tests of the core. */
#ifndef ARK_TEST_SUPPORT_H
#define ARK_TEST_SUPPORT_H

#include "arrow/ipc.h"
#include "arrow/write.h"
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ARRAKIS_SECOND_NS
#define UNSET ARRAKIS_UNSET
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Passes when the call does; else shows the library's own words. */
#define PASS(call)                                                                                \
    do {                                                                                          \
        arrakis_error err_ = {ARRAKIS_OK, ""};                                                    \
        arrakis_error *err = &err_;                                                               \
        if ((call) != ARRAKIS_OK)                                                                 \
            fail_msg("%s: %s", #call, err_.message);                                              \
        (void)err;                                                                                \
    } while (0)

/* Passes when the call fails with this status, and `text` is part of its message. */
#define FAIL(call, wanted, text)                                                                  \
    do {                                                                                          \
        arrakis_error err_ = {ARRAKIS_OK, ""};                                                    \
        arrakis_error *err = &err_;                                                               \
        assert_int_equal((call), (wanted));                                                       \
        assert_int_equal(err_.status, (wanted));                                                  \
        if (!strstr(err_.message, (text)))                                                        \
            fail_msg("%s: \"%s\" does not have \"%s\"", #call, err_.message, (text));             \
        (void)err;                                                                                \
    } while (0)

typedef struct channel_spec {
    const char *name;
    arrakis_dtype dtype;
    double rate;
    const char *partition;
    int64_t index, stride_ns, latency_ns;
} channel_spec;

static inline arrakis_channels *channels_of(const channel_spec *specs, size_t count)
{
    arrakis_channels *channels;
    PASS(arrakis_channels_new(&channels, err));
    for (size_t i = 0; i < count; i++) {
        arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
        info.name = specs[i].name;
        info.dtype = specs[i].dtype;
        info.sample_rate = specs[i].rate;
        info.partition_id = specs[i].partition;
        info.partition_index = specs[i].index;
        info.stride_ns = specs[i].stride_ns;
        info.max_latency_ns = specs[i].latency_ns;
        arrakis_channel *channel;
        PASS(arrakis_channel_new(&channel, &info, err));
        PASS(arrakis_channels_add(channels, channel, err));
        arrakis_channel_unref(channel);
    }
    return channels;
}

/* A message of int32 rows: row i is of ids[i] and holds first[i], first[i] + 1, ... */
static inline ark_buffer int32_message(int64_t time_ns, size_t rows, const uint32_t *ids,
                                       const int32_t *first, size_t length)
{
    arrakis_series *series = calloc(rows, sizeof *series);
    int32_t *samples = calloc(rows * length + 1, sizeof *samples);
    assert_non_null(series);
    assert_non_null(samples);
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < length; k++)
            samples[i * length + k] = first[i] + (int32_t)k;
        series[i] = (arrakis_series){samples + i * length, NULL, length, ARRAKIS_INT32};
    }
    ark_buffer out = {NULL, 0, 0};
    PASS(ark_write_rows(&out, ARRAKIS_INT32, time_ns, rows, ids, series, err));
    free(series);
    free(samples);
    return out;
}

static inline bool is_present(arrakis_series series, size_t i)
{
    return !series.valid || (series.valid[i / 8] >> i % 8 & 1);
}

static inline int32_t int32_at(arrakis_series series, size_t i)
{
    assert_true(i < series.length);
    int32_t value;
    memcpy(&value, (const char *)series.samples + i * sizeof value, sizeof value);
    return value;
}

#endif
