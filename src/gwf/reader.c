/* SPDX-License-Identifier: Apache-2.0 */
#include "gwf/reader.h"

#include "base/error.h"
#include "gwf/checksum.h"
#include "gwf/dictionary.h"
#include "gwf/mask.h"
#include "gwf/vector.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds that an offset in time has at most, and a frame's duration. */
#define SECONDS_MAX 1e9

typedef struct reader_series {
    ark_gwf_series series;
    char *name;
    uint64_t at;              /* its structure */
    double time_offset, rate; /* a rate of 0: that of its vector holds */
    bool invalid;             /* as a whole */
    bool has_mask;
    uint16_t data_class, mask_class; /* as the file numbers them, perhaps later */
    uint32_t data_instance, mask_instance;
    ark_gwf_vector data, mask;
} reader_series;

typedef struct reader_frame {
    int64_t start_ns, duration_ns;
    size_t first, count; /* of its series */
} reader_frame;

struct ark_gwf_reader {
    ark_gwf_in in;
    size_t samples_max;
    ark_gwf_class kinds[256]; /* by the file's own number of a class */
    bool in_frame;
    size_t frame_count, frame_capacity;
    reader_frame *frames;
    size_t count, capacity;
    reader_series *series;
    /* Vectors of the frame that is read. */
    size_t vector_count, vector_capacity;
    ark_gwf_vector *vectors;
    ark_gwf_head last; /* FrEndOfFile */
    ark_buffer samples, mask, valid, room;
};

/* An array of `count` elements of `size` bytes, with room for one more; NULL: out of memory. */
static void *grow_array(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t more = *capacity + *capacity / 2 + 4;
    void *grown = reallocarray(array, more, size);
    if (grown)
        *capacity = more;
    return grown;
}

/* ------------------------------------------------------------------ structures */

/* FrSH: which class has which number. */
static arrakis_status read_class(ark_gwf_reader *r, const ark_gwf_head *head, arrakis_error *err)
{
    ark_gwf_elements e;
    ARK_TRY(ark_gwf_in_elements(&r->in, head, 0, &e, err));
    ark_gwf_class kind = ark_gwf_dictionary_find(ark_gwf_in_text(&e));
    uint16_t number = ark_gwf_in_u16(&e);
    if (e.failed)
        return ark_gwf_in_fail(head, "it is too short", err);
    if (kind == ARK_GWF_NO_CLASS)
        return ARRAKIS_OK;
    if (number <= ARK_GWF_SE || number > UINT8_MAX)
        return ark_gwf_in_fail(head, "a class has a number that is not 3 to 255", err);
    r->kinds[number] = kind;
    return ARRAKIS_OK;
}

static arrakis_status read_frame(ark_gwf_reader *r, const ark_gwf_head *head, arrakis_error *err)
{
    ark_gwf_elements e;
    if (r->in_frame)
        return ark_gwf_in_fail(head, "a frame begins before the one before has ended", err);
    ARK_TRY(ark_gwf_in_elements(&r->in, head, 0, &e, err));
    ark_gwf_in_text(&e);
    ark_gwf_in_skip(&e, 12); /* run, frame, dataQuality */
    uint32_t seconds = ark_gwf_in_u32(&e), nanoseconds = ark_gwf_in_u32(&e);
    ark_gwf_in_u16(&e); /* ULeapS */
    double duration = ark_gwf_in_f64(&e);
    if (e.failed || nanoseconds >= ARRAKIS_SECOND_NS || !(duration > 0 && duration < SECONDS_MAX))
        return ark_gwf_in_fail(head, "a frame's time or duration are not times", err);
    reader_frame *frames =
        grow_array(r->frames, r->frame_count, &r->frame_capacity, sizeof *frames);
    if (!frames)
        return ark_no_memory(err, "%zu frames of a file", r->frame_count + 1);
    r->frames = frames;
    r->frames[r->frame_count++] =
        (reader_frame){seconds * ARRAKIS_SECOND_NS + nanoseconds,
                       llround(duration * (double)ARRAKIS_SECOND_NS), r->count, 0};
    r->in_frame = true;
    r->vector_count = 0;
    return ARRAKIS_OK;
}

