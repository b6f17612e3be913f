# SPDX-License-Identifier: Apache-2.0
"""The same topics read by arrakis-cli and by the reference's own KafkaReader and BlockMuxStream:
equal blocks, samples, times and gaps. Each case is a function that says what is published, when,
and what is asked for. Where the reference waits for ever, or fails, the case says what is right,
and what the reference did give must be the beginning of it."""

import dataclasses
import functools
import math

import numpy
import pyarrow
import pytest
from oracle import reference_stream
from support import (
    DTYPES, LATENCY_NS, LIBRDKAFKAS, SECOND, STRIDE, T0, Cli, Record, assert_same, batch, block_record,
    by_partition, channel, environment_cli, expected_block, fill_absent, masked, payload, records,
    samples, seconds, stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip

MS = 1_000_000


@dataclasses.dataclass
class Case:
    channels: list
    records: list
    start: int
    end: int
    on_gap: str = "fill"
    stride: int | None = None
    # The reference fails or waits here: all blocks, and how it ends ("waits", or what its error
    # holds; None: it is not asked).
    expected: list | None = None
    reference: str | None = "end"
    # Records that only ours gets: the reference dies of them.
    spoiled: list = dataclasses.field(default_factory=list)
    absent: tuple = ()  # partitions without a topic
    exit: int = 0


CASES = []


def case(function):
    CASES.append(pytest.param(function, id=function.__name__))
    return function


def pair(suffix, **more):
    """Two partitions, three channels: fast floats and slow integers."""
    p, q = f"a{suffix}", f"b{suffix}"
    return [
        channel("H1:CAL-FAST", p, 0, "float32", 256, **more),
        channel("H1:CAL-SLOW", p, 7, "float32", 16, **more),
        channel("H1:GRD-STATE", q, 3, "int32", 16, **more),
    ]


def span(channels, start, end, step, **gaps):
    """Expected blocks; gaps as expected_block() takes them."""
    return [expected_block(channels, t, step, **gaps) for t in range(start, end, step)]


# ---------------------------------------------------------------- whole data


@case
def whole(x):
    cs = pair(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 2 * SECOND), T0, T0 + SECOND)


@case
def every_data_type_over_its_range(x):
    cs = [channel(f"H1:TYP-{d}", f"{d}{x}", 0, d, 64) for d in DTYPES]
    return Case(cs, records(cs, T0, T0 + SECOND), T0, T0 + SECOND // 2)


@case
def narrow_integers(x):
    cs = [channel(f"H1:TYP-{d}", f"{d}{x}", 0, d, 64) for d in ("int8", "int16", "uint8", "uint16")]
    return Case(cs, records(cs, T0, T0 + SECOND), T0, T0 + SECOND // 2)


@case
def extreme_and_unusual_values(x):
    f = channel("H1:TYP-FLOAT", f"f{x}", 0, "float32", 64)
    d = channel("H1:TYP-DOUBLE", f"d{x}", 0, "float64", 64)
    i = channel("H1:TYP-INT", f"i{x}", 0, "int64", 64)
    u = channel("H1:TYP-UINT", f"u{x}", 0, "uint64", 64)
    inf, nan = float("inf"), float("nan")
    values = {
        f: numpy.array([0.1, -0.0, 1e-45, 3.4028235e38], "float32"),
        d: numpy.array([0.1, nan, inf, -inf], "float64"),
        i: numpy.array([-(2**63), 2**63 - 1, 0, -1], "int64"),
        u: numpy.array([2**64 - 1, 2**63, 0, 1], "uint64"),
    }
    sent = [
        Record(c.partition_id, T0 + STRIDE, payload(batch(c.data_type, [(T0, 0, v)])))
        for c, v in values.items()
    ]
    return Case([f, d, i, u], sent, T0, T0 + STRIDE)


@case
def audio_rate(x):
    cs = [channel("H1:OMC-DCPD", f"p{x}", 0, "float64", 16384)]
    return Case(cs, records(cs, T0, T0 + SECOND), T0, T0 + SECOND)


@case
def one_sample_in_two_strides_of_a_second(x):
    cs = [channel("H1:PEM-SLOW", f"p{x}", 0, "float32", 0.5, stride=2 * SECOND)]
    return Case(cs, records(cs, T0, T0 + 10 * SECOND), T0, T0 + 8 * SECOND)


@case
def many_channels_in_one_partition_of_which_few_are_wanted(x):
    everything = [channel(f"H1:SUS-C{i}", f"p{x}", i, "float32", 16) for i in range(100)]
    wanted = [everything[99], everything[0], everything[42]]
    return Case(wanted, records(everything, T0, T0 + SECOND), T0, T0 + SECOND)


@case
def rows_in_another_order_than_asked(x):
    cs = [channel(f"H1:SUS-C{i}", f"p{x}", 10 - i, "float64", 32) for i in range(5)]
    return Case(cs[::-1], records(cs, T0, T0 + SECOND), T0, T0 + SECOND)


@case
def a_replay(x):
    cs = pair(x, replay_id=f"R{x}")
    return Case(cs, records(cs, T0, T0 + SECOND), T0, T0 + SECOND)


@case
def channels_without_a_latency(x):
    cs = pair(x, max_latency=None)
    return Case(cs, records(cs, T0, T0 + SECOND), T0, T0 + SECOND)


# ---------------------------------------------------------------- starts and ends


@case
def a_start_in_the_middle_of_the_topics(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 10 * SECOND), T0 + 5 * SECOND, T0 + 6 * SECOND)


@case
def a_start_on_the_grid_within_a_second(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND), T0 + 5 * STRIDE, T0 + SECOND)


