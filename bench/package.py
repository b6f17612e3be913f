# SPDX-License-Identifier: Apache-2.0
"""The Python package's side of the benchmarks, in a process of its own, on the bytes that the others read.
`package.py WHAT name=value...` prints one JSON object."""

import asyncio
import json
import os
import select
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.environ["ARRAKIS_BUILD"], "python"))

import libarrakis  # noqa: E402
from libarrakis.mock import MemoryReader  # noqa: E402


def messages(path, count):
    """(partition, bytes), stride by stride."""
    with open(path, "rb") as file:
        for _ in range(count):
            partition, size = struct.unpack("<II", file.read(8))
            yield partition, file.read(size)


def stream(a):
    with open(a["metadata"]) as lines:
        channels = [libarrakis.Channel.from_json(line) for line in lines]
    reader = MemoryReader(channels)
    input_of = {
        int(next(iter(of.values())).partition_id.removeprefix(a["prefix"])): i
        for i, of in enumerate(reader.inputs())
    }
    for partition, message in messages(a["file"], int(a["partitions"]) * int(a["strides"])):
        if partition in input_of and ("only" not in a or partition == int(a["only"])):
            reader.push(input_of[partition], message)
    return reader.stream(int(a["start"])), [c.name for c in channels]


def lazy(a):
    """Each block in hand, no array asked for."""
    blocks, _ = stream(a)
    began = time.process_time_ns()
    count = sum(1 for _ in blocks)
    return count, time.process_time_ns() - began


def arrays(a):
    """Every array of each block."""
    blocks, names = stream(a)
    import numpy  # noqa: F401

    began = time.process_time_ns()
    count = 0
    for block in blocks:
        for name in names:
            block[name]
        count += 1
    return count, time.process_time_ns() - began


STRIDE = 62_500_000
UNIX_FROM_GPS = 315_964_782 * 1_000_000_000


class Live:
    """When each whole block was in hand. ask=1: each of its arrays was asked for first."""

    def __init__(self, a):
        with open(a["metadata"]) as lines:
            self.names = [libarrakis.Channel.from_json(line).name for line in lines]
        self.ask = a.get("ask") == "1"
        self.strides, self.broken = {}, 0
        self.begun = time.monotonic(), time.process_time()
        self.stream = libarrakis.stream(self.names, kafka_url=a["url"], metadata=a["metadata"])
        self.end = self.begun[0] + float(a["seconds"])

    def take(self, block):
        """False: that was the last."""
        if self.ask:
            for name in self.names:
                block[name]
        now = time.time_ns()
        if not block.has_gaps:
            self.strides[(block.time_ns + UNIX_FROM_GPS) // STRIDE] = now
        elif time.monotonic() > self.begun[0] + 1:
            self.broken += 1
        return time.monotonic() < self.end

    def result(self):
        with open("/proc/self/status") as status:
            peak = int(next(line for line in status if line.startswith("VmHWM:")).split()[1])
        return {"wall": time.monotonic() - self.begun[0], "cpu": time.process_time() - self.begun[1],
                "peak_kb": peak, "broken": self.broken, "strides": self.strides,
                "pyarrow": "pyarrow" in sys.modules}  # fmt: skip


def live(a):
    reader = Live(a)
    for block in reader.stream:
        if not reader.take(block):
            return reader.result()


def live_async(a):
    reader = Live(a)

    async def read():
        async for block in reader.stream:
            if not reader.take(block):
                return

    asyncio.run(read())
    return reader.result()


def wake(a):
    """When each block was in hand whose message push.c pushes, by a blocking next() or by asyncio."""
    blocks, _ = stream(a)
    in_hand, count = [], int(a["strides"])

    async def read():
        async for _ in blocks:
            in_hand.append(time.time_ns())
            if len(in_hand) == count:
                return

    if a["how"] == "asyncio":
        asyncio.run(read())
    while len(in_hand) < count:
        next(blocks)
        in_hand.append(time.time_ns())
    return {"in_hand": in_hand}


def pipe(a):
    """What a loop costs without a stream: eight bytes through a pipe at 16 Hz, from write() to the program, by poll()
    or in asyncio's callback for the descriptor."""
    reading, writing = os.pipe()
    count, took = int(a["count"]), []
    if os.fork() == 0:
        for _ in range(count):
            time.sleep(STRIDE / 1e9)
            os.write(writing, struct.pack("<q", time.time_ns()))
        os._exit(0)

    def take():
        (sent,) = struct.unpack("<q", os.read(reading, 8))
        took.append(time.time_ns() - sent)

    async def loop():
        over = asyncio.get_running_loop().create_future()

        def news():
            take()
            if len(took) == count:
                over.set_result(None)

        asyncio.get_running_loop().add_reader(reading, news)
        await over

    if a["how"] == "asyncio":
        asyncio.run(loop())
    else:
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        while len(took) < count:
            poll.poll()
            take()
    os.wait()
    return {"median": statistics.median(took) / 1e6}


def compat(a):
    """Each block as the reference's SeriesBlock, made as libarrakis.compat makes it: writable arrays, a dict of them."""
    blocks, names = stream(a)
    from arrakis.block import SeriesBlock
    from arrakis.channel import Channel

    with open(a["metadata"]) as lines:
        channels = {c.name: c for c in map(Channel.from_json, lines)}
    make = libarrakis._core._BlockMaker(SeriesBlock, {name: channels[name] for name in names})
    began = time.process_time_ns()
    count = 0
    for block in make.over(blocks):
        assert len(block.data) == len(names)
        count += 1
    return count, time.process_time_ns() - began


def main():
    what, *given = sys.argv[1:]
    a = dict(argument.split("=", 1) for argument in given)
    if whole := {"live": live, "live_async": live_async, "pipe": pipe, "wake": wake}.get(what):
        print(json.dumps(whole(a)))
        return
    count, took = {"lazy": lazy, "arrays": arrays, "compat": compat}[what](a)
    assert count == int(a["strides"]), count
    print(json.dumps({"ours": took / count / 1e6}))


if __name__ == "__main__":
    main()
