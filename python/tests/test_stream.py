# SPDX-License-Identifier: Apache-2.0
"""Streams and publishers on a broker in the process."""

import asyncio
import contextlib
import contextvars
import datetime
import gc
import logging
import os
import select
import socket
import threading
import time

import numpy
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
    assert s.position_ns == b.time_ns + STRIDE
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

    async def share():
        tasks = [asyncio.create_task(take()) for _ in range(3)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        canceled, other = waiting
        canceled.cancel()
        feed.publish()
        return [done.pop().result(), await other]

    assert asyncio.run(asyncio.wait_for(share(), 30)) == [feed.start, feed.start + STRIDE]


def test_a_wait_that_is_canceled_loses_no_block_and_leaves_no_descriptor(feed):
    def polled():
        found = 0
        for fd in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # that of the list itself
                found += "eventpoll" in os.readlink(f"/proc/self/fd/{fd}")
        return found

    async def read():
        before, got = polled(), []
        for _ in range(3):
            blocks = aiter(feed.stream)
            got.append((await asyncio.wait_for(anext(blocks), 20)).time_ns)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(blocks), 0.05)
            feed.publish()
        abandoned = aiter(feed.stream)
        await anext(abandoned)
        waiting = asyncio.ensure_future(anext(abandoned))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        del abandoned, waiting
        assert polled() == before
        return got

    assert asyncio.run(read()) == [feed.start + i * STRIDE for i in range(3)]


@pytest.mark.parametrize("task", [asyncio.Task, asyncio.tasks._PyTask], ids=["in-c", "in-python"])
def test_a_task_is_canceled_or_has_the_block_but_not_half_of_both(feed, task):
    """Canceled before, in and after the turn of the loop in which a block comes: it is this task's or the next one's."""

    async def read():
        loop, got = asyncio.get_running_loop(), []
        loop.set_task_factory(lambda loop, of, **more: task(of, loop=loop, **more))
        blocks = aiter(feed.stream)
        got.append((await anext(blocks)).time_ns)
        for i in range(4):
            blocks = aiter(feed.stream)
            waiting = asyncio.ensure_future(anext(blocks))
            await asyncio.sleep(0)
            feed.publish()
            if i % 2:
                while not select.select([feed.stream.fileno()], [], [], 0)[0]:
                    time.sleep(0.001)  # the loop finds it in the turn in which the task is canceled
            else:
                await asyncio.sleep(0.0002 * i)
            waiting.cancel("enough")
            if i % 3 == 0:
                await asyncio.sleep(0)
            try:
                got.append((await waiting).time_ns)
            except asyncio.CancelledError:
                assert waiting.cancelled()
                got.append((await asyncio.wait_for(anext(aiter(feed.stream)), 20)).time_ns)
        return got

    assert asyncio.run(read()) == [feed.start + i * STRIDE for i in range(5)]


def test_waits_that_end_leave_no_reference_cycle(feed):
    """By a block, by a cancel, and by an error."""

    async def read():
        blocks = aiter(feed.stream)
        await anext(blocks)
        asyncio.get_running_loop().call_later(0.02, feed.publish)
        await anext(blocks)
        waiting = asyncio.ensure_future(anext(blocks))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        asyncio.get_running_loop().call_later(0.01, feed.stream.cancel)
        with contextlib.suppress(libarrakis.CanceledError):
            await anext(aiter(feed.stream))

    gc.collect()
    gc.disable()
    try:
        asyncio.run(asyncio.wait_for(read(), 20))
        assert not [o for o in gc.get_objects() if type(o).__module__ == "libarrakis._asyncio"]
    finally:
        gc.enable()


def test_an_error_of_the_stream_is_that_of_the_task(feed):
    async def read():
        asyncio.get_running_loop().call_later(0.02, feed.stream.cancel)
        async for _ in feed.stream:
            pass

    with pytest.raises(libarrakis.CanceledError):
        asyncio.run(asyncio.wait_for(read(), 20))


def test_a_task_keeps_its_context_and_its_place(feed):
    """It goes on in its own context, as the current task of the loop."""
    mine = contextvars.ContextVar("mine", default="nobody's")

    async def read(name):
        mine.set(name)
        async for b in feed.stream:
            if b.time_ns > feed.start:
                return mine.get(), asyncio.current_task().get_name()

    async def both():
        asyncio.get_running_loop().call_later(0.02, feed.publish)
        return await asyncio.create_task(read("reader"), name="reading")

    assert asyncio.run(asyncio.wait_for(both(), 20)) == ("reader", "reading")


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


def test_a_thread_that_waits_for_its_block_does_not_keep_another_from_its_own(broker):
    with Feed(broker) as waiting, Feed(broker) as running:
        next(waiting.stream)
        begun, got = threading.Event(), []
        thread = threading.Thread(target=lambda: (begun.set(), got.append(next(waiting.stream))))
        thread.start()
        begun.wait()
        running.publish(20)
        for k in range(21):
            running.check(next(running.stream), k)
        assert thread.is_alive() and not got  # all this while it was in its wait
        waiting.publish()
        thread.join(60)
        waiting.check(got[0], 1)


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


