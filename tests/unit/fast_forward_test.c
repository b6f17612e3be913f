/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fast_forward.h"
#include "support.h"

enum { FINE = ARK_LAG_FINE, RECOVERED = ARK_LAG_RECOVERED, FORWARD = ARK_LAG_FORWARD };

/* At `at_s` a block of `stream` arrives that is lag_s old; after FORWARD the skip is done. */
typedef struct observation {
    int64_t at_s;
    size_t stream;
    int64_t lag_s, budget_s;
    int verdict;
} observation;

static void play(const observation *timeline, size_t count)
{
    ark_fast_forward policy;
    PASS(ark_fast_forward_init(&policy, 3, err));
    for (size_t i = 0; i < count; i++) {
        const observation *o = &timeline[i];
        ark_lag verdict = ark_fast_forward_observe(&policy, o->stream, o->lag_s * SECOND,
                                                   o->budget_s * SECOND, o->at_s * SECOND);
        if ((int)verdict != o->verdict)
            fail_msg("at %lld s: verdict %d, expected %d", (long long)o->at_s, verdict,
                     o->verdict);
        if (verdict == ARK_LAG_FORWARD)
            ark_fast_forward_done(&policy);
    }
    ark_fast_forward_clear(&policy);
}

static void ten_seconds_over_budget_without_a_break_skip(void **state)
{
    (void)state;
    static const observation timeline[] = {
        {100, 0, 2, 3, FINE}, {101, 0, 3, 3, FINE},    {102, 0, 4, 3, FINE},
        {111, 0, 9, 3, FINE}, {112, 0, 9, 3, FORWARD}, {113, 0, 9, 3, FINE},
    };
    play(timeline, COUNT(timeline));
}

static void a_moment_within_the_budget_starts_the_grace_anew(void **state)
{
    (void)state;
    static const observation timeline[] = {
        {100, 0, 4, 3, FINE}, {109, 0, 3, 3, FINE},    {110, 0, 4, 3, FINE},
        {119, 0, 4, 3, FINE}, {120, 0, 4, 3, FORWARD},
    };
    play(timeline, COUNT(timeline));
}

static void a_budget_over_ten_seconds_is_its_own_grace(void **state)
{
    (void)state;
    static const observation timeline[] = {
        {100, 0, 61, 60, FINE}, {159, 0, 61, 60, FINE}, {160, 0, 61, 60, FORWARD}};
    play(timeline, COUNT(timeline));
}

static void without_a_budget_nothing_is_ever_behind(void **state)
{
    (void)state;
    static const observation timeline[] = {{100, 0, 1000, 0, FINE}, {9000, 0, 9900, 0, FINE}};
    play(timeline, COUNT(timeline));
}

static void a_healthy_stream_does_not_hide_a_stuck_one(void **state)
{
    (void)state;
    static const observation timeline[] = {
        {100, 0, 9, 3, FINE}, {100, 1, 1, 3, FINE},    {105, 1, 1, 3, FINE},
        {109, 1, 1, 3, FINE}, {110, 0, 9, 3, FORWARD},
    };
    play(timeline, COUNT(timeline));
}

static void recovery_is_said_once_all_streams_are_back(void **state)
{
    (void)state;
    static const observation timeline[] = {
        {100, 0, 9, 3, FINE},      {100, 1, 9, 3, FINE}, {110, 0, 9, 3, FORWARD},
        {111, 1, 9, 3, FINE},      {112, 0, 1, 3, FINE}, /* 1 is still behind */
        {113, 1, 1, 3, RECOVERED}, {114, 0, 1, 3, FINE}, {115, 1, 1, 3, FINE},
    };
    play(timeline, COUNT(timeline));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_seconds_over_budget_without_a_break_skip),
        cmocka_unit_test(a_moment_within_the_budget_starts_the_grace_anew),
        cmocka_unit_test(a_budget_over_ten_seconds_is_its_own_grace),
        cmocka_unit_test(without_a_budget_nothing_is_ever_behind),
        cmocka_unit_test(a_healthy_stream_does_not_hide_a_stuck_one),
        cmocka_unit_test(recovery_is_said_once_all_streams_are_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
