# SPDX-License-Identifier: Apache-2.0
"""What a live stream of 20 partitions costs: memory, idle CPU, time to the first block. Measures the
release build, prints the figures, and fails past the limits."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from support import (
    LATENCY_NS, SECOND, STRIDE, Follower, block_record, channel, gps_now_ns, unique, write_metadata,
)  # fmt: skip

PARTITIONS = 20
CHANNELS = 100
MEMORY_LIMIT_KB = 15_000
# Of one core. librdkafka's own long polls, two a second, are most of what there is.
IDLE_LIMIT = 0.004
FIRST_BLOCK_LIMIT_S = 0.1


@pytest.fixture(scope="module")
def release():
    path = os.environ.get("ARRAKIS_RELEASE_CLI") or os.environ.get("ARRAKIS_CLI")
    assert path and Path(path).exists(), f"no release build: {path}"
    return path


@pytest.fixture(scope="module")
def live(cluster, tmp_path_factory):
    """20 partitions of 100 channels: (channels by partition, metadata file)."""
    parts = []
    for p in range(PARTITIONS):
        partition = unique(f"live{p}")
        parts.append([channel(f"H1:LIVE-P{p}_C{i}", partition, i) for i in range(CHANNELS)])
    cluster.create_for([part[0] for part in parts])
    path = write_metadata(tmp_path_factory.mktemp("live"), [c for part in parts for c in part])
    return parts, path


class Publishing:
    """A block of every partition, each stride, LATENCY_NS after its end."""

    def __init__(self, cluster, parts):
        self._cluster, self._parts = cluster, parts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent_at = {}

    def _run(self):
        t = gps_now_ns() // STRIDE * STRIDE
        while True:
            records = [block_record(part, t) for part in self._parts]
            if self._stop.wait(max(0, (t + STRIDE + LATENCY_NS - gps_now_ns()) / SECOND)):
                return
            self.sent_at[t] = time.monotonic()
            self._cluster.send(records)
            t += STRIDE

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def command(release, cluster, live, *more):
    return [release, "stream", "--json", "--kafka-url", cluster.bootstrap, "--metadata",
            str(live[1]), *more]  # fmt: skip


def start_stream(arguments, names):
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    process.stdin.write("\n".join(names) + "\n")
    process.stdin.close()
    return process


def stop_stream(process):
    process.send_signal(2)
    assert process.wait(20) == 0


def status_kb(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(f"no {field}")


def cpu_seconds(pid):
    """Of all its threads, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


@pytest.mark.parametrize("wanted", [1, CHANNELS])
def test_memory_live20(release, cluster, live, wanted):
    """Resident memory while blocks flow, with one channel of each partition and with all."""
    names = [c.name for part in live[0] for c in part[:wanted]]
    with Publishing(cluster, live[0]):
        process = start_stream(command(release, cluster, live, "-"), names)
        time.sleep(6)  # what is measured is a span of time
        resident, peak = status_kb(process.pid, "VmRSS"), status_kb(process.pid, "VmHWM")
        stop_stream(process)
    print(f"\nmemory.live20, {len(names)} channels: {resident} kB resident, {peak} kB at most")
    assert resident < MEMORY_LIMIT_KB


def test_cpu_idle20(release, cluster, live):
    """CPU of a stream to which nothing comes."""
    names = [part[0].name for part in live[0]]
    process = start_stream(command(release, cluster, live, "--on-gap", "skip", "-"), names)
    time.sleep(2)
    before, began = cpu_seconds(process.pid), time.monotonic()
    time.sleep(5)
    share = (cpu_seconds(process.pid) - before) / (time.monotonic() - began)
    stop_stream(process)
    print(f"\ncpu.idle20: {100 * share:.3f} % of a core")
    assert share < IDLE_LIMIT


def test_start_first_block(release, cluster, live):
    """From exec to the first live block, less the wait for the next stride: measured from when the
    first stride after exec was sent."""
    names = [part[0].name for part in live[0]]
    took = []
    with Publishing(cluster, live[0]) as publishing:
        for _ in range(5):
            began = time.monotonic()
            with Follower(command(release, cluster, live, *names)) as stream:
                blocks = stream.wait_for(
                    lambda b: b and any(v is not None for v in b[-1]["data"].values())
                )
                seen = time.monotonic()
                stream.interrupt()
            sent = [t for t in publishing.sent_at.values() if began <= t < seen]
            took.append(seen - min(sent, default=began))
    took.sort()
    print(f"\nstart.first_block: median {took[2] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms")
    assert took[2] < FIRST_BLOCK_LIMIT_S
