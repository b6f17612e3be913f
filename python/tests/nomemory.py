# SPDX-License-Identifier: Apache-2.0
"""The paths of the binding with each allocation failing in turn: `nomemory.py python|c [PATH...]`, with nomalloc.c
preloaded: those of Python, or those that the module and the library make by malloc() and its like.

Each call ends in an exception that tells it, or has its result; nothing of it stays.
"""

import collections
import ctypes
import gc
import itertools
import sys
import threading
import traceback

import _testcapi
import numpy
from conftest import PACKAGE  # noqa: F401
from samples import STRIDE, T0, block, channels, values

import libarrakis
from libarrakis import _core
from libarrakis.mock import MemoryReader, MockBroker

_core._stop()  # no log lines, whose thread would meet the same allocator
nomalloc = ctypes.CDLL(None)
of = channels(3)
names = [c.name for c in of]
one = block(of, T0)
masked = {c.name: numpy.ma.MaskedArray(values(c, T0), mask=[True, False, True, False]) for c in of}
gaps = libarrakis.Block(T0, masked, of)
fields = {c.name: c for c in of}
encoder = _core.RowEncoder("float32", names, range(3))
writer = _core.BatchWriter(of)


# Some versions of Python keep a block or two of their own each time; this one does not.
SLACK = 0 if sys.version_info[:2] == (3, 11) else 4


class SeriesBlock:
    pass


maker = _core._BlockMaker(SeriesBlock, fields)
several = [one, one, gaps, one, gaps, one]
duck = type("Duck", (), {f: None for f in "time publisher partition_id partition_index stride max_latency".split()})
duck.name, duck.data_type, duck.sample_rate, duck.replay_id = "H1:A-B", numpy.float32, 64, None
message = encoder.encode(T0, one.data)
kafka = {"kafka_url": "127.0.0.1:1", "properties": {"client.id": "x", "debug": None, "retries": 3}}


def stream():
    reader = MemoryReader(of)
    reader.inputs()
    reader.push(0, message)
    with reader.stream(T0) as s:
        s.channels, s.stats, s.lags(), s.dump(), repr(s), s.position_ns, s.stride_ns
        return [b.time_ns for b in s]


def opening():
    with libarrakis.Client(token="t", allowed_brokers=["a", "b"], kafka_token_fn=None, **kafka) as client:
        repr(client)
    try:
        client.find()
    except ValueError:
        pass


def reader():
    r = _core.Reader("127.0.0.1:1", of, None, False, {"properties": {"client.id": "x"}})
    r.input_ids()
    r.close()


def refused(call, *arguments):
    """A call that ends with an error of the library's."""
    try:
        call(*arguments)
    except libarrakis.Error:
        return
    raise AssertionError("no error")


def request():
    libarrakis.Client(metadata="/nowhere", **kafka).stream(["a"], "now", on_gap="x")


# ------------------------------------------------------------------ with a broker

broker = MockBroker()
broker.announce(of)
publisher = libarrakis.Publisher(of[0].publisher, of, kafka_url=broker.url)
client = libarrakis.Client(kafka_url=broker.url)
client.count()
times = iter([T0 + k * STRIDE for k in range(100_000)])  # iterators of ranges leak


def publish():
    publisher.publish(block(of, next(times)))
    _ = publisher.stats


OF_A_BROKER = {
    "publish": publish,
    "publisher": lambda: libarrakis.Publisher(of[0].publisher, of, kafka_url=broker.url).close(),
    "find": lambda: client.find(),
    "count": lambda: client.count(),
    "describe": lambda: client.describe(names),
    "open_stream": lambda: client.stream(names).close(),
}

