# SPDX-License-Identifier: Apache-2.0
"""Our programs in a soak, while they run."""

import collections
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy

END_S = 15  # that a program may take to end
# malloc counts what a thread keeps for itself (its tcache) as in use: that would hide what is lost, since it
# grows for hours, up to a bound. And it keeps up to 2 MB at the end of each thread's heap, of which librdkafka
# has one for each broker, so that resident memory grows for as long as a fault is the worst so far: all threads
# share one heap here, which gives back what is free at its end.
TUNABLES = "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=131072"


class Program:
    """A soak_tool while it runs: its lines are taken as they come, its log is left in a file."""

    def __init__(self, name, tool, logs, *arguments):
        self.name = name
        self.log_path = logs / f"{name}.log"
        self._log = open(self.log_path, "w")
        self.process = subprocess.Popen([tool, *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=self._log, text=True,
                                        env={**os.environ, "GLIBC_TUNABLES": TUNABLES})  # fmt: skip
        self.opened = threading.Event()
        self.ends = []  # of streams
        self.stats = ""
        self.heap = []  # (seconds, bytes)
        self.rss, self.descriptors, self.threads, self.cpu = [], [], [], []
        self.status = None  # what it ended with; "killed"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "open":
                self.opened.set()
            elif word == "ended":
                self.ends.append(rest)
            elif word == "heap":
                self.heap.append((time.monotonic(), int(rest)))
            elif word == "stats":
                self.stats = rest
            else:
                self.take(word, rest.split(" "))
        self.opened.set()

    def take(self, word, fields):
        raise NotImplementedError

    def sample(self, now):
        at = f"/proc/{self.process.pid}"
        try:
            pages = int(Path(at, "statm").read_text().split()[1])
            stat = Path(at, "stat").read_text().rsplit(")", 1)[1].split()
            descriptors = len(os.listdir(f"{at}/fd"))
        except (OSError, IndexError):
            return
        self.rss.append((now, pages * os.sysconf("SC_PAGE_SIZE")))
        self.descriptors.append((now, descriptors))
        self.threads.append((now, int(stat[17])))
        self.cpu.append((now, (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")))

    def ended_by_itself(self):
        return self.status is None and self.process.poll() is not None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.status = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.status = "killed"
        self._reader.join(10)
        self._log.close()


class Reader(Program):
    """`parts`: the partitions that it reads; handed[p, k] is set where all of stride k was there."""

    def __init__(self, plan, parts, strides, in_time_s, *arguments):
        """`in_time_s`: what is in the log so long after a block's end must be handed out."""
        self._plan = plan
        self.in_time_s = in_time_s
        self.first_part = plan.parts.index(parts[0])
        self.handed = numpy.zeros((len(parts), strides), bool)
        self.first = self.last = None  # stride of a block
        self.wrong, self.partial, self.disorder = [], [], 0
        self.slowest_ns = 0
        super().__init__(*arguments)

    def take(self, word, fields):
        if word == "block":
            self._take_block(int(fields[0]), int(fields[1]), int(fields[2], 16))
        elif word == "wrong":
            self.wrong.append(fields)
        elif word == "partial":
            self.partial.append(fields)

    def _take_block(self, time_ns, now_ns, mask):
        k = self._plan.stride_of(time_ns)
        if self.last is not None and k != self.last + 1 and not (self.ends and k > self.last):
            self.disorder += 1
        if 0 <= k < self.handed.shape[1]:
            self.first = k if self.first is None else self.first
            self.last = k
            bits = mask.to_bytes(len(self.handed) // 8 + 1, "little")
            self.handed[:, k] = numpy.unpackbits(numpy.frombuffer(bits, numpy.uint8),
                                                 bitorder="little")[: len(self.handed)]  # fmt: skip


class Publisher(Program):
    def __init__(self, plan, strides, *arguments):
        self._plan = plan
        self.confirmed = numpy.zeros(strides, bool)
        self.tried = numpy.zeros(strides, bool)
        self.failed = collections.Counter()
        self.skipped = 0
        self.took_ns = collections.deque(maxlen=200)
        super().__init__(*arguments)

    def take(self, word, fields):
        if word == "skipped":
            self.skipped += 1
        elif word == "sent":
            k = self._plan.stride_of(int(fields[0]))
            self.tried[k] = True
            self.took_ns.append(int(fields[2]) - int(fields[0]) - self._plan.stride)
            self.confirmed[k] = fields[1] == "ARRAKIS_OK"
            if fields[1] != "ARRAKIS_OK":
                self.failed[fields[1]] += 1
