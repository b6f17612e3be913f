# SPDX-License-Identifier: Apache-2.0
"""Objects of a Python class made of blocks: their dicts and arrays serve again, and nobody who kept one can tell."""

import collections
import copy
import ctypes
import gc
import pickle
import sys
import threading
import weakref

import numpy
import pytest
from samples import STRIDE, T0, block, channels, values
from test_memory import FUTURE, MemoryReader, message
from test_process import run

import libarrakis
from libarrakis import _core

COUNT = 5  # channels of a partition
KEPT = 4  # dicts that serve again


class SeriesBlock:
    """As the Arrakis client's."""


class Source:
    """Two partitions, in memory; of the second there is nothing in the strides of `gaps`."""

    def __init__(self, strides, gaps=()):
        self.parts = [channels(COUNT), channels(COUNT, "int16")]
        self.of = [c for part in self.parts for c in part]
        self.reader = MemoryReader(self.of)
        input_of = {name: i for i, names in enumerate(self.reader.inputs()) for name in names}
        for k in range(strides):
            for part in self.parts:
                if part is self.parts[0] or k not in gaps:
                    self.reader.push(input_of[part[0].name], message(part, FUTURE + k * STRIDE))
        self.maker = _core._BlockMaker(SeriesBlock, {c.name: c for c in self.of})
        self.made = self.maker.over(self.reader.stream(FUTURE))

    def check(self, b, gap=False):
        assert list(b.data) == list(b.channels) == [c.name for c in self.of]
        for c in self.of:
            array = b.data[c.name]
            if gap and c in self.parts[1]:
                assert type(array) is numpy.ma.MaskedArray and array.mask.all() and not array.data.any()
                continue
            assert type(array) is numpy.ndarray and array.dtype == c.data_type
            assert array.flags.carray and array.flags.aligned and not array.flags.owndata
            assert array.tolist() == values(c, b.time_ns).tolist(), (c, b.time_ns)


def test_what_is_dropped_serves_again():
    source = Source(12)
    found = []
    for b in source.made:
        source.check(b)
        found.append((id(b.data), [id(array) for array in b.data.values()]))
    assert len(found) == 12
    assert all(found[k] == found[k + 2] for k in range(10)) and found[0] != found[1]


def test_a_program_that_keeps_blocks_has_them_unchanged():
    source = Source(20)
    kept = list(source.made)
    assert len({id(b.data) for b in kept}) == len({id(b.channels) for b in kept}) == 20
    assert len({array.ctypes.data for b in kept for array in b.data.values()}) == 20 * 2 * COUNT
    del source.made, source.maker, source.reader
    gc.collect()
    for b in kept:
        source.check(b)


KEEP = {
    "an array": lambda array: array,
    "a slice": lambda array: array[1:],
    "a view of a view": lambda array: array[::-1][:2],
    "another shape": lambda array: array.reshape(2, -1),
    "another type": lambda array: array.view("uint8"),
    "a subclass": lambda array: array.view(numpy.ma.MaskedArray),
    "an iterator": lambda array: iter(array),
    "a flat iterator": lambda array: array.flat,
    "a memoryview": memoryview,
    "its memory": lambda array: array.data,
    "a capsule": lambda array: numpy.from_dlpack(array),
    "a buffer": lambda array: numpy.frombuffer(array, array.dtype),
    "for ctypes": lambda array: array.ctypes.data_as(ctypes.c_void_p),
    "as strided": lambda array: numpy.lib.stride_tricks.as_strided(array, (2,), (array.itemsize,)),
    "a bound method": lambda array: array.tolist,
    "for pyarrow": lambda array: pytest.importorskip("pyarrow").array(array),
}


def samples(found):
    if isinstance(found, ctypes.c_void_p):
        return bytes((ctypes.c_char * 8).from_address(found.value))
    for name in ("tolist", "to_pylist"):
        if hasattr(found, name):
            return getattr(found, name)()
    return found() if callable(found) else list(found)


@pytest.mark.parametrize("keep", KEEP)
@pytest.mark.parametrize("gaps", [(), (3, 4, 8)])
def test_what_a_program_keeps_of_an_array_stays_as_it_was(keep, gaps):
    source = Source(16, gaps)
    kept = []
    for k, b in enumerate(source.made):
        source.check(b, k in gaps)
        array = b.data[source.of[k % COUNT].name]
        kept.append((KEEP[keep](array), samples(KEEP[keep](array.copy()))))
        del array
    assert len(kept) == 16
    for found, expected in kept:
        assert samples(found) == expected


