# SPDX-License-Identifier: Apache-2.0
"""Streams and publishers on a broker in the process."""

import asyncio
import gc
import logging
import os
import select
import socket
import threading
import time

import pytest
from samples import SECOND, STRIDE, block, channels, now, values

import libarrakis
from libarrakis import Publisher
from libarrakis.mock import MockBroker


class Feed:
    """A publisher of channels, and a live stream of them."""

    def __init__(self, broker, count=2, **request):
        self.channels = channels(count)
        broker.announce(self.channels)
        self.names = [c.name for c in self.channels]
        self.publisher = Publisher(self.channels[0].publisher, self.channels, kafka_url=broker.url)
        self.client = libarrakis.Client(kafka_url=broker.url)
        self.stream = self.client.stream(self.names, **request)
        self.start = self.next = now()
        self.publish()

    def publish(self, count=1):
        for _ in range(count):
            self.publisher.publish(block(self.channels, self.next))
            self.next += STRIDE

    def check(self, b, k):
        assert b.time_ns == self.start + k * STRIDE
        for c in self.channels:
            assert b[c.name].tolist() == values(c, b.time_ns).tolist()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.publisher.close()


@pytest.fixture
def feed(broker):
    with Feed(broker) as f:
        yield f


def test_channels_are_found_counted_and_described(broker):
    of = channels(3)
    broker.announce(of)
    where = {"kafka_url": broker.url, "publisher": of[0].publisher}
    assert sorted(map(str, libarrakis.find(**where))) == [c.name for c in of]
    assert libarrakis.find(of[1].name, **where) == [of[1]]
    assert libarrakis.count(data_type=["float32", "int8"], min_rate=64, max_rate=64, **where) == 3
    assert libarrakis.count(data_type="int8", **where) == 0
    names = [of[2].name, of[0].name]
    assert list(libarrakis.describe(names, kafka_url=broker.url)) == names
    with pytest.raises(libarrakis.NotFoundError, match="H1:NO-NE") as found:
        libarrakis.describe(["H1:NO-NE"], kafka_url=broker.url)
    assert isinstance(found.value, LookupError) and not found.value.retriable
    with pytest.raises(libarrakis.InvalidArgumentError, match="pattern"):
        libarrakis.count("(", **where)


def test_a_stream_iterates_over_what_is_published(feed):
    feed.publish(9)
    for k, b in zip(range(10), feed.stream):
        feed.check(b, k)
    s = feed.stream
    assert s.stats.blocks == 10 and s.stats.messages == 10 and s.stride_ns == STRIDE
    assert list(s.channels.values()) == feed.channels
    ((name, lag),) = s.lags().items()
    assert name.endswith("/" + feed.channels[0].partition_id) and -1 < lag < 30


def test_read_waits_as_long_as_it_is_told(feed):
    feed.check(feed.stream.read(), 0)
    with pytest.raises(TimeoutError):
        feed.stream.read(0)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        feed.stream.read(timeout=0.05)
    assert time.monotonic() - begun >= 0.05
    feed.publish()
    assert select.select([feed.stream], [], [], 10)[0]
    feed.check(feed.stream.read(10), 1)
    with pytest.raises(ValueError):
        feed.stream.read(-1)


def test_a_request_with_an_end_ends(broker):
    with Feed(broker, duration=3 * STRIDE / SECOND) as feed:
        feed.publish(4)
        assert [b.time_ns for b in feed.stream] == [feed.start + k * STRIDE for k in range(3)]
        assert feed.stream.read() is None and list(feed.stream) == []


def test_fetch_returns_a_span_as_one_block(feed):
    feed.publish(3)
    b = feed.client.fetch(feed.names, feed.start / SECOND, duration=2 * STRIDE / SECOND)
    assert (b.time_ns, b.duration_ns) == (feed.start, 2 * STRIDE)
    assert b[feed.names[0]][:4].tolist() == values(feed.channels[0], feed.start).tolist()
    with pytest.raises(libarrakis.InvalidArgumentError):
        feed.client.fetch(feed.names, 0, on_gap="skip")
    with pytest.raises(libarrakis.InvalidArgumentError, match="'fill', 'skip' or 'raise'"):
        feed.client.fetch(feed.names, on_gap="no")


