# SPDX-License-Identifier: Apache-2.0
"""Live streams beside each other of which one is late, silent, slower, larger or yet to come: what it
lacks is masked, and the others lose nothing."""

import time

from broker import Broker
from live import LivePublisher, assert_published, lacks, whole
from proxy import Proxy
from support import (
    SECOND, STRIDE, T0, Cluster, Loop, assert_same, channel, expected_block, gps_now_ns,
    records, stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip

QUARTER = SECOND // 4
# What a stream waits for a channel that is silent. Half of it is left to a reader that a loaded machine holds up.
LATENCY = 4 * SECOND


def several(count, **more):
    x = unique("")
    return [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0, rate=64, **more) for i in range(count)]


def test_who_is_always_later_than_promised_is_masked_and_nobody_else(cluster, cli, tmp_path):
    cs = several(3, max_latency=LATENCY)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    # So late that a reader that is held up does not find it in time either.
    with LivePublisher(cluster, cs[:2]) as live, LivePublisher(cluster, cs[2:], lag_ns=20 * SECOND):
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            blocks = stream.wait_for(lambda b: len(live.judged(b, LATENCY)) >= 48, timeout=120)
            assert stream.interrupt() == 0
    assert_published(blocks, cs, live)
    assert all(lacks(b, cs[2]) for b in blocks)


def test_who_is_silent_from_the_start_is_masked_until_it_speaks(cluster, cli, tmp_path):
    """Then nothing comes twice, and no time comes back."""
    cs = several(2, max_latency=LATENCY)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs[:1]) as live:
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
            blocks = stream.wait_for(lambda b: len(b) >= 16)
            assert all(lacks(b, cs[1]) for b in blocks)
            with LivePublisher(cluster, cs[1:]):
                blocks = stream.wait_for(lambda b: len(b) >= 32 and whole(b[-1], cs[1]))
            assert stream.interrupt() == 0
    assert_published(blocks, cs, live)


def test_a_long_stride_and_a_short_one_lose_nothing_live(cluster, cli, tmp_path):
    x = unique("")
    short = channel("H1:CAL-SHORT", f"a{x}", 0, rate=64, max_latency=60 * SECOND)
    long = channel("H1:CAL-LONG", f"b{x}", 0, rate=64, max_latency=60 * SECOND, stride=SECOND)
    cs = [short, long]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, [short]), LivePublisher(cluster, [long]):
        blocks = cli.blocks(
            *stream_arguments(cluster.bootstrap, metadata, cs, None, None, "--count", "3")
        )
    first = blocks[0]["time_ns"]
    assert first % SECOND == 0
    assert_same(blocks, [expected_block(cs, first + i * SECOND, SECOND) for i in range(3)], cs)


def of(lines):
    """The blocks that a loop has printed."""
    pairs = (line.split() for line in lines if line[:1].isdigit())
    return [{"time_ns": int(time_ns), "missing": int(missing)} for time_ns, missing in pairs]


def test_what_may_lie_at_the_broker_is_not_late(cluster, tmp_path):
    """For as long as is allowed, which is longer than its latency, so that it is asked for every five seconds only."""
    cs = several(3, max_latency=LATENCY)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs) as live:
        with Loop("stream", cluster.bootstrap, metadata, "live", "none", 5 * SECOND) as loop:
            lines = loop.wait_for(lambda lines: len(live.judged(of(lines), LATENCY)) >= 150, timeout=120)
            loop.end()
    assert all(b["missing"] == 0 for b in live.in_time(of(lines), LATENCY)), lines


def test_messages_as_large_as_a_site_has_are_not_late(cluster, tmp_path):
    """More in a quarter of a second than is fetched ahead for a partition of small ones."""
    x = unique("")
    cs = [
        channel(f"H1:BIG-P{p}_C{i}", f"p{p}{x}", i, rate=4096, max_latency=LATENCY, stride=QUARTER)
        for p in range(6)
        for i in range(100)
    ]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs) as live:
        with Loop("stream", cluster.bootstrap, metadata, "live", "none") as loop:
            lines = loop.wait_for(lambda lines: len(live.judged(of(lines), LATENCY)) >= 12, timeout=120)
            said = loop.end()
    blocks = of(lines)
    assert all(b["missing"] == 0 for b in live.in_time(blocks, LATENCY)), blocks
    assert said["messages"] >= 6 * sum(b["missing"] == 0 for b in blocks)


