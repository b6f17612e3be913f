/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fetch_size.h"
#include "support.h"

enum { MIB = 1 << 20, STRIDE = 62500000 };

/* What a reader of `partitions` like this one asks for. */
static ark_kafka_fetch_size chosen(size_t partitions, double rate,
                                   const ark_kafka_fetch_wants *wants)
{
    const channel_spec specs[] = {{"X:A", ARRAKIS_FLOAT32, rate, "p", 0, STRIDE, UNSET}};
    arrakis_channels *channels = channels_of(specs, 1);
    ark_reader_input *streams = calloc(partitions, sizeof *streams);
    assert_non_null(streams);
    for (size_t i = 0; i < partitions; i++)
        streams[i] = (ark_reader_input){.channels = channels, .stride_ns = STRIDE};
    ark_kafka_fetch_size limits;
    PASS(ark_kafka_fetch_size_choose(&limits, streams, partitions, wants, err));
    free(streams);
    arrakis_channels_unref(channels);
    return limits;
}

static ark_kafka_fetch_size limits_of(size_t partitions, double rate, bool live, int64_t prefetch)
{
    const ark_kafka_fetch_wants wants = {.live = live, .prefetch = prefetch};
    return chosen(partitions, rate, &wants);
}

/* Live, where data may lie at the broker. */
static ark_kafka_fetch_size waiting(size_t partitions, double rate, int64_t wait_ns)
{
    const ark_kafka_fetch_wants wants = {.live = true, .prefetch = UNSET, .wait_ns = wait_ns};
    return chosen(partitions, rate, &wants);
}

static void a_few_partitions_are_answered_with_each_message(void **state)
{
    (void)state;
    for (size_t partitions = 1; partitions <= 64; partitions++) {
        ark_kafka_fetch_size limits = limits_of(partitions, 16, true, UNSET);
        assert_int_equal(limits.least, 1);
        assert_int_equal(limits.wait_ms, 500);
    }
}

static void hundreds_are_answered_with_a_whole_stride(void **state)
{
    (void)state;
    ark_kafka_fetch_size some = limits_of(323, 16, true, UNSET),
                         all = limits_of(2500, 16, true, UNSET);
    assert_in_range(some.least, 323 * 2192, MIB); /* a message has 2,192 bytes */
    assert_int_equal(some.wait_ms, 10);
    assert_int_equal(all.least, MIB);
    assert_int_equal(all.wait_ms, 30);
    assert_int_equal(limits_of(100000, 16384, true, UNSET).least, MIB);
}

static void a_broker_is_not_asked_more_often_than_eight_times_a_stride(void **state)
{
    (void)state;
    for (size_t partitions = 65; partitions <= 323; partitions++)
        assert_in_range(limits_of(partitions, 16, true, UNSET).wait_ms, STRIDE / 8 / 1000000, 30);
    assert_int_equal(limits_of(100, 16, true, UNSET).wait_ms, 7); /* of 62.5 ms */
}

static void an_answer_of_a_backlog_has_room_for_every_partition(void **state)
{
    (void)state;
    for (size_t partitions = 1; partitions <= 2500; partitions *= 2)
        assert_in_range(limits_of(partitions, 16, false, UNSET).fetch * (int64_t)partitions,
                        MIB / 4, 48 * MIB);
    assert_in_range(limits_of(2500, 16, false, UNSET).fetch, 2 * 2192, 32 * MIB / 2500);
}

static void two_messages_are_asked_for_at_least(void **state)
{
    (void)state;
    const int64_t message = 100 * 1024 * 4; /* 100 channels at 16384 Hz */
    assert_in_range(limits_of(2500, 16384, false, UNSET).fetch, 2 * message, 3 * message);
    assert_int_equal(limits_of(1, 16777216, false, UNSET).fetch, 10000000); /* Kafka's largest */
}

static void what_waits_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(limits_of(1, 16, true, UNSET).queue, 4 * MIB);
    assert_int_equal(limits_of(2500, 16, true, UNSET).queue, 64 * MIB);
    assert_int_equal(limits_of(2500, 16384, false, UNSET).queue, 64 * MIB);
    assert_int_equal(limits_of(20, 16, true, 3 * MIB).queue, 3 * MIB);
}

static void a_prefetch_that_librdkafka_does_not_know_is_an_error(void **state)
{
    (void)state;
    const channel_spec specs[] = {{"X:A", ARRAKIS_FLOAT32, 16, "p", 0, STRIDE, UNSET}};
    ark_reader_input stream = {.channels = channels_of(specs, 1), .stride_ns = STRIDE};
    ark_kafka_fetch_size limits;
    for (size_t i = 0; i < 3; i++) {
        const int64_t wrong[] = {0, 1023, INT64_C(1) << 32};
        const ark_kafka_fetch_wants wants = {.live = true, .prefetch = wrong[i]};
        FAIL(ark_kafka_fetch_size_choose(&limits, &stream, 1, &wants, err), ARRAKIS_EINVAL,
             "expected 1 KiB to 2 GiB");
    }
    arrakis_channels_unref(stream.channels);
}

/* ------------------------------------------------------------------ data that may lie */