def test_close_in_another_thread_ends_the_iteration(feed):
    feed.stream.read()
    closer = threading.Timer(0.05, feed.stream.close)
    closer.start()
    assert list(feed.stream) == []
    assert feed.stream.closed
    with pytest.raises(ValueError, match="closed"):
        feed.stream.read()
    with pytest.raises(ValueError):
        feed.stream.fileno()
    feed.stream.close()


def test_cancel_in_another_thread_raises(feed):
    feed.stream.read()
    threading.Timer(0.05, feed.stream.cancel).start()
    with pytest.raises(libarrakis.CanceledError):
        next(feed.stream)


def test_threads_share_a_stream_and_each_block_goes_to_one(feed):
    feed.publish(63)
    taken = [[], []]

    def take(into):
        for b in feed.stream:
            into.append(b.time_ns)
            if sum(map(len, taken)) == 64:
                feed.stream.close()

    threads = [threading.Thread(target=take, args=(into,)) for into in taken]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(taken[0] + taken[1]) == [feed.start + k * STRIDE for k in range(64)]


def test_another_thread_runs_while_one_waits(feed):
    feed.stream.read()
    ran = threading.Event()
    threading.Thread(target=lambda: (ran.set(), feed.publish())).start()
    feed.check(feed.stream.read(10), 1)
    assert ran.is_set()


def test_asyncio_waits_on_its_loop(feed):
    async def read():
        got = []
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, lambda: feed.publish(2))
        async for b in feed.stream:
            feed.check(b, len(got))
            got.append(b)
            if len(got) == 3:
                loop.call_later(0.02, feed.stream.close)
        return got

    assert len(asyncio.run(asyncio.wait_for(read(), 30))) == 3


def test_tasks_share_a_stream_and_can_be_canceled(feed):
    async def take():
        async for b in feed.stream:
            return b.time_ns

    async def both():
        first, second = asyncio.create_task(take()), asyncio.create_task(take())
        third = asyncio.create_task(take())
        await asyncio.sleep(0.02)
        third.cancel()
        feed.publish()
        return await asyncio.gather(first, second)

    assert sorted(asyncio.run(asyncio.wait_for(both(), 30))) == [feed.start, feed.start + STRIDE]


def test_a_backlog_does_not_keep_the_other_tasks_of_a_loop_waiting(feed):
    """Each block is here already; the other task has a turn for each all the same."""
    feed.publish(15)

    async def read():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        stream = feed.client.stream(feed.names, start=feed.start / SECOND, duration=1)
        blocks = [b async for b in stream]
        counting.cancel()
        return len(blocks), turns

    blocks, turns = asyncio.run(read())
    assert blocks == 16 and turns >= blocks


def test_a_stream_that_is_closed_ends_async_for(feed):
    async def read():
        async for _ in feed.stream:
            feed.stream.close()

    asyncio.run(asyncio.wait_for(read(), 20))


def test_arrow_takes_a_stream_over(broker):
    pyarrow = pytest.importorskip("pyarrow")
    with Feed(broker, duration=3 * STRIDE / SECOND) as feed:
        feed.publish(3)
        table = pyarrow.RecordBatchReader.from_stream(feed.stream).read_all()
        table.validate(full=True)
        assert table["time"].to_pylist() == [feed.start + k * STRIDE for k in range(3)]
        for c in feed.channels:
            assert table[c.name][1].as_py() == values(c, feed.start + STRIDE).tolist()
        with pytest.raises(ValueError, match="closed"):
            feed.stream.__arrow_c_stream__()


def test_nanoarrow_takes_a_stream_over(broker):
    nanoarrow = pytest.importorskip("nanoarrow")
    with Feed(broker, duration=2 * STRIDE / SECOND) as feed:
        feed.publish(2)
        rows = nanoarrow.ArrayStream(feed.stream).read_all().to_pylist()
        assert [row["time"] for row in rows] == [feed.start, feed.start + STRIDE]


def test_a_publisher_refuses_what_is_not_registered(feed):
    other = channels(2)
    with pytest.raises(libarrakis.Error) as found:
        feed.publisher.publish(block(other, feed.next))
    assert isinstance(found.value, (libarrakis.MismatchError, libarrakis.InvalidArgumentError))
    with pytest.raises(libarrakis.InvalidArgumentError):
        feed.publisher.publish(block(feed.channels, feed.start))  # not later than the last
    with pytest.raises(TypeError):
        feed.publisher.publish({})
    feed.publisher.close()
    with pytest.raises(ValueError, match="closed"):
        feed.publish()


