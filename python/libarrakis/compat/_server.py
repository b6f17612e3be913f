# SPDX-License-Identifier: Apache-2.0
"""The seam `server`: what the Kafka backend of arrakis-server reads, live and of the past.

The backend makes a reader, a combiner and a mux for each set of channels that clients stream, and one thread passes each
Kafka message through all three. Here the reader is a stream of the library, which reads, decodes and aligns without
Python; it hands out one _Stride per output stride, which the combiner and the mux only pass on, and which becomes a
record batch when the mux is asked for it. Whatever else comes (from a reader that is not ours, as a test's own) takes the
backend's own way through the same two objects.

For the past the backend has a reader and a thread per set of channels and time, and a mux per client. There the reader
alone is the library's: it hands out the client's SeriesBlocks, one per message, made without looking at each row.
"""

import collections
import importlib
import logging
import math
import operator
import os
import queue

import numpy
import pyarrow

import libarrakis
import libarrakis.kafka

from .. import _core
from ._seam import Seam, differs

# From so many bytes per column on, a batch over the block's memory costs less than a copy of it.
WIDE = 1024
# What one call of read_raw() hands out at most: the backend's thread has other readers to serve.
AT_ONCE = 32
# How long a live client waits for a batch at a time. What ends a client wakes it, so that this bounds nothing else than
# the server's look whether the client is still there, which is every five seconds.
PATIENCE = 1.0
# How many seconds a live reader's data may lie at the broker, 0 to 5; see libarrakis.stream(). 0: as little as is cheap.
VARIABLE = "LIBARRAKIS_FETCH_WAIT"

_logger = logging.getLogger("arrakis")


def fetch_wait(text):
    """The seconds that a user has written. ValueError: it is no number, or not within 0 to 5."""
    seconds = float(text or 0)
    if not 0 <= seconds <= 5:
        raise ValueError(f"data may lie at the broker for 0 to 5 seconds, not {text}")
    return seconds


def _manager():
    # Not as an attribute of its package, which does not have it yet while it is being imported.
    return importlib.import_module("arrakis_backend_kafka.manager")


# ---------------------------------------------------------------- from block to batch


class _Batches:
    """Makes record batches of the blocks of a stream."""

    def __init__(self, stream):
        self._columns = [("time", pyarrow.int64())]
        for name, channel in sorted(stream.channels.items()):
            self._columns.append((name, pyarrow.list_(pyarrow.from_numpy_dtype(numpy.dtype(channel.data_type)))))
        self._writer = _core.BatchWriter(stream.channels)
        samples = (c.sample_rate * numpy.dtype(c.data_type).itemsize for c in stream.channels.values())
        size = sum(samples) * stream.stride_ns / 1e9
        self._is_wide = size >= WIDE * len(stream.channels) and hasattr(pyarrow.RecordBatch, "_import_from_c")

    def check(self, schema):
        """Memory is read as this schema has it: the columns of a block must be its columns."""
        if list(zip(schema.names, schema.types)) != self._columns:
            raise ValueError(
                f"the schema has {len(schema.names)} columns: expected `time` and the {len(self._columns) - 1} channels "
                "of the stream, sorted by name, each a list of the channel's type"
            )

    def batch(self, block, schema):
        if self._is_wide:
            address, _keeper = self._writer.export(block)
            return pyarrow.RecordBatch._import_from_c(address, schema)
        return pyarrow.ipc.read_record_batch(pyarrow.py_buffer(self._writer.message(block)), schema)


class _Stride:
    """What the reader hands out in place of a message: one output stride of all channels."""

    __slots__ = ("batches", "block")

    def __init__(self, block, batches):
        self.block = block
        self.batches = batches


# ---------------------------------------------------------------- what replaces the backend's names


