/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/deliveries.h"
#include "support.h"

static ark_deliveries deliveries;
static size_t warnings;
static char warning[512];

static void keep_warning(arrakis_log_level level, const char *message, void *opaque)
{
    (void)opaque;
    assert_int_equal(level, ARRAKIS_LOG_WARNING);
    warnings++;
    snprintf(warning, sizeof warning, "%s", message);
}

static void open_deliveries(int64_t max_failures)
{
    arrakis_publisher_options options = ARRAKIS_PUBLISHER_OPTIONS_INIT;
    options.publisher_id = "P";
    options.max_failures = max_failures;
    PASS(ark_deliveries_init(&deliveries, &options, err));
    warnings = 0;
    arrakis_log_set(ARRAKIS_LOG_WARNING, keep_warning, NULL);
}

static int clear_deliveries(void **state)
{
    (void)state;
    arrakis_log_set(ARRAKIS_LOG_WARNING, NULL, NULL);
    ark_deliveries_clear(&deliveries);
    ark_deliveries_clear(&deliveries);
    return 0;
}

/* ---- counts */

static const arrakis_error failure = {ARRAKIS_EBROKER, "no leader"};

static arrakis_status end_block(int64_t start_s, arrakis_status rc)
{
    return ark_deliveries_end(&deliveries, start_s * SECOND, rc, &failure, NULL);
}

static void assert_counts(uint64_t blocks, uint64_t dropped, uint64_t failures)
{
    const arrakis_publisher_stats stats = ark_deliveries_stats(&deliveries);
    assert_int_equal(stats.blocks, blocks);
    assert_int_equal(stats.dropped, dropped);
    assert_int_equal(stats.failures, failures);
}

static void a_block_counts_once_however_often_it_is_published(void **state)
{
    (void)state;
    open_deliveries(UNSET);
    assert_counts(0, 0, 0);
    const struct {
        int64_t start_s;
        arrakis_status rc;
        uint64_t blocks, dropped, failures;
    } timeline[] = {
        {1, ARRAKIS_OK, 1, 0, 0},        {2, ARRAKIS_EBROKER, 2, 1, 1},
        {2, ARRAKIS_EDEADLINE, 2, 1, 2}, {2, ARRAKIS_OK, 2, 0, 0},
        {3, ARRAKIS_EBROKER, 3, 1, 1},   {4, ARRAKIS_EBROKER, 4, 2, 2},
        {4, ARRAKIS_EINVAL, 4, 2, 2}, /* nothing was sent */
        {4, ARRAKIS_ECANCELED, 4, 2, 2}, {4, ARRAKIS_ENOMEM, 4, 2, 2},
        {4, ARRAKIS_OK, 4, 1, 0},        {5, ARRAKIS_EAUTH, 4, 1, 0},
        {5, ARRAKIS_EBROKER, 5, 2, 1},   {6, ARRAKIS_EAUTH, 5, 2, 1},
        {7, ARRAKIS_OK, 6, 2, 0},
    };
    for (size_t i = 0; i < COUNT(timeline); i++) {
        assert_int_equal(end_block(timeline[i].start_s, timeline[i].rc), timeline[i].rc);
        assert_counts(timeline[i].blocks, timeline[i].dropped, timeline[i].failures);
    }
}

static void after_so_many_failures_in_a_row_it_has_given_up(void **state)
{
    (void)state;
    open_deliveries(3);
    for (int64_t row = 0; row < 2; row++) {
        assert_int_equal(end_block(10 * row, ARRAKIS_EDEADLINE), ARRAKIS_EDEADLINE);
        assert_int_equal(end_block(10 * row + 1, ARRAKIS_EAUTH), ARRAKIS_EAUTH);
        assert_int_equal(end_block(10 * row + 2, ARRAKIS_EBROKER), ARRAKIS_EBROKER);
        assert_int_equal(end_block(10 * row + 3, ARRAKIS_OK), ARRAKIS_OK);
    }
    for (int64_t i = 20; i < 22; i++) {
        FAIL(ark_deliveries_end(&deliveries, i * SECOND, ARRAKIS_EBROKER, &failure, err),
             ARRAKIS_EBROKER, "no leader");
        PASS(ark_deliveries_check(&deliveries, err));
    }
    static const char text[] = "no leader; the publisher gives up (failures in a row: 3)";
    FAIL(ark_deliveries_end(&deliveries, 22 * SECOND, ARRAKIS_EBROKER, &failure, err), ARRAKIS_EIO,
         text);
    FAIL(ark_deliveries_check(&deliveries, err), ARRAKIS_EIO, text);
    assert_int_equal(ark_deliveries_check(&deliveries, NULL), ARRAKIS_EIO);
    assert_counts(9, 7, 3);
}

