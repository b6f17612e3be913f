/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/start.h"
#include "support.h"

enum { END = 1000000 };
static const int64_t stride_ns = SECOND / 16;

static int64_t bounded(int64_t found, int64_t for_ns)
{
    return ark_kafka_start_bounded(found, END, for_ns, stride_ns);
}

static void what_came_since_a_reader_was_opened_is_read(void **state)
{
    (void)state;
    assert_int_equal(bounded(END - 160, 10 * SECOND), END - 160);
    assert_int_equal(bounded(END, 0), END);
    assert_int_equal(ark_kafka_start_bounded(0, 160, 10 * SECOND, stride_ns), 0);
}

/* A message that was stamped in the future is found wherever it is, and so is any by a clock that was set. */
static void stamps_lead_back_by_so_many_messages_and_no_more(void **state)
{
    (void)state;
    const int64_t most = ARK_KAFKA_START_MORE;
    assert_int_equal(bounded(7, 0), END - most);
    assert_int_equal(bounded(END - most, 0), END - most);
    assert_int_equal(bounded(END - most - 1, 0), END - most);
    assert_int_equal(bounded(7, 10 * SECOND), END - most - 160 * ARK_KAFKA_START_PER_STRIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_since_a_reader_was_opened_is_read),
        cmocka_unit_test(stamps_lead_back_by_so_many_messages_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