class LiveReader:
    """A live stream of the library, with those members of arrakis.kafka.KafkaReader that the backend uses."""

    def __init__(self, url, metadata):
        self.url = url
        self.metadata = metadata
        self.start = None
        self.streams = {}
        for channel in metadata.values():
            self.streams.setdefault(f"{url}/{channel.partition_id}", []).append(channel)
        # The backend compares the age of each message with how late the data of its partition may be: a stride is as
        # late as the latest of them.
        self._name = max(self.streams, key=lambda name: _latest(self.streams[name]))
        self._fetch_wait = fetch_wait(os.environ.get(VARIABLE))
        self._stream = self._batches = None

    def enter(self):
        """Connect and begin; errors are those of libarrakis.stream()."""
        self._stream = _core.Reader(self.url, self.metadata, None, True, fetch_wait=self._fetch_wait).stream()
        self._batches = _Batches(self._stream)
        _logger.info(
            "libarrakis relays %d channels of %s, whose data may lie there for %g s",
            len(self.metadata), self.url, self._fetch_wait,
        )  # fmt: skip

    def read_raw(self, *, wait=0.0):
        """Yield (stream name, GPS nanoseconds, stride) for each that is complete; wait so many seconds for the first.

        The time is that of the end, and of what may lie at the broker, so that a stride that was waited for as long as it
        may be late is not older than that.
        """
        lies_ns = 2 * round(self._fetch_wait * 1e9)  # as long as the stream waits
        for i in range(AT_ONCE):
            block = self._next(wait if i == 0 else 0)
            if block is None:
                return
            yield self._name, block.end_ns + lies_ns, _Stride(block, self._batches)

    def _next(self, wait):
        try:
            block = self._stream.read(timeout=wait) if wait else self._stream._poll()
        except TimeoutError:
            return None
        if block is None:
            raise RuntimeError(f"the stream of {self.url} was closed")
        return block or None

    def fast_forward(self, time_ns=None, *, timeout=None):
        """Do nothing: the stream itself skips to the present when it stays behind. Return 0, no partition was moved."""
        return 0

    def close(self):
        if self._stream is not None:
            self._stream.close()

    def __repr__(self):
        return f"<{type(self).__name__}: {self.streams}>"


class PastReader(libarrakis.kafka.KafkaReader):
    """The library's reader from a time on, whose blocks are the client's."""

    def __init__(self, url, metadata, start):
        super().__init__(url, metadata, start)
        self._makers = {}  # by the name of the stream

    def enter(self):
        super().enter()
        _logger.info("libarrakis reads %d channels of %s from GPS %d ns on", len(self.metadata), self.url, self.start)

    def read(self, *, convert_blocks=False):
        """As that of the client: yield (stream name, SeriesBlock or record batch) for what has arrived."""
        for name, found in super().read(convert_blocks=convert_blocks):
            yield name, self._series_block(name, found) if convert_blocks else found

    def _series_block(self, name, block):
        if name not in self._makers:
            from arrakis.block import SeriesBlock

            channels = {channel: self.metadata[channel] for channel in block.channels}
            self._makers[name] = _core._BlockMaker(SeriesBlock, channels)
        return self._makers[name](block)


def _latest(channels):
    latencies = [channel.max_latency for channel in channels if channel.max_latency is not None]
    return max(latencies, default=-1) + math.lcm(*(channel.stride for channel in channels))


def KafkaReader(url, metadata, start=None, **others):  # noqa: N802
    """A reader for the backend: the library's, where it knows how to read these channels."""
    if not others:
        try:
            libarrakis.Channels(metadata)
            return LiveReader(url, metadata) if start is None else PastReader(url, metadata, start)
        except (TypeError, ValueError) as error:
            _logger.warning("libarrakis leaves a reader to the backend: %s", error)
    return SEAM.original(_manager(), "KafkaReader")(url, metadata, start=start, **others)


def _named_as(theirs):
    """For a class that stands in the place of theirs."""
    return {"__doc__": theirs.__doc__, "__module__": theirs.__module__, "__qualname__": theirs.__qualname__}


def _combiner(theirs):
    class Combiner(theirs):
        def __init__(self, streams, schema):
            super().__init__(streams, schema)
            self.wire_schema = schema

        def tag(self, stream, batch):
            return batch if type(batch) is _Stride else super().tag(stream, batch)

    return type(theirs.__name__, (Combiner,), _named_as(theirs))


def _mux(theirs):
    class Mux(theirs):
        def __init__(self, *arguments, combiner=None, **keywords):
            super().__init__(*arguments, combiner=combiner, **keywords)
            self._strides = None  # a queue, once it is known whose reader this is
            self._schema = getattr(combiner, "wire_schema", None)

        def push_payload(self, stream_name, time_ns, duration_ns, payload):
            if type(payload) is not _Stride:
                return super().push_payload(stream_name, time_ns, duration_ns, payload)
            if self._strides is None:
                payload.batches.check(self._schema)
                self._strides = collections.deque()
            return self._strides.append(payload)

        def ready(self):
            return super().ready() if self._strides is None else bool(self._strides)

        def pull(self, stride=None):
            if self._strides is None:
                return super().pull(stride)
            one = self._strides.popleft()
            return one.batches.batch(one.block, self._schema)

    return type(theirs.__name__, (Mux,), _named_as(theirs))


