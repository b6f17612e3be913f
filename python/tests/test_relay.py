# SPDX-License-Identifier: Apache-2.0
"""The seam `server` of libarrakis.compat: what the Kafka backend's manager hands to its clients, on a broker in memory."""

import dataclasses
import threading
import time
from types import SimpleNamespace

import numpy
import pytest

pytest.importorskip("arrakis_backend_kafka")

import arrakis  # noqa: E402
import pyarrow  # noqa: E402
from arrakis import Channel, schemas  # noqa: E402
from arrakis.block import SeriesBlock  # noqa: E402
from arrakis_backend_kafka import manager  # noqa: E402
from samples import SECOND, STRIDE, now, values  # noqa: E402

import libarrakis  # noqa: E402
from libarrakis import _core, compat  # noqa: E402
from libarrakis.mock import MemoryReader  # noqa: E402

NAMES = ("KafkaReader", "ColumnBatchCombiner", "BlockMuxStream", "ClientStream")
THEIRS = tuple(getattr(manager, name) for name in NAMES)
KINDS = ("float32", "int16", "float64")


@pytest.fixture(autouse=True)
def installed():
    compat.install(["server"])
    assert compat.installed()["server"].startswith("replaced")
    yield
    compat.uninstall()
    assert tuple(getattr(manager, name) for name in NAMES) == THEIRS


def channels(name, count=3, rate=64, latency=60 * SECOND):
    """Channels of three partitions with a type each, none of which another test has."""
    return {
        f"H1:{name}-{kind.upper()}_{i}": Channel(
            f"H1:{name}-{kind.upper()}_{i}", kind, rate, publisher=name, partition_id=f"{name}_{kind}",
            partition_index=i, stride=STRIDE, max_latency=latency,
        )
        for kind in KINDS
        for i in range(count)
    }  # fmt: skip


def samples(channel, time_ns, i):
    """Where some are missing, a masked array; else an array."""
    array = values(channel, time_ns)
    if i % 3 == 1 and channel.partition_index == 1:
        return numpy.ma.MaskedArray(array, mask=numpy.arange(len(array)) % 2 == 0)
    return array


class Service:
    """A manager with its clients' streams, and a publisher."""

    def __init__(self, url, metadata, only=None):
        self.metadata = metadata
        self.schema = schemas.stream(metadata.values())
        self.manager = manager.ConsumerManager(url)
        publisher = next(iter(metadata.values())).publisher
        self._sent = {n: c for n, c in metadata.items() if only is None or c.data_type in only}
        self._publisher = libarrakis.Publisher(publisher, self._sent, kafka_url=url)
        self._publish(now() - 16 * STRIDE, 0)  # connected from then on; readers that open later do not see it

    def _publish(self, at, i):
        data = {n: samples(c, at, i) for n, c in self._sent.items()}
        self._publisher.publish(libarrakis.Block(at, data, self._sent), timeout=30)
        whole = {
            n: data.get(n, numpy.ma.masked_all(len(values(c, at)), c.data_type)) for n, c in self.metadata.items()
        }
        return SeriesBlock(at, whole, self.metadata).to_column_batch(self.schema)

    def subscribe(self):
        return self.manager.subscribe(self.metadata, None, None, schema=self.schema)

    def publish(self, count):
        """`count` blocks from now on; returns what clients ought to get."""
        start = now()
        wait_until(lambda: now() > start)
        start = now()
        return [self._publish(start + i * STRIDE, i) for i in range(count)]

    def close(self):
        self.manager.shutdown()
        self._publisher.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def take(stream, count, timeout=60):
    """The next batches of a client's stream, None among them passed over."""
    found = []
    deadline = time.monotonic() + timeout
    for item in stream.read():
        if item is not None:
            found.append(item)
        if len(found) == count or time.monotonic() > deadline:
            return found
    return found


def reader_of(service):
    return next(iter(service.manager._readers.values())).reader


