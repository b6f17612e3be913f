/* SPDX-License-Identifier: Apache-2.0 */
/* Closing what waits for a resolver, which librdkafka cannot interrupt. */
#include "base/monotonic.h"
#include "kafka/close.h"
#include "kafka/handle.h"
#include "kafka/producer.h"
#include "read/closing.h"
#include "resolver.h"
#include "support.h"

#include <dlfcn.h>
#include <stdatomic.h>

static atomic_bool fails_for_good;

/* In the place of librdkafka's: with fails_for_good, any handle has had a fatal error. */
rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *rk, char *text, size_t size)
{
    rd_kafka_resp_err_t (*fatal_error)(rd_kafka_t *, char *, size_t);
    void *found = dlsym(RTLD_NEXT, "rd_kafka_fatal_error");
    assert_non_null(found);
    memcpy(&fatal_error, &found, sizeof fatal_error);
    if (!atomic_load(&fails_for_good))
        return fatal_error(rk, text, size);
    snprintf(text, size, "out of order");
    return RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
}

static int freed;

static void note_freed(void *opaque)
{
    (void)opaque;
    ark_monitor_enter(&resolver);
    freed++;
    ark_monitor_notify(&resolver);
    ark_monitor_leave(&resolver);
}

static void a_handle_closes_in_time(void **state)
{
    (void)state;
    rd_kafka_t *rk;
    const struct rd_kafka_metadata *answer;
    arrakis_log_set(ARRAKIS_LOG_ERROR, NULL, NULL);
    hold_resolver(true);
    PASS(ark_kafka_handle_new(&rk, RD_KAFKA_CONSUMER, "nowhere:9092", NULL, 0, NULL, 0, err));
    assert_int_not_equal(rd_kafka_metadata(rk, 1, NULL, &answer, 100), 0);
    expect_lookups(1);
    int64_t begun_ns = ark_monotonic_ns();
    ark_kafka_close(rk, note_freed, NULL);
    assert_true(ark_monotonic_ns() - begun_ns < IN_TIME_NS);
    ark_monitor_enter(&resolver);
    assert_int_equal(freed, 0);
    ark_monitor_leave(&resolver);
    hold_resolver(false);
    ark_monitor_enter(&resolver); /* it goes on by itself */
    while (!freed)
        assert_true(ark_monitor_wait(&resolver, ark_monotonic_ns() + 30 * SECOND));
    ark_monitor_leave(&resolver);
}

static void a_producer_that_failed_for_good_does_not_hold_up_the_next_one(void **state)
{
    (void)state;
    const ark_producer_options options = {.url = "nowhere:9092", .cancel_fd = -1, .close_ms = 100};
    ark_producer *producer;
    hold_resolver(true);
    PASS(ark_producer_open(&producer, &options, err));
    PASS(ark_producer_add_topic(producer, "topic", err));
    expect_lookups(1);
    int64_t begun_ns = ark_monotonic_ns();
    atomic_store(&fails_for_good, true);
    PASS(ark_producer_begin(producer, 100, err));
    FAIL(ark_producer_begin(producer, 100, err), ARRAKIS_EDEADLINE, "one before it still waits");
    atomic_store(&fails_for_good, false);
    PASS(ark_producer_begin(producer, 100, err));
    ark_producer_close(producer);
    assert_true(ark_monotonic_ns() - begun_ns < IN_TIME_NS);
    hold_resolver(false); /* exit() waits for the rest */
}

static void a_producer_closes_in_time_and_its_messages_last_as_long(void **state)
{
    (void)state;
    const ark_producer_options options = {.url = "nowhere:9092", .cancel_fd = -1, .close_ms = 100};
    ark_producer *producer;
    ark_buffer *buffer;
    hold_resolver(true);
    PASS(ark_producer_open(&producer, &options, err));
    PASS(ark_producer_add_topic(producer, "topic", err));
    PASS(ark_producer_begin(producer, 100, err));
    PASS(ark_producer_buffer(producer, 0, &buffer, err));
    PASS(ark_buffer_reserve(buffer, 1, err));
    buffer->data[buffer->size++] = 'x';
    PASS(ark_producer_send(producer, 0, err));
    assert_int_equal(ark_producer_wait(producer, NULL), ARRAKIS_EDEADLINE);
    expect_lookups(1);
    int64_t begun_ns = ark_monotonic_ns();
    ark_producer_close(producer);
    assert_true(ark_monotonic_ns() - begun_ns < IN_TIME_NS);
    hold_resolver(false); /* exit() waits for the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_closes_in_time),
        cmocka_unit_test(a_producer_that_failed_for_good_does_not_hold_up_the_next_one),
        cmocka_unit_test(a_producer_closes_in_time_and_its_messages_last_as_long),
    };
    ark_monitor_init(&resolver);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
