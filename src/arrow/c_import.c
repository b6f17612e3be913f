/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks from arrays of the Arrow C data interface. Pointers must be valid; the arrays they lead
 * to are checked against their lengths. */
#include "arrow/c_schema.h"
#include "base/error.h"
#include "block/bits.h"
#include "block/series_span.h"
#include "channel/channel.h"
#include "channel/rate.h"

#include <arrakis/arrow.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One row of a struct, on its way to a block. */
typedef struct import {
    arrakis_channels *channels;
    arrakis_series *series; /* one per channel */
    bool *filled;           /* per channel: a column was found */
    uint8_t **bits;         /* per channel: its validity from bit 0 on, or NULL */
    int64_t row;            /* includes the offset of the struct */
    int64_t time_ns;
    size_t times;
} import;

/* The address of an element of up to 8 bytes does not overflow. */
#define MAX_INDEX (INT64_MAX / 16)

static bool is_set(const void *bitmap, int64_t i)
{
    return !bitmap || ((const uint8_t *)bitmap)[i / 8] >> i % 8 & 1;
}

/* Whether the array has `n_buffers` buffers and row `last`; EINVAL names what is wrong. */
static arrakis_status check_array(const struct ArrowArray *array, const char *name,
                                  int64_t n_buffers, int64_t last, arrakis_error *err)
{
    if (array->offset < 0 || array->length < 0 || last < 0 || last >= array->length ||
        array->length > MAX_INDEX || array->offset > MAX_INDEX - array->length)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "column '%.200s': row %" PRId64 " of %" PRId64 " from %" PRId64 " on",
                        name, last, array->length, array->offset);
    if (array->n_buffers != n_buffers || !array->buffers)
        return ark_fail(err, ARRAKIS_EINVAL, "column '%.200s': %" PRId64 " buffers, expected %d",
                        name, array->n_buffers, (int)n_buffers);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ time */

static arrakis_status take_time(import *m, const struct ArrowSchema *field,
                                const struct ArrowArray *array, arrakis_error *err)
{
    if (m->times++)
        return ark_fail(err, ARRAKIS_EINVAL, "two columns 'time'");
    if (strcmp(field->format, "l") != 0)
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "column 'time' has the format '%.40s', expected 'l'", field->format);
    ARK_TRY(check_array(array, "time", 2, m->row, err));
    int64_t at = array->offset + m->row;
    if (!array->buffers[1] || !is_set(array->buffers[0], at))
        return ark_fail(err, ARRAKIS_EINVAL, "row %" PRId64 " has no time", m->row);
    memcpy(&m->time_ns, (const uint8_t *)array->buffers[1] + at * 8, sizeof m->time_ns);
    if (m->time_ns < 0 || m->time_ns > ARRAKIS_TIME_MAX_NS)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "row %" PRId64 ": its time is %" PRId64 " ns, expected 0 to %" PRId64,
                        m->row, m->time_ns, ARRAKIS_TIME_MAX_NS);
    return ARRAKIS_OK;
}

/* ------------------------------------------------------------------ lists */

/* Where the samples of row `at` begin and end in the list's child. */
static arrakis_status find_ends(int64_t ends[2], const char *format,
                                const struct ArrowArray *array, int64_t at, arrakis_error *err)
{
    const uint8_t *offsets = format[1] == 'w' ? NULL : array->buffers[1];
    if (format[1] == 'w') {
        int64_t size = strtoll(format + 3, NULL, 10);
        if (size < 0 || size > INT32_MAX || (size && at >= INT64_MAX / size))
            return ark_fail(err, ARRAKIS_EINVAL, "lists of %.40s samples", format + 3);
        ends[0] = at * size;
        ends[1] = ends[0] + size;
    } else if (!offsets) {
        return ark_fail(err, ARRAKIS_EINVAL, "a list without offsets");
    } else if (format[1] == 'L') {
        memcpy(ends, offsets + at * 8, 2 * sizeof *ends);
    } else {
        int32_t narrow[2];
        memcpy(narrow, offsets + at * 4, sizeof narrow);
        ends[0] = narrow[0];
        ends[1] = narrow[1];
    }
    return ARRAKIS_OK;
}

