/* SPDX-License-Identifier: Apache-2.0 */
#include "client/difference.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_place(const arrakis_channel_info *a, const arrakis_channel_info *b)
{
    return same_text(a->partition_id, b->partition_id) && a->partition_index == b->partition_index;
}

ark_difference ark_difference_of(const arrakis_channel_info *was, const arrakis_channel_info *is,
                                 bool partitions)
{
    if (!is)
        return ARK_DIFFERENCE_REMOVED;
    bool same = was->dtype == is->dtype && was->sample_rate == is->sample_rate &&
                was->stride_ns == is->stride_ns && (!partitions || same_place(was, is));
    return same ? ARK_DIFFERENCE_NONE : ARK_DIFFERENCE_CHANGED;
}

typedef struct words {
    char *text;
    size_t size, used;
} words;

static void __attribute__((format(printf, 2, 3))) add(words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(w->text + w->used, w->size - w->used, format, args);
    va_end(args);
    if (n > 0)
        w->used = w->used + (size_t)n < w->size ? w->used + (size_t)n : w->size - 1;
}

void ark_difference_text(char *text, size_t size, const arrakis_channel_info *was,
                         const arrakis_channel_info *is, bool partitions)
{
    words w = {text, size, 0};
    if (!is) {
        add(&w, "channel '%.150s' was removed", was->name);
        return;
    }
    add(&w, "channel '%.150s' has changed", was->name);
    const char *between = ": it was";
    if (was->dtype != is->dtype) {
        add(&w, "%s %s and is %s", between, arrakis_dtype_name(was->dtype),
            arrakis_dtype_name(is->dtype));
        between = ", it was";
    }
    if (was->sample_rate != is->sample_rate) {
        add(&w, "%s at %g Hz and is at %g Hz", between, was->sample_rate, is->sample_rate);
        between = ", it was";
    }
    if (was->stride_ns != is->stride_ns) {
        add(&w, "%s in strides of %lld ns and is in strides of %lld ns", between,
            (long long)was->stride_ns, (long long)is->stride_ns);
        between = ", it was";
    }
    if (partitions && !same_place(was, is))
        add(&w, "%s number %lld of partition %.60s and is number %lld of %.60s", between,
            (long long)was->partition_index, was->partition_id ? was->partition_id : "(none)",
            (long long)is->partition_index, is->partition_id ? is->partition_id : "(none)");
}
