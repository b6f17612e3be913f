/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/writer.h"

#include "base/error.h"
#include "base/leap_seconds.h"
#include "gwf/dictionary.h"
#include "gwf/mask.h"
#include "gwf/out.h"
#include "gwf/pack.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAI_LESS_GPS 19

typedef struct writer_channel {
    char *name;
    arrakis_dtype dtype;
    double rate;
    uint32_t number;
} writer_channel;

typedef struct writer_frame {
    int64_t start_ns, duration_ns;
    uint64_t position; /* of its FrameH, in bytes of the file */
} writer_frame;

struct ark_gwf_writer {
    ark_gwf_out out;
    ark_gwf_pack *pack; /* NULL: samples are not compressed */
    ark_gwf_pack *mask_pack;
    char *experiment;
    size_t count;
    writer_channel *channels;
    size_t *by_name; /* their numbers, in the order of the table of contents */
    /* The frames so far, and where each of their channels is: one row per frame. */
    size_t frame_count, frame_capacity;
    writer_frame *frames;
    uint64_t *positions;
    size_t added;     /* channels of the frame that is written; all of them before the first one */
    uint32_t vectors; /* in that frame */
    ark_buffer filled; /* a channel's samples, where some are missing */
    ark_buffer mask;
};

/* ------------------------------------------------------------------ making one */

static arrakis_status check_channel(const ark_gwf_channel *channel, arrakis_error *err)
{
    if (!channel->name || !channel->name[0])
        return ark_fail(err, ARRAKIS_EINVAL, "a channel without a name");
    size_t size = strlen(channel->name);
    if (size > ARK_GWF_TEXT_MAX)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "a channel's name has %zu bytes, expected at most %d: %.60s...", size,
                        ARK_GWF_TEXT_MAX, channel->name);
    if (arrakis_dtype_size(channel->dtype) == 0)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has no data type", channel->name);
    if (!isfinite(channel->rate) || channel->rate <= 0)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has the rate %g Hz, expected more than 0",
                        channel->name, channel->rate);
    return ARRAKIS_OK;
}

static int compare_names(const void *a, const void *b, void *opaque)
{
    const writer_channel *channels = opaque;
    return strcmp(channels[*(const size_t *)a].name, channels[*(const size_t *)b].name);
}

static arrakis_status add_channels(ark_gwf_writer *w, const ark_gwf_channel *channels,
                                   size_t count, arrakis_error *err)
{
    if (count == 0 || count > UINT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "%zu channels for a frame file, expected 1 to %u",
                        count, UINT32_MAX);
    w->channels = calloc(count, sizeof *w->channels);
    w->by_name = calloc(count, sizeof *w->by_name);
    if (!w->channels || !w->by_name)
        return ark_no_memory(err, "%zu channels of a frame file", count);
    for (w->count = 0; w->count < count; w->count++) {
        const ark_gwf_channel *channel = &channels[w->count];
        ARK_TRY(check_channel(channel, err));
        char *name = strdup(channel->name);
        if (!name)
            return ark_no_memory(err, "channel %s of a frame file", channel->name);
        w->by_name[w->count] = w->count;
        w->channels[w->count] =
            (writer_channel){name, channel->dtype, channel->rate, (uint32_t)w->count};
    }
    qsort_r(w->by_name, count, sizeof *w->by_name, compare_names, w->channels);
    for (size_t i = 1; i < count; i++)
        if (compare_names(&w->by_name[i - 1], &w->by_name[i], w->channels) == 0)
            return ark_fail(err, ARRAKIS_EINVAL, "channel %s is in the frame file twice",
                            w->channels[w->by_name[i]].name);
    w->added = count;
    return ARRAKIS_OK;
}

