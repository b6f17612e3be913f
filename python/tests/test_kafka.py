# SPDX-License-Identifier: Apache-2.0
"""libarrakis.kafka, member by member."""

import re
import threading
import time

import pytest
from samples import LOADED_S, STRIDE, block, channels, now, values

import libarrakis
from libarrakis.kafka import KafkaReader, generate_groupid, random_alphanum


@pytest.fixture
def published(broker):
    """Channels of two partitions, and the start of three blocks of each."""
    parts = [channels(3), channels(2, "int32")]
    start = now()
    for of in parts:
        with libarrakis.Publisher(of[0].publisher, of, kafka_url=broker.url) as publisher:
            for k in range(3):
                publisher.publish(block(of, start + k * STRIDE))
    return parts, start


def metadata(*channels):
    return {c.name: c for c in channels}


def collect(read, count):
    got, deadline = [], time.monotonic() + 60
    while len(got) < count:
        assert time.monotonic() < deadline
        got += list(read())
    return got


def test_streams_are_named_after_brokers_and_partitions(broker, published):
    (a, b), _ = published
    reader = KafkaReader(broker.url, metadata(a[2], *b, a[0]))
    assert reader.streams == {
        f"{broker.url}/{a[0].partition_id}": [a[2], a[0]],
        f"{broker.url}/{b[0].partition_id}": b,
    }
    assert reader.streams[f"{broker.url}/{b[0].partition_id}"][0] is b[0]
    assert (reader.url, reader.start, list(reader.metadata)) == (
        broker.url, None, [a[2].name, b[0].name, b[1].name, a[0].name],
    )  # fmt: skip
    assert repr(reader) == f"<KafkaReader: {reader.streams}>"
    reader.close()
    reader.close()


def test_read_yields_blocks_of_the_requested_channels(broker, published):
    (a, b), start = published
    with KafkaReader(broker.url, metadata(a[0], a[2], *b), start=0) as reader:
        got = collect(lambda: reader.read(convert_blocks=True), 6)
        for name, of in zip(reader.streams, ([a[0], a[2]], b)):
            blocks = [blk for n, blk in got if n == name]
            assert [blk.time_ns for blk in blocks] == [start + k * STRIDE for k in range(3)]
            for blk in blocks:
                assert list(blk) == [c.name for c in of]
                for c in of:
                    assert blk[c.name].tolist() == values(c, blk.time_ns).tolist()
        assert not reader.done()


def test_read_yields_record_batches_of_rows(broker, published):
    pyarrow = pytest.importorskip("pyarrow")
    (a, _), start = published
    with KafkaReader(broker.url, metadata(a[0], a[2]), start=0) as reader:
        got = collect(reader.read, 3)
        assert all(isinstance(batch, pyarrow.RecordBatch) for _, batch in got)
        name, batch = got[1]
        batch.validate(full=True)
        assert name in reader.streams and batch.schema.names == ["time", "id", "data"]
        assert batch.to_pylist() == [
            {"time": start + STRIDE, "id": c.partition_index,
             "data": values(c, start + STRIDE).tolist()} for c in (a[0], a[2])
        ]  # fmt: skip


def test_read_raw_and_unpack_have_times_and_rows(broker, published):
    pytest.importorskip("pyarrow")
    (_, b), start = published
    with KafkaReader(broker.url, metadata(*b), start=0) as reader:
        raw = collect(lambda: reader.read_raw(wait=1), 3)
        assert [t for _, t, _ in raw] == [start + k * STRIDE for k in range(3)]
        assert list(reader.read_raw()) == []
    with KafkaReader(broker.url, metadata(*b), start=0) as reader:
        rows = [row for _, row in zip(range(6), reader.unpack())]
        assert [row["id"] for row in rows] == [0, 1] * 3


def test_read_waits_for_a_first_message_and_no_longer(broker, published):
    (a, _), _ = published
    with KafkaReader(broker.url, metadata(*a)) as reader:
        begun = time.monotonic()
        assert list(reader.read()) == []
        assert 0.09 < time.monotonic() - begun < LOADED_S
        least = LOADED_S  # one that waits does so each time; a machine that runs others does not
        for _ in range(20):
            begun = time.monotonic()
            assert list(reader.read_raw()) == []
            least = min(least, time.monotonic() - begun)
        assert least < 0.09


