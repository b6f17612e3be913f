# SPDX-License-Identifier: Apache-2.0
"""A request with an end always ends, with everything that Kafka holds: transactions, topics that are
purged, deleted, or made anew."""

import time

from broker import Broker
from live import LivePublisher, assert_published, lacks, whole
from support import (
    SECOND, STRIDE, T0, Cluster, Transaction, assert_same, channel, expected_block, gps_now_ns,
    records, stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip

# More than any of these requests may take, of which some ask ten seconds long.
SOON_S = 40


def one(**more):
    return [channel("H1:CAL-FAST", unique("a"), 0, "float32", 256, **more)]


def two(**more):
    x = unique("")
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256, **more),
        channel("H1:GRD-STATE", f"b{x}", 3, "int32", 16, **more),
    ]


def span(channels, start, end, gaps=()):
    return [expected_block(channels, t, STRIDE, gaps) for t in range(start, end, STRIDE)]


def recent(seconds):
    """The start of a request for data that is overdue."""
    return gps_now_ns() // SECOND * SECOND - seconds * SECOND


def wait_until(gps_ns):
    time.sleep(max(0, (gps_ns - gps_now_ns()) / SECOND))


# ---------------------------------------------------------------- transactions


def test_a_committed_transaction_at_the_end_of_a_topic_is_no_data_to_wait_for(cluster, cli, tmp_path):
    """The last offset is a marker, which is never handed out."""
    cs = one()
    cluster.create_for(cs)
    with Transaction(cluster) as transaction:
        transaction.send(records(cs, T0, T0 + SECOND))
        transaction.commit()
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + 2 * SECOND),
                      timeout=SOON_S)  # fmt: skip
    gap = [(cs[0].name, T0 + SECOND, T0 + 2 * SECOND)]
    assert_same(ours, span(cs, T0, T0 + 2 * SECOND, gap), cs)


def test_an_aborted_transaction_at_the_end_of_a_topic_is_a_gap(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    half = T0 + SECOND // 2
    cluster.send(records(cs, T0, half))
    with Transaction(cluster) as transaction:
        transaction.send(records(cs, half, T0 + SECOND))
        transaction.abort()
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND),
                      timeout=SOON_S)  # fmt: skip
    assert_same(ours, span(cs, T0, T0 + SECOND, [(cs[0].name, half, T0 + SECOND)]), cs)


def test_a_topic_of_nothing_but_aborted_transactions_is_a_gap(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    for i in range(2):
        with Transaction(cluster) as transaction:
            transaction.send(records(cs, T0, T0 + SECOND))
            transaction.abort()
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND),
                      timeout=SOON_S)  # fmt: skip
    assert_same(ours, span(cs, T0, T0 + SECOND, [cs[0].name]), cs)