static arrakis_status fill_writer(ark_gwf_writer *w, const ark_gwf_writer_options *options,
                                  const ark_gwf_channel *channels, size_t count,
                                  arrakis_error *err)
{
    if (options->level < 0 || options->level > 9)
        return ark_fail(err, ARRAKIS_EINVAL, "compression level %d, expected 0 to 9",
                        options->level);
    const char *experiment = options->experiment ? options->experiment : "";
    if (strlen(experiment) > ARK_GWF_TEXT_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame's name has over %d bytes", ARK_GWF_TEXT_MAX);
    w->experiment = strdup(experiment);
    if (!w->experiment)
        return ark_no_memory(err, "a frame's name");
    ARK_TRY(add_channels(w, channels, count, err));
    if (options->level > 0)
        ARK_TRY(ark_gwf_pack_new(&w->pack, options->level, err));
    return ark_gwf_pack_new(&w->mask_pack, 1, err);
}

arrakis_status ark_gwf_writer_new(ark_gwf_writer **out, const ark_gwf_writer_options *options,
                                  const ark_gwf_channel *channels, size_t count,
                                  arrakis_error *err)
{
    *out = NULL;
    ark_gwf_writer *w = calloc(1, sizeof *w);
    if (!w)
        return ark_no_memory(err, "a writer of frame files");
    arrakis_status rc = fill_writer(w, options, channels, count, err);
    if (rc < 0)
        ark_gwf_writer_free(w);
    else
        *out = w;
    return rc;
}

void ark_gwf_writer_free(ark_gwf_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++)
        free(w->channels[i].name);
    free(w->channels);
    free(w->by_name);
    free(w->frames);
    free(w->positions);
    free(w->experiment);
    ark_gwf_pack_free(w->pack);
    ark_gwf_pack_free(w->mask_pack);
    ark_buffer_clear(&w->filled);
    ark_buffer_clear(&w->mask);
    ark_gwf_out_clear(&w->out);
    free(w);
}

arrakis_status ark_gwf_writer_begin(ark_gwf_writer *w, int fd, arrakis_error *err)
{
    w->frame_count = 0;
    w->added = w->count;
    ARK_TRY(ark_gwf_out_header(&w->out, fd, err));
    return ark_gwf_dictionary_write(&w->out, err);
}

/* ------------------------------------------------------------------ frames */

static uint32_t seconds_of(int64_t time_ns)
{
    return (uint32_t)(time_ns / ARRAKIS_SECOND_NS);
}

static uint32_t nanoseconds_of(int64_t time_ns)
{
    return (uint32_t)(time_ns % ARRAKIS_SECOND_NS);
}

static double in_seconds(int64_t duration_ns)
{
    return (double)duration_ns / (double)ARRAKIS_SECOND_NS;
}

/* TAI less UTC, which frameCPP and FrameL call leap seconds. */
static uint16_t leap_seconds_at(int64_t time_ns)
{
    const ark_leap_list *list = ark_leap_seconds();
    uint16_t leaps = TAI_LESS_GPS;
    for (size_t i = 0; i < list->count; i++)
        leaps = (uint16_t)(leaps + (list->seconds[i] < time_ns / ARRAKIS_SECOND_NS));
    return leaps;
}

static void put_references(ark_gwf_out *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_reference(out, ARK_GWF_NO_CLASS, 0);
}

static arrakis_status write_frame_header(ark_gwf_writer *w, uint32_t number, arrakis_error *err)
{
    ark_gwf_out *out = &w->out;
    const writer_frame *frame = &w->frames[number];
    ark_gwf_out_text(out, w->experiment);
    ark_gwf_out_u32(out, 0); /* the run */
    ark_gwf_out_u32(out, number);
    ark_gwf_out_u32(out, 0); /* the quality of the data: nothing is known */
    ark_gwf_out_u32(out, seconds_of(frame->start_ns));
    ark_gwf_out_u32(out, nanoseconds_of(frame->start_ns));
    ark_gwf_out_u16(out, leap_seconds_at(frame->start_ns));
    ark_gwf_out_f64(out, in_seconds(frame->duration_ns));
    put_references(out, 5); /* type, user, detectSim, detectProc, history */
    ark_gwf_out_reference(out, ARK_GWF_RAW, 0);
    put_references(out, 7); /* procData to auxTable */
    ARK_TRY(ark_gwf_out_structure(out, ARK_GWF_FRAME, 0, err));

    ark_gwf_out_text(out, "raw");
    put_references(out, 1); /* firstSer */
    ark_gwf_out_reference(out, ARK_GWF_ADC, 0);
    put_references(out, 3); /* firstTable, logMsg, more */
    return ark_gwf_out_structure(out, ARK_GWF_RAW, 0, err);
}