@case
def a_start_off_the_grid(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND), T0 + 30 * MS, T0 + SECOND)


@case
def a_start_one_nanosecond_before_the_grid(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND), T0 + STRIDE - 1, T0 + SECOND)


@case
def an_end_off_the_grid_gives_the_whole_block(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND), T0, T0 + SECOND + 10 * MS)


@case
def start_and_end_within_one_block(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + SECOND), T0 + 10 * MS, T0 + 20 * MS)


@case
def a_start_before_everything(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + SECOND), T0 - SECOND // 2, T0 + SECOND)


@case
def a_start_long_before_everything(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + SECOND), T0 - 100 * SECOND, T0 + SECOND)


@case
def streams_that_begin_at_different_times(x):
    cs = pair(x)
    late = by_partition(cs)[f"b{x}"]
    early = by_partition(cs)[f"a{x}"]
    sent = records(early, T0, T0 + 2 * SECOND) + records(late, T0 + SECOND, T0 + 2 * SECOND)
    return Case(cs, sent, T0, T0 + 2 * SECOND)


# ---------------------------------------------------------------- what is missing


@case
def a_stride_missing_in_one_stream(x):
    cs = pair(x)
    skip = {(f"a{x}", T0 + 4 * STRIDE), (f"b{x}", T0 + 9 * STRIDE)}
    return Case(cs, records(cs, T0, T0 + 2 * SECOND, skip), T0, T0 + SECOND)


@case
def the_first_stride_missing_in_one_stream(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND, {(f"a{x}", T0)}), T0, T0 + SECOND)


def all_missing(x, *strides):
    return {(f"{s}{x}", T0 + i * STRIDE) for s in "ab" for i in strides}


@case
def strides_missing_everywhere_are_filled(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + 2 * SECOND, all_missing(x, 3, 4, 5)), T0, T0 + SECOND)


@case
def strides_missing_everywhere_are_skipped(x):
    cs = pair(x)
    skip = all_missing(x, 3, 4, 5) | {(f"a{x}", T0 + 8 * STRIDE)}
    return Case(cs, records(cs, T0, T0 + 2 * SECOND, skip), T0, T0 + SECOND, on_gap="skip")


