# SPDX-License-Identifier: Apache-2.0
"""Messages with wrong times, and publishers that were out for long: nothing else is lost by either."""

import json

from live import LivePublisher
from support import (
    SECOND, STRIDE, T0, assert_same, block_record, channel, expected_block, gps_now_ns,
    stream_arguments, unique, write_metadata,
)  # fmt: skip

HOUR = 3600 * SECOND
YEARS = 30 * 365 * 24 * HOUR


def two_channels(max_latency=SECOND):
    x = unique("")
    return [channel("H1:CAL-A", f"a{x}", max_latency=max_latency),
            channel("H1:CAL-B", f"b{x}", max_latency=max_latency)]  # fmt: skip


def whole(cs, count, start=T0):
    return [expected_block(cs, start + i * STRIDE, STRIDE) for i in range(count)]


def send(cluster, c, times, stamp_ns=None):
    cluster.send([block_record([c], t, stamp_ns=stamp_ns) for t in times])


def with_wrong_times(wrong):
    """Sixteen strides, and between them blocks with the times of `wrong` (stride: times)."""
    for i in range(16):
        yield from wrong.get(i, [])
        yield T0 + i * STRIDE


def test_wrong_times_mask_nothing_of_a_request(cluster, cli, tmp_path):
    cs = two_channels()
    cluster.create_for(cs)
    wrong = {4: [T0 + HOUR], 8: [T0 + HOUR + i * STRIDE for i in range(3)],
             12: [T0 + YEARS], 13: [T0 + 2 * HOUR, T0 + HOUR]}  # fmt: skip
    send(cluster, cs[0], with_wrong_times(wrong), stamp_ns=T0)
    send(cluster, cs[1], with_wrong_times({}), stamp_ns=T0)
    metadata = write_metadata(tmp_path, cs)
    for more in (["--duration", "1"], ["--count", "16"]):
        result = cli.run(*stream_arguments(cluster.bootstrap, metadata, cs, T0, None, *more))
        assert_same([json.loads(line) for line in result.stdout.splitlines()], whole(cs, 16), cs)
        assert "wrong time" in result.stderr


def test_a_wrong_time_is_the_end_of_nothing(cluster, cli, tmp_path):
    """The last message of a topic is of the far future: nothing follows that could refute it."""
    cs = two_channels()
    cluster.create_for(cs)
    for c in cs:
        send(cluster, c, [*with_wrong_times({}), T0 + HOUR, T0 + YEARS], stamp_ns=T0)
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + 2 * SECOND)
    gap = [expected_block(cs, T0 + i * STRIDE, STRIDE, gaps=[c.name for c in cs])
           for i in range(16, 32)]  # fmt: skip
    assert_same(cli.blocks(*arguments), whole(cs, 16) + gap, cs)


def test_after_a_day_out_nothing_is_lost(cluster, cli, tmp_path):
    cs = two_channels()
    cluster.create_for(cs)
    later = T0 + 25 * HOUR
    for c in cs:
        send(cluster, c, [*with_wrong_times({}), later, later + STRIDE])
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, later + SECOND,
                                        "--on-gap", "skip"))  # fmt: skip
    assert_same(ours, whole(cs, 16) + whole(cs, 2, later), cs)


def test_a_block_ahead_of_the_clock_does_not_silence_its_live_stream(cluster, cli, tmp_path):
    cs = two_channels(max_latency=20 * SECOND)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            stream.wait_for(lambda b: len(b) > 4)
            ahead = (gps_now_ns() // SECOND + 45) * SECOND
            send(cluster, cs[0], [ahead], stamp_ns=gps_now_ns())
            count = len(stream.blocks())
            blocks = stream.wait_for(lambda b: len(b) >= count + 24)
            stream.wait_for_error("wrong time")
            assert stream.interrupt() == 0
    assert_same(blocks, whole(cs, len(blocks), blocks[0]["time_ns"]), cs)


def test_a_gap_to_the_end_ends_with_the_request(cluster, cli, tmp_path):
    cs = two_channels()
    cluster.create_for(cs)
    for c in cs:
        send(cluster, c, [T0, T0 + HOUR])
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND, "--on-gap", "raise")
    result = cli.run(*arguments, check=1)
    assert f"from {T0 + STRIDE} ns to {T0 + SECOND} ns" in result.stderr
    # a block that begins at the end is not of the request
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + HOUR,
                                        "--on-gap", "skip"))  # fmt: skip
    assert_same(ours, whole(cs, 1), cs)