/* End the frame that is written, if there is one. */
static arrakis_status end_frame(ark_gwf_writer *w, arrakis_error *err)
{
    if (w->added < w->count)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame has %zu channels, expected %zu", w->added,
                        w->count);
    if (w->frame_count == 0)
        return ARRAKIS_OK;
    uint32_t number = (uint32_t)w->frame_count - 1;
    ark_gwf_out_u32(&w->out, 0); /* the run */
    ark_gwf_out_u32(&w->out, number);
    ark_gwf_out_u32(&w->out, seconds_of(w->frames[number].start_ns));
    ark_gwf_out_u32(&w->out, nanoseconds_of(w->frames[number].start_ns));
    return ark_gwf_out_structure(&w->out, ARK_GWF_END_OF_FRAME, 0, err);
}

static arrakis_status grow_frames(ark_gwf_writer *w, arrakis_error *err)
{
    if (w->frame_count < w->frame_capacity)
        return ARRAKIS_OK;
    size_t capacity = w->frame_capacity ? 2 * w->frame_capacity : 1;
    writer_frame *frames = reallocarray(w->frames, capacity, sizeof *frames);
    if (frames)
        w->frames = frames;
    uint64_t *positions = reallocarray(w->positions, capacity, w->count * sizeof *positions);
    if (positions)
        w->positions = positions;
    if (!frames || !positions)
        return ark_no_memory(err, "%zu frames of %zu channels", capacity, w->count);
    w->frame_capacity = capacity;
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_writer_frame(ark_gwf_writer *w, int64_t start_ns, int64_t duration_ns,
                                    arrakis_error *err)
{
    if (start_ns < 0 || start_ns / ARRAKIS_SECOND_NS > UINT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame begins at %lld ns, expected 0 to 2^32 s",
                        (long long)start_ns);
    if (duration_ns <= 0)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame lasts %lld ns, expected more than 0",
                        (long long)duration_ns);
    ARK_TRY(end_frame(w, err));
    ARK_TRY(grow_frames(w, err));
    w->frames[w->frame_count] = (writer_frame){start_ns, duration_ns, w->out.size};
    w->frame_count++;
    w->added = 0;
    w->vectors = 0;
    return write_frame_header(w, (uint32_t)w->frame_count - 1, err);
}

/* ------------------------------------------------------------------ channels */

/* What stands for a missing sample: NaN, the lowest number of a signed type, the highest of an
 * unsigned one. */
static const void *missing_sample(arrakis_dtype dtype)
{
    static const double nan_double = NAN;
    static const float nan_single = NAN;
    static const int8_t lowest8 = INT8_MIN;
    static const int16_t lowest16 = INT16_MIN;
    static const int32_t lowest32 = INT32_MIN;
    static const int64_t lowest64 = INT64_MIN;
    static const uint64_t highest =
        UINT64_MAX; /* and its first bytes those of the shorter types */
    switch (dtype) {
    case ARRAKIS_INT8:
        return &lowest8;
    case ARRAKIS_INT16:
        return &lowest16;
    case ARRAKIS_INT32:
        return &lowest32;
    case ARRAKIS_INT64:
        return &lowest64;
    case ARRAKIS_FLOAT32:
        return &nan_single;
    case ARRAKIS_FLOAT64:
        return &nan_double;
    default:
        return &highest;
    }
}

/* The samples, with something else where one is missing; without `valid` all are. */
static arrakis_status fill_missing(ark_gwf_writer *w, const void **samples, size_t count,
                                   const uint8_t *valid, arrakis_dtype dtype, arrakis_error *err)
{
    size_t size = arrakis_dtype_size(dtype);
    const void *missing = missing_sample(dtype);
    w->filled.size = 0;
    ARK_TRY(ark_buffer_reserve(&w->filled, count * size, err));
    uint8_t *to = w->filled.data;
    if (*samples)
        memcpy(to, *samples, count * size);
    for (size_t i = 0; i < count; i++)
        if (!valid || !ark_gwf_mask_has(valid, i))
            memcpy(to + i * size, missing, size);
    *samples = to;
    return ARRAKIS_OK;
}

/* A vector of `count` values, each for `step` seconds. */
typedef struct vector {
    const char *name;
    arrakis_dtype dtype;
    const void *values;
    size_t count;
    double step;
} vector;