/* A channel's elements in FrAdcData behind its name. */
static void read_adc(ark_gwf_reader *r, ark_gwf_elements *e, reader_series *s)
{
    (void)r;
    ark_gwf_in_text(e);     /* comment */
    ark_gwf_in_skip(e, 20); /* channelGroup, channelNumber, nBits, bias, slope */
    ark_gwf_in_text(e);     /* units */
    s->rate = ark_gwf_in_f64(e);
    s->time_offset = ark_gwf_in_f64(e);
    ark_gwf_in_skip(e, 12); /* fShift, phase */
    s->invalid = ark_gwf_in_u16(e) != 0;
}

/* The same for FrProcData. */
static void read_proc(ark_gwf_reader *r, ark_gwf_elements *e, reader_series *s)
{
    (void)r;
    ark_gwf_in_text(e);    /* comment */
    ark_gwf_in_skip(e, 4); /* type, subType */
    s->time_offset = ark_gwf_in_f64(e);
    ark_gwf_in_skip(e, 36); /* tRange, fShift, phase, fRange, BW */
    size_t parameters = ark_gwf_in_u16(e);
    ark_gwf_in_skip(e, parameters * 8);
    for (size_t i = 0; i < parameters && !e->failed; i++)
        ark_gwf_in_text(e);
}

/* FrAdcData and FrProcData. */
static arrakis_status read_channel(ark_gwf_reader *r, const ark_gwf_head *head, ark_gwf_class kind,
                                   arrakis_error *err)
{
    ark_gwf_elements e;
    if (!r->in_frame)
        return ark_gwf_in_fail(head, "a channel outside a frame", err);
    ARK_TRY(ark_gwf_in_elements(&r->in, head, 0, &e, err));
    const char *name = ark_gwf_in_text(&e);
    reader_series s = {.at = head->at};
    if (kind == ARK_GWF_ADC)
        read_adc(r, &e, &s);
    else
        read_proc(r, &e, &s);
    s.data_class = ark_gwf_in_reference(&e, &s.data_instance);
    s.mask_class = ark_gwf_in_reference(&e, &s.mask_instance);
    ark_gwf_in_skip(&e, kind == ARK_GWF_ADC ? 6 : 18); /* table, history; next */
    if (e.failed || e.left != 0)
        return ark_gwf_in_fail(head, "its elements are not as long as it is", err);
    if (!(fabs(s.time_offset) < SECONDS_MAX))
        return ark_gwf_in_fail(head, "its offset in time is not a time", err);
    if (kind != ARK_GWF_ADC)
        s.mask_class = ARK_GWF_NO_CLASS;
    reader_series *series = grow_array(r->series, r->count, &r->capacity, sizeof *series);
    if (!series)
        return ark_no_memory(err, "%zu channels of a frame file", r->count + 1);
    r->series = series;
    s.name = strdup(name);
    if (!s.name)
        return ark_no_memory(err, "channel %s of a frame file", name);
    s.series.name = s.name;
    r->series[r->count++] = s;
    return ARRAKIS_OK;
}

