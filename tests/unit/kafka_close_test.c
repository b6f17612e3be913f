/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka_close.h"
#include "support.h"
#include "thread.h"
#include "wait.h"

static ark_monitor monitor;
static int released, ended;

static void wait_for_release(void *opaque)
{
    (void)opaque;
    ark_monitor_enter(&monitor);
    while (!released && ark_monitor_wait(&monitor, INT64_MAX))
        ;
    ended++;
    ark_monitor_notify(&monitor);
    ark_monitor_leave(&monitor);
}

static void release(void)
{
    ark_monitor_enter(&monitor);
    released = 1;
    ark_monitor_notify(&monitor);
    ark_monitor_leave(&monitor);
}

static void several_that_do_not_end_are_waited_for_together(void **state)
{
    (void)state;
    ark_kafka_closing closing = ARK_KAFKA_CLOSING_NONE, more = ARK_KAFKA_CLOSING_NONE;
    released = ended = 0;
    for (int i = 0; i < 3; i++)
        ark_kafka_closing_begin(i ? &more : &closing, wait_for_release, NULL);
    ark_kafka_closing_move(&closing, &more);
    int64_t begun_ns = ark_monotonic_ns();
    ark_kafka_closing_wait(&more); /* it has nothing any more */
    ark_kafka_closing_wait(&closing);
    int64_t took_ns = ark_monotonic_ns() - begun_ns;
    assert_true(took_ns >= ARK_KAFKA_CLOSE_NS && took_ns < 2 * ARK_KAFKA_CLOSE_NS);
    assert_null(closing.first);
    release();
    ark_monitor_enter(&monitor); /* they go on by themselves */
    while (ended < 3)
        assert_true(ark_monitor_wait(&monitor, begun_ns + 60 * SECOND));
    ark_monitor_leave(&monitor);
}

static void what_ends_has_ended_after_the_wait(void **state)
{
    (void)state;
    ark_kafka_closing closing = ARK_KAFKA_CLOSING_NONE;
    ended = 0;
    released = 1;
    for (int i = 0; i < 3; i++)
        ark_kafka_closing_begin(&closing, wait_for_release, NULL);
    ark_kafka_closing_wait(&closing);
    assert_int_equal(ended, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_that_do_not_end_are_waited_for_together),
        cmocka_unit_test(what_ends_has_ended_after_the_wait),
    };
    ark_monitor_init(&monitor);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