static arrakis_status write_vector(ark_gwf_writer *w, const vector *v, ark_gwf_pack *pack,
                                   arrakis_error *err)
{
    ark_gwf_out *out = &w->out;
    const void *data = v->values;
    size_t size = v->count * arrakis_dtype_size(v->dtype);
    uint16_t compress = ark_gwf_pack_order();
    if (pack) {
        bool smaller;
        ARK_TRY(ark_gwf_pack_bytes(pack, &data, &size, &smaller, err));
        compress = (uint16_t)(compress | (smaller ? ARK_GWF_COMPRESS_GZIP : ARK_GWF_COMPRESS_RAW));
    }
    ark_gwf_out_text(out, v->name);
    ark_gwf_out_u16(out, compress);
    ark_gwf_out_u16(out, ark_gwf_format_type(v->dtype));
    ark_gwf_out_u64(out, v->count);
    ark_gwf_out_u64(out, size);
    ark_gwf_out_data(out, data, size);
    ark_gwf_out_u32(out, 1); /* dimension */
    ark_gwf_out_u64(out, v->count);
    ark_gwf_out_f64(out, v->step);
    ark_gwf_out_f64(out, 0); /* where the first sample is */
    ark_gwf_out_text(out, "s");
    ark_gwf_out_text(out, ""); /* the unit of the samples */
    put_references(out, 1);    /* next */
    return ark_gwf_out_structure(out, ARK_GWF_VECT, w->vectors++, err);
}

static arrakis_status write_mask(ark_gwf_writer *w, const writer_channel *channel,
                                 const uint8_t *valid, size_t count, arrakis_error *err)
{
    size_t block = ark_gwf_mask_block(valid, count, channel->rate);
    w->mask.size = 0;
    ARK_TRY(ark_buffer_reserve(&w->mask, count / block * sizeof(int16_t), err));
    ark_gwf_mask_values((int16_t *)(void *)w->mask.data, valid, count, block);
    vector v = {ARK_GWF_MASK_NAME, ARRAKIS_INT16, w->mask.data, count / block,
                1 / channel->rate * (double)block};
    return write_vector(w, &v, w->mask_pack, err);
}

/* Which of a channel's samples are there. */
typedef enum validity { ALL_VALID, SOME_MISSING, ALL_MISSING } validity;

static arrakis_status write_adc(ark_gwf_writer *w, const writer_channel *channel, validity what,
                                arrakis_error *err)
{
    ark_gwf_out *out = &w->out;
    ark_gwf_out_text(out, channel->name);
    ark_gwf_out_text(out, "");
    ark_gwf_out_u32(out, 0); /* the channel's group */
    ark_gwf_out_u32(out, channel->number);
    ark_gwf_out_u32(out, (uint32_t)(8 * arrakis_dtype_size(channel->dtype)));
    ark_gwf_out_f32(out, 0);   /* the bias: samples are as they were published */
    ark_gwf_out_f32(out, 1);   /* the slope */
    ark_gwf_out_text(out, ""); /* its unit */
    ark_gwf_out_f64(out, channel->rate);
    ark_gwf_out_f64(out, 0); /* the offset in time */
    ark_gwf_out_f64(out, 0); /* the shift in frequency, and its phase */
    ark_gwf_out_f32(out, 0);
    ark_gwf_out_u16(out, what == ALL_MISSING);
    ark_gwf_out_reference(out, ARK_GWF_VECT, w->vectors);
    if (what == SOME_MISSING)
        ark_gwf_out_reference(out, ARK_GWF_VECT, w->vectors + 1);
    else
        put_references(out, 1);
    if (channel->number + 1 < w->count)
        ark_gwf_out_reference(out, ARK_GWF_ADC, channel->number + 1);
    else
        put_references(out, 1);
    return ark_gwf_out_structure(out, ARK_GWF_ADC, channel->number, err);
}

