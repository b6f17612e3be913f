/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/json.h"

#include "base/error.h"
#include "base/json_text.h"
#include "channel/channel.h"
#include "channel/fields.h"
#include "channel/rate.h"

#include <math.h>
#include <string.h>

/* Far more than any channel needs; it bounds the memory of a parsed text. */
#define JSON_SIZE_MAX ((size_t)1 << 20)

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        break;
    }
    return "null";
}

static arrakis_status fail_field(const json_t *object, const char *field, const json_t *found,
                                 const char *expected, arrakis_error *err)
{
    const char *name = json_string_value(json_object_get(object, "name"));
    return ark_fail(err, ARRAKIS_EFORMAT, "channel '%.200s': %s is %s, expected %s",
                    name ? name : "?", field, found ? type_name(found) : "missing", expected);
}

static arrakis_status read_type(arrakis_dtype *out, const json_t *object, const json_t *value,
                                arrakis_error *err)
{
    *out = arrakis_dtype_parse(json_string_value(value));
    if (*out != ARRAKIS_DTYPE_NONE)
        return ARRAKIS_OK;
    const char *name = json_string_value(json_object_get(object, "name"));
    return ark_fail(err, ARRAKIS_EFORMAT,
                    "channel '%.200s': data_type is \"%.40s\", expected int8 to int64, uint8 to "
                    "uint64, float32 or float64",
                    name ? name : "?", json_string_value(value));
}

static arrakis_status read_field(arrakis_channel_info *info, const ark_channel_field *field,
                                 const json_t *object, const json_t *value, arrakis_error *err)
{
    void *member = (char *)info + field->offset;
    switch (field->kind) {
    case ARK_CHANNEL_FIELD_TEXT:
        if (!json_is_string(value))
            return fail_field(object, field->key, value, "a string", err);
        *(const char **)member = json_string_value(value);
        break;
    case ARK_CHANNEL_FIELD_DTYPE:
        if (!json_is_string(value))
            return fail_field(object, field->key, value, "a string such as \"float32\"", err);
        return read_type(member, object, value, err);
    case ARK_CHANNEL_FIELD_INTEGER:
        /* The least int64_t means "not given" to the rest of the library. */
        if (!json_is_integer(value) || json_integer_value(value) == ARRAKIS_UNSET)
            return fail_field(object, field->key, value, "an integer in range", err);
        *(int64_t *)member = json_integer_value(value);
        break;
    case ARK_CHANNEL_FIELD_RATE:
        if (!json_is_number(value))
            return fail_field(object, field->key, value, "a number", err);
        *(double *)member = json_number_value(value);
        break;
    }
    return ARRAKIS_OK;
}

/* NaN, which JSON does not have, means that the rate is missing. */
static arrakis_channel_info empty_info(void)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.sample_rate = NAN;
    return info;
}

/* A number out of range is an error of the text, not of the caller. */
static arrakis_status check_info(arrakis_channel_info *info, arrakis_error *err)
{
    arrakis_status rc = ark_channel_check(info, err);
    if (rc != ARRAKIS_EINVAL)
        return rc;
    if (err)
        err->status = ARRAKIS_EFORMAT;
    return ARRAKIS_EFORMAT;
}

/* The texts of `info` point into the object. */
static arrakis_status read_object(arrakis_channel_info *info, const json_t *object,
                                  arrakis_error *err)
{
    *info = empty_info();
    if (!json_is_object(object))
        return ark_fail(err, ARRAKIS_EFORMAT, "a channel is %s, expected an object",
                        object ? type_name(object) : "missing");
    for (size_t i = 0; i < ARK_CHANNEL_FIELD_COUNT; i++) {
        const json_t *value = json_object_get(object, ark_channel_fields[i].key);
        if (!value || json_is_null(value))
            continue;
        ARK_TRY(read_field(info, &ark_channel_fields[i], object, value, err));
    }
    if (!info->name)
        return fail_field(object, "name", NULL, "a string", err);
    if (info->dtype == ARRAKIS_DTYPE_NONE)
        return fail_field(object, "data_type", NULL, "a string such as \"float32\"", err);
    if (isnan(info->sample_rate))
        return fail_field(object, "sample_rate", NULL, "a number", err);
    return check_info(info, err);
}

