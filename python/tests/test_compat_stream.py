# SPDX-License-Identifier: Apache-2.0
"""libarrakis.compat, the seam `stream`: what Arrakis' Client.stream() hands on, made by the library, from a broker."""

import copy
import gc
import logging
import multiprocessing
import pickle
import threading
import time

import numpy
import pytest
from samples import LOADED_S, SECOND, STRIDE, channels, now, values
from test_process import interrupt, run

import libarrakis
from libarrakis import compat

pytest.importorskip("arrakis")
from arrakis import client as reference  # noqa: E402
from arrakis.block import SeriesBlock  # noqa: E402
from arrakis.channel import Channel  # noqa: E402
from arrakis.mux import GapError  # noqa: E402


@pytest.fixture(autouse=True)
def installed():
    compat.install(["stream"])
    assert compat.installed()["stream"].startswith("replaced arrakis.client.BlockMuxStream")
    yield
    compat.uninstall()


@pytest.fixture
def topic(broker):
    return Topic(broker, channels(4))


class Topic:
    """A partition, its publisher, and its channels as the reference describes them."""

    def __init__(self, broker, of):
        self.of = of
        self.url = broker.url
        self.metadata = {c.name: theirs(c) for c in of}
        broker.announce(of)
        self.publisher = libarrakis.Publisher(of[0].publisher, of, kafka_url=broker.url)

    def publish(self, *times, masked=None, missing=()):
        for t in times:
            data = {c.name: values(c, t) for c in self.of}
            for name in missing:
                data[name] = None
            for name, mask in (masked or {}).items():
                data[name] = numpy.ma.MaskedArray(data[name], mask)
            self.publisher.publish(libarrakis.Block(t, data, self.of))

    def stream(self, start=None, end=None, fast_forward=False, **options):
        """As Client.stream() makes it, once the server has answered."""
        reader = reference.KafkaReader(self.url, self.metadata, start, fast_forward=fast_forward)
        return reference.BlockMuxStream(reader, start=start, **options).stream(end)


def past():
    """A stride whose data is not waited for any more."""
    return now() - 2 * 60 * SECOND


def theirs(c):
    return Channel(
        c.name, c.data_type, c.sample_rate, publisher=c.publisher, partition_id=c.partition_id,
        partition_index=c.partition_index, stride=c.stride, max_latency=c.max_latency,
    )  # fmt: skip


def test_a_block_is_as_the_reference_makes_it(topic):
    t = past()
    topic.publish(t, t + STRIDE)
    blocks = list(topic.stream(t, t + 2 * STRIDE))
    assert [type(b) for b in blocks] == [SeriesBlock, SeriesBlock]
    for k, b in enumerate(blocks):
        rebuilt = SeriesBlock(b.time_ns, b.data, b.channels)
        assert vars(rebuilt) == {name: vars(b)[name] for name in vars(rebuilt)}
        assert (b.time_ns, b.duration_ns, b.end_ns) == (t + k * STRIDE, STRIDE, t + (k + 1) * STRIDE)
        assert not b.has_gaps and len(b) == 4
        for c in topic.of:
            series = b[c.name]
            assert series.channel is topic.metadata[c.name]
            assert type(series.data) is numpy.ndarray and series.dtype == c.data_type
            assert series.data.flags.writeable and series.data.flags.aligned
            numpy.testing.assert_array_equal(series.data, values(c, b.time_ns))
    assert blocks[0].channels is not blocks[1].channels
    again = pickle.loads(pickle.dumps(blocks[0]))
    numpy.testing.assert_array_equal(again[topic.of[0].name].data, values(topic.of[0], t))
    assert copy.deepcopy(blocks[0]).time_ns == t


def test_what_a_program_writes_into_a_block_stays_there(topic):
    t = past()
    gap = topic.of[3].name
    topic.publish(*(t + k * STRIDE for k in range(4)), missing=[gap])
    blocks = []
    for b in topic.stream(t, t + 6 * STRIDE):
        for name, data in b.data.items():
            data[...] = -1
            if isinstance(data, numpy.ma.MaskedArray):
                assert data.mask.tolist() == [False] * 4
        b.data.clear()
        b.channels.clear()
        blocks.append(b)
    kept = list(topic.stream(t, t + 6 * STRIDE))
    assert len(blocks) == len(kept) == 6
    gc.collect()
    for k, b in enumerate(kept):
        assert set(b.data) == set(b.channels) == set(topic.metadata)
        for c in topic.of:
            if c.name == gap or k > 3:
                assert b[c.name].data.mask.all() and b[c.name].dtype == c.data_type
                assert not b[c.name].data.data.any()
            else:
                numpy.testing.assert_array_equal(b[c.name].data, values(c, b.time_ns))