def made_readers(monkeypatch):
    """The streams that are made from here on, one for each reader."""
    made, read = [], _core.Reader

    def counted(*arguments, **options):
        made.append(read(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(_core, "Reader", counted)
    return made


def test_clients_that_come_and_go_share_a_reader(broker, monkeypatch):
    """Who comes gets what follows; each stride is one batch, the same object for all; the last one closes the reader."""
    made = made_readers(monkeypatch)
    with Service(broker.url, channels("SHR")) as service:
        first, leaver = service.subscribe(), service.subscribe()
        reader = reader_of(service)
        before = service.publish(3)
        got = take(first, 3)
        assert got == before and all(a is b for a, b in zip(got, take(leaver, 3)))
        joiner = service.subscribe()
        leaver.close()
        after = service.publish(3)
        got = take(joiner, 3)
        assert got == after and all(a is b for a, b in zip(got, take(first, 3)))
        assert take(leaver, 1) == []
        assert reader_of(service) is reader and len(made) == 1
        first.close()
        assert not reader._stream.closed
        joiner.close()
        wait_until(lambda: reader._stream.closed and service.manager._live_thread is None)
        again = service.subscribe()
        wanted = service.publish(1)
        assert take(again, 1) == wanted and len(made) == 2


def test_a_client_that_does_not_read_holds_up_no_other(broker):
    """Its queue keeps what is newest, as the backend has it for live clients."""
    with Service(broker.url, channels("SLW")) as service:
        slow, quick = service.subscribe(), service.subscribe()
        slow._queue.maxsize = 4
        wanted = service.publish(10)
        assert take(quick, 10) == wanted
        assert slow._queue.qsize() == 4
        assert take(slow, 4) == wanted[-4:]


@pytest.mark.parametrize("wide", [0, 1 << 40], ids=["by the C data interface", "by IPC"])
def test_clients_get_what_was_published(broker, monkeypatch, wide):
    monkeypatch.setattr(compat._server, "WIDE", wide)
    metadata = channels(f"REL{min(wide, 1)}")
    with Service(broker.url, metadata) as service:
        first, second = service.subscribe(), service.subscribe()
        assert type(reader_of(service)) is compat._server.LiveReader
        wanted = service.publish(6)
        for stream in (first, second):
            got = take(stream, len(wanted))
            assert got == wanted
            for batch in got:
                batch.validate(full=True)
                assert batch.schema.equals(service.schema, check_metadata=True)
        reader = reader_of(service)
        first.close()
        assert not reader._stream.closed
        second.close()
        wait_until(lambda: reader._stream.closed)


def wait_until(true, timeout=60):
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_batch_outlives_its_stream(broker, monkeypatch):
    monkeypatch.setattr(compat._server, "WIDE", 0)
    with Service(broker.url, channels("OUT")) as service:
        stream = service.subscribe()
        wanted = service.publish(1)
        got = take(stream, 1)
    del stream, service
    assert got == wanted


def test_a_partition_without_data_is_lists_of_nulls(broker):
    """And strides without any data, which were between the two spans, are not sent."""
    metadata = channels("NUL", latency=3 * SECOND)
    with Service(broker.url, metadata, only=("float32", "int16")) as service:
        stream = service.subscribe()
        for _ in range(2):
            wanted = service.publish(3)
            got = take(stream, 3)
            assert got == wanted
            empty = [batch.column("H1:NUL-FLOAT64_0")[0].values for batch in got]
            assert [(len(values), values.null_count) for values in empty] == [(4, 4)] * 3


def test_a_stride_is_as_old_as_its_end(broker, monkeypatch):
    """So one that was waited for as long as it may be late is not taken for one that is behind."""
    seen = []
    read_raw = compat._server.LiveReader.read_raw

    def spy(self, *, wait=0.0):
        for name, time_ns, stride in read_raw(self, wait=wait):
            seen.append((name, time_ns, stride.block.time_ns))
            yield name, time_ns, stride

    monkeypatch.setattr(compat._server.LiveReader, "read_raw", spy)
    metadata = channels("AGE")
    slow = "H1:AGE-INT16_1"
    metadata[slow] = dataclasses.replace(metadata[slow], max_latency=90 * SECOND)
    with Service(broker.url, metadata) as service:
        stream = service.subscribe()
        service.publish(2)
        assert len(take(stream, 2)) == 2
        entry = next(iter(service.manager._readers.values()))
        assert entry.reader.fast_forward(0, timeout=1.0) == 0
        for name, time_ns, begin_ns in seen:
            assert time_ns == begin_ns + STRIDE
            assert entry.mux[name].timeout == 90 * SECOND + STRIDE == entry.mux.timeout


def test_a_stride_that_may_lie_at_the_broker_is_not_taken_for_a_late_one(broker, monkeypatch):
    monkeypatch.setenv("LIBARRAKIS_FETCH_WAIT", "0.5")
    metadata = channels("LIE")
    with Service(broker.url, metadata) as service:
        stream = service.subscribe()
        reader = reader_of(service)
        wanted = service.publish(3)
        assert take(stream, 3) == wanted
    blocks = iter([SimpleNamespace(end_ns=5 * STRIDE), None])
    reader._next = lambda wait: next(blocks)
    assert [time_ns for _, time_ns, _ in reader.read_raw()] == [5 * STRIDE + SECOND]


@pytest.mark.parametrize("text", ["-1", "5.1", "nan", "soon"])
def test_a_time_that_data_cannot_lie_is_left_to_the_backend(text, monkeypatch, caplog):
    monkeypatch.setenv("LIBARRAKIS_FETCH_WAIT", text)
    with pytest.raises(ValueError):
        compat._server.LiveReader("localhost:1", channels("BAD"))
    manager.KafkaReader("localhost:1", channels("BAD")).close()
    assert "libarrakis leaves a reader to the backend" in caplog.text


def test_a_backlog_comes_in_order_and_in_portions():
    """So that the backend's thread can serve other readers meanwhile."""
    count = 2 * compat._server.AT_ONCE + 1
    metadata = {n: c for n, c in channels("BCK").items() if n == "H1:BCK-INT16_0"}
    source = MemoryReader(metadata)
    encoder = _core.RowEncoder("int16", list(metadata), [0])
    for i in range(count):
        data = {n: values(c, i * STRIDE) for n, c in metadata.items()}
        source.push(0, encoder.encode(i * STRIDE, data))
    reader = manager.KafkaReader("localhost:1", metadata)
    reader._stream = source.stream(0)
    reader._batches = compat._server._Batches(reader._stream)
    portions = []
    with pytest.raises(RuntimeError, match="was closed"):
        while True:
            portions.append([])
            for _, time_ns, _ in reader.read_raw():
                portions[-1].append(time_ns)
    assert [len(portion) for portion in portions] == [compat._server.AT_ONCE] * 2 + [1]
    assert sum(portions, []) == [(i + 1) * STRIDE for i in range(count)]


def test_a_reader_that_is_not_ours_goes_the_backend_s_way(broker, monkeypatch):
    """The same two objects then are what they were."""
    metadata = channels("OWN")
    schema = schemas.stream(metadata.values())
    start = now()

    class Fake:
        def __init__(self, url, metadata, start=None):
            self._url = url
            self._left = 3

        def enter(self):
            pass

        def read_raw(self, *, wait=0.0):
            if self._left:
                self._left -= 1
                at = start + (2 - self._left) * STRIDE
                block = SeriesBlock(at, {n: values(c, at) for n, c in metadata.items()}, metadata)
                for partition, batch in block.to_row_batches(metadata):
                    yield f"{self._url}/{partition}", at, batch
            else:
                time.sleep(wait)

        def close(self):
            pass

    monkeypatch.setattr(manager, "KafkaReader", Fake)
    service = manager.ConsumerManager(broker.url)
    try:
        got = take(service.subscribe(metadata, None, None, schema=schema), 3)
    finally:
        service.shutdown()
    assert [batch.column("time")[0].as_py() for batch in got] == [start + i * STRIDE for i in range(3)]
    assert got[1].column("H1:OWN-INT16_2")[0].as_py() == values(metadata["H1:OWN-INT16_2"], start + STRIDE).tolist()


def test_channels_that_are_unknown_are_the_backend_s(caplog):
    metadata = channels("PST")
    assert type(manager.KafkaReader("localhost:1", metadata, start=1_400_000_000 * SECOND)) is compat._server.PastReader
    odd = {"H1:ODD-A": Channel("H1:ODD-A", "complex64", 16, partition_id="p", partition_index=0, stride=STRIDE)}
    assert type(manager.KafkaReader("localhost:1", odd)) is THEIRS[0]
    assert "leaves a reader to the backend" in caplog.text
    assert type(manager.KafkaReader("localhost:1", metadata)) is compat._server.LiveReader
    assert arrakis.kafka.KafkaReader is THEIRS[0]


def test_a_schema_of_other_columns_fails_the_reader_and_not_the_data(broker):
    metadata = channels("SCH")
    stride = compat._server._Stride(None, compat._server._Batches(SimpleNamespace(channels=metadata, stride_ns=STRIDE)))
    streams = {f"x/{kind}": [c for c in metadata.values() if c.data_type == kind] for kind in KINDS}
    schema = schemas.stream(metadata.values())
    wider = schema.set(1, schema.field(1).with_type(pyarrow.list_(pyarrow.int64())))
    for other in (pyarrow.schema(list(schema)[::-1]), wider, schema.remove(2)):
        combiner = SimpleNamespace(wire_schema=other)
        mux = manager.BlockMuxStream(SimpleNamespace(streams=streams), on_gap="skip", combiner=combiner)
        with pytest.raises(ValueError, match="sorted by name"):
            mux.push_payload("x/int16", 0, STRIDE, stride)


class Clients:
    """What a client's stream asks of a manager."""

    def unsubscribe(self, stream):
        pass


def live_client(name, clients):
    """A live client's stream, a list of the times that its queue was waited for, and what it yields or raises."""
    metadata = channels(name)
    stream = manager.ClientStream(clients, {"x": list(metadata.values())}, None, None, False, (tuple(metadata),))
    waits, found, get = [], [], stream._queue.get

    def counted(**how):
        waits.append(time.monotonic())
        return get(**how)

    def read():
        try:
            found.extend(stream.read())
        except RuntimeError as error:
            found.append(error)

    stream._queue.get = counted
    thread = threading.Thread(target=read)
    thread.start()
    return stream, waits, found, thread


def test_a_live_client_sleeps_until_a_batch_comes_or_it_ends(monkeypatch):
    monkeypatch.setattr(compat._server, "PATIENCE", 60)
    batch = pyarrow.record_batch({"time": [1]})
    clients = Clients()
    closed, waits, found, thread = live_client("SLC", clients)
    wait_until(lambda: waits)
    time.sleep(0.3)
    assert len(waits) == 1
    closed._on_batch(batch)
    closed.close()
    thread.join(10)
    assert not thread.is_alive() and len(waits) <= 3
    failed, _, told, thread = live_client("SLF", clients)
    failed._on_batch(batch)
    failed._on_error(ValueError("no broker"))
    thread.join(10)
    assert told[0] is batch and "no broker" in str(told[1]) and len(told) == 2


def test_a_live_clients_queue_is_bounded():
    limit = manager.LIVE_QUEUE_MIN_ITEMS
    queue = compat._server._LiveQueue(limit)
    for i in range(limit):
        queue.put(i, block=False)
    assert queue.full() and queue.qsize() == limit
    with pytest.raises(compat._server.queue.Full):
        queue.put(limit, block=False)
    assert [queue.get_nowait() for _ in range(limit)] == list(range(limit)) and queue.empty()


def test_a_broker_that_is_not_there_fails_the_subscription(monkeypatch):
    class Refused:
        def __init__(self, *_, **options):
            pass

        def stream(self):
            raise libarrakis.ConnectError("no broker answers")

    monkeypatch.setattr(_core, "Reader", Refused)
    metadata = channels("NOB")
    service = manager.ConsumerManager("127.0.0.1:1")
    with pytest.raises(libarrakis.ConnectError):
        service.subscribe(metadata, None, None, schema=schemas.stream(metadata.values()))
    assert not service._readers
    service.shutdown()


def test_a_reader_that_fails_tells_its_clients_and_no_others(broker):
    with Service(broker.url, channels("FLA")) as one, Service(broker.url, channels("FLB")) as other:
        lost, kept = [one.subscribe() for _ in range(2)], other.subscribe()
        reader_of(one)._stream.close()
        for stream in lost:
            with pytest.raises(RuntimeError, match="shared kafka consumer failed"):
                take(stream, 1)
        wanted = other.publish(1)
        assert take(kept, 1) == wanted


def test_readers_that_are_open_go_on_after_uninstall(broker):
    with Service(broker.url, channels("UNI")) as service:
        stream = service.subscribe()
        compat.uninstall()
        wanted = service.publish(2)
        assert take(stream, 2) == wanted


def test_a_message_and_an_export_are_the_same_batch():
    """As all clients get one batch, it is nobody's to write into; and nothing of a block is lost when it is not imported."""
    metadata = channels("WRT")
    data = {n: samples(c, 0, 1) for n, c in metadata.items()}
    block = libarrakis.Block(STRIDE, data, metadata)
    writer = _core.BatchWriter(metadata)
    schema = schemas.stream(metadata.values())
    by_ipc = pyarrow.ipc.read_record_batch(pyarrow.py_buffer(writer.message(block)), schema)
    address, keeper = writer.export(block)
    assert by_ipc == pyarrow.RecordBatch._import_from_c(address, schema)
    del keeper
    for _ in range(100):
        writer.export(block)
    with pytest.raises(libarrakis.NotFoundError):
        _core.BatchWriter([Channel("H1:OTH-A", "int8", 16)]).message(block)
    with pytest.raises(TypeError, match="expected a Block"):
        writer.message(None)


def buffers(array):
    return array.buffers() if array.type.num_fields == 0 else array.buffers()[:2] + buffers(array.values)


def test_a_message_is_written_again_in_whole_buffers():
    """A server writes each batch again for each client, and a buffer whose length is not a multiple of 8 in two pieces."""
    metadata = channels("PAD", rate=16)
    block = libarrakis.Block(STRIDE, {n: samples(c, 0, 1) for n, c in metadata.items()}, metadata)
    schema = schemas.stream(metadata.values())
    again = pyarrow.ipc.read_record_batch(pyarrow.py_buffer(_core.BatchWriter(metadata).message(block)), schema)
    assert {c.type.value_type.bit_width * len(c.values) % 64 for c in again.columns[1:]} > {0}
    for _ in range(2):
        assert again == SeriesBlock(STRIDE, dict(block), metadata).to_column_batch(schema)
        sizes = [b.size for column in again.columns for b in buffers(column) if b is not None]
        assert len(sizes) > 2 * len(metadata) and all(size % 8 == 0 for size in sizes)
        again = pyarrow.ipc.read_record_batch(again.serialize(), schema)


def test_two_threads_may_ask_one_writer():
    metadata = channels("THR")
    block = libarrakis.Block(STRIDE, {n: values(c, 0) for n, c in metadata.items()}, metadata)
    writer = _core.BatchWriter(metadata)
    wanted = writer.message(block)
    found = []

    def ask():
        for _ in range(300):
            found.append(writer.message(block) == wanted)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 600 and all(found)