def test_lists_that_change_while_they_are_read_are_those_of_before(broker):
    class Clearing(list):
        def __iter__(self):
            brokers.clear()
            return super().__iter__()

    of = channels(2)
    brokers = [(f"{broker.url}", Clearing(of[:1])), (f"{broker.url}", of[1:])]
    options = {"properties": {"client.id": "x"}}
    with libarrakis._core._align(brokers, None, 0, SECOND, None, None, 0, False, options) as found:
        assert brokers == [] and list(found.channels) == [c.name for c in of]


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
    with pytest.raises(libarrakis.InvalidArgumentError, match="start"):
        libarrakis.stream("H1:A-B", "yesterday", kafka_url="127.0.0.1:1")
    with pytest.raises(libarrakis.InvalidArgumentError, match="expected url, kafka_url or metadata, or .* ARRAKIS_SERVER"):
        libarrakis.Client()
    for nothing in ([], None):
        with pytest.raises(libarrakis.InvalidArgumentError, match="channels: expected one name or more"):
            libarrakis.stream(nothing, kafka_url="127.0.0.1:1")


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [("duration", datetime.timedelta(1), "a number"), ("request_timeout", "3", "a number"), ("on_gap", 1, "a str"),
     ("fetch_wait", "1", "a number"), ("replay_id", 3, "a str"), ("metadata", 3, "a str"), ("ca_file", b"x", "a str"),
     ("retry_tries", 1.5, "an int")],
)  # fmt: skip
def test_an_argument_of_another_kind_is_named(argument, value, expected):
    with pytest.raises(TypeError, match=f"^{argument}: expected {expected}, found "):
        libarrakis.stream("H1:A-B", **{"kafka_url": "127.0.0.1:1", argument: value})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        pytest.param("duration", 10**400, id="duration-of-many-digits"),
        ("duration", float("nan")),
        ("stride", float("inf")),
        pytest.param("start", 10**5000, id="start-of-many-digits"),
        ("prefetch_bytes", 2**63),
        ("retry_tries", -(2**63)),
        ("replay_id", "a\0b"),
        ("channels", "H1:A-\ud800"),
    ],
)
def test_a_value_that_is_out_of_range_is_named(argument, value):
    with pytest.raises(libarrakis.InvalidArgumentError, match=f"^{argument}: "):
        libarrakis.Client(kafka_url="127.0.0.1:1").stream(**{"channels": "H1:A-B", argument: value})


@pytest.mark.parametrize("channels", [5, b"H1:A-B", bytearray(1)])
def test_what_is_no_name_and_no_iterable_of_names_is_told(channels):
    with pytest.raises(TypeError, match="channels: expected one name or an iterable of names, found "):
        libarrakis.Client(kafka_url="127.0.0.1:1").stream(channels)


@pytest.mark.parametrize(
    "options",
    [
        {"token": b"secret"},
        {"kafka_token_fn": "secret"},
        {"properties": [("sasl.password", "secret")]},
        {"properties": {"sasl.password": b"secret"}},
        {"properties": {"sasl.password": ["secret"]}},
        {"properties": {"sasl.password": "secret\0"}},
    ],
)
def test_an_error_does_not_tell_a_secret(options):
    with pytest.raises((TypeError, ValueError), match=f"^{next(iter(options))}: ") as found:
        libarrakis.Client(kafka_url="127.0.0.1:1", **options)
    assert "secret" not in str(found.value)


def test_options_are_found_by_what_they_are_called():
    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            raise ZeroDivisionError

    for of, rest in ((libarrakis.Client, ()), (libarrakis.Publisher, ("P", channels()))):
        with pytest.raises(libarrakis.InvalidArgumentError, match="no broker given"):
            of(*rest, **{Name("kafka_url"): ""})
        with pytest.raises(TypeError, match="kafka_ulr"):
            of(*rest, **{Name("kafka_ulr"): ""})


def test_data_may_lie_at_the_broker(broker):
    with Feed(broker, fetch_wait=0.25) as feed:
        feed.publish(7)
        for k, b in zip(range(8), feed.stream):
            feed.check(b, k)
        for wrong in (-1, 5.1):
            with pytest.raises(libarrakis.InvalidArgumentError, match="fetch wait of .* ns: expected 0 to 5 s"):
                feed.client.stream(feed.names, fetch_wait=wrong)
        with pytest.raises(libarrakis.InvalidArgumentError, match="fetch wait"):
            libarrakis.fetch(feed.names, duration=1, fetch_wait=6, kafka_url=broker.url)
        for none in (None, 0):
            feed.client.stream(feed.names, fetch_wait=none).close()


def test_what_find_returns_can_be_streamed(broker):
    with Feed(broker) as feed:
        found = feed.client.find(publisher=feed.channels[0].publisher)
        assert set(feed.client.describe(found)) == set(feed.names)
        with feed.client.stream(found) as stream, feed.client.stream(found[0]) as one:
            assert set(stream.channels) == set(feed.names) and list(one.channels) == [found[0].name]
        with pytest.raises(TypeError, match="channels: expected a str or a Channel, found 1"):
            feed.client.stream([1])


