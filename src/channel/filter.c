/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/filter.h"

#include "base/error.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The reference matches with Python's re.match: from the first character on, `$` also before a
 * last line end, classes and case by Unicode. So do these options. The differences are rare in
 * patterns for channels: PCRE2 has possessive quantifiers, recursion, \h, \K, and \Z that allows a
 * last line end, which Python lacks or reads otherwise; Python has (?a) and (?L). */
#define PATTERN_OPTIONS (PCRE2_ANCHORED | PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C)
#define PATTERN_LENGTH_MAX 65536
/* An error of pcre2_compile() that has no name in its header. */
#define COMPILE_NO_MEMORY 121

/* The most steps that matching one name may take. Reasonable patterns take some tens; (a+)+$ takes
 * for ever. */
#define MATCH_STEPS_MAX 100000
#define MATCH_HEAP_KIB_MAX 1024

struct ark_filter {
    pcre2_code *code; /* NULL: all names match */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    unsigned dtypes; /* one bit per data type; 0: all */
    double min_rate, max_rate;
    char **publishers;
    size_t publisher_count;
    char *replay_id;
    int match_error; /* error code of PCRE2; 0: none */
    char failed_name[128];
};

static arrakis_status compile_pattern(ark_filter *filter, const char *pattern, arrakis_error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return ark_no_memory(err, "a search");
    pcre2_set_max_pattern_length(context, PATTERN_LENGTH_MAX);
    int code;
    PCRE2_SIZE error_at;
    filter->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PATTERN_OPTIONS,
                                 &code, &error_at, context);
    pcre2_compile_context_free(context);
    if (!filter->code) {
        if (code == COMPILE_NO_MEMORY)
            return ark_no_memory(err, "a search");
        char text[128];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        return ark_fail(err, ARRAKIS_EINVAL, "pattern '%.200s': %s (at byte %zu)", pattern, text,
                        error_at);
    }
    filter->match = pcre2_match_data_create(1, NULL);
    filter->limits = pcre2_match_context_create(NULL);
    if (!filter->match || !filter->limits)
        return ark_no_memory(err, "a search");
    pcre2_set_match_limit(filter->limits, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(filter->limits, MATCH_HEAP_KIB_MAX);
    return ARRAKIS_OK;
}

static arrakis_status copy_types(ark_filter *filter, const arrakis_query *query,
                                 arrakis_error *err)
{
    for (size_t i = 0; i < query->dtype_count; i++) {
        if (arrakis_dtype_size(query->dtypes[i]) == 0)
            return ark_fail(err, ARRAKIS_EINVAL, "a search for data type %d, which does not exist",
                            (int)query->dtypes[i]);
        filter->dtypes |= 1u << query->dtypes[i];
    }
    return ARRAKIS_OK;
}

static arrakis_status copy_publishers(ark_filter *filter, const arrakis_query *query,
                                      arrakis_error *err)
{
    if (!query->publisher_count)
        return ARRAKIS_OK;
    filter->publishers = calloc(query->publisher_count, sizeof *filter->publishers);
    if (!filter->publishers)
        return ark_no_memory(err, "a search");
    for (; filter->publisher_count < query->publisher_count; filter->publisher_count++) {
        const char *publisher = query->publishers[filter->publisher_count];
        if (!publisher)
            return ark_fail(err, ARRAKIS_EINVAL, "a search for publisher NULL");
        if (!(filter->publishers[filter->publisher_count] = strdup(publisher)))
            return ark_no_memory(err, "a search");
    }
    return ARRAKIS_OK;
}

static arrakis_status init_filter(ark_filter *filter, const arrakis_query *query,
                                  arrakis_error *err)
{
    if (isnan(query->min_rate) || isnan(query->max_rate))
        return ark_fail(err, ARRAKIS_EINVAL, "a search between the rates %g and %g",
                        query->min_rate, query->max_rate);
    filter->min_rate = query->min_rate;
    filter->max_rate = query->max_rate;
    if (query->replay_id && *query->replay_id && !(filter->replay_id = strdup(query->replay_id)))
        return ark_no_memory(err, "a search");
    ARK_TRY(copy_types(filter, query, err));
    ARK_TRY(copy_publishers(filter, query, err));
    return query->pattern ? compile_pattern(filter, query->pattern, err) : ARRAKIS_OK;
}

arrakis_status ark_filter_new(ark_filter **out, const arrakis_query *query, arrakis_error *err)
{
    *out = NULL;
    ark_filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return ark_no_memory(err, "a search");
    arrakis_status rc = init_filter(filter, query, err);
    if (rc < 0) {
        ark_filter_free(filter);
        return rc;
    }
    *out = filter;
    return ARRAKIS_OK;
}

static bool has_publisher(const ark_filter *filter, const char *publisher)
{
    for (size_t i = 0; publisher && i < filter->publisher_count; i++)
        if (strcmp(filter->publishers[i], publisher) == 0)
            return true;
    return filter->publisher_count == 0;
}

static bool same_replay(const ark_filter *filter, const char *replay_id)
{
    return filter->replay_id ? replay_id && strcmp(filter->replay_id, replay_id) == 0 : !replay_id;
}

static bool name_matches(ark_filter *filter, const char *name)
{
    if (!filter->code)
        return true;
    /* Names are checked to be UTF-8 when a channel is made. */
    int rc = pcre2_match(filter->code, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0,
                         PCRE2_NO_UTF_CHECK, filter->match, filter->limits);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return rc >= 0;
    filter->match_error = rc;
    strncpy(filter->failed_name, name, sizeof filter->failed_name - 1);
    return false;
}

bool ark_filter_matches(ark_filter *filter, const arrakis_channel_info *info)
{
    return !filter->match_error && info->sample_rate >= filter->min_rate &&
           info->sample_rate <= filter->max_rate &&
           (!filter->dtypes || filter->dtypes & 1u << info->dtype) &&
           same_replay(filter, info->replay_id) && has_publisher(filter, info->publisher) &&
           name_matches(filter, info->name);
}

arrakis_status ark_filter_status(const ark_filter *filter, arrakis_error *err)
{
    if (!filter->match_error)
        return ARRAKIS_OK;
    if (filter->match_error == PCRE2_ERROR_NOMEMORY)
        return ark_no_memory(err, "a search");
    return ark_fail(err, ARRAKIS_EINVAL,
                    "pattern too expensive: more than %d steps on '%s'; simplify it",
                    MATCH_STEPS_MAX, filter->failed_name);
}

void ark_filter_free(ark_filter *filter)
{
    if (!filter)
        return;
    pcre2_code_free(filter->code);
    pcre2_match_data_free(filter->match);
    pcre2_match_context_free(filter->limits);
    for (size_t i = 0; i < filter->publisher_count; i++)
        free(filter->publishers[i]);
    free(filter->publishers);
    free(filter->replay_id);
    free(filter);
}