@case
def an_hour_missing_everywhere_is_skipped(x):
    cs = pair(x)
    sent = [
        r
        for part in by_partition(cs).values()
        for t in (T0, T0 + 3600 * SECOND)
        for r in records(part, t, t + SECOND // 4)
    ]
    return Case(cs, sent, T0, T0 + 3600 * SECOND + SECOND // 4, on_gap="skip")


@case
def a_quarter_of_an_hour_missing_everywhere_is_filled(x):
    cs = pair(x)[1:]
    sent = [
        r
        for part in by_partition(cs).values()
        for t in (T0, T0 + 900 * SECOND)
        for r in records(part, t, t + SECOND // 4)
    ]
    return Case(cs, sent, T0, T0 + 900 * SECOND + SECOND // 4)


@case
def a_stride_missing_everywhere_is_raised(x):
    cs = pair(x)
    skip = all_missing(x, 3)
    return Case(
        cs, records(cs, T0, T0 + 2 * SECOND, skip), T0, T0 + SECOND, on_gap="raise",
        reference="GapError", exit=1, expected=span(cs, T0, T0 + 3 * STRIDE, STRIDE),
    )  # fmt: skip


@case
def a_stride_missing_in_one_stream_is_not_raised(x):
    cs = pair(x)
    skip = {(f"a{x}", T0 + 4 * STRIDE)}
    return Case(cs, records(cs, T0, T0 + 2 * SECOND, skip), T0, T0 + SECOND, on_gap="raise")


@case
def rows_missing_for_one_channel(x):
    cs = pair(x)
    sent = []
    for i in range(32):
        t = T0 + i * STRIDE
        sent.append(block_record([cs[1]] if i in (2, 3, 11) else cs[:2], t))
        sent.append(block_record(cs[2:], t))
    return Case(cs, sent, T0, T0 + SECOND)


@case
def nulls_among_the_samples(x):
    cs = [channel(f"H1:TYP-{d}", f"{d}{x}", 2, d, 64) for d in DTYPES]
    sent = []
    for c in cs:
        for i in range(8):
            t = T0 + i * STRIDE
            v = samples(c, t)
            v = [masked(v, 1), masked(v, 0, 1, 2, 3), masked(v, 0, 3), v][i % 4]
            sent.append(Record(c.partition_id, t + STRIDE, payload(batch(c.data_type, [(t, 2, v)]))))
    return Case(cs, sent, T0, T0 + SECOND // 2)


@case
def nulls_in_one_row_of_several(x):
    cs = [channel(f"H1:SUS-C{i}", f"p{x}", i, "float32", 1024) for i in range(3)]
    sent = []
    for i in range(8):
        t = T0 + i * STRIDE
        rows = [(t, c.partition_index, samples(c, t)) for c in cs]
        rows[i % 3] = (t, i % 3, masked(rows[i % 3][2], *range(i, 60)))
        sent.append(Record(f"p{x}", t + STRIDE, payload(batch("float32", rows))))
    return Case(cs, sent, T0, T0 + SECOND // 2)


@case
def a_wholly_null_list_is_a_gap(x):
    a, b = [channel(f"H1:SUS-C{i}", f"p{x}", i, "float32", 16) for i in range(2)]
    sent = []
    for i in range(16):
        t = T0 + i * STRIDE
        rows = [(t, 0, None if i == 5 else samples(a, t)), (t, 1, samples(b, t))]
        sent.append(Record(f"p{x}", t + STRIDE, payload(batch("float32", rows))))
    wanted = span([a, b], T0, T0 + SECOND, STRIDE)
    wanted[5] = expected_block([a, b], T0 + 5 * STRIDE, STRIDE, gaps=[a.name])
    # A null list has no samples: the reference gives none, or fails, by the order of a set.
    return Case([a, b], sent, T0, T0 + SECOND, expected=wanted, reference=None)


@case
def topics_that_end_early_end_in_gaps(x):
    cs = pair(x)
    wanted = span(cs, T0, T0 + SECOND // 2, STRIDE) + [
        expected_block(cs, t, STRIDE, gaps=[c.name for c in cs])
        for t in range(T0 + SECOND // 2, T0 + SECOND, STRIDE)
    ]
    return Case(cs, records(cs, T0, T0 + SECOND // 2), T0, T0 + SECOND, expected=wanted,
                reference="waits")  # fmt: skip


@case
def one_topic_that_ends_early(x):
    cs = pair(x)
    parts = by_partition(cs)
    sent = records(parts[f"a{x}"], T0, T0 + SECOND // 4) + records(
        parts[f"b{x}"], T0, T0 + 3 * SECOND
    )
    wanted = span(cs, T0, T0 + SECOND // 4, STRIDE) + span(
        cs, T0 + SECOND // 4, T0 + SECOND, STRIDE, gaps=["H1:CAL-FAST", "H1:CAL-SLOW"]
    )
    return Case(cs, sent, T0, T0 + SECOND, expected=wanted, reference="waits")


@case
def topics_that_end_early_skipped(x):
    cs = pair(x)
    return Case(cs, records(cs, T0, T0 + SECOND // 2), T0, T0 + SECOND, on_gap="skip",
                expected=span(cs, T0, T0 + SECOND // 2, STRIDE), reference="waits")  # fmt: skip


@case
def an_empty_topic(x):
    cs = pair(x)
    parts = by_partition(cs)
    return Case(cs, records(parts[f"b{x}"], T0, T0 + 2 * SECOND), T0, T0 + SECOND // 2,
                expected=span(cs, T0, T0 + SECOND // 2, STRIDE, gaps=["H1:CAL-FAST", "H1:CAL-SLOW"]),
                reference="waits")  # fmt: skip


@case
def a_missing_topic(x):
    cs = pair(x)
    parts = by_partition(cs)
    return Case(cs, records(parts[f"b{x}"], T0, T0 + 2 * SECOND), T0, T0 + SECOND // 2,
                expected=span(cs, T0, T0 + SECOND // 2, STRIDE, gaps=["H1:CAL-FAST", "H1:CAL-SLOW"]),
                reference="waits", absent=(f"a{x}",))  # fmt: skip


@case
def nothing_exists_at_all(x):
    cs = pair(x)
    return Case(cs, [], T0, T0 + SECOND // 4, reference="waits", absent=(f"a{x}", f"b{x}"),
                expected=span(cs, T0, T0 + SECOND // 4, STRIDE, gaps=[c.name for c in cs]))  # fmt: skip


@case
def everything_was_before_the_start(x):
    cs = pair(x)
    wanted = span(cs, T0 + 60 * SECOND, T0 + 60 * SECOND + SECOND // 4, STRIDE,
                  gaps=[c.name for c in cs])  # fmt: skip
    return Case(cs, records(cs, T0, T0 + SECOND), T0 + 60 * SECOND, T0 + 60 * SECOND + SECOND // 4,
                expected=wanted, reference="waits")  # fmt: skip


# ---------------------------------------------------------------- order and repetition


@case
def every_message_twice(x):
    cs = pair(x)
    sent = [r for r in records(cs, T0, T0 + 2 * SECOND) for _ in range(2)]
    return Case(cs, sent, T0, T0 + SECOND)


@case
def a_whole_run_repeated(x):
    cs = pair(x)
    sent = records(cs, T0, T0 + SECOND)
    return Case(cs, sent + sent + records(cs, T0 + SECOND, T0 + 2 * SECOND), T0, T0 + 2 * SECOND)


@case
def neighbours_exchanged(x):
    cs = pair(x)
    sent = records(cs, T0, T0 + 2 * SECOND)
    for i in (4, 9, 30):
        sent[i], sent[i + 1] = sent[i + 1], sent[i]
    return Case(cs, sent, T0, T0 + SECOND)


@case
def a_message_long_after_its_time(x):
    cs = pair(x)
    sent = records(cs, T0, T0 + 2 * SECOND)
    sent.insert(20, sent.pop(4))
    return Case(cs, sent, T0, T0 + SECOND)


@case
def a_jump_ahead_and_back(x):
    cs = [channel("H1:CAL-SLOW", f"p{x}", 0)]
    sent = records(cs, T0, T0 + 2 * SECOND)
    sent.insert(5, block_record(cs, T0 + 12 * STRIDE))
    return Case(cs, sent, T0, T0 + SECOND + SECOND // 2)


# ---------------------------------------------------------------- strides


def mixed(x):
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256),
        channel("H1:PEM-QUARTER", f"b{x}", 0, "float64", 8, stride=250 * MS),
        channel("H1:VAC-SECOND", f"c{x}", 0, "int32", 1, stride=SECOND),
    ]


@case
def mixed_strides(x):
    cs = mixed(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 5 * SECOND), T0, T0 + 3 * SECOND)


@case
def mixed_strides_with_gaps(x):
    cs = mixed(x)
    skip = {(f"a{x}", T0 + 4 * STRIDE), (f"b{x}", T0 + 1250 * MS), (f"c{x}", T0 + 2 * SECOND)}
    return Case(cs, records(cs, T0 - SECOND, T0 + 6 * SECOND, skip), T0, T0 + 4 * SECOND)


@case
def mixed_strides_that_do_not_divide_each_other(x):
    cs = [
        channel("H1:CAL-TWO", f"a{x}", 0, "float32", 10, stride=200 * MS),
        channel("H1:CAL-THREE", f"b{x}", 0, "float32", 10, stride=300 * MS),
    ]
    start = T0 + 4 * 100 * MS
    assert start % (600 * MS) == 0
    return Case(cs, records(cs, T0 - SECOND, T0 + 5 * SECOND), start, start + 1800 * MS)


@case
def mixed_strides_within_one_partition(x):
    cs = [
        channel("H1:CAL-FAST", f"p{x}", 0, "float32", 64),
        channel("H1:CAL-SLOW", f"p{x}", 1, "float32", 16, stride=250 * MS),
    ]
    return Case(cs, records(cs, T0 - SECOND, T0 + 3 * SECOND), T0, T0 + SECOND)


@case
def mixed_strides_and_a_start_off_their_common_grid(x):
    cs = mixed(x)
    start = T0 + 5 * STRIDE
    return Case(cs, records(cs, T0 - 4 * SECOND, T0 + 5 * SECOND), start, T0 + 2 * SECOND,
                expected=span(cs, T0, T0 + 2 * SECOND, SECOND), reference="Error")  # fmt: skip


@case
def the_common_boundary_lies_seconds_before_the_start(x):
    # The fast stream's blocks from the boundary on were published before the start.
    cs = [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 16),
        channel("H1:VAC-SLOW", f"b{x}", 0, "int32", 1, stride=4 * SECOND),
    ]
    start = T0 + 2 * SECOND
    assert T0 % (4 * SECOND) == 0
    return Case(cs, records(cs, T0 - 8 * SECOND, T0 + 12 * SECOND), start, T0 + 6 * SECOND,
                expected=span(cs, T0, T0 + 8 * SECOND, 4 * SECOND), reference="Error")  # fmt: skip


@case
def an_output_stride_of_four(x):
    cs = pair(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 2 * SECOND), T0, T0 + SECOND, stride=4 * STRIDE)


@case
def an_output_stride_of_four_with_gaps(x):
    cs = pair(x)
    skip = {(f"a{x}", T0 + 5 * STRIDE)} | all_missing(x, 8, 9, 10, 11)
    return Case(cs, records(cs, T0 - SECOND, T0 + 2 * SECOND, skip), T0, T0 + SECOND,
                stride=4 * STRIDE)  # fmt: skip


@case
def an_output_stride_of_four_skipping_gaps(x):
    cs = pair(x)
    skip = {(f"a{x}", T0 + 5 * STRIDE)} | all_missing(x, *range(6, 13))
    return Case(cs, records(cs, T0 - SECOND, T0 + 2 * SECOND, skip), T0, T0 + SECOND + SECOND // 4,
                stride=4 * STRIDE, on_gap="skip")  # fmt: skip


@case
def an_output_stride_from_a_start_off_its_grid(x):
    cs = pair(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 3 * SECOND), T0 + 5 * STRIDE, T0 + SECOND,
                stride=4 * STRIDE)  # fmt: skip


@case
def an_output_stride_that_does_not_divide_the_span(x):
    cs = pair(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 3 * SECOND), T0, T0 + SECOND, stride=3 * STRIDE)


@case
def an_output_stride_over_mixed_strides(x):
    cs = mixed(x)
    return Case(cs, records(cs, T0 - SECOND, T0 + 8 * SECOND), T0, T0 + 4 * SECOND,
                stride=2 * SECOND)  # fmt: skip


@case
def an_output_stride_and_rows_missing_for_one_channel(x):
    cs = pair(x)
    sent = []
    for i in range(32):
        sent.append(block_record([cs[1]] if i in (2, 3, 11) else cs[:2], T0 + i * STRIDE))
        sent.append(block_record(cs[2:], T0 + i * STRIDE))
    wanted = span(cs, T0, T0 + SECOND, 4 * STRIDE)
    for i, (a, b) in {0: (2, 4), 2: (11, 12)}.items():
        gap = ("H1:CAL-FAST", T0 + a * STRIDE, T0 + b * STRIDE)
        wanted[i] = expected_block(cs, T0 + i * 4 * STRIDE, 4 * STRIDE, gaps=[gap])
    return Case(cs, sent, T0, T0 + SECOND, stride=4 * STRIDE, expected=wanted, reference="Error")


# ---------------------------------------------------------------- edges and odd durations


@case
def a_shorter_first_block_at_the_start(x):
    cs = pair(x)
    start = T0 + STRIDE // 2
    sent = []
    for part in by_partition(cs).values():
        # 31.25 ms: eight samples of the fast one, none fits the slow ones, so fast ones only
        sent += records(part, T0 + STRIDE, T0 + 2 * SECOND)
    cs = [channel(c.name, c.partition_id, c.partition_index, c.data_type, 256) for c in cs]
    sent = [block_record(part, start, STRIDE // 2) for part in by_partition(cs).values()]
    sent += records(cs, T0 + STRIDE, T0 + 2 * SECOND)
    return Case(cs, sent, start, T0 + SECOND)


@case
def a_shorter_last_block(x):
    cs = [channel(c.name, c.partition_id, c.partition_index, c.data_type, 256) for c in pair(x)]
    sent = records(cs, T0, T0 + SECOND)
    sent += [block_record(part, T0 + SECOND, STRIDE // 2) for part in by_partition(cs).values()]
    return Case(cs, sent, T0, T0 + SECOND + STRIDE // 2)


@case
def a_shorter_block_first_and_last(x):
    cs = [channel("H1:CAL-FAST", f"p{x}", 0, "float64", 1024)]
    start, end = T0 + STRIDE // 4, T0 + SECOND + STRIDE // 2
    sent = [block_record(cs, start, 3 * STRIDE // 4)]
    sent += records(cs, T0 + STRIDE, T0 + SECOND)
    sent += [block_record(cs, T0 + SECOND, STRIDE // 2)]
    return Case(cs, sent, start, end)


@case
def shorter_edges_at_an_output_stride(x):
    cs = [channel("H1:CAL-FAST", f"p{x}", 0, "float64", 1024)]
    start = T0 + STRIDE // 2
    sent = [block_record(cs, start, STRIDE // 2)]
    sent += records(cs, T0 + STRIDE, T0 + 2 * SECOND)
    return Case(cs, sent, start, T0 + SECOND, stride=4 * STRIDE)


@case
def a_longer_block_is_dropped(x):
    cs = pair(x)
    sent = records(cs, T0, T0 + 2 * SECOND, {(f"b{x}", T0 + 5 * STRIDE), (f"b{x}", T0 + 6 * STRIDE)})
    sent.append(block_record(cs[2:], T0 + 5 * STRIDE, 2 * STRIDE))
    at = [r.stamp_ns for r in sent]
    sent = [r for _, r in sorted(zip(at, sent), key=lambda p: p[0])]
    return Case(cs, sent, T0, T0 + SECOND)


# ---------------------------------------------------------------- other shapes of message


@case
def ids_of_int32(x):
    cs = pair(x)
    sent = [
        block_record(part, t, id_type="int32")
        for part in by_partition(cs).values()
        for t in range(T0, T0 + 2 * SECOND, STRIDE)
    ]
    return Case(cs, sent, T0, T0 + SECOND)


@case
def two_strides_in_one_message(x):
    cs = pair(x)
    sent = []
    for part in by_partition(cs).values():
        for t in range(T0, T0 + 2 * SECOND, 2 * STRIDE):
            both = [
                batch(part[0].data_type, [(u, c.partition_index, samples(c, u)) for c in part])
                for u in (t, t + STRIDE)
            ]
            sent.append(Record(part[0].partition_id, t + 2 * STRIDE, payload(*both)))
    return Case(cs, sent, T0, T0 + SECOND)


@case
def an_empty_batch_before_the_real_one(x):
    cs = pair(x)
    sent = []
    for part in by_partition(cs).values():
        dtype = part[0].data_type
        for t in range(T0, T0 + 2 * SECOND, STRIDE):
            rows = [(t, c.partition_index, samples(c, t)) for c in part]
            sent.append(Record(part[0].partition_id, t + STRIDE,
                               payload(batch(dtype, []), batch(dtype, rows))))  # fmt: skip
    return Case(cs, sent, T0, T0 + SECOND)


@case
def messages_without_a_row_that_was_asked_for(x):
    cs = pair(x)
    stranger = channel("H1:CAL-OTHER", f"a{x}", 50, "float32", 16)
    sent = []
    for i in range(32):
        t = T0 + i * STRIDE
        sent.append(block_record([stranger], t))
        if i not in (6, 7):
            sent.append(block_record([stranger, *cs[:2]], t))
        sent.append(block_record(cs[2:], t))
    return Case(cs, sent, T0, T0 + SECOND)


def spoil(x, *values):
    cs = pair(x)
    sent = records(cs, T0, T0 + 2 * SECOND)
    spoiled = []
    for i, r in enumerate(sent):
        spoiled.append(r)
        if i % 3 == 0:
            value = values[(i // 3) % len(values)]
            spoiled.append(Record(r.partition, r.stamp_ns, value(r.value)))
    return Case(cs, sent, T0, T0 + SECOND, spoiled=spoiled)


@case
def garbage_between_messages(x):
    return spoil(x, lambda v: b"garbage", lambda v: b"\xff" * 4000, lambda v: b"\x00" * 64)


@case
def torn_messages_between_messages(x):
    return spoil(x, lambda v: v[:100], lambda v: v[: len(v) // 2], lambda v: v[:-200], lambda v: v[8:])


@case
def empty_and_null_messages_between_messages(x):
    return spoil(x, lambda v: b"", lambda v: None)


@case
def a_flight_of_other_schemas_between_messages(x):
    other = pyarrow.record_batch({"a": [1, 2], "b": ["x", "y"]})
    return spoil(x, lambda v: payload(other))


# ---------------------------------------------------------------- running them


def ask_reference(cluster, c, names):
    """Publish what the reference is to read, under names of its own if ours reads something else."""
    channels = c.channels
    cluster_records = c.records
    if c.spoiled:
        channels = [rename(ch, names) for ch in channels]
        cluster_records = [dataclasses.replace(r, partition=names[r.partition]) for r in c.records]
        cluster.create_for(channels)
        cluster.send(cluster_records)
    blocks, how = reference_stream(
        cluster.bootstrap, channels, c.start, c.end,
        silence_s=2.5 if c.reference == "waits" else 25, on_gap=c.on_gap, stride=c.stride,
    )  # fmt: skip
    for b in blocks:
        for ch in b["channels"].values():
            ch["partition_id"] = {v: k for k, v in names.items()}.get(
                ch["partition_id"], ch["partition_id"]
            )
    return blocks, how


def rename(c, names):
    return dataclasses.replace(c, partition_id=names[c.partition_id])


@functools.lru_cache(1)  # for the programs on all librdkafkas, which come one after the other
def played(make, cluster):
    """Publishes a case. Returns it, and the blocks that are right."""
    c = make(unique(""))
    present = [ch for ch in c.channels if ch.partition_id not in c.absent]
    cluster.create_for(present)
    cluster.send(c.spoiled or c.records)
    names = {p: f"{p}clean" for p in by_partition(c.channels)}

    wanted = c.expected
    if c.reference is not None:
        theirs, how = ask_reference(cluster, c, names)
        theirs = [fill_absent(b, c.channels) for b in theirs]
        assert c.reference in how, f"the reference ended with: {how}"
        if wanted is None:
            wanted = theirs
            assert wanted, "the reference gave nothing: the case shows nothing"
        elif c.reference in ("waits", "GapError"):
            assert_same(theirs, wanted[: len(theirs)], c.channels)
    return c, wanted


@pytest.mark.parametrize("version", LIBRDKAFKAS)
@pytest.mark.parametrize("make", CASES)
def test_equal_to_the_reference(make, version, cluster, tmp_path):
    c, wanted = played(make, cluster)
    more = ["--on-gap", c.on_gap]
    if c.stride:
        more += ["--stride", seconds(c.stride)]
    if c.channels[0].replay_id:
        more += ["--replay-id", c.channels[0].replay_id]
    metadata = write_metadata(tmp_path, c.channels)
    ours = Cli(environment_cli(version)).blocks(
        *stream_arguments(cluster.bootstrap, metadata, c.channels, c.start, c.end, *more),
        check=c.exit,
    )
    assert_same(ours, wanted, c.channels)
