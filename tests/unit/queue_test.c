/* SPDX-License-Identifier: Apache-2.0 */
/* One queue, driven by timelines. One unit is a second; the stream has one channel of 1 Hz, its
 * strides are one unit and what is pulled at a time is three. */
#include "align/queue.h"
#include "support.h"

enum { BLOCK = 3 };

typedef struct bench {
    ark_layout *layout;
    ark_queue queue;
} bench;

static bench bench_of(int64_t timeout_ns, int64_t start_ns, int64_t block)
{
    static const channel_spec spec = {"X:A", ARRAKIS_INT32, 1, NULL, UNSET, UNSET, UNSET};
    arrakis_channels *list = channels_of(&spec, 1);
    const arrakis_channels *lists[] = {list};
    const int64_t stride_ns = SECOND;
    bench b;
    PASS(ark_layout_new(&b.layout, lists, &stride_ns, 1, block * SECOND, err));
    ark_queue_init(&b.queue, &b.layout->inputs[0], timeout_ns, start_ns, block * SECOND);
    arrakis_channels_unref(list);
    return b;
}

static void bench_free(bench *b)
{
    ark_queue_clear(&b->queue);
    ark_layout_unref(b->layout);
}

/* A stride whose sample is its time. */
static ark_push push(bench *b, int64_t time)
{
    int32_t sample = (int32_t)time;
    ark_run run = {.valid_at = SIZE_MAX, .channels = 1, .length = 1};
    ark_rows rows = {time * SECOND, SECOND, (const uint8_t *)&sample, &run, 1, NULL, 0};
    int64_t block = time - (time % BLOCK + BLOCK) % BLOCK;
    return ark_queue_push(&b->queue, &rows, time * SECOND, block * SECOND);
}

/* Take the block at `start` and compare its samples; -1: missing. `elements` 0: no chunk at all. */
static void take(bench *b, int64_t start, uint32_t elements, const int32_t wanted[BLOCK])
{
    ark_chunk *closed;
    assert_int_equal(ark_queue_close(&b->queue, start * SECOND, &closed), ARRAKIS_OK);
    ark_chunk *chunk = ark_queue_take(&b->queue, start * SECOND);
    assert_ptr_equal(chunk, closed);
    assert_int_equal(chunk ? chunk->elements : 0, elements);
    for (int i = 0; chunk && i < BLOCK; i++) {
        bool present = !chunk->mask || (chunk->mask->bits[0] >> i & 1);
        int32_t value;
        memcpy(&value, chunk->samples + 4 * i, sizeof value);
        assert_int_equal(present ? value : -1, wanted[i]);
    }
    ark_chunk_free(chunk, b->queue.layout);
}

static void what_is_pushed_comes_out_block_by_block(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 0, BLOCK);
    assert_int_equal(ark_queue_oldest_ns(&b.queue), UNSET);
    for (int64_t t = 0; t < 7; t++)
        assert_int_equal(push(&b, t), ARK_PUSH_OK);
    assert_int_equal(b.queue.watermark_ns, 7 * SECOND);
    assert_int_equal(b.queue.last_ns, 6 * SECOND);
    assert_int_equal(b.queue.elements, 7);
    take(&b, 0, 3, (const int32_t[]){0, 1, 2});
    assert_int_equal(b.queue.elements, 4);
    assert_int_equal(ark_queue_oldest_ns(&b.queue), 3 * SECOND);
    take(&b, 3, 3, (const int32_t[]){3, 4, 5});
    take(&b, 6, 1, (const int32_t[]){6, -1, -1});
    take(&b, 9, 0, NULL);
    assert_int_equal(b.queue.elements, 0);
    bench_free(&b);
}

static void gaps_take_no_room(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 0, BLOCK);
    assert_int_equal(push(&b, 1), ARK_PUSH_OK);
    assert_int_equal(push(&b, 2000000001), ARK_PUSH_OK);
    assert_int_equal(b.queue.count, 2);
    take(&b, 0, 1, (const int32_t[]){-1, 1, -1});
    take(&b, 3, 0, NULL);
    assert_int_equal(ark_queue_oldest_ns(&b.queue), INT64_C(2000000001) * SECOND);
    take(&b, 2000000001, 1, (const int32_t[]){2000000001, -1, -1});
    bench_free(&b);
}

static void old_data_is_late_and_the_newest_again_is_a_duplicate(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 5 * SECOND, BLOCK);
    assert_int_equal(push(&b, 4), ARK_PUSH_LATE);
    assert_int_equal(push(&b, 5), ARK_PUSH_OK);
    assert_int_equal(push(&b, 8), ARK_PUSH_OK);
    assert_int_equal(push(&b, 8), ARK_PUSH_DUPLICATE);
    assert_int_equal(push(&b, 5), ARK_PUSH_LATE);
    assert_int_equal(push(&b, 7), ARK_PUSH_LATE);
    assert_int_equal(b.queue.elements, 2);
    take(&b, 3, 1, (const int32_t[]){-1, -1, 5});
    take(&b, 6, 1, (const int32_t[]){-1, -1, 8});
    assert_int_equal(push(&b, 8), ARK_PUSH_DUPLICATE);
    bench_free(&b);
}

static void absence_past_the_timeout_is_known(void **state)
{
    (void)state;
    bench b = bench_of(2 * SECOND, 100 * SECOND, BLOCK);
    const struct {
        int64_t now_ns, horizon_s;
    } timeline[] = {{0, 100},
                    {102 * SECOND - 1, 100},
                    {102 * SECOND, 101},
                    {103 * SECOND - 1, 101},
                    {103 * SECOND, 102},
                    {90 * SECOND, 102}, /* the clock may be set back, what is known stays known */
                    {200 * SECOND + 1, 199}};
    for (size_t i = 0; i < COUNT(timeline); i++) {
        ark_queue_expire(&b.queue, timeline[i].now_ns);
        assert_int_equal(b.queue.watermark_ns, timeline[i].horizon_s * SECOND);
    }
    assert_int_equal(push(&b, 198), ARK_PUSH_LATE);
    assert_int_equal(push(&b, 199), ARK_PUSH_OK);
    bench_free(&b);
}