def test_data_between_aborted_transactions_is_all_handed_out(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    for i in range(4):
        start = T0 + i * SECOND // 2
        with Transaction(cluster) as transaction:
            transaction.send(records(cs, start, start + SECOND // 2))
            transaction.abort()
        with Transaction(cluster) as transaction:
            transaction.send(records(cs, start, start + SECOND // 2))
            transaction.commit()
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + 2 * SECOND),
                      timeout=SOON_S)  # fmt: skip
    assert_same(ours, span(cs, T0, T0 + 2 * SECOND), cs)


def test_what_an_open_transaction_holds_back_is_a_gap_until_it_is_committed(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    half = T0 + SECOND // 2
    cluster.send(records(cs, T0, half))
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND)
    with Transaction(cluster) as transaction:
        transaction.send(records(cs, half, half + SECOND // 4))
        # of no transaction, but behind one that is open
        cluster.send(records(cs, half + SECOND // 4, T0 + SECOND))
        before = cli.blocks(*arguments, timeout=SOON_S)
        transaction.commit()
    after = cli.blocks(*arguments, timeout=SOON_S)
    assert_same(before, span(cs, T0, T0 + SECOND, [(cs[0].name, half, T0 + SECOND)]), cs)
    assert_same(after, span(cs, T0, T0 + SECOND), cs)


def test_a_transaction_that_is_committed_while_it_is_waited_for_is_read(cluster, cli, tmp_path):
    cs = one(max_latency=60 * SECOND)
    cluster.create_for(cs)
    start = recent(2)
    half, end = start + SECOND // 2, start + SECOND
    cluster.send(records(cs, start, half))
    metadata = write_metadata(tmp_path, cs)
    arguments = stream_arguments(cluster.bootstrap, metadata, cs, start, end)
    with Transaction(cluster) as transaction, cli.follow(*arguments) as stream:
        transaction.send(records(cs, half, end))
        stream.wait_for(lambda blocks: len(blocks) == 8)
        transaction.commit()
        assert stream.finish(SOON_S) == 0
        assert_same(stream.blocks(), span(cs, start, end), cs)


def test_a_marker_at_the_end_of_one_topic_does_not_hold_the_others_up(cluster, cli, tmp_path):
    """A request without an end: one topic stops at a marker, the other goes on."""
    cs = two()
    cluster.create_for(cs)
    stops, goes_on = cs[:1], cs[1:]
    start = recent(10)
    with Transaction(cluster) as transaction:
        transaction.send(records(stops, start, start + SECOND))
        transaction.commit()
    cluster.send(records(goes_on, start, start + 3 * SECOND))
    metadata = write_metadata(tmp_path, cs)
    with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start)) as stream:
        stream.wait_for(lambda blocks: len(blocks) >= 48, timeout=SOON_S)
        assert stream.interrupt() == 0
    gap = [(stops[0].name, start + SECOND, start + 3 * SECOND)]
    assert_same(stream.blocks()[:48], span(cs, start, start + 3 * SECOND, gap), cs)


# ---------------------------------------------------------------- topics that hold nothing


def test_topics_that_hold_nothing_are_a_gap(cluster, cli, tmp_path):
    """One never had a message, all of the other's have been purged, the third does not exist."""
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0) for i in range(3)]
    cluster.create_for(cs[:2])
    cluster.send(records(cs[1:2], T0, T0 + SECOND))
    cluster.purge(cs[1], 16)
    metadata = write_metadata(tmp_path, cs)
    ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND),
                      timeout=SOON_S)  # fmt: skip
    assert_same(ours, span(cs, T0, T0 + SECOND, [c.name for c in cs]), cs)


def test_a_request_whose_end_is_near_waits_for_what_may_still_come(cluster, cli, tmp_path):
    cs = two(max_latency=60 * SECOND)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, cs, latency_ns=SECOND):
        start = gps_now_ns() // STRIDE * STRIDE
        ours = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, start, start + SECOND))
    assert_same(ours, span(cs, start, start + SECOND), cs)


# ---------------------------------------------------------------- topics that go


# Of topics that change before all data of a request has been sent; where a loaded machine was not ready with that in
# time, all is done again with a longer one.
LATENCIES = (6 * SECOND, 40 * SECOND)


def in_time(play, *arguments):
    assert any(play(*arguments, latency) for latency in LATENCIES), "the machine is too slow"


def test_a_topic_that_is_deleted_in_mid_request_holds_nothing_more(cluster, cli, tmp_path):
    """It is a gap from there on, and named; the other topic's data is all handed out."""
    in_time(delete_in_mid_request, cluster, cli, tmp_path)