def test_topics_that_nobody_answers_about_do_not_hold_the_others_up(cli, tmp_path):
    """What is missing is looked for every ten seconds. The broker does not answer that, then it does."""
    cs = present, absent = several(2, max_latency=LATENCY)
    metadata = write_metadata(tmp_path, cs)
    METADATA = 3
    with Proxy() as proxy, Broker(properties=proxy.properties) as broker:
        proxy.broker = broker.start().bootstrap
        cluster = Cluster(proxy.address)
        cluster.create_for([present])
        with LivePublisher(cluster, [present]) as live:
            with cli.follow(*stream_arguments(proxy.address, metadata, cs)) as stream:
                stream.wait_for(lambda b: len(b) >= 3)
                proxy.hold(METADATA, topic_of(absent.partition_id))
                assert proxy.held.wait(60)
                held = gps_now_ns()
                blocks = stream.wait_for(lambda b: b[-1]["time_ns"] > held + 2 * SECOND)
                proxy.release()
                cluster.create_for([absent])
                with LivePublisher(Cluster(proxy.address), [absent]):
                    stream.wait_for(lambda b: whole(b[-1], absent), timeout=90)
                assert stream.interrupt() == 0
    assert_published(blocks[3:], cs, live)


def test_a_topic_that_has_just_been_made_is_no_error(cluster, cli, tmp_path):
    for _ in range(4):
        cs = several(3)
        cluster.create_for(cs, wait=False)
        metadata = write_metadata(tmp_path, cs)
        ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND))
        names = [c.name for c in cs]
        wanted = [expected_block(cs, t, STRIDE, names) for t in range(T0, T0 + SECOND, STRIDE)]
        assert_same(ours, wanted, cs)


def test_a_start_at_zero_is_the_beginning(cluster, cli, tmp_path):
    cs = several(1)
    cluster.create_for(cs)
    cluster.send(records(cs, T0, T0 + SECOND))
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, 0, T0 + 2 * SECOND,
                                        "--on-gap", "skip"))  # fmt: skip
    assert_same(ours, [expected_block(cs, t, STRIDE) for t in range(T0, T0 + SECOND, STRIDE)], cs)


def test_a_gap_can_be_an_error_that_tells_its_time(cluster, cli, tmp_path):
    cs = several(2)
    cluster.create_for(cs)
    hole = T0 + SECOND // 2
    cluster.send(records(cs, T0, hole))
    cluster.send(records(cs, hole + QUARTER, T0 + SECOND))
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND, "--on-gap", "raise")
    done = cli.run(*arguments, check=1)
    assert len(done.stdout.splitlines()) == 8
    assert f"{hole} ns" in done.stderr and f"{hole + QUARTER} ns" in done.stderr, done.stderr
    state = ("--state", tmp_path / "state")
    done = cli.run(*arguments, *state, check=1)
    assert len(done.stdout.splitlines()) == 8
    behind = cli.blocks(*arguments, *state)
    assert [b["time_ns"] for b in behind] == list(range(hole + QUARTER, T0 + SECOND, STRIDE))


def test_a_quiet_stream_stays_and_says_nothing(cli, tmp_path):
    """The broker closes connections that have been idle, but none that a loaded machine is about to open; what comes
    after hours is read all the same."""
    cs = several(1, max_latency=60 * SECOND)
    metadata = write_metadata(tmp_path, cs)
    with Broker(properties={"connections.max.idle.ms": 3000}) as broker:
        cluster = Cluster(broker.start().bootstrap)
        cluster.create_for(cs)
        start = gps_now_ns() // SECOND * SECOND
        live = cli.follow(*stream_arguments(broker.bootstrap, metadata, cs))
        since = cli.follow(*stream_arguments(broker.bootstrap, metadata, cs, start))
        with live, since:
            time.sleep(8)
            with LivePublisher(Cluster(broker.bootstrap), cs) as publisher:
                live.wait_for(lambda b: len(b) >= 16)
                since.wait_for(lambda b: b and b[-1]["time_ns"] > publisher.started_ns + SECOND)
            assert live.interrupt() == 0 and since.interrupt() == 0
    assert not any(live.errors) and not any(since.errors), (live.errors, since.errors)
    there = [b for b in since.blocks() if b["time_ns"] >= publisher.started_ns]
    for b in [*live.blocks()[:16], *there[:16]]:
        assert_same([b], [expected_block(cs, b["time_ns"], STRIDE)], cs)