static void without_a_limit_it_never_gives_up(void **state)
{
    (void)state;
    open_deliveries(UNSET);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(end_block(i, ARRAKIS_EBROKER), ARRAKIS_EBROKER);
    PASS(ark_deliveries_check(&deliveries, err));
    assert_counts(1000, 1000, 1000);
}

/* ---- the backlog */

#define BOOT (1000 * SECOND) /* the steady clock, where the system's clock is 0 */

/* `set_s`: by how much the system's clock has been set. */
static int64_t begin_block(int64_t end_s, int64_t now_s, int64_t set_s)
{
    ark_deliveries_begin(&deliveries, end_s * SECOND, (now_s + set_s) * SECOND,
                         BOOT + now_s * SECOND);
    const int64_t behind_ns = ark_deliveries_stats(&deliveries).behind_ns;
    assert_int_equal(behind_ns % SECOND, 0);
    return behind_ns / SECOND;
}

static void what_is_behind_is_told_every_30_seconds(void **state)
{
    (void)state;
    open_deliveries(UNSET);
    const struct {
        int64_t end_s, now_s, behind_s;
        size_t warnings;
    } timeline[] = {
        {100, 103, 0, 0}, /* as old as blocks are here */
        {101, 104, 0, 0},  {102, 114, 9, 0}, {103, 116, 10, 1},
        {104, 120, 13, 1}, {130, 133, 0, 1}, {131, 145, 11, 1},
        {132, 146, 11, 2}, {200, 202, 0, 2}, {201, 204, 1, 2}, /* the youngest was younger */
    };
    for (size_t i = 0; i < COUNT(timeline); i++) {
        assert_int_equal(begin_block(timeline[i].end_s, timeline[i].now_s, 0),
                         timeline[i].behind_s);
        assert_int_equal(warnings, timeline[i].warnings);
    }
    assert_string_equal(warning, "publisher P: publishing is 11.0 s behind what comes in");
}

static void blocks_of_the_past_are_not_behind(void **state)
{
    (void)state;
    open_deliveries(UNSET);
    for (int64_t i = 0; i < 100; i++) /* an hour old, four times as fast as they were measured */
        assert_int_equal(begin_block(4 * i, 3600 + i, 0), 0);
    assert_int_equal(warnings, 0);
}

/* Whether blocks follow the system's clock or one of their own. */
static void setting_the_clock_is_no_backlog(void **state)
{
    (void)state;
    for (int64_t set_s = -3600; set_s <= 3600; set_s += 7200)
        for (int follows = 0; follows <= 1; follows++) {
            open_deliveries(UNSET);
            assert_int_equal(begin_block(100, 101, 0), 0);
            assert_int_equal(begin_block(101, 105, 0), 3);
            for (int64_t i = 0; i < 100; i++)
                assert_in_range(begin_block(follows ? 103 + i + set_s : 103 + i, 107 + i, set_s),
                                0, 3);
            assert_int_equal(warnings, 0);
            ark_deliveries_clear(&deliveries);
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clear_deliveries)
    const struct CMUnitTest tests[] = {
        TEST(a_block_counts_once_however_often_it_is_published),
        TEST(after_so_many_failures_in_a_row_it_has_given_up),
        TEST(without_a_limit_it_never_gives_up),
        TEST(what_is_behind_is_told_every_30_seconds),
        TEST(blocks_of_the_past_are_not_behind),
        TEST(setting_the_clock_is_no_backlog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