arrakis_status ark_channel_json_object(arrakis_channel **out, const json_t *object,
                                       arrakis_error *err)
{
    arrakis_channel_info info;
    *out = NULL;
    ARK_TRY(read_object(&info, object, err));
    return arrakis_channel_new(out, &info, err);
}

static arrakis_status read_any_shape(ark_channel_json *out, const char *text, size_t size,
                                     arrakis_error *err)
{
    json_error_t where;
    out->object = json_loadb(text, size, 0, &where);
    if (!out->object)
        return json_error_code(&where) == json_error_out_of_memory
                   ? ark_no_memory(err, "a channel's JSON")
                   : ark_fail(err, ARRAKIS_EFORMAT, "a channel is not a JSON object: %s (byte %d)",
                              where.text, where.position);
    arrakis_status rc = read_object(&out->info, out->object, err);
    if (rc < 0)
        ark_channel_json_clear(out);
    return rc;
}

arrakis_status ark_channel_json_read(ark_channel_json *out, const char *text, size_t size,
                                     arrakis_error *err)
{
    if (size > JSON_SIZE_MAX)
        return ark_fail(err, ARRAKIS_EFORMAT, "a channel of %zu bytes, expected at most %zu", size,
                        JSON_SIZE_MAX);
    out->object = NULL;
    out->info = empty_info();
    if (ark_channel_json_fast_read(&out->info, out->scratch, text, size) && out->info.name &&
        out->info.dtype != ARRAKIS_DTYPE_NONE && !isnan(out->info.sample_rate))
        return check_info(&out->info, err);
    return read_any_shape(out, text, size, err);
}

void ark_channel_json_clear(ark_channel_json *text)
{
    json_decref(text->object);
    text->object = NULL;
}

arrakis_status arrakis_channel_from_json(arrakis_channel **out, const char *text, size_t size,
                                         arrakis_error *err)
{
    if (!out || !text)
        return ark_fail(err, ARRAKIS_EINVAL, "arrakis_channel_from_json: %s is NULL",
                        out ? "text" : "out");
    *out = NULL;
    ark_channel_json read;
    ARK_TRY(ark_channel_json_read(&read, text, size, err));
    arrakis_status rc = arrakis_channel_new(out, &read.info, err);
    ark_channel_json_clear(&read);
    return rc;
}

/* ------------------------------------------------------------------ writing */

static bool put_value(json_t *object, const char *field, json_t *value)
{
    return json_object_set_new_nocheck(object, field, value) == 0;
}

static bool put_text(json_t *object, const char *field, const char *text)
{
    return !text || put_value(object, field, json_string_nocheck(text));
}

static bool put_integer(json_t *object, const char *field, int64_t value)
{
    return value == ARRAKIS_UNSET || put_value(object, field, json_integer(value));
}

/* Whole rates are integers, as people write them. */
static json_t *rate_value(double rate)
{
    if (rate == floor(rate) && rate < 9007199254740992.0)
        return json_integer((json_int_t)rate);
    return json_real(rate);
}

char *arrakis_channel_to_json(const arrakis_channel *channel)
{
    if (!channel)
        return NULL;
    const arrakis_channel_info info = ark_info(channel);
    char *text = NULL;
    json_t *object = json_object();
    if (object && put_text(object, "name", info.name) &&
        put_text(object, "data_type", arrakis_dtype_name(info.dtype)) &&
        put_value(object, "sample_rate", rate_value(info.sample_rate)) &&
        put_integer(object, "time", info.time_ns) &&
        put_text(object, "publisher", info.publisher) &&
        put_text(object, "partition_id", info.partition_id) &&
        put_integer(object, "partition_index", info.partition_index) &&
        put_integer(object, "stride", info.stride_ns) &&
        put_integer(object, "max_latency", info.max_latency_ns) &&
        put_text(object, "replay_id", info.replay_id))
        text = ark_json_text(object,
                             JSON_ENSURE_ASCII |
                                 JSON_REAL_PRECISION((size_t)ark_rate_digits(info.sample_rate)));
    json_decref(object);
    return text;
}
