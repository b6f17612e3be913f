# SPDX-License-Identifier: Apache-2.0
"""Streams of messages in memory: what they hold, two that end in two threads, and that they leave nothing behind."""

import gc
import json
import subprocess
import sys
import threading

import numpy
import pytest
from samples import DTYPES, SECOND, STRIDE, block, channels, values

import libarrakis
from libarrakis.mock import MemoryReader

pyarrow = pytest.importorskip("pyarrow")
FUTURE = 1_900_000_000 * SECOND  # never late


class Rows:
    def __init__(self, block, data_type):
        self.__arrow_c_array__ = lambda requested_schema=None: block._rows(data_type)


def message(of, time_ns, masked=()):
    """What a publisher sends for these channels of one partition and type; some are masked in part."""
    data = dict(block(of, time_ns))
    for name in masked:
        data[name] = numpy.ma.MaskedArray(data[name], numpy.arange(len(data[name])) % 2 == 0)
    batch = pyarrow.record_batch(Rows(libarrakis.Block(time_ns, data, of), of[0].data_type))
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def stream(parts, count):
    reader = MemoryReader([c for of in parts for c in of])
    input_of = {name: i for i, names in enumerate(reader.inputs()) for name in names}
    for k in range(count):
        for of in parts:
            reader.push(input_of[of[0].name], message(of, FUTURE + k * STRIDE))
    return reader.stream(FUTURE)


def test_a_stream_of_every_type_has_what_was_pushed():
    parts = [channels(2, dtype) for dtype in DTYPES]
    count = 0
    for k, b in enumerate(stream(parts, 5)):
        assert b.time_ns == FUTURE + k * STRIDE and not b.has_gaps
        for of in parts:
            for c in of:
                assert b[c.name].dtype == c.data_type
                assert b[c.name].tolist() == values(c, b.time_ns).tolist()
        count += 1
    assert count == 5


def test_an_input_without_data_is_masked_and_never_writable():
    parts = [channels(1), channels(1)]
    reader = MemoryReader([c for of in parts for c in of])
    assert [list(of) for of in reader.inputs()] == [[of[0].name] for of in parts]
    reader.push(0, message(parts[0], FUTURE))
    (b,) = reader.stream(FUTURE)
    nothing = b[parts[1][0].name]
    assert nothing.mask.all() and not nothing.data.flags.writeable
    assert b.missing(parts[0][0].name) == 0


def test_a_reader_belongs_to_its_stream():
    of = channels(1)
    reader = MemoryReader(of)
    with pytest.raises(libarrakis.InvalidArgumentError):
        reader.push(1, b"")
    with pytest.raises(libarrakis.InvalidArgumentError):
        reader.push(-1, b"")
    with pytest.raises(TypeError):
        reader.push(0, "text")
    reader.push(0, b"no message")
    with reader.stream(FUTURE) as s:
        assert isinstance(json.loads(s.dump()), dict)
        assert list(s) == [] and s.stats.undecodable == 1
    with pytest.raises(ValueError, match="closed"):
        reader.push(0, b"")


def test_two_streams_are_read_to_their_ends_by_two_threads():
    both = [stream([channels(20), channels(20)], 200) for _ in range(2)]
    counts = [0, 0]

    def take(i):
        for b in both[i]:
            counts[i] += len(b.data) == 40

    threads = [threading.Thread(target=take, args=(i,)) for i in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert counts == [200, 200]


def test_a_reader_is_not_taken_over_within_a_call_of_it():
    """A garbage collection within inputs() runs what the program has to do then."""
    found = []

    class Cycle:
        def __init__(self, reader):
            self.reader, self.me = reader, self

        def __del__(self):
            try:
                found.append(self.reader.stream(FUTURE))
            except RuntimeError as error:
                found.append(str(error))

    of = channels(2)
    reader = MemoryReader(of)
    inputs = reader.inputs
    gc.collect()
    gc.disable()
    try:
        Cycle(reader)
        lists = [[] for _ in range(200)]  # the next one is of new memory, and so counts
        before = gc.get_threshold()
        gc.set_threshold(1)
        gc.enable()
        taken = inputs()
    finally:
        gc.set_threshold(*before)
        gc.enable()
    gc.collect()
    assert [list(names) for names in taken] == [[c.name for c in of]]
    assert len(lists) == 200 and len(found) == 1
    if sys.version_info < (3, 12):  # later ones collect between two lines alone
        assert found == ["another call is using this reader"]


def test_memory_stays_flat_over_a_million_blocks():
    script = f"""
import os, sys
sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from test_memory import *

of = channels(3)
messages = [message(of, FUTURE + k * STRIDE, masked=[of[2].name]) for k in range(1000)]

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def thousands(count):
    seen = 0
    for _ in range(count):
        reader = MemoryReader(of)
        for m in messages:
            reader.push(0, m)
        for b in reader.stream(FUTURE):
            seen += 1
            b[of[0].name], b.mask(of[1].name), b.channels
            assert b[of[2].name].mask[0]
            if seen % 50 == 0:
                b.data, repr(b), list(b), b.__arrow_c_array__()
    return seen

thousands(5)
before = resident()
assert thousands(1000) == 1_000_000
# Two bytes per block: Python's allocator may have taken one more megabyte from the system meanwhile.
assert resident() - before < 2_000_000, resident() - before
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