static arrakis_status read_vector(ark_gwf_reader *r, const ark_gwf_head *head, arrakis_error *err)
{
    ark_gwf_vector *vectors =
        grow_array(r->vectors, r->vector_count, &r->vector_capacity, sizeof *vectors);
    if (!vectors)
        return ark_no_memory(err, "%zu vectors of a frame", r->vector_count + 1);
    r->vectors = vectors;
    ARK_TRY(ark_gwf_vector_parse(&r->in, head, &r->vectors[r->vector_count], err));
    r->vector_count++;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ the end of a frame */

static int compare_vectors(const void *a, const void *b)
{
    uint32_t x = ((const ark_gwf_vector *)a)->head.instance;
    uint32_t y = ((const ark_gwf_vector *)b)->head.instance;
    return (x > y) - (x < y);
}

/* Take a vector for a channel: no other channel has it, so that no byte is expanded twice. */
static arrakis_status take_vector(ark_gwf_reader *r, const reader_series *s, uint32_t instance,
                                  ark_gwf_vector *out, arrakis_error *err)
{
    ark_gwf_vector key = {.head = {.instance = instance}};
    ark_gwf_vector *found =
        r->vector_count ? bsearch(&key, r->vectors, r->vector_count, sizeof key, compare_vectors)
                        : NULL;
    if (!found || found->used)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "channel %s at byte %" PRIu64 ": its vector %" PRIu32 " %s", s->name,
                        s->at, instance, found ? "is another channel's" : "is not in its frame");
    found->used = true;
    *out = *found;
    return ARRAKIS_OK;
}

static bool is_vector(const ark_gwf_reader *r, uint16_t number)
{
    return number <= UINT8_MAX && r->kinds[number] == ARK_GWF_VECT;
}

/* The channel's data, and its mask. Another auxiliary structure is the writer's own affair. */
static arrakis_status take_vectors(ark_gwf_reader *r, reader_series *s, arrakis_error *err)
{
    if (!is_vector(r, s->data_class))
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "channel %s at byte %" PRIu64 " has no vector of data", s->name, s->at);
    ARK_TRY(take_vector(r, s, s->data_instance, &s->data, err));
    s->has_mask = is_vector(r, s->mask_class);
    return s->has_mask ? take_vector(r, s, s->mask_instance, &s->mask, err) : ARRAKIS_OK;
}

/* The rate of a vector: a whole number where 1 / step is only just not one. */
static double rate_of_step(double step)
{
    double rate = 1 / step, whole = round(rate);
    return fabs(rate - whole) < 1e-9 * rate ? whole : rate;
}

/* What the vector tells of the channel. */
static void describe_series(const reader_frame *frame, reader_series *s)
{
    const ark_gwf_vector *v = &s->data;
    bool usable = v->dimensions == 1 && v->step > 0 && isfinite(1 / v->step) &&
                  fabs(v->start) < SECONDS_MAX && v->count <= SIZE_MAX;
    s->series.dtype = usable ? ark_gwf_format_dtype(v->type) : ARRAKIS_DTYPE_NONE;
    if (!usable)
        return;
    s->series.count = (size_t)v->count;
    s->series.rate = fabs(s->rate * v->step - 1) < 1e-9 ? s->rate : rate_of_step(v->step);
    s->series.start_ns =
        frame->start_ns + llround((s->time_offset + v->start) * (double)ARRAKIS_SECOND_NS);
}

