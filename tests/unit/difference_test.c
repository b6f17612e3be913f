/* SPDX-License-Identifier: Apache-2.0 */
/* How channels differ from what they were, in words that name both. */
#include "client/difference.h"

#include "support.h"

static arrakis_channel_info was(void)
{
    arrakis_channel_info info = ARRAKIS_CHANNEL_INFO_INIT;
    info.name = "X:A";
    info.dtype = ARRAKIS_FLOAT32;
    info.sample_rate = 16;
    info.partition_id = "p";
    info.partition_index = 3;
    info.stride_ns = SECOND;
    info.max_latency_ns = SECOND;
    return info;
}

static void expect(const arrakis_channel_info *is, bool partitions, ark_difference wanted,
                   const char *text)
{
    char got[200];
    const arrakis_channel_info before = was();
    assert_int_equal(ark_difference_of(&before, is, partitions), wanted);
    if (wanted == ARK_DIFFERENCE_NONE)
        return;
    ark_difference_text(got, sizeof got, &before, is, partitions);
    assert_string_equal(got, text);
}

static void what_a_stream_reads_matters(void **state)
{
    (void)state;
    arrakis_channel_info is = was();
    is.time_ns = 5;
    is.max_latency_ns = 2 * SECOND;
    expect(&is, true, ARK_DIFFERENCE_NONE, NULL);
    is.dtype = ARRAKIS_FLOAT64;
    is.sample_rate = 0.5;
    is.stride_ns = 2 * SECOND;
    expect(&is, true, ARK_DIFFERENCE_CHANGED,
           "channel 'X:A' has changed: it was float32 and is float64, it was at 16 Hz and is at "
           "0.5 Hz, it was in strides of 1000000000 ns and is in strides of 2000000000 ns");
    expect(NULL, true, ARK_DIFFERENCE_REMOVED, "channel 'X:A' was removed");
}

static void a_place_matters_where_a_broker_is_read(void **state)
{
    (void)state;
    arrakis_channel_info is = was();
    is.partition_id = "q";
    expect(&is, false, ARK_DIFFERENCE_NONE, NULL);
    expect(&is, true, ARK_DIFFERENCE_CHANGED,
           "channel 'X:A' has changed: it was number 3 of partition p and is number 3 of q");
    is = was();
    is.partition_index = 4;
    expect(&is, true, ARK_DIFFERENCE_CHANGED,
           "channel 'X:A' has changed: it was number 3 of partition p and is number 4 of p");
    is.partition_id = NULL;
    expect(&is, true, ARK_DIFFERENCE_CHANGED,
           "channel 'X:A' has changed: it was number 3 of partition p and is number 4 of (none)");
}

static void text_that_is_too_long_is_cut(void **state)
{
    (void)state;
    char text[24];
    const arrakis_channel_info before = was();
    arrakis_channel_info is = was();
    is.sample_rate = 32;
    is.dtype = ARRAKIS_INT8;
    ark_difference_text(text, sizeof text, &before, &is, true);
    assert_string_equal(text, "channel 'X:A' has chang");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_stream_reads_matters),
        cmocka_unit_test(a_place_matters_where_a_broker_is_read),
        cmocka_unit_test(text_that_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
