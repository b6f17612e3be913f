# SPDX-License-Identifier: Apache-2.0
"""Channels and blocks of the tests."""

import itertools

import numpy

import libarrakis

SECOND = 1_000_000_000
STRIDE = SECOND // 16
T0 = 1_400_000_000 * SECOND
DTYPES = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
_numbers = itertools.count()


# What a loaded machine may add to what is over at once. What must not be waited for would take longer.
LOADED_S = 15


def channels(count=2, data_type="float32", rate=64):
    """Channels of a partition that no other test has. On a busy machine, too, their data is not late."""
    k = next(_numbers)
    return [
        libarrakis.Channel(
            f"H1:T{k}-C{i}", data_type, rate, publisher=f"P{k}", partition_id=f"p{k}",
            partition_index=i, stride=STRIDE, max_latency=60 * SECOND,
        )
        for i in range(count)
    ]  # fmt: skip


def values(channel, time_ns):
    """Samples that tell one time and channel from another."""
    n = round(channel.sample_rate / 16)
    first = time_ns // STRIDE * n % 64 + 32 * channel.partition_index
    return numpy.arange(first, first + n).astype(channel.data_type)


def block(of, time_ns):
    return libarrakis.Block(time_ns, {c.name: values(c, time_ns) for c in of}, of)


def now():
    """The beginning of the present stride."""
    return libarrakis.gps_now_ns() // STRIDE * STRIDE