def test_a_mask_is_where_samples_are_missing_and_there_alone(topic):
    t = now() - 4 * STRIDE
    some, all_of_it = topic.of[1].name, topic.of[2].name
    topic.publish(t, masked={some: [True, False, False, True]}, missing=[all_of_it])
    (b,) = topic.stream(t, t + STRIDE)
    assert b.has_gaps
    assert [type(b[c.name].data) for c in topic.of] == [
        numpy.ndarray, numpy.ma.MaskedArray, numpy.ma.MaskedArray, numpy.ndarray,
    ]  # fmt: skip
    data = b[some].data
    assert data.mask.tolist() == [True, False, False, True] and data.mask.dtype == bool
    assert data.compressed().tolist() == values(topic.of[1], t)[1:3].tolist()
    assert numpy.ma.clump_unmasked(data) == [slice(1, 3)]
    like = numpy.ma.MaskedArray(values(topic.of[1], t), [True, False, False, True])
    for member in ("_hardmask", "_baseclass", "fill_value", "hardmask"):
        assert getattr(data, member) == getattr(like, member), member
    assert (data + 1).mask.tolist() == data.mask.tolist()
    data[0] = 5
    assert not data.mask[0] and data[0] == 5
    view = data[1:]
    assert numpy.ma.concatenate([data, view]).mask.tolist() == [False, False, False, True] + [False, False, True]


def test_what_a_program_keeps_outlives_the_stream(topic):
    t = past()
    topic.publish(*(t + k * STRIDE for k in range(30)))
    name = topic.of[0].name
    kept = [b.data[name] for b in topic.stream(t, t + 30 * STRIDE)]
    gc.collect()
    for k, data in enumerate(kept):
        numpy.testing.assert_array_equal(data, values(topic.of[0], t + k * STRIDE))


def test_gaps_are_filled_or_skipped_or_raised(topic):
    t = past()
    topic.publish(t, t + 3 * STRIDE)
    end = t + 4 * STRIDE
    assert [b.has_gaps for b in topic.stream(t, end)] == [False, True, True, False]
    assert [b.time_ns for b in topic.stream(t, end, on_gap="skip")] == [t, t + 3 * STRIDE]
    stream = topic.stream(t, end, on_gap="RAISE")
    next(stream)
    with pytest.raises(GapError):
        next(stream)
    with pytest.raises(KeyError):
        topic.stream(t, end, on_gap="none")


def test_blocks_of_several_strides(topic):
    t = past() // (4 * STRIDE) * 4 * STRIDE
    topic.publish(*(t + k * STRIDE for k in range(6)))
    blocks = list(topic.stream(t, t + 6 * STRIDE, stride=4 * STRIDE))
    assert [(b.time_ns, b.duration_ns) for b in blocks][0] == (t, 4 * STRIDE)
    with pytest.raises(ValueError, match="integer multiple"):
        topic.stream(t, stride=STRIDE + 1)
    with pytest.raises(ValueError, match="integer multiple"):
        topic.stream(t, stride=0)


