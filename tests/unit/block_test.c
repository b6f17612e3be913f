/* SPDX-License-Identifier: Apache-2.0 */
#include "block/block.h"
#include "support.h"

#include <pthread.h>

enum { THREADS = 4, TURNS = 2000 };

/* ------------------------------------------------------------------ a block of one's own */

static const channel_spec mixed[] = {
    {"X:BYTES", ARRAKIS_INT8, 3, NULL, UNSET, UNSET, UNSET},
    {"X:DOUBLES", ARRAKIS_FLOAT64, 2, NULL, UNSET, UNSET, UNSET},
    {"X:SHORTS", ARRAKIS_UINT16, 5, NULL, UNSET, UNSET, UNSET},
    {"X:WORDS", ARRAKIS_UINT32, 1, NULL, UNSET, UNSET, UNSET},
};
static const int8_t bytes[] = {1, 2, 3};
static const double doubles[] = {1.5, 2.5};
static const uint16_t shorts[] = {10, 20, 30, 40, 50};

static arrakis_block *mixed_block(void)
{
    const uint8_t valid = 0xf5; /* shorts 1 and 3 are missing */
    const arrakis_series series[] = {{bytes, NULL, 3, ARRAKIS_INT8},
                                     {doubles, NULL, 2, ARRAKIS_DTYPE_NONE},
                                     {shorts, &valid, 5, ARRAKIS_UINT16},
                                     {NULL, NULL, 1, ARRAKIS_UINT32}};
    arrakis_channels *channels = channels_of(mixed, COUNT(mixed));
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, 7 * SECOND, SECOND, series, err));
    arrakis_channels_unref(channels);
    return block;
}

static void a_block_holds_what_it_was_given(void **state)
{
    (void)state;
    arrakis_block *block = mixed_block();
    assert_int_equal(arrakis_block_start_ns(block), 7 * SECOND);
    assert_int_equal(arrakis_block_duration_ns(block), SECOND);
    assert_int_equal(arrakis_channels_count(arrakis_block_channels(block)), 4);
    assert_memory_equal(arrakis_block_series(block, 0).samples, bytes, sizeof bytes);
    assert_memory_equal(arrakis_block_series(block, 1).samples, doubles, sizeof doubles);
    assert_null(arrakis_block_series(block, 1).valid);
    assert_int_equal(arrakis_block_series(block, 1).dtype, ARRAKIS_FLOAT64);
    arrakis_series series = arrakis_block_series(block, 2);
    assert_int_equal(arrakis_series_missing(series), 2);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(is_present(series, i), i != 1 && i != 3);
        if (is_present(series, i))
            assert_int_equal(((const uint16_t *)series.samples)[i], shorts[i]);
    }
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 3)), 1);
    arrakis_block_unref(block);
}

static void samples_are_aligned_to_their_size(void **state)
{
    (void)state;
    arrakis_block *block = mixed_block();
    for (size_t i = 0; i < 4; i++) {
        arrakis_series series = arrakis_block_series(block, i);
        assert_int_equal((uintptr_t)series.samples % arrakis_dtype_size(series.dtype), 0);
    }
    arrakis_block_unref(block);
}

static void samples_may_lie_anywhere_and_are_copied(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(mixed + 1, 1);
    char *odd = malloc(sizeof doubles + 1);
    assert_non_null(odd);
    memcpy(odd + 1, doubles, sizeof doubles);
    const arrakis_series series = {odd + 1, NULL, 2, ARRAKIS_FLOAT64};
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, 0, SECOND, &series, err));
    free(odd);
    assert_memory_equal(arrakis_block_series(block, 0).samples, doubles, sizeof doubles);
    arrakis_channels_unref(channels);
    arrakis_block_unref(block);
}

static void a_block_that_does_not_fit_its_channels_is_refused(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(mixed + 1, 1);
    arrakis_series series = {doubles, NULL, 3, ARRAKIS_FLOAT64};
    arrakis_block *block;
    FAIL(arrakis_block_new(&block, channels, 0, SECOND, &series, err), ARRAKIS_EINVAL,
         "X:DOUBLES: got 3 samples, expected 2 (2 Hz for 1000000000 ns)");
    assert_null(block);
    series.length = 2;
    series.dtype = ARRAKIS_INT64;
    FAIL(arrakis_block_new(&block, channels, 0, SECOND, &series, err), ARRAKIS_EINVAL,
         "X:DOUBLES: got int64 samples, expected float64");
    series.dtype = ARRAKIS_FLOAT64;
    FAIL(arrakis_block_new(&block, channels, 0, SECOND / 3, &series, err), ARRAKIS_EINVAL,
         "no whole number of samples");
    FAIL(arrakis_block_new(&block, channels, 0, 0, &series, err), ARRAKIS_EINVAL, "duration");
    FAIL(arrakis_block_new(&block, channels, 0, -SECOND, &series, err), ARRAKIS_EINVAL,
         "duration");
    FAIL(arrakis_block_new(&block, NULL, 0, SECOND, &series, err), ARRAKIS_EINVAL, "channels");
    FAIL(arrakis_block_new(&block, channels, 0, SECOND, NULL, err), ARRAKIS_EINVAL, "series");
    FAIL(arrakis_block_new(NULL, channels, 0, SECOND, &series, err), ARRAKIS_EINVAL,
         "out is NULL");
    arrakis_channels_unref(channels);
}

