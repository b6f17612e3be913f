# SPDX-License-Identifier: Apache-2.0
"""What arrives on each partition of a broker, not aligned. libarrakis.stream() aligns, and is what most programs want.

KafkaReader has the members of the class of that name in the Arrakis client for Python.
"""

from . import _core

__all__ = ["KafkaReader", "generate_groupid", "random_alphanum"]


def random_alphanum(n):
    """Return a random sequence of n characters of A-Z0-9, each equally likely, from the system's secure source."""
    return _core.random_alphanum(n)


def generate_groupid():
    """Return a random Kafka group id: 16 characters of A-Z0-9."""
    return random_alphanum(16)


class KafkaReader:
    """Reads the partitions of channels from Kafka.

    url           brokers: "host:port" or "kafka://host:port", several separated by commas
    metadata      a dict of names and channels, each with partition_id, partition_index and stride: Channel, or an object
                  with the same attributes. AssertionError where a channel has no partition_id or no partition_index
    start         GPS time in nanoseconds; None: now; 0: the beginning of what the topics hold
    fast_forward  when True, a live reader whose data stays older than its latency budget skips to the present
    properties, kafka_token_fn  for logins at the brokers, as libarrakis.Client takes them
    fetch_wait    as for libarrakis.stream()

    Connects in enter(), or at the beginning of `with`. Threads may share a reader, but not an iterator that read()
    returned.
    """

    # How long read() waits for a first message, in seconds.
    POLL_TIMEOUT = 0.1
    # How many messages read() and read_raw() yield at most.
    BATCH = 1000
    # How long exhausted() waits for the brokers' answer, in seconds.
    ANSWER_TIMEOUT = 1.0

    def __init__(
        self, url, metadata, start=None, *, fast_forward=False, properties=None, kafka_token_fn=None, fetch_wait=None
    ):
        self.url = url
        self.metadata = metadata
        self.start = start
        self._streams = {}
        for channel in metadata.values():
            assert channel.partition_id is not None
            assert channel.partition_index is not None
            self._streams.setdefault(f"{url}/{channel.partition_id}", []).append(channel)
        login = {"properties": properties, "kafka_token_fn": kafka_token_fn}
        self._reader = _core.Reader(url, metadata, start, fast_forward, login, fetch_wait)
        self._names = self._reader.input_ids()
        self._idle = False  # whether nothing had arrived when it was last looked

    @property
    def streams(self):
        """A dict of stream names, "<url>/<partition_id>", and the lists of their channels: the objects of `metadata`."""
        return {name: list(channels) for name, channels in self._streams.items()}

    def enter(self):
        """Connect and begin. ConnectError, AuthError, BrokerError, DeadlineError; within 20 s.

        Ctrl-C, and close() in another thread, end it within a second; the reader is not to be used after that.
        """
        self._reader.open()

    def read(self, *, convert_blocks=False):
        """Yield pairs of stream name and data for what has arrived; waits POLL_TIMEOUT for a first message.

        Ends after BATCH messages, where more arrive than are read.

        convert_blocks  False: the data is a pyarrow.RecordBatch with one row per requested channel: time (int64, GPS
                        nanoseconds), id (uint32, the channel's partition_index), data (a list of samples). True: a
                        Block.

        Messages that cannot be decoded are logged and skipped. ConnectError, BrokerError, AuthError: fatal.
        """
        for name, block in self._arrived(self.POLL_TIMEOUT):
            if convert_blocks:
                yield name, block
            else:
                for batch in _batches(block):
                    yield name, batch

    def read_raw(self, *, wait=0.0):
        """Yield (stream name, time in GPS nanoseconds, pyarrow.RecordBatch) for what has arrived, as read() does.

        wait  seconds to wait for a first message

        The rows are those of the requested channels.
        """
        for name, block in self._arrived(wait):
            for batch in _batches(block):
                yield name, block.time_ns, batch

    def _arrived(self, wait):
        for _ in range(self.BATCH):
            found = self._reader.next(wait)
            self._idle = found is None
            if self._idle:
                return
            index, block = found
            yield self._names[index], block
            wait = 0.0

    def done(self):
        """Return False: more data may always come."""
        return False

    def unpack(self):
        """Yield the rows of all that comes, each as a dict of time, id and data, without end."""
        while not self.done():
            for _, batch in self.read(convert_blocks=False):
                yield from batch.to_pylist()

    def exhausted(self):
        """Return whether all that the topics held within the last seconds was read.

        If nothing had arrived at the last read(), waits for the brokers' answer for ANSWER_TIMEOUT at most, or until
        something arrives; otherwise not at all. In the first three seconds of a reader, and after a broker has failed, an
        answer is not believed.
        """
        return self._reader.exhausted(self.ANSWER_TIMEOUT if self._idle else 0)

    def fast_forward(self, time_ns=None, *, timeout=None):
        """Skip to the first messages at or after a GPS time in nanoseconds, never back; None: to the end.

        Returns the number of partitions that were moved. Asks the brokers, for at most 20 s in all, whatever `timeout`
        is; partitions without an answer keep their position. Ctrl-C is noticed when it returns.
        """
        return self._reader.fast_forward(time_ns)

    def close(self):
        """Close the reader, within 2 s. May be called again."""
        self._reader.close()

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        self.close()
        return False

    def __repr__(self):
        return f"<{type(self).__name__}: {self.streams}>"


class _Rows:
    """The channels of a block that have one data type, as pyarrow takes them."""

    def __init__(self, block, data_type):
        self._block = block
        self._data_type = data_type

    def __arrow_c_array__(self, requested_schema=None):
        return self._block._rows(self._data_type)


def _batches(block):
    import pyarrow

    types = dict.fromkeys(channel.data_type for channel in block.channels.values())
    for data_type in types:
        yield pyarrow.record_batch(_Rows(block, data_type))
