# SPDX-License-Identifier: Apache-2.0
"""The programs of a soak that are not ours, each in a process of its own: who publishes good and hostile messages, who
reads the log, and the reference as a client of the same server."""

import multiprocessing
import os
import random
import signal
import struct
import time
import traceback

import numpy
import pyarrow
from confluent_kafka import Consumer, Producer, TopicPartition
from hostile import Hostile

from support import LATENCY_NS, SECOND, batch, gps_now_ns, payload, topic_of

CONTEXT = multiprocessing.get_context("spawn")
# As our own clients have it: a node that hangs is given up in seconds.
TIMEOUTS = {"socket.timeout.ms": 6000, "request.timeout.ms": 6000}
QUIET = {"log_level": 2, "log.connection.close": False}
HEADER = "hostile"


def values(channels, first, count):
    """A row of samples for each channel; sample_of() of soak_tool.c has the same."""
    n = numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(first % 2**32)
    index = numpy.array([c.partition_index for c in channels], numpy.uint64)
    mixed = n * numpy.uint64(2654435761) + (index * numpy.uint64(40503))[:, None]
    return (mixed & numpy.uint64(0x7FFFFFFF)).astype(numpy.int32)


class Template:
    """A partition's good messages: made once by pyarrow, then with other times and samples put in."""

    def __init__(self, channels):
        self._channels = channels
        self.stride = channels[0].stride
        self._count = round(self.stride * channels[0].sample_rate / SECOND)
        first = 1_234_567 * self.stride
        self._message = bytearray(payload(batch("int32", self.rows(first))))
        at = self._message.index(struct.pack("<q", first))
        self.times = slice(at, at + 8 * len(channels))
        self._samples = self._message.index(self._values(first).tobytes())

    def _values(self, time_ns):
        return values(self._channels, time_ns // self.stride * self._count, self._count)

    def rows(self, time_ns):
        ids = [c.partition_index for c in self._channels]
        return [(time_ns, i, row) for i, row in zip(ids, self._values(time_ns))]

    def make(self, time_ns):
        message, count = self._message, len(self._channels)
        struct.pack_into(f"<{count}q", message, self.times.start, *[time_ns] * count)
        data = self._values(time_ns).tobytes()
        message[self._samples : self._samples + len(data)] = data
        return bytes(message)


def produce(bootstrap, parts, seed, share, hostile, stop, counts):
    """A block of every partition each stride; once `hostile` is set, also what is none, of which `share`
    is per good message. counts: good, hostile, not delivered."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rng = random.Random(seed)
    producer = Producer({
        **QUIET, **TIMEOUTS, "bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5,
        "queue.buffering.max.messages": 1_000_000,
    })  # fmt: skip
    topics = [topic_of(part[0].partition_id) for part in parts]
    templates = [Template(part) for part in parts]
    makers = [Hostile(rng, t.make, t.rows, t.times, t.stride) for t in templates]
    stride = templates[0].stride

    def delivered(error, _message):
        if error:
            counts[2] += 1

    def send(topic, value, kind=None):
        headers = [(HEADER, kind)] if kind else None
        producer.produce(topic, value, partition=0, headers=headers, on_delivery=delivered)
        counts[1 if kind else 0] += 1

    t = gps_now_ns() // stride * stride
    while not stop.wait(max(0, (t + stride + LATENCY_NS - gps_now_ns()) / SECOND)):
        for topic, template, maker in zip(topics, templates, makers):
            how = rng.random() / share if hostile.is_set() else 1
            if how < 0.1:
                kind, value = maker.before(t)
                send(topic, value, kind)
            send(topic, template.make(t))
            if 0.1 <= how < 1:
                kind, value = maker.after(t)
                send(topic, value, kind)
        producer.poll(0)
        t += stride
    producer.flush(30)


def time_of(message):
    """Of a good message."""
    with pyarrow.ipc.open_stream(message) as reader:
        return reader.read_next_batch().column(0)[0].as_py()


def witness(bootstrap, topics, origin_ns, stride, strides, stop, ready, arrivals, times, again):
    """When each good block was there for a consumer, and how often it is in the log: [partition * strides +
    stride]. again: how many messages the consumer gave a second time, by their offsets."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    consumer = Consumer({
        **QUIET, "socket.timeout.ms": 6000, "bootstrap.servers": bootstrap, "group.id": "witness",
        "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100,
        "fetch.min.bytes": 100_000,
        "topic.metadata.refresh.fast.interval.ms": 100, "reconnect.backoff.max.ms": 500,
    })  # fmt: skip
    number = {topic: i for i, topic in enumerate(topics)}
    consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
    ready.set()
    last = [-1] * len(topics)
    while not stop.is_set():
        for message in consumer.consume(1000, 0.05):
            if message.error() or message.headers():
                continue
            now, n = gps_now_ns(), number[message.topic()]
            if message.offset() <= last[n]:
                again.value += 1
                continue
            last[n] = message.offset()
            k = (time_of(message.value()) - origin_ns) // stride
            if 0 <= k < strides:
                at = n * strides + k
                times[at] += 1
                if times[at] == 1:
                    arrivals[at] = now
    os._exit(0)  # librdkafka may wait for a node that is away


def reference(url, parts, origin_ns, strides, stop, handed, restarts, log_path):
    """The reference's stream through the server: [partition * strides + stride] is set where it had all
    of a partition's samples. It begins again when its stream ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    from arrakis import Client

    stride = parts[0][0].stride
    count = round(stride * parts[0][0].sample_rate / SECOND)
    names = [c.name for part in parts for c in part]
    while not stop.is_set():
        try:
            for block in Client(url).stream(names):
                k = (block.time_ns - origin_ns) // stride
                first = block.time_ns // stride * count
                for p, part in enumerate(parts):
                    good = values(part, first, count)
                    if 0 <= k < strides and all(is_whole(block, c, good[i]) for i, c in enumerate(part)):
                        handed[p * strides + k] = 1
                if stop.is_set():
                    break
        except Exception:
            restarts.value += 1
            traceback.print_exc()
        time.sleep(1)
    os._exit(0)


def is_whole(block, channel, wanted):
    if channel.name not in block.data:
        return False
    data = numpy.ma.asarray(block.data[channel.name])
    return not numpy.ma.getmaskarray(data).any() and numpy.array_equal(data.data, wanted)
