# SPDX-License-Identifier: Apache-2.0
"""A program with an event loop of its own: a call that may not wait returns at once, whatever the
broker does, and so does the close."""

import time

import pytest
from broker import Broker
from live import LivePublisher
from proxy import Proxy
from support import (
    SECOND, Cluster, Loop, channel, gps_now_ns, records, stream_arguments, topic_of, unique,
    write_metadata,
)  # fmt: skip

# What a loaded machine may add to a call that does not wait, besides the time in which it runs others.
AT_ONCE_MS = 500
# A question to the broker may take a minute.
CLOSE_MS = 15_000


@pytest.fixture(scope="module")
def broker():
    """With `channels` for a test each: a broker that was frozen is not asked for topics."""
    with Broker() as b:
        b.channels = [
            channel(f"H1:CAL-C{i}", unique("p"), 0, max_latency=SECOND // 2) for i in range(3)
        ]
        Cluster(b.start().bootstrap).create_for(b.channels)
        yield b


def times(lines):
    """Of the blocks: {time: samples missing}."""
    return {int(t): int(n) for t, n in (line.split() for line in lines if line[:1].isdigit())}


def awake(loop, pings):
    """Whether the program answers, again and again."""
    for i in range(pings):
        loop.command("ping")
        loop.wait_for(lambda lines: lines.count("pong") > i)
        time.sleep(0.2)


@pytest.fixture
def overdue(broker, tmp_path):
    """A program with an endless request, and a broker that is frozen while it is asked for more."""
    cs = [broker.channels.pop()]
    cluster = Cluster(broker.bootstrap)
    metadata = write_metadata(tmp_path, cs)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    cluster.send(records(cs, start, start + SECOND))
    with Loop("stream", broker.bootstrap, metadata, start, "none") as loop:
        loop.wait_for(lambda lines: len(times(lines)) >= 16)
        broker.freeze()
        yield loop
    broker.proceed()


def test_a_frozen_broker_does_not_hold_a_loop_up(broker, overdue):
    """A request with a start asks whether the broker has data that is overdue."""
    awake(overdue, 20)
    broker.proceed()
    end = gps_now_ns()
    overdue.wait_for(lambda lines: max(times(lines)) > end)
    said = overdue.end()
    assert said["longest"] < AT_ONCE_MS and said["close"] < CLOSE_MS, said


def test_a_reader_of_a_frozen_broker_closes(overdue):
    awake(overdue, 10)
    said = overdue.end()
    assert said["longest"] < AT_ONCE_MS and said["close"] < CLOSE_MS, said


def test_a_stream_of_a_frozen_broker_is_interrupted_at_once(broker, cli, tmp_path):
    cs = [broker.channels.pop()]
    cluster = Cluster(broker.bootstrap)
    metadata = write_metadata(tmp_path, cs)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    cluster.send(records(cs, start, start + SECOND))
    with cli.follow(*stream_arguments(broker.bootstrap, metadata, cs, start), "--timeout", "60") as stream:
        stream.wait_for(lambda blocks: len(blocks) >= 16)
        broker.freeze()
        try:
            time.sleep(2)
            began = time.monotonic()
            assert stream.interrupt() == 0
            assert time.monotonic() - began < CLOSE_MS / 1000
        finally:
            broker.proceed()


def test_a_topic_that_appears_while_a_reader_skips_ahead_is_read(tmp_path):
    """Where to skip to is a question to the broker, which takes its time."""
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0) for i in range(2)]
    metadata = write_metadata(tmp_path, cs)
    LIST_OFFSETS = 2
    with Proxy() as proxy, Broker(properties=proxy.properties) as broker:
        proxy.broker = broker.start().bootstrap
        cluster = Cluster(proxy.address)
        cluster.create_for(cs[:1])
        with LivePublisher(cluster, cs[:1]), Loop("reader", proxy.address, metadata, "live") as loop:
            loop.wait_for(lambda lines: any(line.startswith("0 ") for line in lines))
            # what comes from now on is fetched and not taken: there is something to skip
            loop.command("rest")
            loop.wait_for(lambda lines: lines[-1] == "resting")
            time.sleep(1)
            proxy.hold(LIST_OFFSETS, topic_of(cs[0].partition_id))
            loop.command("forward")
            assert proxy.held.wait(30)
            cluster.create_for(cs[1:])
            with LivePublisher(cluster, cs[1:]):
                appeared(loop, topic_of(cs[1].partition_id))
                proxy.release()
                loop.wait_for(lambda lines: any(line.startswith("forward OK") for line in lines))
                at = len(loop.lines)
                for stream in "01":
                    loop.wait_for(
                        lambda lines: sum(line.startswith(stream) for line in lines[at:]) > 8
                    )
                loop.end()


def appeared(loop, name):
    """Wait until the reader has seen the topic, or would have: it looks every ten seconds."""
    try:
        loop.wait_for_error(name + " has appeared", timeout=12)
    except AssertionError:
        pass  # it may wait for the question's end