static void data_that_may_lie_is_asked_for_less_often(void **state)
{
    (void)state;
    for (size_t partitions = 1; partitions <= 4000; partitions = 2 * partitions + 1) {
        ark_kafka_fetch_size limits = waiting(partitions, 16, SECOND / 2);
        int64_t comes = 8 * (int64_t)partitions * 2192; /* in half a second */
        assert_int_equal(limits.wait_ms, 500);
        assert_int_equal(limits.lies_ns, SECOND / 2);
        assert_true(limits.least >= comes || limits.least == 8 * MIB || limits.least == MIB);
    }
    assert_in_range(waiting(323, 16, SECOND / 2).least, 4 * MIB, 8 * MIB);
    assert_int_equal(waiting(323, 16, 1).wait_ms, 1);
}

/* Whatever channels it has besides those that are read: then no partition falls behind. */
static void one_partition_alone_makes_the_broker_answer(void **state)
{
    (void)state;
    for (size_t partitions = 1; partitions <= 4000; partitions = 2 * partitions + 1)
        for (double rate = 16; rate <= 65536; rate *= 8) {
            ark_kafka_fetch_size limits = waiting(partitions, rate, 5 * SECOND);
            assert_true(limits.least <= limits.fetch);
        }
}

static void answers_of_data_that_lay_have_room_in_the_queue(void **state)
{
    (void)state;
    for (size_t partitions = 1; partitions <= 4000; partitions = 2 * partitions + 1)
        for (double rate = 16; rate <= 65536; rate *= 8) {
            ark_kafka_fetch_size limits = waiting(partitions, rate, SECOND);
            assert_true(limits.answer >= 10000000); /* librdkafka: as a message may be */
            assert_true(limits.answer >= limits.fetch);
            assert_true(limits.answer <= limits.queue / 4 || limits.answer == 10000000 ||
                        limits.answer == limits.fetch);
        }
    const ark_kafka_fetch_wants small = {.live = true, .prefetch = 3 * MIB, .wait_ns = SECOND};
    assert_int_equal(chosen(323, 16, &small).least, 3 * MIB / 4);
}

static void a_backlog_that_is_read_side_by_side_does_not_lie(void **state)
{
    (void)state;
    ark_kafka_fetch_wants wants = {.even = true, .prefetch = UNSET, .wait_ns = SECOND};
    ark_kafka_fetch_size waited = chosen(323, 16, &wants),
                         plain = limits_of(323, 16, false, UNSET);
    assert_memory_equal(&waited, &plain, sizeof plain);
    assert_int_equal(plain.lies_ns, 0);
    wants.even = false; /* a group, whose partitions are read one by one */
    assert_int_equal(chosen(323, 16, &wants).wait_ms, 1000);
}

static void the_users_largest_message_bounds_no_answer(void **state)
{
    (void)state;
    const arrakis_property list[] = {{"client.id", "x"}, {"message.max.bytes", "90000000"}};
    const ark_properties none = {list, 1}, larger = {list, 2};
    ark_kafka_fetch_size lies = waiting(323, 16, SECOND), not = limits_of(323, 16, true, UNSET);
    assert_true(ark_kafka_fetch_size_bounds(&lies, &none));
    assert_false(ark_kafka_fetch_size_bounds(&lies, &larger));
    assert_false(ark_kafka_fetch_size_bounds(&not, &none));
}

static void data_does_not_lie_longer_than_a_connection_is_waited_for(void **state)
{
    (void)state;
    const channel_spec specs[] = {{"X:A", ARRAKIS_FLOAT32, 16, "p", 0, STRIDE, UNSET}};
    ark_reader_input stream = {.channels = channels_of(specs, 1), .stride_ns = STRIDE};
    ark_kafka_fetch_size limits;
    for (size_t i = 0; i < 4; i++) {
        const int64_t wrong[] = {-1, UNSET, 5 * SECOND + 1, INT64_MAX};
        const ark_kafka_fetch_wants wants = {
            .even = i % 2, .prefetch = UNSET, .wait_ns = wrong[i]};
        FAIL(ark_kafka_fetch_size_choose(&limits, &stream, 1, &wants, err), ARRAKIS_EINVAL,
             "expected 0 to 5 s");
    }
    arrakis_channels_unref(stream.channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_partitions_are_answered_with_each_message),
        cmocka_unit_test(hundreds_are_answered_with_a_whole_stride),
        cmocka_unit_test(a_broker_is_not_asked_more_often_than_eight_times_a_stride),
        cmocka_unit_test(an_answer_of_a_backlog_has_room_for_every_partition),
        cmocka_unit_test(two_messages_are_asked_for_at_least),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_prefetch_that_librdkafka_does_not_know_is_an_error),
        cmocka_unit_test(data_that_may_lie_is_asked_for_less_often),
        cmocka_unit_test(one_partition_alone_makes_the_broker_answer),
        cmocka_unit_test(answers_of_data_that_lay_have_room_in_the_queue),
        cmocka_unit_test(a_backlog_that_is_read_side_by_side_does_not_lie),
        cmocka_unit_test(the_users_largest_message_bounds_no_answer),
        cmocka_unit_test(data_does_not_lie_longer_than_a_connection_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
