# SPDX-License-Identifier: Apache-2.0
"""The seam `encode` of libarrakis.compat: what a publisher of the Arrakis client sends is what it sends without."""

import gc
import logging
import subprocess
import sys
import weakref
from unittest import mock

import numpy
import pytest

pytest.importorskip("arrakis")

import arrakis.block  # noqa: E402
import arrakis.publish  # noqa: E402
import pyarrow  # noqa: E402
from arrakis import Channel  # noqa: E402
from arrakis.block import SeriesBlock  # noqa: E402
from arrakis.publish import Publisher  # noqa: E402
from samples import DTYPES, STRIDE, T0  # noqa: E402

from libarrakis import compat  # noqa: E402

THEIRS = (SeriesBlock.to_row_batches, arrakis.publish.serialize_batch, Publisher.publish)


@pytest.fixture(autouse=True)
def installed():
    compat.install(["encode"])
    assert compat.installed()["encode"].startswith("replaced")
    yield
    compat.uninstall()
    assert (SeriesBlock.to_row_batches, arrakis.publish.serialize_batch, Publisher.publish) == THEIRS


class Producer:
    """Keeps what it is given."""

    def __init__(self):
        self.sent = []

    def produce(self, topic, value, on_delivery):
        self.sent.append((topic, pyarrow.py_buffer(value).to_pybytes()))

    def poll(self, timeout):
        return 0

    def flush(self, timeout=None):
        return 0


def channel(name, dtype="float32", partition="p", index=0, rate=64, **more):
    return Channel(f"H1:T-{name}", dtype, rate, partition_id=partition, partition_index=index, stride=STRIDE, **more)


def named(*channels):
    return {c.name: c for c in channels}


def publisher(channels):
    with mock.patch("arrakis.publish.Client") as client:
        client.return_value.find.return_value = list(channels.values())
        made = Publisher("P", token=False)
        made.register()
    made._producer = Producer()
    return made


