# SPDX-License-Identifier: Apache-2.0
"""Blocks published in real time by a thread, for tests of live streams."""

import threading

from support import LATENCY_NS, SECOND, by_partition, block_record, gps_now_ns


class LivePublisher:
    """Sends a block of every partition each stride, `latency_ns` after its end, stamped with the
    present time. `started_ns`: the first block's time; `skip(partition, time)`: true for blocks that
    are not sent; `lag_ns`: how old everything is."""

    def __init__(self, cluster, channels, latency_ns=LATENCY_NS, skip=None, lag_ns=0):
        self._cluster, self._parts = cluster, by_partition(channels)
        self._stride = channels[0].stride
        self._latency, self._lag, self._skip = latency_ns, lag_ns, skip or (lambda p, t: False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.started_ns = gps_now_ns() // self._stride * self._stride
        self.reached_ns = self.started_ns
        self._flowing = threading.Event()
        self.error = None

    def _run(self):
        t = self.started_ns
        try:
            while True:
                wait = (t + self._stride + self._latency - gps_now_ns()) / SECOND
                if self._stop.wait(max(0, wait)):
                    return
                data = t - self._lag
                self._cluster.send([
                    block_record(part, data, stamp_ns=gps_now_ns())
                    for p, part in self._parts.items() if not self._skip(p, data)
                ])  # fmt: skip
                t += self._stride
                self.reached_ns = t
                self._flowing.set()
        except BaseException as e:
            self.error = e
            self._flowing.set()

    def __enter__(self):
        """Returns when the first block has been delivered."""
        self._thread.start()
        self._flowing.wait()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(90)
        assert self.error is None, self.error