# No functions are made in these: Python 3.13.0 itself crashes where it has no memory for one.
PATHS = {
    "channel": lambda: repr(libarrakis.Channel("H1:A-B", numpy.float32, 64, publisher="P", stride=STRIDE)),
    "attributes": lambda: (of[0].__reduce__(), hash(of[0]), str(of[0]), of[0].domain, of[0].to_json()),
    "json": lambda: libarrakis.Channel.from_json(of[0].to_json()),
    "channels": lambda: (libarrakis.Channels(fields), libarrakis.Channels([duck]), libarrakis.Channels(iter(of))),
    "mapping": lambda: (list(one.channels.items()), one.channels[names[0]], hash(one.channels), repr(one.channels)),
    "block": lambda: block(of, T0),
    "masked": lambda: libarrakis.Block(T0, masked, of),
    "none": lambda: libarrakis.Block(T0, dict.fromkeys(names), fields, duration_ns=STRIDE),
    "lists": lambda: libarrakis.Block(T0, {n: [1, 2.5, 3, 4] for n in names}, of),
    "arrays": lambda: ([one[n] for n in names], one.data, one.time, one.duration, one.end_ns),
    "masks": lambda: ([gaps[n] for n in names], gaps.mask(names[0]), gaps.missing(names[0]), gaps.data, repr(gaps)),
    "pickle": lambda: (one.__reduce__(), gaps.__reduce__(), one.channels.__reduce__()),
    "arrow": lambda: (one.__arrow_c_array__(), one.__arrow_c_schema__(), one._rows("float32")),
    "encode": lambda: (encoder.encode(T0, one.data), encoder.encode(T0, masked), encoder.encode(T0, {})),
    "encoder": lambda: _core.RowEncoder("float32", names, range(3)),
    "batch": lambda: (_core.BatchWriter(of).message(one), writer.message(gaps), writer.export(one)),
    "maker": lambda: _core._BlockMaker(SeriesBlock, fields),
    "compat": lambda: (maker(block(of, T0)), maker(libarrakis.Block(T0, masked, of)),
                       maker(libarrakis.Block(T0, dict.fromkeys(names), of, STRIDE))),
    "made": lambda: (collections.deque(_core._BlockMaker(SeriesBlock, fields).over(several), maxlen=0),
                     list(_core._BlockMaker(SeriesBlock, fields).over(several))),
    "stream": stream,
    "arrow_stream": lambda: MemoryReader(of).stream(T0).__arrow_c_stream__(),
    "client": opening,
    "reader": reader,
    "mismatch": lambda: refused(libarrakis.Block, T0, {n: numpy.zeros(4, "int8") for n in names}, of),
    "invalid": lambda: refused(libarrakis.Channel, "", "float32", 0),
    "query": lambda: refused(libarrakis.Client(**kafka).find, "a", ["float32", numpy.int8, "nope"], 1, 2, ["p"]),
    "request": lambda: refused(request),
    "align": lambda: refused(_core._align, [("127.0.0.1:x y", of)], None, None, None, None, None, 0, False, {}),
}  # fmt: skip


class Python:
    """The allocations of Python."""

    # Functions in C, which need no frame.
    fail = staticmethod(_testcapi.set_nomemory)
    fail_no_more = staticmethod(_testcapi.remove_mem_hooks)
    # There was no memory to note in which frame an exception is. Of a function of ours the text would have the name.
    own_errors = (
        "error return without exception set",
        "_PyEval_EvalFrameDefault returned NULL without setting an exception",
    )

    def has(self, n):
        """Whether there was such an allocation, although nobody needed it."""
        return False


class C:
    """The allocations of the module and the library, in this thread."""

    fail = nomalloc.nomalloc_set
    fail_no_more = nomalloc.nomalloc_unset
    own_errors = ()

    def has(self, n):
        return nomalloc.nomalloc_seen() > n


def attempt(allocator, path, first, last):
    """Whether it went well; `first` to `last` - 1 are the allocations that fail, all from the first on if last is 0."""
    allocator.fail(first, last)
    try:
        path()
    except MemoryError:
        return False
    except SystemError as error:
        if str(error) not in allocator.own_errors:
            raise
        return False
    finally:
        allocator.fail_no_more()
    return True


def sweep(allocator, path):
    """The number of allocations."""
    path()
    for n in itertools.count():
        well = attempt(allocator, path, n, 0)
        attempt(allocator, path, n, n + 1)
        if well and not allocator.has(n):
            return n


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks".split()]
    _fields_ += [("fordblks", ctypes.c_size_t), ("keepcost", ctypes.c_size_t)]


def held(name):
    """Blocks of Python, allocations of the module and the library, and bytes; a broker takes these for itself."""
    gc.collect()
    (getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache)()  # which keep names of attributes
    libc = ctypes.CDLL(None)
    libc.mallinfo2.restype = Mallinfo
    size = 0 if name in OF_A_BROKER else libc.mallinfo2().uordblks
    return sys.getallocatedblocks(), nomalloc.nomalloc_held(), size


def check(allocator, name):
    """Caches fill now and then; what leaks grows with each sweep."""
    path = PATHS.get(name) or OF_A_BROKER[name]
    for _ in range(60):
        before = held(name)
        count = sweep(allocator, path)
        after = held(name)
        blocks, ours, size = map(int.__sub__, after, before)
        if blocks <= SLACK and ours <= 0 and size <= 0:
            return count
    raise AssertionError(f"{name}: {count} allocations that fail leave {blocks} blocks, {ours} of ours and {size} bytes each time")


def main(allocator, names):
    try:
        for name in names:
            print(name, check(allocator, name), flush=True)
    except BaseException:
        traceback.print_exc()


if __name__ == "__main__":
    assert nomalloc.nomalloc_find() == 2
    which, *chosen = sys.argv[1:]
    # Not in the main thread, where calls that wait have a thread of their own.
    thread = threading.Thread(
        target=main, args=[{"python": Python, "c": C}[which](), chosen or [*PATHS, *OF_A_BROKER]]
    )
    thread.start()
    thread.join()
    print("all")
