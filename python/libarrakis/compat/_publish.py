# SPDX-License-Identifier: Apache-2.0
"""The seam `encode`: what Publisher.publish() does to a block, and SeriesBlock.to_row_batches().

The client's own publish() goes on to check, send and wait: it is given a stand-in for the block, whose channels are
compared already and whose messages the library encodes. A partition whose arrays are not what the library takes (another
type than the channels', lists, more dimensions) is encoded by the client.
"""

import operator
import weakref

import arrakis.block as client_block
import arrakis.publish as client_publish
import pyarrow

from .. import _core
from ._seam import Seam, differs


class _Partition:
    """The channels of a block that are in one partition, and what encodes them."""

    __slots__ = ("encoder", "id", "names")

    def __init__(self, partition_id, channels):
        self.id = partition_id
        self.names = [channel.name for channel in channels]
        try:
            self.encoder = _core.RowEncoder(
                channels[0].data_type, self.names, [channel.partition_index for channel in channels]
            )
        except (TypeError, ValueError):
            self.encoder = None

    def message(self, block):
        """The message as pyarrow's buffer, or None: the library does not take these arrays."""
        encoded = self.encoder and self.encoder.encode(block.time_ns, block.data)
        return pyarrow.py_buffer(encoded) if encoded is not None else None


def _partitions(registered, names):
    channels = {}
    for name in names:
        channel = registered[name]
        channels.setdefault(channel.partition_id, []).append(channel)
    return [_Partition(*item) for item in channels.items()]


def _by_client(block, partition, registered):
    """What the client's own to_row_batches() makes of the channels of one partition."""
    own = SEAM.original(client_block.SeriesBlock, "to_row_batches")
    return own(block.filter(partition.names), registered)


def to_row_batches(self, partitioned_channels):
    """See arrakis.block.SeriesBlock.to_row_batches()."""
    for partition in _partitions(partitioned_channels, self.keys()):
        message = partition.message(self)
        if message is None:
            yield from _by_client(self, partition, partitioned_channels)
        else:
            yield partition.id, pyarrow.ipc.open_stream(message).read_next_batch()


# ---------------------------------------------------------------- publish


class _Message:
    """What publish() takes for a batch of rows: its encoded form."""

    __slots__ = ("buffer",)

    def __init__(self, buffer):
        self.buffer = buffer

    def __str__(self):
        return str(pyarrow.ipc.open_stream(self.buffer).read_next_batch())


def serialize_batch(batch):
    """See arrakis.publish.serialize_batch()."""
    if type(batch) is _Message:
        return batch.buffer
    return SEAM.original(client_publish, "serialize_batch")(batch)


class _Plan:
    """How the blocks of a publisher that have these channels go."""

    __slots__ = ("channels", "names", "partitions", "registered")

    def __init__(self, registered, names):
        self.registered = registered
        self.names = list(names)
        self.channels = {name: registered[name] for name in names}
        self.partitions = _partitions(registered, names)

    def fits(self, registered, block):
        """Whether it is still how a block goes whose channels all are as they are registered.

        The order counts, as rows and messages are in that of the block's data.
        """
        return (
            registered is self.registered
            and list(block.data) == self.names
            and block.channels == self.channels
            and all(map(operator.is_, map(registered.get, self.channels), self.channels.values()))
        )


class _StandIn:
    """What publish() takes for a block whose channels are as they are registered."""

    __slots__ = ("_block", "_plan", "channels")

    def __init__(self, block, plan):
        self._block = block
        self._plan = plan
        self.channels = {}

    def __getattr__(self, name):
        return getattr(self._block, name)

    def to_row_batches(self, registered):
        for partition in self._plan.partitions:
            message = partition.message(self._block)
            if message is None:
                yield from _by_client(self._block, partition, registered)
            else:
                yield partition.id, _Message(message)


_plans = weakref.WeakKeyDictionary()  # publisher: _Plan


def _stand_in(publisher, block):
    """A stand-in, or the block itself: something about it is for the client to say."""
    registered = publisher.channels
    plan = _plans.get(publisher)
    if plan is None or not plan.fits(registered, block):
        if not all(name in registered for name in block.data):
            return block
        plan = _Plan(registered, block.data)
        if not plan.fits(registered, block):
            return block
        _plans[publisher] = plan
    return _StandIn(block, plan)


def publish(self, block, timeout=None):
    """See arrakis.publish.Publisher.publish()."""
    ours = (
        getattr(type(block), "to_row_batches", None) is to_row_batches
        and client_publish.serialize_batch is serialize_batch
    )
    own = SEAM.original(client_publish.Publisher, "publish")
    return own(self, _stand_in(self, block) if ours else block, timeout)


# ---------------------------------------------------------------- the seam

_EXPECTED = (
    (client_publish.Publisher, "publish", ("49cfcab2229118dd",)),
    (client_publish, "serialize_batch", ("48b6ca4b35372f50",)),
    (client_block.SeriesBlock, "to_row_batches", ("f4a5da9038ac316b",)),
)


class _Encode(Seam):
    def check(self):
        return differs([(getattr(owner, name), prints) for owner, name, prints in _EXPECTED])

    def replacements(self):
        return [
            (client_block.SeriesBlock, "to_row_batches", to_row_batches),
            (client_publish, "serialize_batch", serialize_batch),
            (client_publish.Publisher, "publish", publish),
        ]


SEAM = _Encode()