static arrakis_status end_frame(ark_gwf_reader *r, const ark_gwf_head *head, arrakis_error *err)
{
    if (!r->in_frame)
        return ark_gwf_in_fail(head, "a frame ends that has not begun", err);
    reader_frame *frame = &r->frames[r->frame_count - 1];
    if (r->vector_count)
        qsort(r->vectors, r->vector_count, sizeof *r->vectors, compare_vectors);
    for (size_t i = 1; i < r->vector_count; i++)
        if (compare_vectors(&r->vectors[i - 1], &r->vectors[i]) == 0)
            return ark_gwf_in_fail(&r->vectors[i].head, "a second vector of that number", err);
    for (size_t i = frame->first; i < r->count; i++) {
        ARK_TRY(take_vectors(r, &r->series[i], err));
        describe_series(frame, &r->series[i]);
    }
    frame->count = r->count - frame->first;
    r->in_frame = false;
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ all of them */

static arrakis_status read_last(ark_gwf_reader *r, const ark_gwf_head *head, arrakis_error *err)
{
    ark_gwf_elements e;
    ARK_TRY(ark_gwf_in_elements(&r->in, head, ARK_GWF_CHECKSUM_SIZE, &e, err));
    uint32_t frames = ark_gwf_in_u32(&e);
    uint64_t size = ark_gwf_in_u64(&e);
    ark_gwf_in_skip(&e, 12); /* seekTOC, chkSumFrHeader */
    if (e.failed || e.left != 0)
        return ark_gwf_in_fail(head, "its elements are not as long as it is", err);
    if (r->in_frame || frames != r->frame_count)
        return ark_gwf_in_fail(head, "the file ends with another number of frames", err);
    if (head->at + head->length != r->in.size || (size != 0 && size != r->in.size))
        return ark_gwf_in_fail(head, "the file ends with another number of bytes", err);
    r->last = *head;
    return ARRAKIS_OK;
}

static arrakis_status read_structure(ark_gwf_reader *r, const ark_gwf_head *head,
                                     arrakis_error *err)
{
    if (head->kind == ARK_GWF_SH)
        return read_class(r, head, err);
    ark_gwf_class kind = r->kinds[head->kind];
    switch (kind) {
    case ARK_GWF_FRAME:
        return read_frame(r, head, err);
    case ARK_GWF_ADC:
    case ARK_GWF_PROC:
        return read_channel(r, head, kind, err);
    case ARK_GWF_VECT:
        return read_vector(r, head, err);
    case ARK_GWF_END_OF_FRAME:
        return end_frame(r, head, err);
    case ARK_GWF_END_OF_FILE:
        return read_last(r, head, err);
    default:
        return ARRAKIS_OK; /* detectors, histories, the table of contents and so on */
    }
}

static arrakis_status read_structures(ark_gwf_reader *r, arrakis_error *err)
{
    ark_gwf_head head = {.at = ARK_GWF_HEADER_SIZE};
    for (uint64_t at = ARK_GWF_HEADER_SIZE; at < r->in.size; at += head.length) {
        ARK_TRY(ark_gwf_in_head(&r->in, at, &head, err));
        ARK_TRY(read_structure(r, &head, err));
    }
    if (r->last.length == 0)
        return ark_fail(err, ARRAKIS_EFORMAT,
                        "the file ends at byte %" PRIu64 " without FrEndOfFile: it is not whole",
                        r->in.size);
    return ARRAKIS_OK;
}

arrakis_status ark_gwf_reader_new(ark_gwf_reader **out, int fd, size_t samples_max,
                                  arrakis_error *err)
{
    *out = NULL;
    ark_gwf_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ark_no_memory(err, "a reader of frame files");
    r->samples_max = samples_max;
    arrakis_status rc = ark_gwf_in_init(&r->in, fd, err);
    if (rc == ARRAKIS_OK)
        rc = read_structures(r, err);
    if (rc < 0)
        ark_gwf_reader_free(r);
    else
        *out = r;
    return rc;
}

void ark_gwf_reader_free(ark_gwf_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->series[i].name);
    free(r->series);
    free(r->frames);
    free(r->vectors);
    ark_buffer_clear(&r->samples);
    ark_buffer_clear(&r->mask);
    ark_buffer_clear(&r->valid);
    ark_buffer_clear(&r->room);
    ark_gwf_in_clear(&r->in);
    free(r);
}

