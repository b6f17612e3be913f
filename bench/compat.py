# SPDX-License-Identifier: Apache-2.0
"""The Arrakis client's own classes on the library, as libarrakis.compat puts them there, and without it, on the bytes that
the others read. `compat.py WHAT name=value...` prints one JSON object; without `library=1` it is the reference alone."""

import subprocess
import sys
import time
from unittest import mock

import package
import pyarrow
import reference
from arrakis.block import SeriesBlock
from arrakis.publish import Publisher, serialize_batch
from arrakis.schemas import stream as stream_schema

import libarrakis.compat


def block_of(a):
    """A block of a partition's channels, and the message that it is."""
    channels = reference.load_channels(a["metadata"])
    ((_, value), *_) = reference.load_messages(a["file"])
    batch = pyarrow.ipc.open_stream(value).read_next_batch()
    block = SeriesBlock.from_row_batch(batch, {c.partition_index: c for c in channels.values()})
    return channels, block, value


def timed(call, loops):
    """Microseconds of CPU of a call, which was called before."""
    call()
    began = time.process_time_ns()
    for _ in range(loops):
        call()
    return {"us": (time.process_time_ns() - began) / 1e3 / loops}


def encode(a):
    """One block to one message: what publish() does to it, or to_row_batches() and serialize_batch()."""
    channels, block, value = block_of(a)
    if a.get("library"):
        libarrakis.compat.install(["encode"])
        (partition,) = libarrakis.compat._publish._Plan(channels, block.data).partitions

        def call():
            return partition.message(block)
    else:

        def call():
            ((_, batch),) = block.to_row_batches(channels)
            return serialize_batch(batch)

    assert call().to_pybytes() == value
    return timed(call, int(a["loops"]))


class Producer:
    """Takes everything, and has delivered it."""

    def produce(self, topic, value, on_delivery):
        pass

    def poll(self, timeout):
        return 0

    def flush(self, timeout=None):
        return 0


def publish(a):
    """The whole of Publisher.publish(), with a producer that does nothing."""
    channels, block, _ = block_of(a)
    if a.get("library"):
        libarrakis.compat.install(["encode"])
    with mock.patch("arrakis.publish.Client"):
        publisher = Publisher("BENCH", token=False)
    publisher.channels, publisher.stride = channels, reference.STRIDE
    publisher._producer = Producer()
    loops = int(a["loops"])
    blocks = iter(
        [SeriesBlock(block.time_ns + i * reference.STRIDE, block.data, channels) for i in range(loops + 1)]
    )
    return timed(lambda: publisher.publish(next(blocks)), loops)


def relay(a):
    """The live loop of the Kafka backend, from messages in memory to the record batch of each stride."""
    from arrakis_backend_kafka import manager

    libarrakis.compat.install(["server"])
    channels = reference.load_channels(a["metadata"])
    strides = int(a["strides"])
    reader = manager.KafkaReader("localhost:1", channels)
    reader._stream, _ = package.stream(a)
    reader._batches = libarrakis.compat._server._Batches(reader._stream)
    combiner = manager.ColumnBatchCombiner(reader.streams, stream_schema(channels.values()))
    mux = manager.BlockMuxStream(reader, on_gap="skip", label="live", combiner=combiner)
    served = 0
    began = time.process_time_ns()
    while served < strides:
        for name, time_ns, stride in reader.read_raw():
            mux.push_payload(name, time_ns, mux[name].stride, combiner.tag(name, stride))
            while mux.ready():
                assert mux.pull().num_columns == len(channels) + 1
                served += 1
            if served == strides:
                break
    return {"ms": (time.process_time_ns() - began) / 1e6 / strides}


CLIENT = """
import sys
from pyarrow import flight
url, count = sys.argv[1:]
assert sum(1 for _ in flight.connect(url).do_get(flight.Ticket(b""))) == int(count)
"""


def flight(a):
    """What pyarrow's Flight takes to send one stride's record batch to clients, over and over, or one every `pace`
    seconds; nothing else is done."""
    from pyarrow import flight

    channels, clients, count = reference.load_channels(a["metadata"]), int(a["clients"]), int(a["loops"])
    pace = float(a.get("pace", 0))
    schema = stream_schema(channels.values())
    stream, _ = package.stream(a)
    block = next(stream)
    if a.get("library"):
        from libarrakis.compat import _server

        batch = _server._Batches(stream).batch(block, schema)
    else:
        batch = SeriesBlock(block.time_ns, dict(block), channels).to_column_batch(schema)

    def batches():
        for _ in range(count):
            if pace:  # to all clients at once, as live data
                time.sleep(pace - time.monotonic() % pace)
            yield batch

    class Server(flight.FlightServerBase):
        def do_get(self, context, ticket):
            return flight.GeneratorStream(schema, batches())

    with Server("grpc://127.0.0.1:0") as server:
        url = f"grpc://127.0.0.1:{server.port}"
        began = time.process_time_ns()
        readers = [subprocess.Popen([sys.executable, "-c", CLIENT, url, str(count)]) for _ in range(clients)]
        assert [reader.wait() for reader in readers] == [0] * clients
        return {"ms": (time.process_time_ns() - began) / 1e6 / count}


def stream_by_library():
    """From here on the reference's side of a benchmark reads with the library below, as Client.stream() would."""
    from arrakis import client

    libarrakis.compat.install(["stream"])
    reference.KafkaReader, reference.BlockMuxStream = client.KafkaReader, client.BlockMuxStream


def drain(a):
    stream_by_library()
    return reference.drain(a)


def live(a):
    stream_by_library()
    return reference.live(a)


def doget(a):
    """Client.stream() of a server's stored data, as reference_flight.py has it without the library."""
    import reference_flight

    libarrakis.compat.install(["stream"])
    return reference_flight.stream(a)


def own_doget(a):
    """The same by the package's own interface; every array is made."""
    import numpy  # noqa: F401
    import reference_flight

    start, end = reference_flight.extent(a)
    began = reference.span()
    blocks = samples = 0
    seconds = (start / reference.SECOND, end / reference.SECOND)
    with libarrakis.stream(reference_flight.names(a), *seconds, url=f"grpc://{a['url']}") as stream:
        for block in stream:
            blocks += 1
            samples += sum(len(array) for array in block.values())
    return reference_flight.took(began, blocks=blocks, samples=samples)


if __name__ == "__main__":
    reference.main({name: globals()[name] for name in sys.argv[1:2]})
