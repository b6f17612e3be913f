# SPDX-License-Identifier: Apache-2.0
"""Blocks published in real time by a thread, for tests of live streams."""

import threading

from support import (
    LATENCY_NS, SECOND, assert_same, block_record, by_partition, expected_block, gps_now_ns,
)  # fmt: skip


# So many strides are sent in one go by a publisher that is behind: it catches up, also where each delivery takes
# longer than a stride.
AT_ONCE = 16


class LivePublisher:
    """Sends a block of every partition each stride, `latency_ns` after its end, stamped with the
    present time. `started_ns`: the first block's time; `skip(partition, time)`: true for blocks that
    are not sent; `lag_ns`: how old everything is."""

    def __init__(self, cluster, channels, latency_ns=LATENCY_NS, skip=None, lag_ns=0):
        self._cluster, self._parts = cluster, by_partition(channels)
        self.channels = channels
        self._stride = channels[0].stride
        self._latency, self._lag, self.skip = latency_ns, lag_ns, skip or (lambda p, t: False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.started_ns = gps_now_ns() // self._stride * self._stride
        self.reached_ns = self.started_ns
        self._delivered_ns = {}
        self._flowing = threading.Event()
        self.error = None

    def _run(self):
        t = self.started_ns
        try:
            while True:
                wait = (t + self._stride + self._latency - gps_now_ns()) / SECOND
                if self._stop.wait(max(0, wait)):
                    return
                over = gps_now_ns() - self._latency
                behind = range(t + self._stride, t + AT_ONCE * self._stride, self._stride)
                times = [t, *(u for u in behind if u + self._stride <= over)]
                data = [u - self._lag for u in times]
                self._cluster.send([
                    block_record(part, u, stamp_ns=gps_now_ns())
                    for u in data for p, part in self._parts.items() if not self.skip(p, u)
                ])  # fmt: skip
                self._delivered_ns.update(dict.fromkeys(data, gps_now_ns()))
                t += len(times) * self._stride
                self.reached_ns = t
                self._flowing.set()
        except BaseException as e:
            self.error = e
            self._flowing.set()

    def judged(self, blocks, max_latency):
        """Those of the blocks that the broker had while at least half of `max_latency` was left: a
        reader has no excuse for a gap in them, however loaded the machine is that publishes."""
        delivered = self._delivered_ns.copy()  # it goes on
        due = {t for t, at in delivered.items() if at <= t + self._stride + max_latency // 2}
        return [b for b in blocks if b["time_ns"] in due]

    def in_time(self, blocks, max_latency):
        """The same, and there are some."""
        there = self.judged(blocks, max_latency)
        assert there, f"of {len(self._delivered_ns)} blocks none was published in time"
        return there

    def __enter__(self):
        """Returns when the first block has been delivered."""
        self._thread.start()
        self._flowing.wait()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(220)
        assert self.error is None, self.error


def lacks(block, c):
    """Whether a block has no sample of the channel."""
    return all(v is None for v in block["data"][c.name])


def whole(block, c):
    return all(v is not None for v in block["data"][c.name])


def assert_published(blocks, channels, *publishers):
    """Each block follows the one before it and has nothing but what was published. What the brokers had in time
    is not missing in it; what they had later, or not at all, may be, each channel as a whole."""
    for b, after in zip(blocks, blocks[1:]):
        assert after["time_ns"] == b["time_ns"] + b["_duration_ns"], (b["time_ns"], after["time_ns"])
    for b in blocks:
        gaps = [c.name for c in channels if lacks(b, c)]
        assert_same([b], [expected_block(channels, b["time_ns"], b["_duration_ns"], gaps)], channels)
    for publisher in publishers:
        for c in publisher.channels:
            sent = [b for b in blocks if not publisher.skip(c.partition_id, b["time_ns"])]
            missing = [b["time_ns"] for b in publisher.in_time(sent, c.max_latency) if lacks(b, c)]
            assert not missing, f"{c.name} was in time and is missing at {missing}"
