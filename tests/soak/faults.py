# SPDX-License-Identifier: Apache-2.0
"""What happens to the nodes and to the connections to them in a soak."""

import itertools
import threading
import time

from support import SECOND, gps_now_ns

SETTLE_S = 6  # after a fault, until the leaders are found and the producers have caught up


class Faults:
    """One after the other, in a thread, with a quiet time before each."""

    def __init__(self, nodes, cables, quiet_s, wanted, plan):
        self._nodes, self._cables, self._quiet, self._plan = nodes, cables, quiet_s, plan
        self.kinds = [self._tear_all, self._kill, self._tear_one, self._restart_all, self._freeze,
                      self._cut]  # fmt: skip
        if wanted:
            self.kinds = [kind for kind in self.kinds if kind.__name__[1:] in wanted.split(",")]
        self.rested = []  # when each quiet time ended; monotonic
        self.done = []  # (name, begin, end); in strides
        self.error = None
        self._stop, self._idle, self._over = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        """Returns when no fault is under way. The thread stays: with it the nodes that it started would
        end."""
        self._stop.set()
        self._idle.wait(200)

    def close(self):
        self._over.set()

    def _run(self):
        try:
            for i in itertools.count():
                if self._stop.wait(self._quiet):
                    break
                self.rested.append(time.monotonic())
                self._do(self.kinds[i % len(self.kinds)], i % len(self._cables))
        except Exception as e:
            self.error = f"{type(e).__name__}: {e}"
        self._idle.set()
        self._over.wait()

    def _do(self, kind, victim):
        begin = self._plan.stride_of(gps_now_ns())
        self.done.append((kind.__name__[1:], begin, 1 << 62))
        kind(victim)
        self._wait(SETTLE_S)
        self.done[-1] = (*self.done[-1][:2], self._plan.stride_of(gps_now_ns()))

    def _wait(self, seconds):
        self._stop.wait(seconds)

    def _kill(self, victim):
        self._nodes[victim].kill()
        self._wait(8)
        self._nodes[victim].start()

    def _restart_all(self, _):
        for node in self._nodes.nodes:
            if not self._stop.is_set():
                node.restart()
                self._wait(SETTLE_S)

    def _freeze(self, victim):
        self._nodes[victim].freeze()
        self._wait(10)
        self._nodes[victim].proceed()

    def _tear_all(self, _):
        for cable in self._cables:
            cable.tear()
        for cable in self._cables:
            cable.mend()

    def _tear_one(self, victim):
        self._cables[victim].tear()
        self._wait(4)
        self._cables[victim].mend()

    def _cut(self, victim):
        self._cables[victim].cut()
        self._wait(8)
        self._cables[victim].mend()
