# SPDX-License-Identifier: Apache-2.0
"""The reference's side of the benchmarks: its own public classes, on the same bytes, in a process of
its own. `reference.py WHAT name=value...` prints one JSON object."""

import gc
import json
import os
import struct
import sys
import time

import pyarrow
from arrakis.assemble import ColumnBatchCombiner
from arrakis.block import SeriesBlock, time_as_ns
from arrakis.channel import Channel
from arrakis.constants import topic_name
from arrakis.kafka import KafkaReader
from arrakis.mux import BlockMuxStream
from arrakis.publish import Publisher, serialize_batch
from arrakis.schemas import stream as stream_schema

STRIDE = 62_500_000
SECOND = 1_000_000_000
UNIX_FROM_GPS = 315_964_782 * SECOND


def peak_kb():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1])


def load_channels(path):
    with open(path) as lines:
        return {c.name: c for c in map(Channel.from_json, lines)}


def load_messages(path):
    """(partition, bytes), stride by stride."""
    with open(path, "rb") as file:
        data = file.read()
    at, messages = 0, []
    while at < len(data):
        partition, size = struct.unpack_from("<II", data, at)
        messages.append((partition, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return messages


class Message:
    """As much of confluent_kafka.Message as a reader asks for."""

    __slots__ = ("_topic", "_value")

    def __init__(self, topic, value):
        self._topic, self._value = topic, value

    def error(self):
        return None

    def topic(self):
        return self._topic

    def value(self):
        return self._value


class Consumer:
    """Hands out messages that lie in memory."""

    def __init__(self, batches):
        self._batches = iter(batches)
        self._left = iter(())

    def consume(self, _count, _timeout):
        return next(self._batches, [])

    def poll(self, _timeout):
        return next(self._left, None)

    def load(self, messages):
        self._left = iter(messages)


def memory_reader(channels, batches):
    reader = KafkaReader("localhost:1", channels)
    reader._consumer.close()
    reader._consumer = Consumer(batches)
    return reader


def metadata_topic(a):
    """A publisher's metadata topic as its server writes it, and the names of every 370th channel."""
    from arrakis_backend_kafka.metadata import MetadataProducer, channel_set_digest
    from arrakis_server.metadata import PublisherInfo

    publisher, total, at_once = a["publisher"], int(a["channels"]), 10_000
    channels = []
    for i in range(total):
        partition, index = divmod(i, 80)
        channels.append(Channel(
            name=f"H1:BEN-CATALOG_P{partition:04}_CHANNEL_{index:03}_DQ", data_type="float32",
            sample_rate=16, publisher=publisher, partition_id=f"H1_{publisher}_float32_{partition:04}",
            partition_index=index, stride=STRIDE, max_latency=2 * SECOND,
        ))  # fmt: skip
    producer = MetadataProducer(a["url"])
    for i in range(0, total, at_once):
        producer.publish_channels(channels[i : i + at_once], publisher)
        assert producer.flush(60) == 0
    producer.publish_publisher_info(PublisherInfo(publisher, STRIDE, 2 * SECOND))
    producer.publish_digest(publisher, channel_set_digest(channels), total)
    assert producer.flush(60) == 0
    with open(a["names"], "w") as names:
        names.writelines(f"{c.name}\n" for c in channels[:: total // 1000])
    return {}


# ---------------------------------------------------------------- from memory


def decode(a):
    """One message: KafkaReader.read(convert_blocks=True), down to the block of its rows."""
    channels = load_channels(a["metadata"])
    topic = topic_name(next(iter(channels.values())).partition_id, None)
    messages = [Message(topic, value) for _, value in load_messages(a["file"])]
    reader = memory_reader(channels, [])

    def run(loops):
        began = time.process_time_ns()
        for _ in range(loops):
            reader._consumer.load(messages)
            for _, block in reader.read(convert_blocks=True):
                assert len(block) == len(channels)
        return (time.process_time_ns() - began) / loops / len(messages)

    run(1)
    warm = run(int(a["loops"]))
    cold = 0
    for _ in range(50):
        reader._schemas.clear()  # what it remembers of a topic
        reader._consumer.load(messages[:1])
        began = time.process_time_ns()
        list(reader.read(convert_blocks=True))
        cold += (time.process_time_ns() - began) / 50
    return {"warm": warm, "cold": cold}


def align(a):
    """read_raw -> ColumnBatchCombiner -> BlockMuxStream, as the reference's server serves a live
    stream."""
    channels = load_channels(a["metadata"])
    partitions, strides = int(a["partitions"]), int(a["strides"])
    messages = load_messages(a["file"])[: partitions * strides]
    topics = [topic_name(f"{a['prefix']}{p:04}", None) for p in range(partitions)]
    wanted = {topic_name(c.partition_id, None) for c in channels.values()}
    batches = [
        [Message(topics[p], value) for p, value in messages[i * partitions : (i + 1) * partitions]
         if topics[p] in wanted]
        for i in range(strides)
    ]  # fmt: skip
    reader = memory_reader(channels, batches)
    combiner = ColumnBatchCombiner(reader.streams, stream_schema(channels.values()))
    mux = BlockMuxStream(reader, on_gap="skip", label="live", combiner=combiner)
    served = 0
    began = time.process_time_ns()
    for _ in range(strides):
        for stream_id, time_ns, batch in reader.read_raw():
            payload = combiner.tag(stream_id, batch)
            mux.push_payload(stream_id, time_ns, mux[stream_id].stride, payload)
            while mux.ready():
                served += mux.pull() is not None
    took = (time.process_time_ns() - began) / 1e6
    assert served == strides, (served, strides)
    return {"reference": took / strides, "peak_kb": peak_kb()}


def blocks(a):
    """KafkaReader.read(convert_blocks=True) -> BlockMuxStream -> SeriesBlock, as the reference's client serves a
    live stream that it reads from Kafka itself."""
    channels = load_channels(a["metadata"])
    partitions, strides = int(a["partitions"]), int(a["strides"])
    messages = load_messages(a["file"])[: partitions * strides]
    topics = [topic_name(f"{a['prefix']}{p:04}", None) for p in range(partitions)]
    wanted = {topic_name(c.partition_id, None) for c in channels.values()}
    reader = memory_reader(channels, [])
    mux = BlockMuxStream(reader, on_gap="skip", label="live")
    served = 0
    took = 0
    for i in range(strides):
        reader._consumer.load(
            Message(topics[p], value)
            for p, value in messages[i * partitions : (i + 1) * partitions]
            if topics[p] in wanted
        )
        began = time.process_time_ns()
        for stream_id, block in reader.read(convert_blocks=True):
            mux.push(stream_id, block)
            while mux.ready():
                pulled = mux.pull()
                assert len(pulled) == len(channels)
                served += 1
        took += time.process_time_ns() - began
    assert served == strides, (served, strides)
    return {"reference": took / 1e6 / strides}


def gaps(a):
    """SeriesBlocks of which every sample is missing, made as BlockMuxStream makes them."""
    channels = list(load_channels(a["metadata"]).values())
    strides = int(a["strides"])
    began = time.process_time_ns()
    for i in range(strides):
        SeriesBlock.full_gap(i * STRIDE, STRIDE, channels)
    return {"reference": (time.process_time_ns() - began) / 1e6 / strides}


def encode(a):
    """One block to one message."""
    channels = load_channels(a["metadata"])
    ((_, value), *_) = load_messages(a["file"])
    reader = pyarrow.ipc.open_stream(value)
    by_index = {c.partition_index: c for c in channels.values()}
    block = SeriesBlock.from_row_batch(reader.read_next_batch(), by_index)
    loops = int(a["loops"])

    def run():
        for _ in range(loops):
            for _, batch in block.to_row_batches(channels):
                out = serialize_batch(batch)
        return out

    assert run().to_pybytes() == value
    began = time.process_time_ns()
    run()
    return {"reference": (time.process_time_ns() - began) / loops}


# ---------------------------------------------------------------- from Kafka


def span():
    return time.monotonic(), time.process_time()


class Hdf5:
    """A data set per channel, to which each block is written at once."""

    def __init__(self, path, channels, strides):
        import h5py

        self._file = h5py.File(path, "w")
        self._sets = {}
        for c in channels.values():
            length = round(c.sample_rate * STRIDE / SECOND)
            self._sets[c.name] = length, self._file.create_dataset(
                c.name, (length * strides,), c.data_type
            )

    def write(self, block, number):
        for name, series in block.items():
            length, data = self._sets[name]
            data[number * length : (number + 1) * length] = series.data

    def close(self):
        self._file.flush()
        os.fsync(self._file.id.get_vfd_handle())
        self._file.close()


class Gwf:
    """A frame of each channel's samples, not compressed, once all blocks are there."""

    def __init__(self, path, channels, strides):
        self._path, self._start = path, None
        self._rates = {c.name: float(c.sample_rate) for c in channels.values()}
        self._samples = {name: [] for name in self._rates}

    def write(self, block, number):
        if number == 0:
            self._start = block.time_ns / SECOND
        for name, series in block.items():
            self._samples[name].append(series.data)

    def close(self):
        import gwframe
        import numpy

        whole = {name: numpy.concatenate(parts) for name, parts in self._samples.items()}
        gwframe.write(self._path, whole, start=self._start, sample_rate=self._rates,
                      compression=gwframe.types.Compression.RAW)  # fmt: skip
        with open(self._path) as file:
            os.fsync(file.fileno())


def drain(a):
    """Every block of a backlog: KafkaReader -> BlockMuxStream."""
    channels = load_channels(a["metadata"])
    start = int(a["start"]) * SECOND
    strides = int(a["strides"])
    wall, cpu = span()
    mux = BlockMuxStream(KafkaReader(a["url"], channels, start), start=start)
    out = None
    if a.get("arrow"):
        schema = stream_schema(channels.values())
        out = pyarrow.ipc.new_stream(open(os.devnull, "wb"), schema)
    file = None
    for form, kind in (("hdf5", Hdf5), ("gwf", Gwf)):
        file = kind(a[form], channels, strides) if a.get(form) else file
    blocks = 0
    for block in mux.stream(start + strides * STRIDE):
        if out:
            out.write_batch(block.to_column_batch(schema))
        if file:
            file.write(block, blocks)
        blocks += 1
        if blocks == strides:
            break
    if file:
        file.close()
    took = span()
    return {"blocks": blocks, "wall": took[0] - wall, "cpu": took[1] - cpu, "peak_kb": peak_kb(),
            "messages": strides * int(a["partitions"])}  # fmt: skip


def live(a):
    """When each whole block was handed out."""
    channels = load_channels(a["metadata"])
    wall, cpu = span()
    mux = BlockMuxStream(KafkaReader(a["url"], channels, fast_forward=True))
    strides, broken, begun = {}, 0, time.time_ns() + SECOND
    end = time.monotonic() + float(a["seconds"])
    for block in mux.stream():
        now = time.time_ns()
        if block.has_gaps or len(block) < len(channels):
            broken += now > begun
        else:
            strides[(block.time_ns + UNIX_FROM_GPS) // STRIDE] = now
        if time.monotonic() > end or (a.get("mode") == "first" and strides):
            break
    took = span()
    return {"wall": took[0] - wall, "cpu": took[1] - cpu, "peak_kb": peak_kb(), "broken": broken,
            "strides": strides}  # fmt: skip


def publish(a):
    """Publisher.publish, with the producer that a server's properties would have given it."""
    import confluent_kafka

    channels = load_channels(a["metadata"])
    ((_, value), *_) = load_messages(a["file"])
    batch = pyarrow.ipc.open_stream(value).read_next_batch()
    data, parts = {}, {}
    for c in channels.values():
        parts.setdefault(c.partition_id, []).append(c)
    for part in parts.values():
        one = SeriesBlock.from_row_batch(batch, {c.partition_index: c for c in part})
        data.update(one.data)
    publisher = Publisher("BENCH")
    publisher.channels, publisher.stride = channels, STRIDE
    publisher._producer = confluent_kafka.Producer({
        "bootstrap.servers": a["url"], "message.max.bytes": 10_000_000, "enable.idempotence": True,
    })  # fmt: skip
    strides, start = int(a["strides"]), int(a["start"]) * SECOND
    blocks = [SeriesBlock(start + i * STRIDE, data, channels) for i in range(strides)]
    for i, block in enumerate(blocks):
        if i == 3:
            wall, cpu = span()
        publisher.publish(block)
    took = span()
    return {"blocks": strides - 3, "wall": took[0] - wall, "cpu": took[1] - cpu,
            "peak_kb": peak_kb()}  # fmt: skip


def main(functions):
    arguments = dict(argument.split("=", 1) for argument in sys.argv[2:])
    gc.collect()
    gc.freeze()
    print(json.dumps(functions[sys.argv[1]](arguments)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(globals())