arrakis_status ark_gwf_reader_check(ark_gwf_reader *r, arrakis_error *err)
{
    uint64_t end = r->in.size - ARK_GWF_CHECKSUM_SIZE;
    uint32_t state = 0;
    const uint8_t *bytes;
    if (r->last.check != ARK_GWF_CHECKSUM_CRC)
        return ark_gwf_in_fail(&r->last, "the file has no checksum", err);
    for (uint64_t at = 0; at < end;) {
        uint64_t size = end - at < ARK_GWF_IN_PIECE_MAX ? end - at : ARK_GWF_IN_PIECE_MAX;
        ARK_TRY(ark_gwf_in_bytes(&r->in, at, size, &bytes, err));
        state = ark_gwf_checksum_add(state, bytes, (size_t)size);
        at += size;
    }
    ARK_TRY(ark_gwf_in_bytes(&r->in, end, ARK_GWF_CHECKSUM_SIZE, &bytes, err));
    ark_gwf_elements sum = {bytes, ARK_GWF_CHECKSUM_SIZE, r->in.swap, false};
    if (ark_gwf_in_u32(&sum) != ark_gwf_checksum_end(state, end))
        return ark_gwf_in_fail(&r->last, "the file's checksum differs", err);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ what was read */

size_t ark_gwf_reader_frames(const ark_gwf_reader *r)
{
    return r->frame_count;
}

void ark_gwf_reader_frame(const ark_gwf_reader *r, size_t frame, int64_t *start_ns,
                          int64_t *duration_ns, size_t *channels)
{
    *start_ns = r->frames[frame].start_ns;
    *duration_ns = r->frames[frame].duration_ns;
    *channels = r->frames[frame].count;
}

const ark_gwf_series *ark_gwf_reader_series(const ark_gwf_reader *r, size_t frame, size_t channel)
{
    return &r->series[r->frames[frame].first + channel].series;
}

/* Which samples are there: *valid stays NULL where all are. */
static arrakis_status read_valid(ark_gwf_reader *r, const reader_series *s, const uint8_t **valid,
                                 arrakis_error *err)
{
    const ark_gwf_vector *mask = &s->mask;
    size_t count = s->series.count;
    arrakis_dtype dtype = ark_gwf_format_dtype(mask->type);
    bool masked = s->has_mask && mask->is_mask && mask->count > 0 &&
                  (dtype == ARRAKIS_INT16 || dtype == ARRAKIS_UINT16) && count % mask->count == 0;
    if (count == 0 || (!masked && !s->invalid))
        return ARRAKIS_OK;
    r->valid.size = 0;
    ARK_TRY(ark_buffer_reserve(&r->valid, (count + 7) / 8, err));
    memset(r->valid.data, 0, (count + 7) / 8);
    *valid = r->valid.data;
    if (s->invalid)
        return ARRAKIS_OK;
    ARK_TRY(ark_gwf_vector_read(&r->in, mask, r->samples_max, &r->mask, &r->room, err));
    ark_gwf_mask_bits(r->valid.data, count, (const uint16_t *)(const void *)r->mask.data,
                      (size_t)mask->count);
    if (ark_gwf_mask_missing(r->valid.data, count) == 0)
        *valid = NULL;
    return ARRAKIS_OK;
}

static arrakis_status read_samples(ark_gwf_reader *r, const reader_series *s, ark_gwf_samples *out,
                                   arrakis_error *err)
{
    const ark_gwf_vector *v = &s->data;
    if (v->dimensions != 1)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a vector of %" PRIu32 " dimensions, expected 1", v->dimensions);
    if (s->series.rate == 0)
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "a vector with a sample every %g s, expected more than 0", v->step);
    ARK_TRY(ark_gwf_vector_read(&r->in, v, r->samples_max, &r->samples, &r->room, err));
    out->samples = r->samples.data;
    return read_valid(r, s, &out->valid, err);
}

arrakis_status ark_gwf_reader_read(ark_gwf_reader *r, size_t frame, size_t channel,
                                   ark_gwf_samples *out, arrakis_error *err)
{
    const reader_series *s = &r->series[r->frames[frame].first + channel];
    *out = (ark_gwf_samples){NULL, NULL};
    arrakis_status rc = read_samples(r, s, out, err);
    if (rc < 0)
        return ark_fail_within(err, rc, "channel %s", s->name);
    return ARRAKIS_OK;
}