def test_threads_share_a_client(feed):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(len(feed.client.describe(feed.names))))
        for _ in range(4)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert found == [2] * 4
    feed.client.close()
    with pytest.raises(ValueError, match="closed"):
        feed.client.count()
    feed.check(feed.stream.read(10), 0)


def test_a_client_may_be_closed_by_several_threads(broker):
    for _ in range(20):
        client = libarrakis.Client(kafka_url=broker.url)
        start = threading.Barrier(4)
        closers = [threading.Thread(target=lambda c=client: (start.wait(), c.close())) for _ in range(4)]
        for t in closers:
            t.start()
        for t in closers:
            t.join()


def test_properties_that_change_while_they_are_read_are_those_of_before(broker):
    class Growing:
        def __str__(self):
            properties.update((f"no.such.property.{i}", "1") for i in range(5000))
            return "10000"

    properties = {"socket.timeout.ms": Growing(), "client.id": None}  # None: as if not given
    of = channels(1)
    broker.announce(of)
    with libarrakis.Client(kafka_url=broker.url, properties=properties) as client:
        assert client.count(of[0].name) == 1


def test_an_error_that_cuts_a_character_is_shown():
    with pytest.raises(libarrakis.InvalidArgumentError, match="x\u00e9\u00e9"):
        libarrakis.Client(kafka_url="127.0.0.1:1").find(data_type="x" + "\u00e9" * 40)


def test_options_that_do_not_exist_are_named():
    with pytest.raises(TypeError, match="kafka_ulr"):
        libarrakis.Client(kafka_ulr="x")
    with pytest.raises(TypeError, match="nothing"):
        libarrakis.find(nothing=1, kafka_url="127.0.0.1:1")
    with pytest.raises(TypeError, match="properties"):
        libarrakis.Client(kafka_url="127.0.0.1:1", properties=["x"])
    with pytest.raises(TypeError):
        libarrakis.stream("H1:A-B", "now", duration="x", kafka_url="127.0.0.1:1")
    with pytest.raises(libarrakis.InvalidArgumentError, match="start"):
        libarrakis.stream("H1:A-B", "yesterday", kafka_url="127.0.0.1:1")
    with pytest.raises(libarrakis.InvalidArgumentError):
        libarrakis.Client()


def test_the_environment_names_the_server(monkeypatch):
    monkeypatch.setenv("ARRAKIS_SERVER", "grpc://server:1234")
    assert repr(libarrakis.Client()) == "<Client of 'grpc://server:1234'>"
    assert repr(libarrakis.Client(kafka_url="b:1")) == "<Client of 'b:1'>"


def test_log_lines_reach_logging_while_a_thread_waits():
    arrived = threading.Event()

    class Handler(logging.Handler):
        def emit(self, record):
            if record.levelno >= logging.WARNING and url in record.getMessage():
                arrived.set()

    handler = Handler()
    logging.getLogger("libarrakis").addHandler(handler)
    broker = MockBroker()
    url = broker.url
    of = channels(1)
    broker.announce(of)
    try:
        with libarrakis.stream([of[0].name], kafka_url=broker.url) as stream:
            waiter = threading.Thread(target=lambda: list(stream))
            waiter.start()
            broker.close()
            assert arrived.wait(20)
            stream.close()
            waiter.join(10)
    finally:
        logging.getLogger("libarrakis").removeHandler(handler)


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises((libarrakis.ConnectError, libarrakis.DeadlineError)) as found:
            libarrakis.count(kafka_url=f"127.0.0.1:{silent.getsockname()[1]}", request_timeout=0.3)
    assert found.value.retriable and isinstance(found.value, OSError)


def test_a_stream_that_is_dropped_is_closed(feed):
    before = len(os.listdir("/proc/self/fd"))
    stream = feed.client.stream(feed.names)
    assert len(os.listdir("/proc/self/fd")) > before
    del stream
    gc.collect()
    deadline = time.monotonic() + 5
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before
