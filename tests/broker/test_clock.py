# SPDX-License-Identifier: Apache-2.0
"""Clocks that disagree: records stamped before or after the time of their data. A request begins with
the first block that Kafka holds of its span, whatever the stamps are."""

import pytest
from support import (
    SECOND, STRIDE, T0, assert_same, block_record, channel, expected_block, records,
    stream_arguments, unique, write_metadata,
)  # fmt: skip


def one(**more):
    return [channel("H1:CAL-FAST", unique("a"), 0, "float32", 256, **more)]


def span(channels, start, end, gaps=()):
    return [expected_block(channels, t, STRIDE, gaps) for t in range(start, end, STRIDE)]


def stamped(channels, start, end, offset_ns):
    """Blocks whose records are stamped so much after (negative: before) they are complete."""
    return [
        block_record(channels, t, stamp_ns=t + STRIDE + offset_ns)
        for t in range(start, end, STRIDE)
    ]


@pytest.mark.parametrize("slow_ms", [300, 500, 1000, 5000, 9000])
def test_a_slow_clock_of_the_producer_costs_no_data(slow_ms, cluster, cli, tmp_path):
    cs = one(max_latency=10 * SECOND)
    cluster.create_for(cs)
    cluster.send(stamped(cs, T0 - 30 * SECOND, T0 + 12 * SECOND, -slow_ms * SECOND // 1000))
    metadata = write_metadata(tmp_path, cs)
    for start in (T0, T0 + SECOND // 2):
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, start, start + SECOND)
        )
        assert_same(ours, span(cs, start, start + SECOND), cs)


def test_a_slow_clock_costs_no_data_of_a_short_promise_either(cluster, cli, tmp_path):
    """Nobody promises that clocks agree to a second, whatever the channel's latency is."""
    cs = one(max_latency=SECOND // 4)
    cluster.create_for(cs)
    cluster.send(stamped(cs, T0 - 30 * SECOND, T0 + 12 * SECOND, -5 * SECOND))
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
    assert_same(ours, span(cs, T0, T0 + SECOND), cs)


@pytest.mark.parametrize("fast_s", [5, 3000])
def test_a_fast_clock_of_the_producer_costs_no_data(fast_s, cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    cluster.send(stamped(cs, T0 - 5 * SECOND, T0 + 5 * SECOND, fast_s * SECOND))
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
    assert_same(ours, span(cs, T0, T0 + SECOND), cs)


def test_records_that_the_broker_stamps_when_it_takes_them_are_found(cluster, cli, tmp_path):
    """Data of years ago, written today: no stamp has anything to do with the data's time."""
    cs = one()
    cluster.create_for(cs, message_timestamp_type="LogAppendTime")
    cluster.send(records(cs, T0 - 5 * SECOND, T0 + 5 * SECOND))
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
    assert_same(ours, span(cs, T0, T0 + SECOND), cs)


def test_records_that_are_all_stamped_as_of_1970_are_found(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    epoch = -315_964_800 * SECOND + 18 * SECOND + SECOND
    cluster.send([block_record(cs, t, stamp_ns=epoch) for t in range(T0, T0 + SECOND, STRIDE)])
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
    assert_same(ours, span(cs, T0, T0 + SECOND), cs)


def test_stamps_that_jump_back_cost_no_data(cluster, cli, tmp_path):
    """A producer's clock that was a second ahead and has been set right."""
    cs = one()
    cluster.create_for(cs)
    cluster.send(stamped(cs, T0 - 5 * SECOND, T0 + SECOND // 2, SECOND))
    cluster.send(stamped(cs, T0 + SECOND // 2, T0 + 5 * SECOND, 0))
    metadata = write_metadata(tmp_path, cs)
    for start in (T0, T0 + SECOND // 2, T0 + SECOND):
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, start, start + SECOND)
        )
        assert_same(ours, span(cs, start, start + SECOND), cs)