# ---------------------------------------------------------------- a client's wait


class _LiveQueue:
    """Batches for one live client, with those members of queue.Queue that the backend uses.

    The backend's client looks 64 times per second whether it has ended, which for many clients is more work than the
    library's. Here it sleeps until a batch comes, or until it is woken.
    """

    _WAKE = object()

    def __init__(self, maxsize):
        self.maxsize = maxsize
        self._items = queue.SimpleQueue()
        self.qsize, self.empty = self._items.qsize, self._items.empty

    def full(self):
        return 0 < self.maxsize <= self.qsize()

    def put(self, item, block=True, timeout=None):
        """Only the thread of the live readers puts batches, and does not wait."""
        if self.full():
            raise queue.Full
        self._items.put(item)

    def get(self, block=True, timeout=None):
        item = self._items.get(block, max(timeout, PATIENCE) if timeout is not None else None)
        if item is self._WAKE:
            raise queue.Empty
        return item

    def get_nowait(self):
        return self.get(block=False)

    def wake(self):
        """Make the wait end, behind what is in the queue."""
        self._items.put(self._WAKE)


def _client_stream(theirs):
    class ClientStream(theirs):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            if not self.is_historical:
                self._queue = _LiveQueue(self._queue.maxsize)

        def _on_error(self, exc):
            super()._on_error(exc)
            self._end_wait()

        def close(self):
            super().close()
            self._end_wait()

        def _end_wait(self):
            if type(self._queue) is _LiveQueue:
                self._queue.wake()

    return type(theirs.__name__, (ClientStream,), _named_as(theirs))


# ---------------------------------------------------------------- the seam

_EXPECTED = (
    ("ConsumerManager._service_live", "cf954c4a94d89b51"),
    ("ConsumerManager._fast_forward_if_behind", "15422bf066da4735"),
    ("ConsumerManager._ensure_live_reader", "898ddb0cb9cf6b51"),
    ("ConsumerManager._live_loop", "3435338bd216202c"),
    ("ConsumerManager._poll_loop", "658900bc613478d3"),
    ("ConsumerManager._check_exhausted", "9ca3ac6b5e17d2c3"),
    ("ConsumerManager.subscribe", "0335236121a24024"),
    ("ClientStream._on_block", "ec2340fe7995f8c7"),
    ("ClientStream.__init__", "04375dda9364591d"),
    ("ClientStream._on_error", "ecb4d2efeb214b11"),
    ("ClientStream._enqueue_evicting", "ed8b1209bc6feb42"),
    ("ClientStream._check_stall", "e1b2aee9cb1faf0e"),
    ("ClientStream.read", "8c5a8ac39e66ca6d"),
    ("ClientStream.close", "f7a6ee2b2fd68f80"),
    ("ColumnBatchCombiner.__init__", "d258711b54af9193"),
    ("ColumnBatchCombiner.tag", "b1943e34ae6797f8"),
    ("BlockMuxStream.__init__", "95efb7fe547ea4cc"),
    ("BlockMuxStream.push_payload", "deecea328097d90c"),
    ("BlockMuxStream.ready", "227ab46718784f33"),
    ("BlockMuxStream.pull", "5105c438acb041c7"),
)


class _Server(Seam):
    everywhere = False  # the client's own use of the same classes is not the relay

    def _swap_everywhere(self, original, replacement):
        pass

    def check(self):
        manager = _manager()
        return differs(
            [(operator.attrgetter(name)(manager), (expected,)) for name, expected in _EXPECTED]
        )

    def replacements(self):
        manager = _manager()
        return [
            (manager, "KafkaReader", KafkaReader),
            (manager, "ColumnBatchCombiner", _combiner(manager.ColumnBatchCombiner)),
            (manager, "BlockMuxStream", _mux(manager.BlockMuxStream)),
            (manager, "ClientStream", _client_stream(manager.ClientStream)),
        ]


SEAM = _Server()
