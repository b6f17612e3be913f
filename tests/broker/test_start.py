# SPDX-License-Identifier: Apache-2.0
"""Where a stream begins on a real broker: at a time, in the future, at topics that appear later, at
data whose beginning has been deleted."""

from live import LivePublisher, assert_published, lacks
from support import (
    SECOND, STRIDE, T0, assert_same, by_partition, channel, difference, expected_block, gps_now_ns,
    records, stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip


def two_partitions(**more):
    x = unique("")
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256, **more),
        channel("H1:GRD-STATE", f"b{x}", 3, "int32", 16, **more),
    ]


def span(channels, start, end, **gaps):
    return [expected_block(channels, t, STRIDE, **gaps) for t in range(start, end, STRIDE)]


def contiguous(blocks):
    times = [b["time_ns"] for b in blocks]
    return all(b - a == STRIDE for a, b in zip(times, times[1:]))


def test_start_by_time_deep_in_a_long_topic(cluster, cli, tmp_path):
    cs = two_partitions()
    cluster.create_for(cs)
    cluster.send(records(cs, T0, T0 + 300 * SECOND))
    metadata = write_metadata(tmp_path, cs)
    for at in (T0 + 299 * SECOND, T0 + 150 * SECOND + 5 * STRIDE, T0):
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, at, at + SECOND // 2)
        )
        assert_same(ours, span(cs, at, at + SECOND // 2), cs)


def test_a_start_in_the_future_is_waited_for(cluster, cli, tmp_path):
    cs = two_partitions(max_latency=60 * SECOND)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        start = (gps_now_ns() // SECOND + 3) * SECOND
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, start, start + SECOND)
        )
    assert_same(ours, span(cs, start, start + SECOND), cs)


def test_a_partition_that_falls_silent_after_a_start_is_a_gap(cluster, cli, tmp_path):
    """The broker sends all the time: what the others publish is no backlog to wait for the end of."""
    cs = two_partitions(max_latency=4 * SECOND)
    silent = cs[1]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    stops = gps_now_ns() // SECOND * SECOND + 2 * SECOND
    skip = lambda partition, t: partition == silent.partition_id and t >= stops  # noqa: E731
    with LivePublisher(cluster, cs, skip=skip) as live:
        start = live.started_ns
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start)) as stream:
            blocks = stream.wait_for(lambda b: b and b[-1]["time_ns"] >= stops + SECOND)
            assert stream.interrupt() == 0
    assert blocks[0]["time_ns"] == start
    assert_published(blocks, cs, live)
    assert all(lacks(b, silent) for b in blocks if b["time_ns"] >= stops)


def test_a_missing_topic_is_named_once_and_read_live_when_it_appears(cluster, cli, tmp_path):
    cs = two_partitions()
    present, absent = by_partition(cs).values()
    cluster.create_for(present)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, present) as live:
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            stream.wait_for(lambda b: len(b) >= 3)
            cluster.create_for(absent)
            with LivePublisher(cluster, absent) as later:
                stream.wait_for(lambda b: not lacks(b[-1], absent[0]))
                count = len(stream.lines)
                blocks = stream.wait_for(lambda b: len(b) >= count + 16)
            assert stream.interrupt() == 0
    assert lacks(blocks[0], absent[0])
    assert_published(blocks, cs, live)
    # From there on it is whole.
    assert_published(blocks[count:], cs, live, later)
    named = [e for e in stream.errors if topic_of(absent[0].partition_id) in e]
    assert len(named) >= 1
    assert sum("exist" in e for e in named) == 1, named


def test_a_missing_topic_is_read_from_its_beginning_when_a_start_was_given(cluster, cli, tmp_path):
    # 60 s of latency: what appears after the 10 s look again still counts.
    cs = two_partitions(max_latency=60 * SECOND)
    present, absent = by_partition(cs).values()
    cluster.create_for(present)
    metadata = write_metadata(tmp_path, cs)
    start = gps_now_ns() // SECOND * SECOND
    cluster.send(records(present, start, start + 2 * SECOND))
    with cli.follow(
        *stream_arguments(cluster.bootstrap, metadata, cs, start, start + 2 * SECOND)
    ) as stream:
        stream.wait_for_error(topic_of(absent[0].partition_id))
        cluster.create_for(absent)
        cluster.send(records(absent, start, start + 2 * SECOND))
        assert stream.finish() == 0
        blocks = stream.blocks()
    assert_same(blocks, span(cs, start, start + 2 * SECOND), cs)


def test_a_start_before_what_retention_left(cluster, cli, tmp_path):
    cs = two_partitions()
    cluster.create_for(cs)
    cluster.send(records(cs, T0, T0 + 2 * SECOND))
    cluster.purge(cs[0], 16)
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(
        *stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + 2 * SECOND)
    )
    wanted = span(cs, T0, T0 + SECOND, gaps=[cs[0].name])
    assert_same(ours, wanted + span(cs, T0 + SECOND, T0 + 2 * SECOND), cs)


def test_retention_that_overtakes_a_reader_costs_what_was_deleted_and_no_more(
    cluster, cli, tmp_path
):
    # Until its latency is up, a request waits for what is not there yet.
    cs = two_partitions(max_latency=120 * SECOND)
    a = by_partition(cs)[cs[0].partition_id]
    b = by_partition(cs)[cs[1].partition_id]
    cluster.create_for(cs)
    start = gps_now_ns() // SECOND * SECOND - 8 * SECOND
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, start, start + 8 * SECOND)
    with cli.follow(*arguments) as stream:
        cluster.send(records(cs, start, start + SECOND))
        stream.wait_for(lambda blocks: len(blocks) == 16)
        with stream.stopped():
            # The fetch that is under way may still be answered, with this message: no other is,
            # until the reader goes on.
            first = records(a, start + SECOND, start + SECOND + STRIDE)
            cluster.send(first)
            stream.wait_for_unread(first)
            cluster.send(records(a, start + SECOND + STRIDE, start + 8 * SECOND))
            cluster.send(records(b, start + SECOND, start + 8 * SECOND))
            cluster.purge(cs[0], 96)
        assert stream.finish() == 0
        blocks = stream.blocks()
    assert len(blocks) == 128 and contiguous(blocks)
    assert difference(blocks[:16], span(cs, start, start + SECOND), cs) is None
    kept = start + 6 * SECOND
    assert_same(blocks[96:], span(cs, kept, start + 8 * SECOND), cs)
    lost = [i for i, block in enumerate(blocks) if lacks(block, cs[0])]
    assert lost and set(lost) <= set(range(16, 96))
    assert not any(lacks(block, cs[1]) for block in blocks)