arrakis_status ark_gwf_writer_add(ark_gwf_writer *w, const void *samples, size_t count,
                                  const uint8_t *valid, arrakis_error *err)
{
    if (w->added == w->count)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame has more than its %zu channels", w->count);
    const writer_channel *channel = &w->channels[w->added];
    if (count == 0 || count > SIZE_MAX / 16)
        return ark_fail(err, ARRAKIS_EINVAL, "channel %s has %zu samples", channel->name, count);
    size_t missing = !samples ? count : valid ? ark_gwf_mask_missing(valid, count) : 0;
    validity what = missing == 0 ? ALL_VALID : missing < count ? SOME_MISSING : ALL_MISSING;
    w->positions[(w->frame_count - 1) * w->count + w->added] = w->out.size;
    ARK_TRY(write_adc(w, channel, what, err));
    if (missing > 0)
        ARK_TRY(fill_missing(w, &samples, count, samples ? valid : NULL, channel->dtype, err));
    vector v = {channel->name, channel->dtype, samples, count, 1 / channel->rate};
    ARK_TRY(write_vector(w, &v, what == ALL_MISSING ? w->mask_pack : w->pack, err));
    if (what == SOME_MISSING)
        ARK_TRY(write_mask(w, channel, valid, count, err));
    w->added++;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the end */

static void put_zeros(ark_gwf_out *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u64(out, 0);
}

static void put_toc_frames(ark_gwf_writer *w)
{
    ark_gwf_out *out = &w->out;
    const writer_frame *frames = w->frames;
    size_t count = w->frame_count;
    ark_gwf_out_u16(out, leap_seconds_at(frames[0].start_ns));
    ark_gwf_out_u32(out, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, 0); /* quality of the data */
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, seconds_of(frames[i].start_ns));
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, nanoseconds_of(frames[i].start_ns));
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_f64(out, in_seconds(frames[i].duration_ns));
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, 0); /* the run */
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, (uint32_t)i);
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u64(out, frames[i].position);
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u64(out, w->positions[i * w->count]);
    put_zeros(out, 3 * count); /* no FrSerData, FrTable, FrMsg */
}

static void put_toc_classes(ark_gwf_out *out)
{
    ark_gwf_out_u32(out, ARK_GWF_DICTIONARY_COUNT);
    for (size_t i = 0; i < ARK_GWF_DICTIONARY_COUNT; i++)
        ark_gwf_out_u16(out, (uint16_t)ark_gwf_dictionary_classes[i]);
    for (size_t i = 0; i < ARK_GWF_DICTIONARY_COUNT; i++)
        ark_gwf_out_text(out, ark_gwf_dictionary_name(ark_gwf_dictionary_classes[i]));
}

static void put_toc_channels(ark_gwf_writer *w)
{
    ark_gwf_out *out = &w->out;
    ark_gwf_out_u32(out, (uint32_t)w->count);
    for (size_t i = 0; i < w->count; i++)
        ark_gwf_out_text(out, w->channels[w->by_name[i]].name);
    for (size_t i = 0; i < w->count; i++)
        ark_gwf_out_u32(out, w->channels[w->by_name[i]].number);
    for (size_t i = 0; i < w->count; i++)
        ark_gwf_out_u32(out, 0); /* its group */
    for (size_t i = 0; i < w->count; i++)
        for (size_t frame = 0; frame < w->frame_count; frame++)
            ark_gwf_out_u64(out, w->positions[frame * w->count + w->by_name[i]]);
}

static void put_counts(ark_gwf_out *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ark_gwf_out_u32(out, 0);
}

arrakis_status ark_gwf_writer_end(ark_gwf_writer *w, uint64_t *size, arrakis_error *err)
{
    ark_gwf_out *out = &w->out;
    ARK_TRY(end_frame(w, err));
    if (w->frame_count == 0)
        return ark_fail(err, ARRAKIS_EINVAL, "a frame file without a frame");
    uint64_t toc_position = out->size;
    put_toc_frames(w);
    put_toc_classes(out);
    put_counts(out, 3); /* nDetector, nStatType, nTotalStat */
    put_toc_channels(w);
    put_counts(out, 8); /* nProc, nSim, nSer, nSummary, and two counts each of events */
    ARK_TRY(ark_gwf_out_structure(out, ARK_GWF_TOC, 0, err));

    /* Its size is known: nothing in it varies. */
    *size = out->size + ARK_GWF_STRUCTURE_HEADER_SIZE + 4 + 8 + 8 + 3 * 4;
    ark_gwf_out_u32(out, (uint32_t)w->frame_count);
    ark_gwf_out_u64(out, *size);
    ark_gwf_out_u64(out, *size - toc_position);
    ark_gwf_out_u32(out, ark_gwf_out_header_sum(out));
    ARK_TRY(ark_gwf_out_last(out, ARK_GWF_END_OF_FILE, 0, err));
    assert(out->size == *size);
    return ARRAKIS_OK;
}