static bool is_list(const char *format)
{
    return strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0 ||
           strncmp(format, "+w:", 3) == 0;
}

static arrakis_status check_column(const struct ArrowSchema *field, const struct ArrowArray *array,
                                   const arrakis_channel_info *info, arrakis_error *err)
{
    const char *item = field->n_children == 1 ? field->children[0]->format : "";
    if (strncmp(field->format, "+v", 2) == 0 || field->dictionary ||
        (field->n_children == 1 && field->children[0]->dictionary))
        return ark_fail(err, ARRAKIS_EUNSUPPORTED,
                        "column '%.200s' is a list view or has a dictionary", info->name);
    if (!is_list(field->format) || ark_c_schema_dtype(item) != info->dtype)
        return ark_fail(err, ARRAKIS_EMISMATCH,
                        "column '%.200s' has the format '%.40s' of '%.40s', expected lists of %s",
                        info->name, field->format, item, arrakis_dtype_name(info->dtype));
    if (array->n_children != 1)
        return ark_fail(err, ARRAKIS_EINVAL, "column '%.200s' is a list of %" PRId64 " children",
                        info->name, array->n_children);
    int32_t size = 0;
    const char *value = ark_c_schema_metadata(field->metadata, "rate", &size);
    if (!value)
        return ARRAKIS_OK;
    char text[ARK_RATE_TEXT_SIZE] = "";
    if (size > 0 && size < (int32_t)sizeof text)
        memcpy(text, value, (size_t)size);
    return ark_rate_check(info->name, text, info->sample_rate, err);
}

/* Copy a validity bitmap, so that bit `first` becomes bit 0. */
static arrakis_status move_bits(uint8_t **out, const uint8_t *bitmap, int64_t first, size_t count,
                                arrakis_error *err)
{
    size_t size = count / 8 + 1;
    if (!(*out = malloc(size)))
        return ark_no_memory(err, "a block");
    memset(*out, 0xff, size);
    ark_bits_copy_zeros(*out, 0, bitmap, (size_t)first, count);
    return ARRAKIS_OK;
}

/* Make samples [ends[0], ends[1]) of the child of a list the series of channel `index`. */
static arrakis_status take_samples(import *m, size_t index, const struct ArrowArray *child,
                                   const int64_t ends[2], arrakis_error *err)
{
    const arrakis_channel_info info = ark_info(arrakis_channels_get(m->channels, index));
    if (ends[0] < 0 || ends[1] < ends[0] || ends[1] - ends[0] > INT32_MAX)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "column '%.200s': a list from %" PRId64 " to %" PRId64, info.name, ends[0],
                        ends[1]);
    arrakis_series *s = &m->series[index];
    s->length = (size_t)(ends[1] - ends[0]);
    if (!s->length)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "column '%.200s': a list without samples, which is not null", info.name);
    arrakis_status rc = check_array(child, info.name, 2, ends[1] - 1, err);
    if (rc < 0)
        return rc;
    int64_t first = child->offset + ends[0];
    if (!child->buffers[1])
        return ark_fail(err, ARRAKIS_EINVAL, "column '%.200s' has no samples", info.name);
    s->samples =
        (const uint8_t *)child->buffers[1] + (size_t)first * arrakis_dtype_size(info.dtype);
    if (child->buffers[0] && child->null_count != 0)
        rc = move_bits(&m->bits[index], child->buffers[0], first, s->length, err);
    s->valid = m->bits[index];
    return rc;
}

static arrakis_status take_list(import *m, const struct ArrowSchema *field,
                                const struct ArrowArray *array, arrakis_error *err)
{
    const char *name = field->name ? field->name : "";
    int64_t index = arrakis_channels_index(m->channels, name);
    if (index < 0)
        return ark_fail(err, ARRAKIS_ENOTFOUND, "column '%.200s' is not one of the given channels",
                        name);
    if (m->filled[index])
        return ark_fail(err, ARRAKIS_EINVAL, "two columns '%.200s'", name);
    m->filled[index] = true;
    arrakis_channel_info info = ark_info(arrakis_channels_get(m->channels, (size_t)index));
    arrakis_status rc = check_column(field, array, &info, err);
    if (rc < 0 ||
        (rc = check_array(array, name, field->format[1] == 'w' ? 1 : 2, m->row, err)) < 0)
        return rc;
    int64_t at = array->offset + m->row, ends[2] = {0, 0};
    if (array->null_count != 0 && !is_set(array->buffers[0], at))
        return ARRAKIS_OK; /* all samples of the channel are missing */
    if ((rc = find_ends(ends, field->format, array, at, err)) < 0)
        return ark_fail_within(err, rc, "column '%.200s'", name);
    return take_samples(m, (size_t)index, array->children[0], ends, err);
}