def outcome(call):
    """What a call returned or raised."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def sent(channels, blocks):
    """What a publisher sends of blocks, and what publish() raises."""
    p = publisher(channels)
    raised = [outcome(lambda block=block: p.publish(block)) for block in blocks]
    return p._producer.sent, raised


def both(call, *arguments):
    """The results of a call on the library and without it."""
    ours = call(*arguments)
    compat.uninstall()
    try:
        theirs = call(*arguments)
    finally:
        compat.install(["encode"])
    return ours, theirs


def assert_same(channels, *blocks):
    """The same is sent, in any case by the library where it is said to be."""
    ours, theirs = both(sent, channels, blocks)
    assert ours == theirs
    return ours


def is_encoded(block, channels):
    """Whether the library encodes all of a block."""
    partitions = compat._publish._partitions(channels, block.data)
    return all(partition.message(block) is not None for partition in partitions)


def array(dtype, count, seed=0):
    return (numpy.random.default_rng(seed).standard_normal(count) * 100).astype(dtype)


def masked(dtype, count, mask, seed=0):
    return numpy.ma.MaskedArray(array(dtype, count, seed), mask=mask)


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_types_and_masks_are_sent_byte_for_byte(dtype):
    channels = named(*[channel(f"C{i}", dtype, index=7 - i) for i in range(7)])
    some = numpy.array([True, False, False, True])
    arrays = [
        array(dtype, 4, 1),
        masked(dtype, 4, some, 2),
        numpy.ma.masked_all(4, dtype),
        masked(dtype, 4, False, 3),
        numpy.ma.MaskedArray(array(dtype, 4, 4)),
        array(dtype, 8, 5)[::2],
        masked(dtype, 8, numpy.repeat(some, 2), 6)[1::2],
    ]
    block = SeriesBlock(T0, dict(zip(channels, arrays)), channels)
    assert is_encoded(block, channels)
    messages, raised = assert_same(channels, block)
    assert len(messages) == 1 and raised == [None]


def test_random_blocks_of_many_partitions_are_sent_byte_for_byte():
    random = numpy.random.default_rng(5)
    for _ in range(20):
        kinds = {f"p{i}": str(random.choice(DTYPES)) for i in range(4)}
        channels, data = {}, {}
        for index in random.permutation(12):
            partition = str(random.choice(list(kinds)))
            rate = int(random.choice([16, 64, 256]))
            one = channel(f"C{index}", kinds[partition], partition, int(index), rate)
            channels[one.name] = one
            mask = random.random(rate // 16) < random.choice([0, 0.3, 1])
            dtype = kinds[partition]
            data[one.name] = masked(dtype, rate // 16, mask, index) if mask.any() else array(dtype, rate // 16)
        block = SeriesBlock(T0, data, channels)
        assert is_encoded(block, channels)
        assert_same(channels, block)


def test_values_of_floats_that_are_no_numbers_stay():
    channels = named(channel("A"), channel("B", index=1))
    values = numpy.array([numpy.nan, numpy.inf, -0.0, 1e-45], "float32")
    block = SeriesBlock(T0, {"H1:T-A": values, "H1:T-B": numpy.ma.masked_invalid(values)}, channels)
    assert is_encoded(block, channels)
    assert_same(channels, block)


def odd_blocks():
    one = named(channel("A"))
    two = named(channel("A"), channel("B", index=1))
    whole = array("float32", 4)

    def block(data, channels=one, time_ns=T0):
        return SeriesBlock(time_ns, dict(zip(channels, data)), channels)

    yield "another type than the channel's", one, block([array("float64", 4)])
    yield "whole numbers for floats", one, block([array("int16", 4)])
    yield "a list", one, block([[1.0, 2.0, 3.0, 4.0]])
    yield "two dimensions", one, block([array("float32", 8).reshape(4, 2)])
    yield "the other byte order", one, block([whole.astype(">f4")])
    yield "a time below 0", one, block([whole], time_ns=-STRIDE)
    yield "a time that is a float", one, block([whole], time_ns=float(T0))
    yield "a time far ahead", one, block([whole], time_ns=2**63 - 1)
    yield "a time too large", one, block([whole], time_ns=2**64)
    yield "two types in a partition", named(channel("A"), channel("B", "float64", index=1)), block(
        [whole, array("float64", 4)], named(channel("A"), channel("B", "float64", index=1))
    )
    yield "one array of two that is odd", two, block([whole, array("float64", 4)], two)
    yield "bool, which is no channel's type", named(channel("A", "bool")), block(
        [numpy.ones(4, "bool")], named(channel("A", "bool"))
    )
    yield "an index too large", named(channel("A", index=2**32)), block([whole], named(channel("A", index=2**32)))
    yield "a block that is empty", one, SeriesBlock(T0, {}, {})
    yield "some channels", two, block([whole])
    yield "another channel", one, block([whole], named(channel("C")))
    yield "another rate", one, SeriesBlock(T0, {"H1:T-A": array("float32", 8)}, named(channel("A", rate=128)))
    yield "another stride", one, block([array("float32", 8)])


ODD = list(odd_blocks())


@pytest.mark.parametrize("channels, block", [odd[1:] for odd in ODD], ids=[odd[0] for odd in ODD])
def test_what_the_library_does_not_take_ends_as_it_does_without(channels, block):
    """As a list of batches as well as sent."""
    assert_same(channels, block)
    ours, theirs = both(lambda: outcome(lambda: list(block.to_row_batches(channels))))
    assert ours == theirs


def test_a_mask_of_another_length_is_refused_as_without():
    """numpy lets a program put one there, and only the samples tell how long it should be."""
    channels = named(channel("A", rate=65536))
    array = masked("float32", 4096, [0] * 4096)
    array._mask = numpy.zeros(1, bool)
    block = SeriesBlock(T0, {"H1:T-A": array}, channels)
    for refused in both(lambda: pytest.raises(ValueError, publisher(channels).publish, block)):
        assert "mask" in str(refused.value).lower()


def test_a_time_may_be_a_numpy_integer():
    channels = named(channel("A"))
    block = SeriesBlock(numpy.int64(T0), {"H1:T-A": array("float32", 4)}, channels)
    assert is_encoded(block, channels)
    assert_same(channels, block)


def test_data_that_lacks_or_has_a_channel_more_ends_as_it_does_without():
    channels = named(channel("A"), channel("B", index=1))
    for change in (lambda data: data.pop("H1:T-B"), lambda data: data.update({"H1:T-C": array("float32", 4)})):
        block = SeriesBlock(T0, {name: array("float32", 4) for name in channels}, channels)
        change(block.data)
        assert_same(channels, block)


def test_a_time_that_does_not_increase_is_refused_as_without():
    channels = named(channel("A"))
    block = SeriesBlock(T0, {"H1:T-A": array("float32", 4)}, channels)
    messages, (first, second) = assert_same(channels, block, block)
    assert first is None and second[0] is ValueError and len(messages) == 1


def test_batches_are_pyarrow_s_and_equal():
    channels = named(channel("A"), channel("B", "int16", "q"))
    block = SeriesBlock(T0, {"H1:T-A": masked("float32", 4, [0, 1, 0, 0]), "H1:T-B": array("int16", 4)}, channels)
    ours, theirs = both(lambda: list(block.to_row_batches(channels)))
    assert ours == theirs
    for (_, batch), (_, other) in zip(ours, theirs):
        assert type(batch) is pyarrow.RecordBatch
        assert batch.schema.equals(other.schema, check_metadata=True)
        assert arrakis.publish.serialize_batch(batch).equals(THEIRS[1](other))


def test_how_a_block_goes_follows_its_channels_and_those_that_are_registered():
    channels = named(channel("A"), channel("B", index=1), channel("C", partition="q"))

    def block(i, names):
        return SeriesBlock(
            T0 + i * STRIDE, {n: array("float32", 4, i) for n in names}, {n: channels[n] for n in names}
        )

    def run():
        p = publisher(dict(channels))
        blocks = [list(channels), ["H1:T-A"], list(channels), ["H1:T-C", "H1:T-A"]]
        for i, names in enumerate(blocks):
            p.publish(block(i, names))
        p.channels["H1:T-A"] = channel("A", partition="r", index=5)  # in the same dict
        raised = outcome(lambda: p.publish(block(8, channels)))
        bare = Channel("H1:T-A", "float32", 64)  # equal to both
        moved = SeriesBlock(T0 + 9 * STRIDE, {"H1:T-A": array("float32", 4)}, {"H1:T-A": bare})
        p.publish(moved)
        p.channels = {"H1:T-A": channel("A", partition="s", index=6)}
        p.publish(SeriesBlock(T0 + 10 * STRIDE, moved.data, moved.channels))
        return sorted(p._producer.sent), raised

    ours, theirs = both(run)
    assert ours == theirs
    assert {"arrakis-r", "arrakis-s"} < {topic for topic, _ in ours[0]}


def test_rows_and_messages_are_in_the_order_of_each_block():
    channels = named(*[channel(f"C{i}", partition=f"p{i % 2}", index=i) for i in range(6)])
    data = {name: array("float32", 4, i) for i, name in enumerate(channels)}
    orders = [list(data), list(data)[::-1], sorted(data, key=lambda name: name[-1] in "034"), list(data)]
    blocks = [
        SeriesBlock(T0 + i * STRIDE, {name: data[name] for name in order}, channels)
        for i, order in enumerate(orders)
    ]
    messages, raised = assert_same(channels, *blocks)
    assert len(messages) == 8 and raised == [None] * 4


def test_whoever_replaces_a_part_of_it_sees_it_called(monkeypatch):
    channels = named(channel("A"))
    block = SeriesBlock(T0, {"H1:T-A": array("float32", 4)}, channels)
    seen = []

    def spy(batch):
        seen.append(batch)
        return THEIRS[1](batch)

    monkeypatch.setattr(arrakis.publish, "serialize_batch", spy)
    publisher(channels).publish(block)
    assert [type(batch) for batch in seen] == [pyarrow.RecordBatch]
    monkeypatch.undo()

    class Own(SeriesBlock):
        def to_row_batches(self, registered):
            seen.append(self)
            yield from super().to_row_batches(registered)

    own = Own(block.time_ns, block.data, block.channels)
    publisher(channels).publish(own)
    assert seen[-1] is own


def test_what_was_kept_works_after_uninstall():
    channels = named(channel("A"))
    block = SeriesBlock(T0, {"H1:T-A": array("float32", 4)}, channels)
    kept, to_rows = Publisher.publish, SeriesBlock.to_row_batches
    compat.uninstall()
    p = publisher(channels)
    kept(p, block)
    assert len(p._producer.sent) == 1
    assert list(to_rows(block, channels)) == list(block.to_row_batches(channels))


def test_the_debug_log_shows_what_is_published(caplog):
    channels = named(channel("A"))
    block = SeriesBlock(T0, {"H1:T-A": array("float32", 4)}, channels)
    caplog.set_level(logging.DEBUG, logger="arrakis")
    ours, theirs = both(lambda: (caplog.clear(), publisher(channels).publish(block), caplog.messages)[-1])
    assert [line for line in ours if line.startswith("publishing to topic")] == [
        line for line in theirs if line.startswith("publishing to topic")
    ]
    assert any("pyarrow.RecordBatch" in line for line in ours)


def test_nothing_is_kept_of_what_was_published():
    channels = named(channel("A"), channel("B", index=1))
    data = {"H1:T-A": array("float32", 4), "H1:T-B": masked("float32", 4, [1, 0, 0, 1])}
    p = publisher(channels)
    before = [sys.getrefcount(value) for value in data.values()]
    for i in range(100):
        p.publish(SeriesBlock(T0 + i * STRIDE, data, channels))
    assert [sys.getrefcount(value) for value in data.values()] == before
    gone = weakref.ref(p)
    assert p in compat._publish._plans
    del p
    gc.collect()
    assert gone() is None


def test_a_program_that_imports_the_client_after_the_installation_gets_the_seam():
    """The seam is replaced while the package `arrakis` is being imported, which then has no `publish` yet."""
    script = "from libarrakis import compat; compat.install(); import arrakis; print(compat.installed()['encode'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.startswith("replaced"), done.stdout + done.stderr
