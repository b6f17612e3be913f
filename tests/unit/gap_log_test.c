/* SPDX-License-Identifier: Apache-2.0 */
/* What is logged about gaps: nothing while a stream is away for no longer than its channels promise, then
 * one warning, and one line when it is back. */
#include "align/mux.h"
#include "align/mux_deadline.h"
#include "align/mux_push.h"
#include "support.h"

static struct {
    size_t warnings, infos;
    char last[300];
} heard;

static void hear(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    heard.warnings += level == ARRAKIS_LOG_WARNING;
    heard.infos += level == ARRAKIS_LOG_INFO;
    snprintf(heard.last, sizeof heard.last, "%s", message);
}

/* Strides of a second, a latency of two: so three seconds are no reason to worry. */
static const channel_spec spec = {"X:A", ARRAKIS_INT32, 1, "A", 0, SECOND, 2 * SECOND};

static void push(ark_mux *mux, int64_t second, int64_t now)
{
    const int32_t sample = 1;
    ark_run run = {.valid_at = SIZE_MAX, .channels = 1, .length = 1};
    ark_rows rows = {.time_ns = second * SECOND,
                     .duration_ns = SECOND,
                     .base = (const uint8_t *)&sample,
                     .runs = &run,
                     .run_count = 1};
    assert_int_equal(ark_mux_push(mux, 0, &rows, now * SECOND), 0);
}

/* Every block that is ready at that time. */
static void pull(ark_mux *mux, int64_t now)
{
    arrakis_block *block;
    ark_mux_deadline_expire(mux, now * SECOND);
    while (ark_mux_pull(mux, &block, NULL) == ARRAKIS_OK)
        arrakis_block_unref(block);
}

static void a_gap_is_said_when_it_is_longer_than_promised_and_its_end_once(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(&spec, 1);
    ark_mux_input_info stream = {"A", channels};
    ark_mux_options options = {
        .start_ns = UNSET, .stride_ns = UNSET, .tolerance_ns = UNSET, .end_ns = UNSET};
    ark_mux *mux;
    PASS(ark_mux_new(&mux, &stream, 1, &options, 100 * SECOND, err));
    arrakis_log_set(ARRAKIS_LOG_DEBUG, hear, NULL);
    push(mux, 100, 101);
    pull(mux, 101);
    pull(mux, 105);
    push(mux, 103, 105); /* 101 and 102 are gaps: less than promised */
    pull(mux, 105);
    assert_int_equal(heard.warnings + heard.infos, 0);
    for (int64_t now = 107; now < 120; now++)
        pull(mux, now);
    assert_int_equal(heard.warnings, 1);
    assert_string_equal(heard.last, "A: no data since GPS 104.000; serving gaps until it resumes");
    push(mux, 119, 120);
    pull(mux, 120);
    assert_int_equal(heard.warnings, 1);
    assert_int_equal(heard.infos, 1);
    assert_string_equal(heard.last, "A: data resumed at GPS 119.000 after 15.0 s");
    ark_mux_free(mux);
    arrakis_channels_unref(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_said_when_it_is_longer_than_promised_and_its_end_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