static void without_a_timeout_nothing_expires(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 100 * SECOND, BLOCK);
    ark_queue_expire(&b.queue, INT64_MAX);
    assert_int_equal(b.queue.watermark_ns, 100 * SECOND);
    bench_free(&b);
}

static void the_capacity_covers_the_timeout_and_two_blocks(void **state)
{
    (void)state;
    const struct {
        int64_t timeout_ns, block;
        uint64_t capacity;
    } cases[] = {{UNSET, 3, 1000},           {2 * SECOND, 3, 1000},
                 {500 * SECOND, 3, 1000},    {501 * SECOND, 3, 1002},
                 {3600 * SECOND, 3, 7200},   {UNSET, 900, 1800},
                 {3600 * SECOND, 900, 7200}, {INT64_MAX / 4, 3, 4611686018}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        bench b = bench_of(cases[i].timeout_ns, 0, cases[i].block);
        assert_int_equal(b.queue.capacity, cases[i].capacity);
        bench_free(&b);
    }
}

static void dropping_counts_the_strides_that_had_data(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 0, BLOCK);
    for (int64_t t = 1; t < 12; t += 2) /* 1, 3 5, 7, 9 11 */
        assert_int_equal(push(&b, t), ARK_PUSH_OK);
    assert_int_equal(ark_queue_drop_before(&b.queue, 0), 0);
    assert_int_equal(ark_queue_drop_before(&b.queue, 6 * SECOND), 3);
    assert_int_equal(ark_queue_oldest_ns(&b.queue), 6 * SECOND);
    assert_int_equal(ark_queue_drop_oldest(&b.queue), 1);
    assert_int_equal(b.queue.elements, 2);
    take(&b, 9, 2, (const int32_t[]){9, -1, 11});
    assert_int_equal(ark_queue_drop_before(&b.queue, INT64_MAX), 0);
    bench_free(&b);
}

/* The ring grows while its head is anywhere. */
static void the_order_holds_while_the_queue_grows(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 0, BLOCK);
    int64_t in = 0, out = 0;
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 3 + round % 7; i++, in += BLOCK)
            assert_int_equal(push(&b, in), ARK_PUSH_OK);
        for (int i = 0; i < 2 + round % 5 && out < in; i++, out += BLOCK)
            take(&b, out, 1, (const int32_t[]){(int32_t)out, -1, -1});
    }
    assert_true(b.queue.count > 16);
    for (; out < in; out += BLOCK)
        take(&b, out, 1, (const int32_t[]){(int32_t)out, -1, -1});
    assert_int_equal(b.queue.count, 0);
    bench_free(&b);
}

static uint32_t chunks_of(double rate)
{
    const channel_spec spec = {"X:A", ARRAKIS_FLOAT64, rate, NULL, UNSET, UNSET, UNSET};
    arrakis_channels *list = channels_of(&spec, 1);
    const arrakis_channels *lists[] = {list};
    const int64_t stride_ns = SECOND;
    ark_layout *layout;
    ark_queue queue;
    PASS(ark_layout_new(&layout, lists, &stride_ns, 1, SECOND, err));
    ark_queue_init(&queue, &layout->inputs[0], INT64_MAX / 4, 0, SECOND);
    ark_layout_unref(layout);
    arrakis_channels_unref(list);
    return queue.max_chunks;
}

static void bytes_bound_what_no_latency_does(void **state)
{
    (void)state;
    assert_int_equal(ARK_QUEUE_BYTES, 256 << 20);
    /* 8 MB of samples and 125 kB of validity, and less than a kilobyte beside */
    assert_int_equal(chunks_of(1e6), 33);
    assert_int_equal(chunks_of(1e7), 3);
    assert_int_equal(chunks_of(2e7), 2);
    assert_int_equal(chunks_of(1e9),
                     2); /* two blocks in any case: or nothing would be handed out */
}

static void a_queue_has_as_many_blocks_as_it_may(void **state)
{
    (void)state;
    bench b = bench_of(UNSET, 0, BLOCK);
    b.queue.max_chunks = 3;
    for (int64_t t = 0; t < 4 * BLOCK; t++) {
        assert_int_equal(push(&b, t), ARK_PUSH_OK);
        assert_int_equal(ark_queue_full(&b.queue), t >= 2 * BLOCK);
        assert_int_equal(ark_queue_over(&b.queue), t >= 3 * BLOCK);
        assert_int_equal(ark_queue_has_room(&b.queue), t < BLOCK);
    }
    ark_queue_drop_oldest(&b.queue);
    assert_false(ark_queue_over(&b.queue));
    bench_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_pushed_comes_out_block_by_block),
        cmocka_unit_test(gaps_take_no_room),
        cmocka_unit_test(old_data_is_late_and_the_newest_again_is_a_duplicate),
        cmocka_unit_test(absence_past_the_timeout_is_known),
        cmocka_unit_test(without_a_timeout_nothing_expires),
        cmocka_unit_test(the_capacity_covers_the_timeout_and_two_blocks),
        cmocka_unit_test(dropping_counts_the_strides_that_had_data),
        cmocka_unit_test(the_order_holds_while_the_queue_grows),
        cmocka_unit_test(bytes_bound_what_no_latency_does),
        cmocka_unit_test(a_queue_has_as_many_blocks_as_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
