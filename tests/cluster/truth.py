# SPDX-License-Identifier: Apache-2.0
"""What was published, when an independent consumer could read it, and what is in the log in the end."""

import threading
import time

import pyarrow
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from support import (
    LATENCY_NS, SECOND, STRIDE, UNIX_FROM_GPS, block_record, gps_now_ns, topic_of, unique,
)  # fmt: skip

# How long the independent clients wait for a node that does not answer: as long as ours do.
SOCKET_TIMEOUT_MS = 6000
QUIET = {"log_level": 0, "log.connection.close": False, "socket.timeout.ms": SOCKET_TIMEOUT_MS,
         "reconnect.backoff.max.ms": 500}  # fmt: skip


class Feed:
    """A block of each channel every stride, from its own producer, which waits for no other topic's
    delivery. A record's timestamp is LATENCY_NS after its block's end, from which the block's time is computed."""

    def __init__(self, bootstrap, channels, in_order):
        self._channels = channels
        self._producer = Producer({
            **QUIET, "bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0,
            "enable.idempotence": in_order,
            "request.timeout.ms": SOCKET_TIMEOUT_MS, "message.timeout.ms": 120_000,
            "max.in.flight.requests.per.connection": 1, "topic.metadata.refresh.fast.interval.ms": 100,
        })  # fmt: skip
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.started_ns = gps_now_ns() // STRIDE * STRIDE

    def _run(self):
        t = self.started_ns
        while True:
            wait = (t + STRIDE + LATENCY_NS - gps_now_ns()) / SECOND
            if self._stop.wait(max(0, wait)):
                return
            for c in self._channels:
                record = block_record([c], t)
                self._producer.produce(topic_of(c.partition_id), record.value, partition=0,
                                       timestamp=(record.stamp_ns + UNIX_FROM_GPS) // 1_000_000)  # fmt: skip
            self._producer.poll(0)
            t += STRIDE

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._producer.flush(60)


def time_of(message):
    """The time of a block that Feed has sent."""
    published_ns = message.timestamp()[1] * 1_000_000 - UNIX_FROM_GPS
    return (published_ns - LATENCY_NS - STRIDE // 2) // STRIDE * STRIDE


def consumer(bootstrap, topics, **how):
    made = Consumer({
        **QUIET, "bootstrap.servers": bootstrap, "group.id": unique("g"), "fetch.wait.max.ms": 100,
        "enable.auto.commit": False, "auto.offset.reset": "earliest", **how,
    })  # fmt: skip
    made.assign([TopicPartition(t, 0, 0) for t in topics])
    return made


class Watch:
    """Reads the channels' topics all the time: `seen` has for (topic, block's time) when that block
    could first be read."""

    def __init__(self, bootstrap, channels):
        topics = [topic_of(c.partition_id) for c in channels]
        self._consumer = consumer(bootstrap, topics)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen = {}

    def _run(self):
        while not self._stop.is_set():
            messages = self._consumer.consume(1000, 0.05)
            now_ns = gps_now_ns()
            for m in messages:
                if not m.error():
                    self.seen.setdefault((m.topic(), time_of(m)), now_ns)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._consumer.close()


def dump(bootstrap, topics):
    """All messages that the topics hold, topic -> list, in order."""
    left, held = set(topics), {t: [] for t in topics}
    reader = consumer(bootstrap, topics, **{"enable.partition.eof": True})
    until = time.monotonic() + 60
    while left and time.monotonic() < until:
        for m in reader.consume(1000, 0.2):
            if not m.error():
                held[m.topic()].append(m)
            elif m.error().code() == KafkaError._PARTITION_EOF:
                left.discard(m.topic())
    reader.close()
    assert not left, f"cannot be read to their end: {left}"
    return held


def block_of(message):
    """A message of rows: its time and its samples, a list for each row."""
    table = pyarrow.ipc.open_stream(message.value()).read_all()
    return table["time"][0].as_py(), table["data"].to_pylist()
