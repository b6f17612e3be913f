/* SPDX-License-Identifier: Apache-2.0 */
/* The handle that asks: how it is replaced, and what its login means. No name is looked up but by a resolver
 * of the test's own. */
#include <arrakis/reader.h>

#include "base/monotonic.h"
#include "kafka/query.h"
#include "kafka/state.h"
#include "kafka/watch.h"
#include "read/closing.h"
#include "resolver.h"
#include "support.h"

static ark_kafka_reader *make_reader(void)
{
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 16, "p0", 0, SECOND / 16, UNSET};
    arrakis_channels *channels = channels_of(&spec, 1);
    arrakis_reader *reader;
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    PASS(arrakis_kafka_reader_new(&reader, "nowhere:9092", channels, NULL, err));
    arrakis_channels_unref(channels);
    return (ark_kafka_reader *)reader;
}

/* Its connections are looked up by then. */
static void ask_in_vain(ark_kafka_reader *kafka, ark_kafka_asker ask)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, ark_kafka_state_topic(kafka, 0), 0)->offset =
        RD_KAFKA_OFFSET_END;
    ask.timeout_ns = SECOND / 10;
    assert_true(ark_kafka_query_offsets(&ask, list, NULL) < 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_handle_that_waits_for_a_resolver_closes_in_the_background(void **state)
{
    (void)state;
    ark_kafka_reader *kafka = make_reader();
    ark_kafka_asker ask;
    hold_resolver(true);
    PASS(ark_kafka_watch_borrow(kafka, &ask, err));
    rd_kafka_t *first = ask.rk;
    ask_in_vain(kafka, ask);
    expect_lookups(2); /* it, and the reader's own */

    int64_t begun_ns = ark_monotonic_ns();
    assert_true(ark_kafka_watch_replace(kafka, &ask));
    assert_ptr_not_equal(ask.rk, first);
    assert_ptr_equal(ask.rk, kafka->watch.rk);
    rd_kafka_t *second = ask.rk;
    assert_false(ark_kafka_watch_replace(kafka, &ask)); /* one at a time */
    assert_ptr_equal(ask.rk, second);
    assert_true(ark_monotonic_ns() - begun_ns < 10 * SECOND);
    ark_kafka_watch_give_back(kafka);

    begun_ns = ark_monotonic_ns();
    arrakis_reader_close(&kafka->head);
    assert_true(ark_monotonic_ns() - begun_ns < IN_TIME_NS);
    hold_resolver(false); /* exit() waits for the rest */
}

static void a_handle_that_somebody_else_asks_by_stays(void **state)
{
    (void)state;
    ark_kafka_reader *kafka = make_reader();
    ark_kafka_asker ask, other;
    PASS(ark_kafka_watch_borrow(kafka, &ask, err));
    PASS(ark_kafka_watch_borrow(kafka, &other, err));
    assert_false(ark_kafka_watch_replace(kafka, &ask));
    assert_ptr_equal(ask.rk, other.rk);
    assert_ptr_equal(ask.rk, kafka->watch.rk);
    ark_kafka_watch_give_back(kafka);
    ark_closing_join(&kafka->watch.closing);
    assert_true(ark_kafka_watch_replace(kafka, &ask));
    assert_ptr_equal(ask.rk, kafka->watch.rk);
    arrakis_reader_close(&kafka->head);
}

/* ------------------------------------------------------------------ logins */

/* Whether a request ends after ten seconds in which the handle that asks could not log in. */
static bool is_refused(bool bounded, const ark_kafka_heard *heard)
{
    ark_kafka_reader *kafka = make_reader();
    ark_kafka_asker ask;
    kafka->head.bounded = bounded;
    PASS(ark_kafka_watch_borrow(kafka, &ask, err));
    strcpy(kafka->watch.outage->refusal, "authentication error: the password is wrong");
    ark_kafka_watch_heard(kafka, heard);
    assert_false(atomic_load(&kafka->watch.refused));
    if (kafka->watch.denied)
        kafka->watch.denied_since_ns -= ARK_KAFKA_REFUSED_NS;
    ark_kafka_watch_heard(kafka, heard);
    bool refused = atomic_load(&kafka->watch.refused);
    if (refused) {
        assert_int_equal(kafka->watch.refusal.status, ARRAKIS_EAUTH);
        assert_non_null(strstr(kafka->watch.refusal.message, "the password is wrong"));
    }
    arrakis_reader_close(&kafka->head);
    return refused;
}

static void a_login_that_is_refused_to_the_handle_that_asks_ends_what_has_an_end(void **state)
{
    (void)state;
    static const ark_kafka_heard nothing = {false}, others = {.broker = true},
                                 taken = {.broker = true, .leader = true};
    assert_true(is_refused(true, &nothing));
    assert_true(is_refused(false, &nothing));
    assert_true(is_refused(true, &others));
    assert_false(is_refused(false, &others));
    assert_false(is_refused(true, &taken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_that_waits_for_a_resolver_closes_in_the_background),
        cmocka_unit_test(a_handle_that_somebody_else_asks_by_stays),
        cmocka_unit_test(a_login_that_is_refused_to_the_handle_that_asks_ends_what_has_an_end),
    };
    ark_monitor_init(&resolver);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
