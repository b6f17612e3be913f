# SPDX-License-Identifier: Apache-2.0
"""Live streams: counting, ending, the largest messages, late data, falling behind."""

import json
import signal
import subprocess

from live import LivePublisher, assert_published, lacks
from support import (
    SECOND, STRIDE, T0, assert_same, block_record, channel, expected_block, gps_now_ns, records,
    stream_arguments, unique, write_metadata,
)  # fmt: skip


def channels(max_latency=60 * SECOND, **more):
    """A latency that a loaded machine keeps to, where the test is not about latency."""
    x = unique("")
    more["max_latency"] = max_latency
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256, **more),
        channel("H1:GRD-STATE", f"b{x}", 3, "int32", 16, **more),
    ]


def test_count_ends_a_live_stream(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, None, None, "--count", "5")
        )
    assert len(ours) == 5
    first = ours[0]["time_ns"]
    assert first % STRIDE == 0
    assert_same(ours, [expected_block(cs, first + i * STRIDE, STRIDE) for i in range(5)], cs)


def test_duration_ends_a_live_stream(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        ours = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, None, None, "--duration", "0.5",
                              "--stride", "0.25")
        )  # fmt: skip
    first = ours[0]["time_ns"]
    assert first % (4 * STRIDE) == 0
    assert_same(ours, [expected_block(cs, first + i * 4 * STRIDE, 4 * STRIDE) for i in range(2)], cs)


def test_fetch_without_times_is_the_next_block(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        arguments = stream_arguments(cluster.bootstrap, metadata, cs)
        before = gps_now_ns()
        ours = cli.blocks("fetch", *arguments[1:])
    assert len(ours) == 1
    assert_same(ours, [expected_block(cs, ours[0]["time_ns"], STRIDE)], cs)
    assert before - 10 * SECOND < ours[0]["time_ns"] < gps_now_ns()


def test_an_interrupt_ends_it_with_success(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            stream.wait_for(lambda b: b)
            assert stream.interrupt() == 0
            stream.blocks()  # every line is whole


def test_a_stream_tells_what_it_waits_for(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, None, None, "--debug", "kafka,align")
    with LivePublisher(cluster, cs[:1]):
        with cli.follow(*arguments) as stream:
            stream.wait_for_error("reading from offset")  # it is open: the signal does not end it
            stream.wait_for_error("[align] waiting for")
            stream.process.send_signal(signal.SIGUSR1)
            state = json.loads(stream.wait_for_error('"inputs"'))
            assert stream.interrupt() == 0
    assert state["live"] and state["stream"] == "open"
    waited = {i["id"].split("/")[-1]: i["waited_for"] for i in state["inputs"]}
    assert waited[cs[1].partition_id] is True
    assert set(waited) == {c.partition_id for c in cs}
    assert not any("[connect]" in line for line in stream.errors)


def test_a_closed_pipe_ends_it_quietly(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs):
        arguments = stream_arguments(cluster.bootstrap, metadata, cs)
        process = subprocess.Popen([cli.path, *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)  # fmt: skip
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(60) == 0
    assert "roken pipe" not in errors and "Sanitizer" not in errors


def test_messages_of_ten_megabytes(cluster, cli, tmp_path):
    x = unique("")
    # 2,499,000 samples of 4 bytes per second, and 124,950 of them of 80 channels
    one = channel("H1:BIG-ONE", f"a{x}", 0, "float32", 2_499_000, stride=SECOND)
    many = [channel(f"H1:BIG-C{i}", f"b{x}", i, "float32", 31_200, stride=SECOND) for i in range(80)]
    cluster.create_for([one, many[0]])
    sent = [block_record(part, T0 + i * SECOND) for i in range(4) for part in ([one], many)]
    assert all(9_980_000 < len(r.value) < 10_000_000 for r in sent)
    cluster.send(sent)
    wanted = [one, many[79], many[3]]
    metadata = write_metadata(tmp_path, wanted)
    ours = cli.blocks(
        *stream_arguments(cluster.bootstrap, metadata, wanted, T0, T0 + 4 * SECOND), timeout=300
    )
    assert_same(ours, [expected_block(wanted, T0 + i * SECOND, SECOND) for i in range(4)], wanted)


def test_late_missing_and_repeated_blocks_of_a_live_stream(cluster, cli, tmp_path):
    """Absence is a gap once its time is up, and what comes after that does not count."""
    cs = channels(max_latency=4 * SECOND)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    slow = cs[1:]

    def index(t):
        return t // STRIDE % 16

    skip = lambda p, t: p == cs[1].partition_id and index(t) in (3, 7)  # noqa: E731
    with LivePublisher(cluster, cs, skip=skip) as live:
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            blocks = stream.wait_for(lambda b: b and index(b[-1]["time_ns"]) == 9 and len(b) > 10)
            # long gone: late ones and repetitions of what has been served
            t = blocks[-1]["time_ns"]
            cluster.send([block_record(slow, u, stamp_ns=gps_now_ns())
                          for u in range(t - 12 * STRIDE, t - 2 * STRIDE, STRIDE)])  # fmt: skip
            count = len(blocks)
            blocks = stream.wait_for(lambda b: len(b) >= count + 24)
            assert stream.interrupt() == 0
    assert_published(blocks, cs, live)
    assert all(lacks(b, cs[1]) for b in blocks if index(b["time_ns"]) in (3, 7))


def test_a_source_that_is_always_old_is_told_and_not_skipped(cluster, cli, tmp_path):
    """Data that is 30 s old when it is published: there is nothing newer to skip to."""
    cs = [channel("H1:CAL-OLD", unique("a"), 0, max_latency=SECOND)]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs, lag_ns=30 * SECOND):
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            stream.wait_for_error("nothing newer", timeout=60)
            assert stream.interrupt() == 0
    assert sum("nothing newer" in e for e in stream.errors) == 1, stream.errors
    assert not any("skipped" in e for e in stream.errors), stream.errors


def test_the_unreadable_is_told_with_topic_and_offset(cluster, cli, tmp_path):
    cs = [channel("H1:CAL-C0", unique("a"), 0)]
    cluster.create_for(cs)
    sent = records(cs, T0, T0 + SECOND)
    sent[5].value = b"not Arrow at all"
    cluster.send(sent)
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
    assert len(done.stdout.splitlines()) == 16
    told = [line for line in done.stderr.splitlines() if f"arrakis-{cs[0].partition_id}" in line]
    assert len(told) == 1 and "5" in told[0].split(cs[0].partition_id)[1], done.stderr