def test_a_live_stream_in_two_threads(broker):
    topics = [Topic(broker, channels(2)) for _ in range(2)]
    found = [[], []]

    def read(i):
        for b in topics[i].stream():
            found[i].append(b)
            if len(found[i]) == 5:
                return

    threads = [threading.Thread(target=read, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
        t = now()
        for topic in topics:
            try:
                topic.publish(t)
            except libarrakis.Error:
                pass  # this stride has been published
        threads[0].join(0.02)
    for i, blocks in enumerate(found):
        assert len(blocks) == 5
        for b in blocks:
            assert set(b.data) == {c.name for c in topics[i].of}


def test_a_stream_ends_when_its_generator_does(topic):
    stream = topic.stream()
    got = []
    feeder = threading.Thread(target=lambda: got.append(next(stream)), daemon=True)
    feeder.start()
    deadline = time.monotonic() + 60
    while not got and time.monotonic() < deadline:
        try:
            topic.publish(now())
        except libarrakis.Error:
            pass
        feeder.join(0.02)
    assert got
    closer = threading.Thread(target=stream.close)  # as the finaliser of another thread does
    closer.start()
    closer.join(LOADED_S)
    assert not closer.is_alive()
    with pytest.raises(StopIteration):
        next(stream)


def test_uninstall_leaves_an_open_stream(topic):
    t = past()
    topic.publish(t, t + STRIDE)
    stream = topic.stream(t, t + 2 * STRIDE)
    first = next(stream)
    compat.uninstall()
    assert reference.KafkaReader is reference_reader() and reference.BlockMuxStream.__module__ == "arrakis.mux"
    assert [first.time_ns, next(stream).time_ns] == [t, t + STRIDE]


def reference_reader():
    from arrakis.kafka import KafkaReader

    return KafkaReader


def test_the_reader_that_is_not_used_connects_nowhere(topic):
    threads = threading.active_count()
    reader = reference.KafkaReader("localhost:1", topic.metadata, 5, fast_forward=True)
    assert isinstance(reader, reference_reader()) and type(reader).__name__ == "KafkaReader"
    assert (reader.url, reader.metadata, reader.start) == ("localhost:1", topic.metadata, 5)
    assert "_consumer" not in vars(reader) and threading.active_count() == threads
    reader.close()
    with pytest.raises(AttributeError):
        reader.__no_such__
    assert "_consumer" not in vars(reader)
    # Whoever uses it gets what the reference has.
    used = reference.KafkaReader(topic.url, topic.metadata)
    assert set(used.streams) == {f"{topic.url}/{topic.of[0].partition_id}"}
    assert "_consumer" in vars(used)
    with pytest.raises(AttributeError):
        used.no_such
    with used:
        pass
    with pytest.raises(AssertionError):
        reference.KafkaReader("localhost:1", {"H1:A": Channel("H1:A-B", "float32", 16.0)})


def test_what_is_not_known_is_left_to_the_reference(topic):
    from arrakis import mux

    class Fake:
        streams = {"s": list(topic.metadata.values())}

    assert type(reference.BlockMuxStream(Fake(), start=None)) is mux.BlockMuxStream
    used = reference.KafkaReader(topic.url, topic.metadata)
    used.streams
    assert type(reference.BlockMuxStream(used, start=None)) is mux.BlockMuxStream
    used.close()
    reader = reference.KafkaReader(topic.url, topic.metadata, 5)
    assert type(reference.BlockMuxStream(reader, start=6)) is mux.BlockMuxStream
    reader.close()


def test_a_program_that_wants_to_know_of_drops_keeps_the_reference(topic, monkeypatch):
    from arrakis import mux

    monkeypatch.setattr(mux, "ONDROP_DEFAULT", "warn")
    reader = reference.KafkaReader(topic.url, topic.metadata)
    assert type(reference.BlockMuxStream(reader, start=None)) is mux.BlockMuxStream
    reader.close()




@pytest.mark.parametrize(
    "error, opened, expected",
    [
        (libarrakis.GapError("a gap"), True, (GapError, "a gap")),
        (libarrakis.ConnectError("grpc://h:1: gone"), True, ("FlightUnavailableError", "gone")),
        (libarrakis.ServerError("grpc+tls://h:1: no"), False, ("FlightServerError", "no")),
        (libarrakis.AuthError("grpc://h:1: no: token"), False, ("FlightUnauthenticatedError", "no: token")),
        (libarrakis.DeadlineError("grpc://h:1: silent"), True, ("EndpointStalledError", "silent")),
        (libarrakis.ConnectError("h:1: refused"), False, ("KafkaException", "_TRANSPORT")),
        (libarrakis.DeadlineError("h:1: slow"), False, ("KafkaException", "_TIMED_OUT")),
        (libarrakis.AuthError("h:1: who?"), False, ("KafkaException", "_AUTHENTICATION")),
        (libarrakis.BrokerError("fatal"), True, ("RuntimeError", "fatal")),
        (libarrakis.FormatError("bytes"), True, (libarrakis.FormatError, "bytes")),
    ],
)
def test_errors_are_those_of_the_reference(error, opened, expected):
    from libarrakis.compat._stream import _Sources, _translated

    sources = _Sources()
    sources.brokers = [("h:1", {})]
    found = _translated(error, opened, sources)
    name, text = expected
    assert type(found) is name or type(found).__name__ == name
    if name == "KafkaException":
        from confluent_kafka import KafkaError

        assert found.args[0].code() == getattr(KafkaError, text)
    else:
        assert str(found) == text


def test_log_lines_have_the_name_of_the_client(topic, caplog):
    caplog.set_level(logging.WARNING, logger="arrakis")
    missing = Topic.__new__(Topic)
    missing.url, missing.of = topic.url, channels(1)
    missing.metadata = {c.name: theirs(c) for c in missing.of}
    t = past()
    assert all(b.has_gaps for b in missing.stream(t, t + STRIDE))
    lines = [r for r in caplog.records if missing.of[0].partition_id in r.getMessage()]
    assert lines and {r.name for r in lines} == {"arrakis"}
    compat.uninstall()
    assert logging.getLogger("libarrakis").parent is logging.getLogger()


def test_memory_does_not_grow(topic):
    t = past()
    topic.publish(*(t + k * STRIDE for k in range(400)), masked={topic.of[0].name: [True, False, False, False]})

    def resident():
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * 4096

    def read(times):
        for _ in range(times):
            assert sum(1 for _ in topic.stream(t, t + 400 * STRIDE)) == 400

    read(5)
    gc.collect()
    before, objects = resident(), len(gc.get_objects())
    read(100)
    gc.collect()
    assert len(gc.get_objects()) < objects + 100
    # 105 bytes per block, where an array that were kept would be 4 samples and an object
    assert resident() < before + (4 << 20)


def in_child(stream, answer):
    try:
        next(stream)
        answer.put("a block")
    except RuntimeError as error:
        answer.put(str(error))


def test_a_forked_child_gets_an_error(topic):
    t = past()
    topic.publish(t, t + STRIDE)
    stream = topic.stream(t, t + 2 * STRIDE)
    first = next(stream)
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    process = context.Process(target=in_child, args=(stream, answer))
    process.start()
    process.join(60)
    assert process.exitcode == 0 and "fork" in answer.get()
    assert first.time_ns == t and next(stream).time_ns == t + STRIDE


SCRIPT = """
import arrakis.client
from libarrakis import compat
compat.install(["stream"])
from arrakis.channel import Channel
broker = MockBroker()
c = channels(1)[0]
broker.announce([c])
metadata = {c.name: Channel(c.name, c.data_type, c.sample_rate, partition_id=c.partition_id, partition_index=0,
                            stride=c.stride, max_latency=c.max_latency)}
stream = arrakis.client.BlockMuxStream(arrakis.client.KafkaReader(broker.url, metadata)).stream()
"""


def test_ctrl_c_ends_a_wait_at_once():
    waited, out = interrupt(
        SCRIPT
        + """
try:
    print("waiting", flush=True)
    next(stream)
except KeyboardInterrupt:
    print("interrupted")
"""
    )
    assert out == "interrupted\n" and waited < LOADED_S


SPAN = """
publisher = libarrakis.Publisher(c.publisher, [c], kafka_url=broker.url)
t = now() - 2 * 60 * 16 * STRIDE
for k in (0, 3):
    publisher.publish(block([c], t + k * STRIDE))
reader = arrakis.client.KafkaReader(broker.url, metadata, t)
blocks = list(arrakis.client.BlockMuxStream(reader, start=t).stream(t + 4 * STRIDE))
print([(b.time_ns - t) // STRIDE for b in blocks])
"""


@pytest.mark.parametrize("on_gap, strides", [("fill", [0, 1, 2, 3]), ("skip", [0, 3])])
def test_what_is_done_with_gaps_may_be_in_the_environment(monkeypatch, on_gap, strides):
    monkeypatch.setenv("ARRAKIS_ONGAP", on_gap)
    out, _ = run(SCRIPT + SPAN)
    assert out == f"{strides}\n"


def test_what_librdkafka_logs_may_be_in_the_environment(monkeypatch):
    def lines():
        out, _ = run(
            SCRIPT.replace("import arrakis.client", "import logging\nlogging.getLogger('arrakis').setLevel('DEBUG')\n"
            "handler = logging.Handler()\nhandler.emit = lambda r: print(r.name, r.getMessage())\n"
            "logging.getLogger('arrakis').addHandler(handler)\nimport arrakis.client") + SPAN
        )  # fmt: skip
        return [line for line in out.splitlines() if line.startswith("arrakis ") and "FETCH" in line]

    monkeypatch.delenv("ARRAKIS_KAFKA_DEBUG", raising=False)
    assert lines() == []
    monkeypatch.setenv("ARRAKIS_KAFKA_DEBUG", "fetch")
    assert lines()


def test_the_interpreter_ends_with_a_stream_open():
    out, err = run(
        SCRIPT
        + """
publisher = libarrakis.Publisher(c.publisher, [c], kafka_url=broker.url)
t = now() - 4 * STRIDE
publisher.publish(block([c], t))
stream = arrakis.client.BlockMuxStream(arrakis.client.KafkaReader(broker.url, metadata, t), start=t).stream()
print(next(stream).time_ns == t)
"""
    )
    assert out == "True\n"