def test_exhausted_is_true_once_all_is_read(broker, published):
    (a, _), _ = published
    with KafkaReader(broker.url, metadata(*a), start=0) as reader:
        assert not reader.exhausted()
        collect(lambda: reader.read(convert_blocks=True), 3)
        deadline = time.monotonic() + 60
        while not reader.exhausted():
            assert time.monotonic() < deadline
            list(reader.read_raw(wait=0.01))


def test_a_single_question_whether_all_is_read_has_its_answer(broker, published):
    """As of a program that asks seldom: an answer of the brokers counts for five seconds."""
    (a, _), _ = published
    with KafkaReader(broker.url, metadata(*a), start=0) as reader:
        begun = time.monotonic()
        while time.monotonic() < begun + 4:  # before, none is believed
            list(reader.read())
        assert reader.exhausted()


def test_fast_forward_goes_to_the_end(broker, published):
    (a, b), start = published
    with KafkaReader(broker.url, metadata(*a), start=0) as reader:
        collect(lambda: reader.read(convert_blocks=True), 3)
        assert reader.fast_forward() in (0, 1)
        assert list(reader.read()) == []
    with KafkaReader(broker.url, metadata(*a), None, fast_forward=True) as reader:
        assert list(reader.read_raw()) == []


def test_a_read_ends_where_messages_never_do():
    class Endless:
        def next(self, wait):
            return 0, "a block"

        def input_ids(self):
            return ["a stream"]

    reader = KafkaReader("127.0.0.1:1", metadata(*channels(1)))
    reader._reader.close()
    reader._reader = Endless()
    assert len(list(reader.read(convert_blocks=True))) == KafkaReader.BATCH


def test_close_in_another_thread_ends_a_read(broker, published):
    (a, _), _ = published
    with KafkaReader(broker.url, metadata(*a)) as reader:
        threading.Timer(0.05, reader.close).start()
        begun = time.monotonic()
        assert list(reader.read_raw(wait=60)) == []
        assert time.monotonic() - begun < LOADED_S


def test_a_channel_without_its_partition_is_an_assertion_error():
    for fields in ({"partition_index": 0}, {"partition_id": "p"}):
        with pytest.raises(AssertionError):
            KafkaReader("127.0.0.1:1", metadata(libarrakis.Channel("H1:A-B", "int32", 16, **fields)))


def test_errors_are_the_library_s(broker):
    (c,) = channels(1)
    with pytest.raises(libarrakis.InvalidArgumentError):
        KafkaReader("http://x", metadata(c)).enter()
    with KafkaReader(broker.url, metadata(c)) as reader:
        pass
    with pytest.raises(ValueError, match="closed"):
        reader.enter()
    with pytest.raises(libarrakis.InvalidArgumentError, match="fetch wait of 6000000000 ns"):
        KafkaReader(broker.url, metadata(c), fetch_wait=6).enter()
    assert libarrakis.KafkaReader is KafkaReader


def test_the_reference_s_channels_and_protocol_fit(broker, published):
    arrakis = pytest.importorskip("arrakis")
    stream = pytest.importorskip("arrakis.stream")
    (a, _), start = published
    theirs = {
        c.name: arrakis.Channel(**{f: getattr(c, f) for f in arrakis.Channel.fields()}) for c in a
    }
    with KafkaReader(broker.url, theirs, start=0) as reader:
        assert isinstance(reader, stream.StreamReader)
        assert reader.streams[f"{broker.url}/{a[0].partition_id}"][0] is theirs[a[0].name]
        assert collect(reader.read, 1)[0][1].column("time")[0].as_py() == start


def test_names_are_random():
    assert re.fullmatch("[A-Z0-9]{16}", generate_groupid())
    assert generate_groupid() != generate_groupid()
    assert random_alphanum(0) == random_alphanum(-1) == ""
    assert set(random_alphanum(5000)) == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    with pytest.raises(TypeError):
        random_alphanum("x")