def test_types_are_found_as_numpy_has_them(broker):
    where = {"kafka_url": broker.url, "publisher": None}
    of = [*channels(1, "float32"), *channels(2, "int16")]
    for c in of:
        broker.announce([c])
    where["publisher"] = [c.publisher for c in of]
    for form, count in ((numpy.float32, 1), (numpy.dtype("i2"), 2), ("f4", 1), ([numpy.float32, "int16"], 3), (float, 0)):
        assert libarrakis.count(data_type=form, **where) == count
    for form in ("complex64", [None], [numpy.float32, object]):
        with pytest.raises(libarrakis.InvalidArgumentError, match="data_type: found '.*', expected one of"):
            libarrakis.count(data_type=form, **where)


def test_files_are_named_by_paths(broker, tmp_path):
    of = channels(2)
    path = tmp_path / "channels"
    path.write_text("".join(c.to_json() + "\n" for c in of))
    assert libarrakis.count(metadata=path, kafka_url=broker.url) == 2
    with pytest.raises(libarrakis.InputOutputError, match=str(tmp_path / "ca.pem")):
        libarrakis.Client("grpc://127.0.0.1:1", ca_file=tmp_path / "ca.pem")


def test_a_datetime_is_a_time(broker):
    """Of UTC, where it has no time zone."""
    with Feed(broker) as feed:
        at = datetime.datetime(2024, 5, 17, 16, 53, 2)
        east = datetime.timezone(datetime.timedelta(hours=2))
        for start in (at, at.replace(tzinfo=datetime.timezone.utc), at.replace(hour=18, tzinfo=east), numpy.datetime64(at)):
            with feed.client.stream(feed.names, start, duration=1) as stream:
                assert stream.position_ns == 1_400_000_000 * SECOND


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
            assert arrived.wait(60)
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
    feed.check(next(feed.stream), 0)  # its connections are there
    before = len(os.listdir("/proc/self/fd"))
    stream = feed.client.stream(feed.names)
    assert len(os.listdir("/proc/self/fd")) > before
    del stream
    gc.collect()
    deadline = time.monotonic() + 60
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_an_argument_that_is_given_twice_is_refused():
    with pytest.raises(TypeError, match="multiple values for argument 'url'"):
        libarrakis.Client("grpc://a", url="grpc://b")
    with pytest.raises(TypeError, match="multiple values for argument 'publisher_id'"):
        libarrakis.Publisher("a", publisher_id="b", kafka_url="127.0.0.1:1")
    with pytest.raises(TypeError, match="multiple values for argument 'channels'"):
        libarrakis.Publisher("a", channels(1), channels=channels(1), kafka_url="127.0.0.1:1")


def test_a_time_with_a_nul_is_refused(broker):
    with libarrakis.Client(kafka_url=broker.url) as client:
        with pytest.raises(ValueError, match="null character"):
            client.count(time="1400000000\0 and more")


def test_a_publisher_counts_what_it_drops_and_gives_up(broker):
    (c,) = of = channels(1)
    with libarrakis.Publisher(c.publisher, of, kafka_url=broker.url) as publisher:
        assert publisher.stats == (0, 0, 0, 0)
        start = now()
        publisher.publish(block(of, start))
        assert publisher.stats[:3] == (1, 0, 0) and publisher.stats.behind_ns == 0
    with pytest.raises(libarrakis.InvalidArgumentError, match="max_failures is 0"):
        libarrakis.Publisher(c.publisher, of, kafka_url=broker.url, max_failures=0)
    where = {"kafka_url": "127.0.0.1:1", "close_timeout": 0}
    with libarrakis.Publisher(c.publisher, of, max_failures=2, **where) as publisher:
        with pytest.raises(libarrakis.DeadlineError) as dropped:
            publisher.publish(block(of, start), timeout=0)
        assert dropped.value.retriable
        for k in 1, 2:
            with pytest.raises(libarrakis.InputOutputError, match="failures in a row: 2") as ended:
                publisher.publish(block(of, start + k * STRIDE), timeout=0)
            assert not ended.value.retriable
        s = publisher.stats
        assert isinstance(s, libarrakis.PublisherStats)
        assert (s.blocks, s.dropped, s.failures) == (2, 2, 2) and s.behind_ns < 30 * SECOND


def test_a_time_limit_counts_the_wait_for_another_thread():
    """No broker is there, so the first block is waited for as long as its time limit is."""
    (c,) = of = channels(1)
    with libarrakis.Publisher(c.publisher, of, kafka_url="127.0.0.1:1") as publisher:
        first = threading.Thread(target=pytest.raises, args=(libarrakis.Error, publisher.publish),
                                 kwargs={"block": block(of, now()), "timeout": 5})  # fmt: skip
        first.start()
        texts = []
        while first.is_alive() and not any("another thread" in text for text in texts):
            with pytest.raises(libarrakis.DeadlineError) as refused:
                publisher.publish(block(of, now() + STRIDE), timeout=0.1)
            texts.append(str(refused.value))
        assert first.is_alive(), texts
        assert publisher.stats.blocks == 0  # whoever asks for that does not wait
        assert first.is_alive()
        first.join()
