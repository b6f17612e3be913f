# SPDX-License-Identifier: Apache-2.0
"""Streams of a channel that is given another partition, or another type as well, while they run, on a real broker."""

import asyncio
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT
from samples import SECOND, STRIDE, block, now, values

import libarrakis

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("arrakis")  # what support.py needs
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "broker")]
from broker import Broker  # noqa: E402
from support import Cluster, unique  # noqa: E402

WAIT_S = 60  # for what comes within seconds


@pytest.fixture(scope="module")
def cluster():
    state = os.environ.get("ARRAKIS_TEST_BROKER_STATE")
    if state:
        yield Cluster(json.loads(Path(state).read_text())["bootstrap"])
    else:
        with Broker() as broker:
            yield Cluster(broker.start().bootstrap)


class Site:
    """A publisher of two channels in a partition each; one of them changes when `change()` is called."""

    def __init__(self, cluster, **becomes):
        self.cluster, self.id = cluster, unique("F")
        self.was = [self.channel("STAYS", 0), self.channel("MOVES", 1)]
        self.now = [self.was[0], self.channel("MOVES", 1, **becomes)]
        self.names = [c.name for c in self.was]
        self.topic = f"arrakis-metadata-{self.id}"
        cluster.create([self.topic], cleanup_policy="compact")
        cluster.create_for({c.partition_id: c for c in self.was + self.now}.values())
        for c in self.was:
            cluster.put(self.topic, c.name, c.to_json())
        self.changed_ns = None
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.publish)

    def channel(self, name, index, data_type="float32", partition=None):
        return libarrakis.Channel(
            f"F1:{self.id}-{name}", data_type, 64, publisher=self.id, partition_id=f"{self.id}-{partition or name}",
            partition_index=index, stride=STRIDE, max_latency=2 * SECOND,
        )  # fmt: skip

    def publish(self):
        where = {"kafka_url": self.cluster.bootstrap}
        with libarrakis.Publisher(self.id, self.was, **where) as was, libarrakis.Publisher(self.id, self.now, **where) as is_:
            start = now()
            while not self.end.wait(max(0, start + STRIDE - libarrakis.gps_now_ns()) / SECOND):
                changed = self.changed_ns is not None and start >= self.changed_ns
                (is_ if changed else was).publish(block(self.now if changed else self.was, start))
                start = max(start + STRIDE, now() - STRIDE)  # a busy machine leaves some out

    def change(self):
        self.cluster.put(self.topic, self.now[1].name, self.now[1].to_json())
        self.changed_ns = now() + 2 * STRIDE

    def stream(self, **how):
        return libarrakis.stream(self.names, kafka_url=self.cluster.bootstrap, **how)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()


class Reading:
    """What came of a stream: until it has handed out a few whole blocks of the time after the change, or its end."""

    def __init__(self, site):
        self.site, self.blocks, self.error = site, [], None
        self.under_way = threading.Event()

    def take(self, start_ns, whole, got):
        """Whether there was enough of it."""
        self.blocks.append(got)
        if not whole:  # late, or not noticed yet
            return False
        self.under_way.set()
        return self.site.changed_ns is not None and start_ns > self.site.changed_ns + SECOND // 2

    def take_block(self, b):
        return self.take(b.time_ns, not b.has_gaps, b)

    def iterate(self, stream):
        try:
            any(map(self.take_block, stream))
        except libarrakis.Error as error:
            self.error = error
            with pytest.raises(type(error), match="has changed"):
                next(stream)

    def iterate_async(self, stream):
        async def read():
            async for b in stream:
                if self.take_block(b):
                    return

        asyncio.run(read())

    def read_arrow(self, stream):
        reader = pyarrow.RecordBatchReader.from_stream(stream)
        try:
            for batch in reader:
                whole = not any(column.values.null_count for column in batch.columns[1:])
                if self.take(batch["time"][0].as_py(), whole, batch):
                    return
        except OSError as error:
            self.error = error


def play(site, **readings):
    """What each of these has read, with its stream: of names and pairs of a function and the stream's options."""
    streams = {name: site.stream(**how) for name, (_, how) in readings.items()}
    results = {name: Reading(site) for name in readings}
    pool = ThreadPoolExecutor()
    try:
        with site:
            done = [pool.submit(read, results[n], streams[n]) for n, (read, _) in readings.items()]
            for result in results.values():
                assert result.under_way.wait(WAIT_S)
            site.change()
            for future in done:
                future.result(WAIT_S)
    finally:
        for stream in streams.values():
            stream.cancel()
        pool.shutdown()
    return results, streams


@pytest.fixture(scope="module")
def retyped(cluster):
    """Another partition and another type."""
    return play(
        Site(cluster, partition="new", data_type="int32"),
        follows=(Reading.iterate, {"follow": True}),
        loop=(Reading.iterate_async, {"follow": True}),
        arrow=(Reading.read_arrow, {"follow": True}),
        ends=(Reading.iterate, {}),
    )


def check(blocks, site):
    """They follow each other, and each has the channels that it was aligned with, and their samples."""
    later = False
    for k, b in enumerate(blocks):
        assert b.time_ns == blocks[0].time_ns + k * STRIDE
        assert list(b) == site.names
        later |= b.channels[site.names[1]] == site.now[1]
        of = site.now if later else site.was
        assert list(b.channels.values()) == of
        for c in of:
            assert b[c.name].dtype == c.data_type
            if not b.missing(c.name):
                assert b[c.name].tolist() == values(c, b.time_ns).tolist()
    assert list(blocks[0].channels.values()) == site.was


def test_a_stream_that_follows_has_blocks_of_before_and_after(retyped):
    results, streams = retyped
    for name in ("follows", "loop"):
        result, stream = results[name], streams[name]
        check(result.blocks, result.site)
        last = result.blocks[-1]
        assert result.error is None and not last.has_gaps
        assert list(last.channels.values()) == list(stream.channels.values()) == result.site.now
        assert last[result.site.names[1]].dtype == "int32"
        assert stream.stats.changes == 1 and stream.stride_ns == STRIDE


def test_a_stream_that_does_not_follow_ends_with_what_has_changed(retyped):
    results, streams = retyped
    result = results["ends"]
    check(result.blocks, result.site)
    assert list(streams["ends"].channels.values()) == result.site.was
    assert type(result.error) is libarrakis.ChangedError and result.error.status_name == "ARRAKIS_ECHANGED"
    old, new = result.site.was[1], result.site.now[1]
    for text in (f"'{new.name}' has changed", "float32", "int32", old.partition_id, new.partition_id):
        assert text in str(result.error)


def test_an_arrow_stream_ends_where_a_channel_has_another_type(retyped):
    results, _ = retyped
    result = results["arrow"]
    name = result.site.names[1]
    times = [batch["time"][0].as_py() for batch in result.blocks]
    assert times == list(range(times[0], times[0] + len(times) * STRIDE, STRIDE))
    assert {batch.schema.field(name).type.value_type for batch in result.blocks} == {pyarrow.float32()}
    assert f"channel '{name}' was float32 at 64 Hz and is int32 at 64 Hz: an Arrow stream has one schema" in str(result.error)


def test_an_arrow_stream_goes_on_where_a_channel_has_another_partition_alone(cluster):
    results, _ = play(Site(cluster, partition="new"), arrow=(Reading.read_arrow, {"follow": True}))
    result = results["arrow"]
    last = result.blocks[-1]
    assert result.error is None and last.schema == result.blocks[0].schema
    for c in result.site.now:
        assert last[c.name][0].as_py() == values(c, last["time"][0].as_py()).tolist()
