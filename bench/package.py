# SPDX-License-Identifier: Apache-2.0
"""The Python package's side of the benchmarks, in a process of its own, on the bytes that the others read.
`package.py WHAT name=value...` prints one JSON object."""

import json
import os
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
        if partition in input_of:
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


def main():
    what, *given = sys.argv[1:]
    a = dict(argument.split("=", 1) for argument in given)
    count, took = {"lazy": lazy, "arrays": arrays}[what](a)
    assert count == int(a["strides"]), count
    print(json.dumps({"ours": took / count / 1e6}))


if __name__ == "__main__":
    main()
