/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/patience.h"
#include "support.h"

static const ark_kafka_heard nothing = {.broker = true};
static const ark_kafka_heard good = {.broker = true, .leader = true};
static const ark_kafka_heard silence = {.broker = true, .leader = true, .silent = true};

/* A handle whose patience was doubled up to the longest. */
static ark_kafka_patience worn_out(int64_t now_ns)
{
    ark_kafka_patience patience = ark_kafka_patience_begin(now_ns);
    for (int i = 0; i < 10; i++)
        ark_kafka_patience_renewed(&patience, now_ns);
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_LONGEST_NS);
    return patience;
}

static void each_handle_is_given_twice_the_time(void **state)
{
    (void)state;
    int64_t now_ns = 5 * SECOND;
    ark_kafka_patience patience = ark_kafka_patience_begin(now_ns);
    for (int64_t ns = ARK_KAFKA_PATIENCE_FIRST_NS;; ns *= 2) {
        ns = ns < ARK_KAFKA_PATIENCE_LONGEST_NS ? ns : ARK_KAFKA_PATIENCE_LONGEST_NS;
        assert_false(ark_kafka_patience_is_over(&patience, &silence, now_ns + ns - 1));
        assert_true(ark_kafka_patience_is_over(&patience, &silence, now_ns + ns));
        if (now_ns > 100 * SECOND)
            break;
        ark_kafka_patience_renewed(&patience, now_ns += ns);
    }
}

static void one_good_answer_does_not_end_the_patience(void **state)
{
    (void)state;
    int64_t now_ns = 5 * SECOND;
    ark_kafka_patience patience = worn_out(now_ns);
    assert_false(ark_kafka_patience_is_over(&patience, &good, now_ns += SECOND));
    assert_false(
        ark_kafka_patience_is_over(&patience, &good, now_ns + ARK_KAFKA_PATIENCE_GOOD_NS - 1));
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_LONGEST_NS);
    assert_false(
        ark_kafka_patience_is_over(&patience, &good, now_ns + ARK_KAFKA_PATIENCE_GOOD_NS));
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_FIRST_NS);
}

static void a_silence_begins_the_good_time_anew(void **state)
{
    (void)state;
    int64_t now_ns = 5 * SECOND;
    ark_kafka_patience patience = worn_out(now_ns);
    ark_kafka_patience_is_over(&patience, &good, now_ns);
    assert_false(ark_kafka_patience_is_over(&patience, &silence, now_ns += SECOND));
    ark_kafka_patience_is_over(&patience, &good, now_ns += ARK_KAFKA_PATIENCE_GOOD_NS);
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_LONGEST_NS);
    ark_kafka_patience_is_over(&patience, &good, now_ns + ARK_KAFKA_PATIENCE_GOOD_NS);
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_FIRST_NS);
}

static void what_was_not_asked_of_the_handle_is_no_good_time(void **state)
{
    (void)state;
    int64_t now_ns = 5 * SECOND;
    ark_kafka_patience patience = worn_out(now_ns);
    ark_kafka_patience_is_over(&patience, &nothing, now_ns);
    ark_kafka_patience_is_over(&patience, &nothing, now_ns += ARK_KAFKA_PATIENCE_GOOD_NS);
    ark_kafka_patience_is_over(&patience, &good, now_ns);
    assert_int_equal(patience.ns, ARK_KAFKA_PATIENCE_LONGEST_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_handle_is_given_twice_the_time),
        cmocka_unit_test(one_good_answer_does_not_end_the_patience),
        cmocka_unit_test(a_silence_begins_the_good_time_anew),
        cmocka_unit_test(what_was_not_asked_of_the_handle_is_no_good_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