def test_dicts_that_a_program_keeps_stay_as_they_were():
    for keep in (
        lambda b: b.data,
        lambda b: b.data.copy(),
        lambda b: b.data.items(),
        lambda b: iter(b.data.values()),
    ):
        source = Source(16)
        kept = [(b.time_ns, keep(b)) for b in source.made]
        for time_ns, found in kept:
            found = found.values() if isinstance(found, dict) else found
            arrays = [value[1] if isinstance(value, tuple) else value for value in found]
            assert [a.tolist() for a in arrays] == [values(c, time_ns).tolist() for c in source.of]


def shape(array):
    array.shape = (2, -1)


def data_type(array):
    array.dtype = "uint8"


def strides(array):
    array.strides = (0,)


def writeable(array):
    array.flags.writeable = False


def overwrite(array):
    array[...] = 99


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("change", [shape, data_type, strides, writeable, overwrite])
def test_what_a_program_makes_of_an_array_is_its_own_matter(change):
    source = Source(12)
    for k, b in enumerate(source.made):
        source.check(b)
        change(b.data[source.of[k % COUNT].name])
        if k % 3 == 0:
            for array in b.data.values():
                change(array) if array.ndim == 1 and array.itemsize > 1 and array.strides != (0,) else None


def remove(source, data):
    del data[source.of[1].name]


def add(source, data):
    data["H1:NEW-ONE"] = numpy.zeros(4)


def replace(source, data):
    data[source.of[2].name] = numpy.zeros(4, "float32")


def exchange(source, data):
    one, other = source.of[0].name, source.of[1].name
    data[one], data[other] = data[other], data[one]


def reorder(source, data):
    data[source.of[0].name] = data.pop(source.of[0].name)


def rename(source, data):
    """Equal names, but other objects."""
    found = [("".join(list(name)), array) for name, array in data.items()]
    data.clear()
    data.update(found)


@pytest.mark.parametrize("change", [remove, add, replace, exchange, reorder, rename, lambda s, data: data.clear()])
def test_what_a_program_makes_of_a_dict_is_its_own_matter(change):
    source = Source(12)
    for b in source.made:
        source.check(b)
        assert list(b.channels.values()) == source.of and all(b.channels[c.name] is c for c in source.of)
        change(source, b.data)
        change(source, b.channels)


def test_channels_come_and_go_with_their_data():
    gaps = {2, 3, 4, 7, 9, 11}
    source = Source(14, gaps)
    kept = []
    for k, b in enumerate(source.made):
        source.check(b, k in gaps)
        kept.append(b.data[source.parts[1][0].name]) if k % 2 else None
    for k, array in zip(range(1, 14, 2), kept):
        assert numpy.ma.getmaskarray(array).all() == (k in gaps)


def test_arrays_are_finalised_when_the_next_block_is_asked_for():
    source = Source(6)
    b = next(source.made)
    name, ends = source.of[0].name, []
    array = weakref.ref(b.data[name], ends.append)
    weakref.finalize(b, ends.append, "the block")
    del b
    assert ends == ["the block"]
    b = next(source.made)
    assert array() is None and ends == ["the block", array]
    source.check(b)
    for b in source.made:
        source.check(b)


def test_a_finaliser_may_ask_for_the_next_block():
    """It runs in the middle of what asks for one."""
    source = Source(12)
    seen, watched = [], []

    def ask(_):
        b = next(source.made, None)
        if b:
            source.check(b)
            seen.append(b.time_ns)
        other = source.maker(block(source.of[:COUNT] + source.of[COUNT:], FUTURE))
        source.check(other)

    for b in source.made:
        source.check(b)
        seen.append(b.time_ns)
        watched += [weakref.ref(b.data[c.name], ask) for c in source.of[::4]]
    assert sorted(seen) == [FUTURE + k * STRIDE for k in range(12)]


def test_blocks_can_be_copied_and_pickled():
    """Also by protocol 5, the default of Python 3.14: its arrays lie in what was read, and own nothing themselves."""
    source = Source(8)
    ways = [copy.deepcopy, *(lambda b, p=p: pickle.loads(pickle.dumps(b, p)) for p in (2, 4, 5))]
    again = []
    for b in source.made:
        copied = ways[len(again) % len(ways)](b)
        for name, array in copied.data.items():
            assert array.flags.writeable and not numpy.shares_memory(array, b.data[name])
        again.append(copied)
    for b in again:
        assert list(b.data) == [c.name for c in source.of]
        for c in source.of:
            assert b.data[c.name].tolist() == values(c, b.time_ns).tolist()


def test_what_serves_again_is_bounded():
    source = Source(200)
    collections.deque((next(source.made) for _ in range(10)), maxlen=0)
    gc.collect()
    before = sys.getallocatedblocks()
    kept = [next(source.made) for _ in range(100)]
    held = sys.getallocatedblocks() - before
    assert held > 100 * 2 * COUNT
    del kept
    collections.deque((next(source.made) for _ in range(10)), maxlen=0)
    gc.collect()
    assert sys.getallocatedblocks() - before < held * KEPT / 100 + 50


