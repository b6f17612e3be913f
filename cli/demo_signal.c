/* SPDX-License-Identifier: Apache-2.0 */
#include "demo_signal.h"

#include <math.h>
#include <stdio.h>

enum { NAMES = 3 };

/* A partition has one data type. The first channel of each kind has a shape of its own. */
static const struct kind {
    arrakis_dtype type;
    const char *names[NAMES];
    double rates[NAMES];
} kinds[SIGNAL_KINDS] = {
    {ARRAKIS_FLOAT32, {"GDS-CALIB_STRAIN", "LSC-DARM_ERR", "ASC-DHARD_Y"}, {16384, 2048, 2048}},
    {ARRAKIS_FLOAT64, {"PEM-CS_TEMPERATURE", "PEM-EX_HUMIDITY", "PEM-EY_PRESSURE"}, {16, 16, 16}},
    {ARRAKIS_UINT32,
     {"GDS-CALIB_STATE_VECTOR", "GRD-ISC_LOCK_STATE", "DAQ-FRAME_COUNT"},
     {16, 16, 16}},
    {ARRAKIS_INT32, {"ISI-HAM2_ADC_X", "ISI-HAM2_ADC_Y", "ISI-HAM2_ADC_Z"}, {256, 256, 512}},
};

static const char *const sites[] = {"H1", "L1", "V1", "K1", "G1"};
enum { SITES = sizeof sites / sizeof *sites };

void signal_describe(arrakis_channel_info *info, char name[64], size_t partition, size_t index)
{
    const struct kind *kind = &kinds[partition % SIGNAL_KINDS];
    size_t site = partition / SIGNAL_KINDS;
    char suffix[48] = "";
    if (index >= NAMES || site >= SITES)
        snprintf(suffix, sizeof suffix, "_%zu_%zu", site / SITES, index / NAMES);
    snprintf(name, 64, "%s:%s%s", sites[site % SITES], kind->names[index % NAMES], suffix);
    info->name = name;
    info->dtype = kind->type;
    info->sample_rate = kind->rates[index % NAMES];
    info->partition_index = (int64_t)index;
}

/* ---------------------------------------------------------------- shapes */

/* Noise from -1 to 1, which depends only on the sample. */
static double noise_at(uint64_t seed)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ seed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((seed ^ seed >> 31) >> 11) * 0x1p-52 - 1;
}

/* Every eight seconds two stars merge: pitch and loudness rise for a second. */
static double strain_at(double t, uint64_t seed)
{
    double left = 8 - fmod(t, 8);
    double h = 0.3 * noise_at(seed) + 0.2 * sin(2 * M_PI * 60 * t);
    if (left < 1)
        h += pow(left + 0.02, -0.25) * sin(-240 * pow(left, 0.625));
    return 1e-21 * h;
}

static double slow_at(double t, size_t index, uint64_t seed)
{
    double period = 20 + 7 * (double)(index % 5);
    return 20 + (double)index + sin(2 * M_PI * t / period) + 0.02 * noise_at(seed);
}

static double state_word(double t, size_t index)
{
    if (index % NAMES == 2)
        return floor(fmod(t, 1e6) * 16);
    double phase = fmod(t, 12 + (double)index);
    return phase < 9 ? 0x3ff : phase < 10 ? 0x3fd : 0x3f1;
}

static double counts_at(double t, size_t index, uint64_t seed)
{
    return floor(3000 * sin(2 * M_PI * (0.15 + 0.05 * (double)(index % 7)) * t) +
                 300 * noise_at(seed));
}

static double value_at(size_t partition, size_t index, double t, uint64_t seed)
{
    switch (partition % SIGNAL_KINDS) {
    case 0:
        if (index == 0)
            return strain_at(t, seed);
        return sin(2 * M_PI * (0.4 + 0.1 * (double)(index % 9)) * t) + 0.2 * noise_at(seed);
    case 1:
        return slow_at(t, index, seed);
    case 2:
        return state_word(t, index);
    default:
        return counts_at(t, index, seed);
    }
}

static void store_value(void *samples, size_t i, arrakis_dtype type, double v)
{
    if (type == ARRAKIS_FLOAT32)
        ((float *)samples)[i] = (float)v;
    else if (type == ARRAKIS_FLOAT64)
        ((double *)samples)[i] = v;
    else if (type == ARRAKIS_UINT32)
        ((uint32_t *)samples)[i] = (uint32_t)v;
    else
        ((int32_t *)samples)[i] = (int32_t)v;
}

void signal_make(void *samples, size_t partition, size_t index, int64_t start_ns, size_t count)
{
    const struct kind *kind = &kinds[partition % SIGNAL_KINDS];
    double rate = kind->rates[index % NAMES];
    /* Every shape repeats, or may repeat; times of some hours at most keep the sines exact. */
    int64_t start = start_ns % (100000 * ARRAKIS_SECOND_NS);
    for (size_t i = 0; i < count; i++) {
        double t = (double)start / 1e9 + (double)i / rate;
        uint64_t seed = (uint64_t)llround(t * rate) * 1009 + partition * 131 + index;
        store_value(samples, i, kind->type, value_at(partition, index, t, seed));
    }
}