def delete_in_mid_request(cluster, cli, tmp_path, latency):
    cs = two(max_latency=latency)
    stays, goes = cs[:1], cs[1:]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    start = recent(1)
    middle, end = start + SECOND, start + 4 * SECOND
    cluster.send(records(cs, start, middle))
    with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start, end)) as stream:
        stream.wait_for(lambda blocks: len(blocks) == 16)
        cluster.delete_for(goes)
        cluster.send(records(stays, middle, end))
        if gps_now_ns() >= middle + STRIDE + latency:
            return False
        assert stream.finish(SOON_S + latency // SECOND) == 0
    gap = [(goes[0].name, middle, end)]
    assert_same(stream.blocks(), span(cs, start, end, gap), cs)
    assert any(topic_of(goes[0].partition_id) in line for line in stream.errors), stream.errors
    return True


def test_the_only_topic_deleted_in_mid_request_is_a_gap(cluster, cli, tmp_path):
    cs = one(max_latency=LATENCIES[0])
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    start = recent(1)
    end = start + 3 * SECOND
    cluster.send(records(cs, start, start + SECOND))
    with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start, end)) as stream:
        stream.wait_for(lambda blocks: len(blocks) == 16)
        cluster.delete_for(cs)
        assert stream.finish(SOON_S) == 0
    gap = [(cs[0].name, start + SECOND, end)]
    assert_same(stream.blocks(), span(cs, start, end, gap), cs)


def test_a_topic_that_is_deleted_does_not_hold_the_others_up(cluster, cli, tmp_path):
    """A request with a start and no end: the rest is handed out, and an interrupt ends it."""
    cs = two(max_latency=8 * SECOND)
    stays, goes = cs[:1], cs[1:]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(cluster, stays) as live:
        start = live.started_ns
        middle = start + SECOND
        cluster.send(records(goes, start, middle))
        with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start)) as stream:
            stream.wait_for(lambda blocks: len(blocks) >= 16)
            cluster.delete_for(goes)
            gone = gps_now_ns()
            blocks = stream.wait_for(lambda b: b[-1]["time_ns"] > gone + 2 * SECOND, SOON_S)
            assert stream.interrupt(SOON_S) == 0
    assert blocks[0]["time_ns"] == start
    assert_published(blocks, cs, live)
    for b in blocks:
        assert whole(b, goes[0]) if b["time_ns"] < middle else lacks(b, goes[0])


def test_a_topic_that_is_made_anew_is_read_from_its_beginning(cluster, cli, tmp_path):
    """Its offsets begin again at 0. All that it holds is overdue when the request looks again."""
    in_time(make_anew_in_mid_request, cluster, cli, tmp_path)


def make_anew_in_mid_request(cluster, cli, tmp_path, latency):
    cs = two(max_latency=latency)
    stays, again = cs[:1], cs[1:]
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    middle = gps_now_ns() // STRIDE * STRIDE
    start, end = middle - SECOND, middle + 2 * SECOND
    # more messages than the topic will have after that
    cluster.send(records(again, start - 5 * SECOND, start))
    cluster.send(records(cs, start, middle))
    with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs, start, end)) as stream:
        stream.wait_for(lambda blocks: len(blocks) == 16)
        with stream.stopped():
            if gps_now_ns() >= middle + STRIDE + latency:
                return False
            cluster.delete_for(again)
            cluster.create_for(again)
            Cluster(cluster.bootstrap).send(records(again, middle, end))
            cluster.send(records(stays, middle, end))
            wait_until(middle + STRIDE + latency)
        assert stream.finish(SOON_S) == 0
    assert_same(stream.blocks(), span(cs, start, end), cs)
    return True


def test_a_request_ends_although_its_broker_does_not_come_back(cli, tmp_path):
    """No broker answers, so a gap cannot be told from a failure: it is an error."""
    cs = one(max_latency=20 * SECOND)
    metadata = write_metadata(tmp_path, cs)
    with Broker() as broker:
        cluster = Cluster(broker.start().bootstrap)
        cluster.create_for(cs)
        start = recent(1)
        middle, end = start + SECOND, start + 3 * SECOND
        cluster.send(records(cs, start, middle))
        with cli.follow(*stream_arguments(broker.bootstrap, metadata, cs, start, end)) as stream:
            stream.wait_for(lambda blocks: len(blocks) == 16)
            broker.kill()
            assert stream.finish(200) == 1
    assert_same(stream.blocks(), span(cs, start, middle), cs)
    assert broker.bootstrap in stream.error(), stream.errors