def test_memory_stays_flat_whatever_a_program_keeps():
    out, _ = run(
        """
        from test_made_blocks import *

        def resident():
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def read(times):
            for _ in range(times):
                kept = collections.deque(maxlen=3)
                source = Source(60, (7, 8, 30))
                for k, b in enumerate(source.made):
                    array = b.data[source.of[k % 10].name]
                    kept.append((b, array[1:], b.data, memoryview(array))[k % 4])
                    if k % 7 == 0:
                        b.data.clear()
                    memoryview(b.channels and array), weakref.ref(array)

        read(20)
        before = resident()
        read(400)
        print(resident() - before < 2_000_000 or resident() - before)
        """
    )
    assert out == "True\n"


def test_threads_that_keep_arrays_of_one_stream():
    source = Source(300)
    handed, wrong = collections.deque(), []
    ended = threading.Event()

    def take():
        while not ended.is_set() or handed:
            try:
                c, time_ns, array = handed.popleft()
            except IndexError:
                continue
            if array.tolist() != values(c, time_ns).tolist():
                wrong.append(time_ns)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for t in threads:
        t.start()
    for k, b in enumerate(source.made):
        c = source.of[k % len(source.of)]
        handed.append((c, b.time_ns, b.data[c.name]))
    ended.set()
    for t in threads:
        t.join(60)
    assert not wrong and not handed


def test_a_forked_child_has_what_was_kept():
    run(
        """
        from test_made_blocks import *
        source = Source(8)
        one, two = next(source.made), next(source.made)
        array = one.data[source.of[0].name]
        del one
        pid = os.fork()
        if pid == 0:
            source.check(two)
            assert array.tolist() == values(source.of[0], FUTURE).tolist()
            try:
                next(source.made)
                os._exit(1)
            except RuntimeError as e:
                assert "fork" in str(e)
            del two, array
            source.check(source.maker(block(source.of, FUTURE)))
            del source
            gc.collect()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        source.check(two)
        for b in source.made:
            source.check(b)
        assert array.tolist() == values(source.of[0], FUTURE).tolist()
        """
    )


def test_nobody_finds_an_array_that_is_to_serve_again():
    of = channels(COUNT)
    names = [c.name for c in of]
    found = []

    def blocks():
        yield block(of, FUTURE)
        found.extend(o for o in gc.get_objects() if type(o) is dict and list(o) == names and o is not fields)
        yield block(of, FUTURE + STRIDE)

    fields = {c.name: c for c in of}
    made = _core._BlockMaker(SeriesBlock, fields).over(blocks())
    b = next(made)
    b.data["H1:OWN"] = []  # the collector knows of the dict from here on
    del b.data["H1:OWN"]
    assert gc.is_tracked(b.data)
    del b
    b = next(made)
    assert [o for o in found if type(o[names[0]]) is numpy.ndarray] == []
    assert gc.is_tracked(b.data) and b.data[names[0]].tolist() == values(of[0], FUTURE + STRIDE).tolist()


def test_what_is_no_block_is_refused():
    source = Source(1)
    with pytest.raises(TypeError):
        source.maker.over(5)
    with pytest.raises(TypeError, match="expected a Block"):
        next(source.maker.over([1]))
    with pytest.raises(ValueError, match="a block of 5 channels, expected 10"):
        next(source.maker.over([block(source.parts[0], FUTURE)]))
    with pytest.raises(TypeError):
        type(source.made)()
    with pytest.raises(TypeError):
        type(next(source.made).data[source.of[0].name].base)()
    with pytest.raises(TypeError, match="has no constructor"):
        _core._BlockMaker(libarrakis.Stream, {})


class Hooked(SeriesBlock):
    """Runs a function of the program's once, as an attribute is set."""

    hook = None

    @property
    def time_ns(self):
        return self._time_ns

    @time_ns.setter
    def time_ns(self, value):
        self._time_ns = value
        hook, Hooked.hook = Hooked.hook, None
        if hook:
            hook()


def test_a_block_that_is_made_while_another_is_has_dicts_of_its_own():
    of = channels(COUNT)
    make = _core._BlockMaker(Hooked, {c.name: c for c in of})
    make(block(of, T0))  # dropped: its dict is free
    inner = []
    Hooked.hook = lambda: inner.append(make(block(of, T0 + STRIDE)))
    outer = make(block(of, T0 + 2 * STRIDE))
    assert outer.data is not inner[0].data
    for made in (outer, inner[0]):
        for c in of:
            assert made.data[c.name].tolist() == values(c, made.time_ns).tolist()