/* ------------------------------------------------------------------ the struct */

static arrakis_status take_columns(import *m, const struct ArrowSchema *schema,
                                   const struct ArrowArray *array, arrakis_error *err)
{
    arrakis_status rc = ARRAKIS_OK;
    for (int64_t i = 0; rc >= 0 && i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        bool time = field->name && strcmp(field->name, "time") == 0;
        rc = time ? take_time(m, field, array->children[i], err)
                  : take_list(m, field, array->children[i], err);
    }
    for (size_t k = 0; rc >= 0 && k < arrakis_channels_count(m->channels); k++)
        if (!m->filled[k])
            rc = ark_fail(err, ARRAKIS_ENOTFOUND, "there is no column for channel %s",
                          arrakis_channel_name(arrakis_channels_get(m->channels, k)));
    if (rc >= 0 && !m->times)
        rc = ark_fail(err, ARRAKIS_ENOTFOUND, "there is no column 'time'");
    return rc;
}

static arrakis_status check_struct(const struct ArrowSchema *schema,
                                   const struct ArrowArray *array, int64_t row, arrakis_error *err)
{
    if (!schema->release || !array->release)
        return ark_fail(err, ARRAKIS_EINVAL, "the %s was released or moved elsewhere",
                        schema->release ? "array" : "schema");
    if (strcmp(schema->format, "+s") != 0)
        return ark_fail(err, ARRAKIS_EINVAL, "an array of the format '%.40s', expected a struct",
                        schema->format);
    if (schema->n_children != array->n_children)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "the array has %" PRId64 " columns, its schema %" PRId64,
                        array->n_children, schema->n_children);
    arrakis_status rc = check_array(array, "the struct", 1, row, err);
    if (rc >= 0 && array->null_count != 0 && !is_set(array->buffers[0], array->offset + row))
        return ark_fail(err, ARRAKIS_EINVAL, "row %" PRId64 " is null", row);
    return rc;
}

static arrakis_status make_block(arrakis_block **out, import *m, const struct ArrowSchema *schema,
                                 const struct ArrowArray *array, arrakis_error *err)
{
    ARK_TRY(take_columns(m, schema, array, err));
    int64_t span_ns = ark_series_span(m->series, m->channels);
    if (!span_ns)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "row %" PRId64 " has no samples: how long it lasts is not known", m->row);
    return arrakis_block_new(out, m->channels, m->time_ns, span_ns, m->series, err);
}

arrakis_status arrakis_block_import(arrakis_block **out, arrakis_channels *channels,
                                    const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, int64_t row,
                                    arrakis_error *err)
{
    if (out)
        *out = NULL;
    if (!out || !channels || !schema || !array)
        return ark_fail(err, ARRAKIS_EINVAL,
                        "arrakis_block_import: out, channels, schema or array is NULL");
    ARK_TRY(check_struct(schema, array, row, err));
    size_t count = arrakis_channels_count(channels);
import m = {.channels = channels, .row = array->offset + row };
    m.series = calloc(count + 1, sizeof *m.series);
    m.filled = calloc(count + 1, sizeof *m.filled);
    m.bits = calloc(count + 1, sizeof *m.bits);
    arrakis_status rc = m.series && m.filled && m.bits ? make_block(out, &m, schema, array, err)
                                                       : ark_no_memory(err, "a block");
    for (size_t i = 0; m.bits && i < count; i++)
        free(m.bits[i]);
    free(m.series);
    free(m.filled);
    free(m.bits);
    return rc;
}