static void a_block_ends_within_time(void **state)
{
    (void)state;
    arrakis_channels *channels = channels_of(mixed + 1, 1);
    const arrakis_series series = {doubles, NULL, 2, ARRAKIS_FLOAT64};
    arrakis_block *block;
    PASS(arrakis_block_new(&block, channels, INT64_MAX - SECOND, SECOND, &series, err));
    arrakis_block_unref(block);
    PASS(arrakis_block_new(&block, channels, INT64_MIN + 1, SECOND, &series, err));
    arrakis_block_unref(block);
    FAIL(arrakis_block_new(&block, channels, INT64_MAX - SECOND + 1, SECOND, &series, err),
         ARRAKIS_EINVAL, "cannot begin at 9223372035854775808 ns");
    FAIL(arrakis_block_new(&block, channels, UNSET, SECOND, &series, err), ARRAKIS_EINVAL,
         "cannot begin");
    arrakis_channels_unref(channels);
}

/* ------------------------------------------------------------------ put together from chunks */

/* Two streams: one of 4 and 1 Hz with strides of 2 s, one of 2 Hz with strides of 1 s. */
static ark_layout *two_streams(int64_t duration_ns)
{
    static const channel_spec fast[] = {{"X:FAST", ARRAKIS_INT32, 4, NULL, UNSET, UNSET, UNSET},
                                        {"X:SLOW", ARRAKIS_INT32, 0.5, NULL, UNSET, UNSET, UNSET}};
    static const channel_spec other[] = {{"X:OTHER", ARRAKIS_INT32, 2, NULL, UNSET, UNSET, UNSET}};
    arrakis_channels *a = channels_of(fast, 2), *b = channels_of(other, 1);
    const arrakis_channels *lists[] = {a, b};
    const int64_t strides_ns[] = {2 * SECOND, SECOND};
    ark_layout *layout;
    PASS(ark_layout_new(&layout, lists, strides_ns, 2, duration_ns, err));
    arrakis_channels_unref(a);
    arrakis_channels_unref(b);
    return layout;
}

/* `length` samples first, first + 1, ... of a channel, put at time_ns into the stride at stride_start_ns. */
static void put(ark_chunk *chunk, const ark_layout_input *input, uint32_t channel,
                int64_t stride_start_ns, int64_t time_ns, int64_t duration_ns, int32_t first,
                uint32_t length)
{
    int32_t samples[32];
    for (uint32_t i = 0; i < length; i++)
        samples[i] = first + (int32_t)i;
    ark_run run = {.valid_at = SIZE_MAX, .channel = channel, .channels = 1, .length = length};
    uint32_t others[2], other_count = 0;
    for (uint32_t i = 0; i < input->channel_count; i++)
        if (i != channel)
            others[other_count++] = i;
    ark_rows rows = {time_ns, duration_ns, (const uint8_t *)samples, &run, 1, others, other_count};
    assert_int_equal(ark_chunk_put(chunk, input, stride_start_ns, &rows), ARRAKIS_OK);
}

static void a_stream_without_data_is_missing_in_full_length(void **state)
{
    (void)state;
    ark_layout *layout = two_streams(4 * SECOND);
    ark_chunk *chunks[] = {NULL, ark_chunk_new(&layout->inputs[1], 0)};
    for (int i = 0; i < 4; i++)
        put(chunks[1], &layout->inputs[1], 0, i * SECOND, i * SECOND, SECOND, 10 * i, 2);
    assert_int_equal(ark_chunk_close(chunks[1], &layout->inputs[1]), ARRAKIS_OK);
    arrakis_block *block;
    PASS(ark_block_assemble(&block, layout, 0, chunks, err));
    ark_layout_unref(layout);
    assert_int_equal(arrakis_block_series(block, 0).length, 16);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 0)), 16);
    assert_int_equal(arrakis_block_series(block, 1).length, 2);
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 1)), 2);
    arrakis_series other = arrakis_block_series(block, 2);
    assert_null(other.valid);
    static const int32_t wanted[] = {0, 1, 10, 11, 20, 21, 30, 31};
    assert_memory_equal(other.samples, wanted, sizeof wanted);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(int32_at(arrakis_block_series(block, 0), i), 0);
    arrakis_block_unref(block);
}

