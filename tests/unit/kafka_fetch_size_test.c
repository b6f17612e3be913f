/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/fetch_size.h"
#include "support.h"

enum { MIB = 1 << 20, STRIDE = 62500000 };

/* What a reader of `partitions` like this one asks for. */
static ark_kafka_fetch_size limits_of(size_t partitions, double rate, bool live, int64_t prefetch)
{
    const channel_spec specs[] = {{"X:A", ARRAKIS_FLOAT32, rate, "p", 0, STRIDE, UNSET}};
    arrakis_channels *channels = channels_of(specs, 1);
    ark_reader_input *streams = calloc(partitions, sizeof *streams);
    assert_non_null(streams);
    for (size_t i = 0; i < partitions; i++)
        streams[i] = (ark_reader_input){.channels = channels, .stride_ns = STRIDE};
    ark_kafka_fetch_size limits;
    PASS(ark_kafka_fetch_size_choose(&limits, streams, partitions, live, prefetch, err));
    free(streams);
    arrakis_channels_unref(channels);
    return limits;
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

static void hundreds_are_answered_with_a_part_of_a_stride(void **state)
{
    (void)state;
    ark_kafka_fetch_size some = limits_of(323, 16, true, UNSET),
                         all = limits_of(2500, 16, true, UNSET);
    assert_in_range(some.least, 323 * 2192 / 8, 323 * 2192 / 2); /* a message has 2,192 bytes */
    assert_int_equal(some.wait_ms, 10);
    assert_in_range(all.least, 2500 * 2192 / 8, MIB);
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
        FAIL(ark_kafka_fetch_size_choose(&limits, &stream, 1, true, wrong[i], err), ARRAKIS_EINVAL,
             "expected 1 KiB to 2 GiB");
    }
    arrakis_channels_unref(stream.channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_partitions_are_answered_with_each_message),
        cmocka_unit_test(hundreds_are_answered_with_a_part_of_a_stride),
        cmocka_unit_test(a_broker_is_not_asked_more_often_than_eight_times_a_stride),
        cmocka_unit_test(an_answer_of_a_backlog_has_room_for_every_partition),
        cmocka_unit_test(two_messages_are_asked_for_at_least),
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(a_prefetch_that_librdkafka_does_not_know_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
