# SPDX-License-Identifier: Apache-2.0
"""The broker goes away in mid-stream and comes back: nothing is lost, nothing comes twice."""

import time

import pytest
from broker import Broker
from live import LivePublisher
from proxy import Proxy
from support import (
    SECOND, STRIDE, Cluster, assert_same, by_partition, channel, expected_block, gps_now_ns, records,
    stream_arguments, unique, write_metadata,
)  # fmt: skip

LIST_OFFSETS = 2  # the kind of a request, in Kafka's protocol


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restart_in_mid_stream_loses_nothing(how, cli, tmp_path):
    x = unique("")
    # A latency longer than the broker is away: all of it may still arrive.
    cs = [
        channel(f"H1:CAL-C{i}", f"p{i // 2}{x}", i % 2, "float64", 64, max_latency=180 * SECOND)
        for i in range(6)
    ]
    metadata = write_metadata(tmp_path, cs)
    with Broker() as broker:
        cluster = Cluster(broker.start().bootstrap)
        cluster.create_for(cs)
        with LivePublisher(cluster, cs) as publisher:
            with cli.follow(*stream_arguments(broker.bootstrap, metadata, cs)) as stream:
                stream.wait_for(lambda b: len(b) >= 16)
                began = time.monotonic()
                getattr(broker, how)()
                down = publisher.reached_ns
                broker.start()
                stream.wait_for(lambda b: b[-1]["time_ns"] >= down + 3 * SECOND, timeout=150)
                assert stream.interrupt() == 0
                lasted = time.monotonic() - began
                blocks = stream.blocks()
    first = blocks[0]["time_ns"]
    wanted = [expected_block(cs, first + i * STRIDE, STRIDE) for i in range(len(blocks))]
    assert_same(blocks, wanted, cs)
    # The outage is logged once, and again every 30 s, not once per partition and attempt.
    told = [e for e in stream.errors if e]
    assert 1 <= len(told) <= 4 + lasted // 30, told


def test_a_short_latency_makes_the_outage_a_gap_and_the_stream_goes_on(cli, tmp_path):
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0, max_latency=250_000_000) for i in range(2)]
    metadata = write_metadata(tmp_path, cs)
    with Broker() as broker:
        cluster = Cluster(broker.start().bootstrap)
        cluster.create_for(cs)
        with LivePublisher(cluster, cs) as publisher:
            with cli.follow(*stream_arguments(broker.bootstrap, metadata, cs)) as stream:
                stream.wait_for(lambda b: len(b) >= 16)
                broker.stop()
                down = publisher.reached_ns
                # Time goes on without the broker: gaps, on time.
                stream.wait_for(lambda b: b[-1]["time_ns"] >= down + SECOND)
                broker.start()
                blocks = stream.wait_for(
                    lambda b: b[-1]["time_ns"] > down + 2 * SECOND and whole(b[-1]), timeout=150
                )
                assert stream.interrupt() == 0
    times = [b["time_ns"] for b in blocks]
    assert all(b - a == STRIDE for a, b in zip(times, times[1:]))
    assert any(not whole(b) for b in blocks)
    for b in blocks:
        for c in cs:
            if any(v is not None for v in b["data"][c.name]):
                assert b["data"][c.name] == expected_block([c], b["time_ns"], STRIDE)["data"][c.name]


def test_a_broker_that_does_not_answer_is_not_taken_for_one_without_data(cli, tmp_path):
    """What lies unread in Kafka while the broker hangs is no gap, however overdue it is."""
    cs = [channel("H1:CAL-C0", unique("p"), 0, max_latency=SECOND)]
    metadata = write_metadata(tmp_path, cs)
    with Broker() as broker:
        cluster = Cluster(broker.start().bootstrap)
        cluster.create_for(cs)
        start = gps_now_ns() // SECOND * SECOND - 4 * SECOND
        end = start + 4 * SECOND
        arguments = stream_arguments(broker.bootstrap, metadata, cs, start, end)
        with cli.follow("-v", *arguments, "--latency-tolerance", "6") as stream:
            cluster.send(records(cs, start, start + SECOND))
            stream.wait_for(lambda b: len(b) == 16)
            with stream.stopped():
                # The fetch that is under way may still be answered, with this message: no other is,
                # until the reader goes on.
                first = records(cs, start + SECOND, start + SECOND + STRIDE)
                cluster.send(first)
                stream.wait_for_unread(first)
                cluster.send(records(cs, start + SECOND + STRIDE, end))
                broker.freeze()
            # The rest is overdue, and the broker is asked whether it has it, for some seconds each time.
            stream.wait_for(
                lambda b: sum("asking for offsets" in e for e in stream.errors) >= 2, timeout=40
            )
            broker.proceed()
            assert stream.finish() == 0
            blocks = stream.blocks()
    assert_same(blocks, [expected_block(cs, t, STRIDE) for t in range(start, end, STRIDE)], cs)


def test_a_broker_that_ends_connections_while_it_starts_or_stops_is_waited_for(cli, tmp_path):
    """A connection that ends soon after its login could also mean that the broker requires another security.protocol:
    not where it has answered something."""
    cs = [channel("H1:CAL-C0", unique("p"), 0, max_latency=SECOND)]
    metadata = write_metadata(tmp_path, cs)
    with Proxy() as proxy, Broker(properties=proxy.properties) as broker:
        proxy.broker = broker.start().bootstrap
        cluster = Cluster(proxy.address)
        cluster.create_for(cs)
        start = gps_now_ns() // SECOND * SECOND - 4 * SECOND
        cluster.send(records(cs, start, start + SECOND))
        proxy.hang_up(LIST_OFFSETS)
        began = time.monotonic()
        with cli.follow(
            "-v", *stream_arguments(proxy.address, metadata, cs, start, start + SECOND, "--timeout", "60")
        ) as stream:
            # For longer than it takes to conclude that the security protocol is wrong, and far shorter than opening
            # may take.
            while proxy.hung_up < 2 or time.monotonic() < began + 4:
                assert stream.process.poll() is None, stream.errors
                time.sleep(0.01)
            proxy.release()
            assert stream.finish() == 0, stream.errors
            blocks = stream.blocks()
    assert_same(blocks, [expected_block(cs, t, STRIDE) for t in range(start, start + SECOND, STRIDE)], cs)


def whole(block):
    return all(v is not None for values in block["data"].values() for v in values)


def test_no_broker_at_all_is_an_error_that_names_it(cli, tmp_path):
    cs = [channel("H1:CAL-C0", "p", 0)]
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments("127.0.0.1:9", metadata, cs), check=1)
    assert "127.0.0.1:9" in done.stderr
    assert by_partition(cs)  # and nothing on stdout
    assert done.stdout == ""