static void what_was_never_written_is_missing_and_zero(void **state)
{
    (void)state;
    ark_layout *layout = two_streams(4 * SECOND);
    ark_chunk *chunks[] = {ark_chunk_new(&layout->inputs[0], 0),
                           ark_chunk_new(&layout->inputs[1], 0)};
    put(chunks[0], &layout->inputs[0], 0, 2 * SECOND, 2 * SECOND, 2 * SECOND, 5, 8);
    put(chunks[1], &layout->inputs[1], 0, 2 * SECOND, 2 * SECOND, SECOND, 9, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ark_chunk_close(chunks[i], &layout->inputs[i]), ARRAKIS_OK);
    arrakis_block *block;
    PASS(ark_block_assemble(&block, layout, 0, chunks, err));
    ark_layout_unref(layout);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(is_present(arrakis_block_series(block, 0), i), i >= 8);
        assert_int_equal(int32_at(arrakis_block_series(block, 0), i), i < 8 ? 0 : 5 + i - 8);
    }
    assert_int_equal(arrakis_series_missing(arrakis_block_series(block, 1)), 2);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(is_present(arrakis_block_series(block, 2), i), i == 4 || i == 5);
        assert_int_equal(int32_at(arrakis_block_series(block, 2), i),
                         i == 4 || i == 5 ? 9 + i - 4 : 0);
    }
    arrakis_block_unref(block);
}

/* The slow channel has one sample in 2 s: half of it before the edge and half behind it. */
static void an_edge_through_a_sample_stays_inside_the_series(void **state)
{
    (void)state;
    static const channel_spec specs[] = {
        {"X:FAST", ARRAKIS_INT32, 4, NULL, UNSET, UNSET, UNSET},
        {"X:SLOW", ARRAKIS_INT32, 0.5, NULL, UNSET, UNSET, UNSET}};
    arrakis_channels *list = channels_of(specs, 2);
    const arrakis_channels *lists[] = {list};
    const int64_t stride_ns = 2 * SECOND;
    ark_layout *layout;
    PASS(ark_layout_new(&layout, lists, &stride_ns, 1, stride_ns, err));
    ark_chunk *chunk = ark_chunk_new(&layout->inputs[0], 0);
    assert_non_null(chunk);
    put(chunk, &layout->inputs[0], 0, 0, SECOND, SECOND, 5, 4);
    assert_int_equal(ark_chunk_close(chunk, &layout->inputs[0]), ARRAKIS_OK);
    arrakis_block *block;
    PASS(ark_block_assemble(&block, layout, 0, &chunk, err));
    ark_layout_unref(layout);
    assert_int_equal(arrakis_block_start_ns(block), SECOND);
    assert_int_equal(arrakis_block_duration_ns(block), SECOND);
    arrakis_series fast = arrakis_block_series(block, 0), slow = arrakis_block_series(block, 1);
    static const int32_t wanted[] = {5, 6, 7, 8};
    assert_int_equal(fast.length, 4);
    assert_int_equal(arrakis_series_missing(fast), 0);
    assert_memory_equal(fast.samples, wanted, sizeof wanted);
    assert_int_equal(arrakis_series_missing(slow), slow.length);
    arrakis_channels_unref(list);
    arrakis_block_unref(block);
}

static void a_layout_of_odd_strides_is_refused(void **state)
{
    (void)state;
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 4, NULL, UNSET, UNSET, UNSET};
    arrakis_channels *list = channels_of(&spec, 1);
    const arrakis_channels *lists[] = {list, list};
    int64_t strides_ns[] = {SECOND / 3, SECOND};
    ark_layout *layout;
    FAIL(ark_layout_new(&layout, lists, strides_ns, 1, SECOND, err), ARRAKIS_EINVAL, "X:A: 4 Hz");
    assert_null(layout);
    strides_ns[0] = SECOND;
    FAIL(ark_layout_new(&layout, lists, strides_ns, 2, SECOND, err), ARRAKIS_EINVAL, "X:A");
    /* a series of 2^31 samples, and strides that cannot be counted in 31 bits */
    FAIL(ark_layout_new(&layout, lists, strides_ns, 1, (INT64_C(1) << 29) * SECOND, err),
         ARRAKIS_EINVAL, "X:A: 4 Hz");
    strides_ns[0] = SECOND / 4;
    FAIL(ark_layout_new(&layout, lists, strides_ns, 1, (INT64_C(1) << 32) * SECOND / 4, err),
         ARRAKIS_EINVAL, "too many strides");
    arrakis_channels_unref(list);
}

/* ------------------------------------------------------------------ threads */

typedef struct sharing {
    arrakis_block *block;
    double sum;
} sharing;

static void *use_and_free(void *opaque)
{
    sharing *mine = opaque;
    for (int i = 0; i < TURNS; i++) {
        arrakis_block *again = arrakis_block_ref(mine->block);
        arrakis_series series = arrakis_block_series(again, 1);
        mine->sum += ((const double *)series.samples)[i % 2];
        arrakis_block_unref(again);
    }
    arrakis_block_unref(mine->block);
    return NULL;
}

static void blocks_are_read_and_freed_in_any_thread(void **state)
{
    (void)state;
    arrakis_block *block = mixed_block();
    sharing shares[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        shares[i] = (sharing){arrakis_block_ref(block), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_and_free, &shares[i]), 0);
    }
    arrakis_block_unref(block);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(shares[i].sum == TURNS / 2 * 4.0);
    }
}

/* Blocks of one layout, freed while others are made of it. */
static void *make_and_free(void *opaque)
{
    ark_layout *layout = opaque;
    for (int i = 0; i < TURNS; i++) {
        ark_chunk *chunks[] = {NULL, NULL};
        arrakis_block *block;
        if (ark_block_assemble(&block, layout, 0, chunks, NULL) != ARRAKIS_OK)
            return opaque;
        arrakis_block_unref(block);
    }
    return NULL;
}

static void a_layout_is_shared_by_blocks_of_any_thread(void **state)
{
    (void)state;
    ark_layout *layout = two_streams(2 * SECOND);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, layout), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    ark_layout_unref(layout);
}

static void large_chunks_are_used_again(void **state)
{
    (void)state;
    enum { ONE_MORE = ARK_CHUNK_POOL + 1 };
    static const channel_spec large[] = {{"X:A", ARRAKIS_INT32, 16384, NULL, UNSET, UNSET, UNSET}};
    arrakis_channels *list = channels_of(large, 1);
    const arrakis_channels *lists[] = {list};
    const int64_t stride_ns = SECOND;
    ark_layout *layout;
    PASS(ark_layout_new(&layout, lists, &stride_ns, 1, stride_ns, err));
    const ark_layout_input *input = &layout->inputs[0];
    ark_chunk *chunks[ONE_MORE];
    for (size_t i = 0; i < ONE_MORE; i++)
        assert_non_null(chunks[i] = ark_chunk_new(input, 0));
    for (size_t i = 0; i < ONE_MORE; i++)
        ark_chunk_free(chunks[i], input);
    for (size_t i = 0; i < ARK_CHUNK_POOL; i++) {
        ark_chunk *again = ark_chunk_new(input, SECOND);
        assert_ptr_equal(again, chunks[i]);
        assert_int_equal(again->start_ns, SECOND);
        assert_null(again->mask);
    }
    for (size_t i = 0; i < ARK_CHUNK_POOL; i++) /* what is kept goes with the layout */
        ark_chunk_free(chunks[i], input);
    ark_layout_unref(layout);
    arrakis_channels_unref(list);
}

static void freeing_nothing_is_allowed(void **state)
{
    (void)state;
    arrakis_block_unref(NULL);
    ark_chunk_free(NULL, NULL);
    ark_layout_unref(NULL);
    assert_null(arrakis_block_ref(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_holds_what_it_was_given),
        cmocka_unit_test(samples_are_aligned_to_their_size),
        cmocka_unit_test(samples_may_lie_anywhere_and_are_copied),
        cmocka_unit_test(a_block_that_does_not_fit_its_channels_is_refused),
        cmocka_unit_test(a_block_ends_within_time),
        cmocka_unit_test(a_stream_without_data_is_missing_in_full_length),
        cmocka_unit_test(what_was_never_written_is_missing_and_zero),
        cmocka_unit_test(an_edge_through_a_sample_stays_inside_the_series),
        cmocka_unit_test(a_layout_of_odd_strides_is_refused),
        cmocka_unit_test(blocks_are_read_and_freed_in_any_thread),
        cmocka_unit_test(a_layout_is_shared_by_blocks_of_any_thread),
        cmocka_unit_test(large_chunks_are_used_again),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
