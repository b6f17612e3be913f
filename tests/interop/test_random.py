# SPDX-License-Identifier: Apache-2.0
"""Random topics read by arrakis-cli and by the reference: equal blocks. Every scenario follows from
its seed; `--seeds FROM:TO` on pytest's command line runs others."""

import functools
import math
import random

import pytest
from oracle import reference_stream
from support import (
    LATENCY_NS, LIBRDKAFKAS, SECOND, STRIDE, T0, Cli, Record, assert_same, batch, block_record,
    by_partition, channel, environment_cli, fill_absent, masked, payload, samples, seconds,
    stream_arguments, unique, write_metadata,
)  # fmt: skip


class Scenario:
    """What is published, and what is asked for: all that the reference can read to the end."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.x = unique("")
        mixed = self.r.random() < 0.4
        self.channels = [
            c for p in range(self.r.randint(1, 3)) for c in self.partition(p, mixed)
        ]
        self.common = math.lcm(*(c.stride for c in self.channels))
        self.stride = self.common * self.r.choice([1, 1, 1, 2, 3, 4])
        self.on_gap = self.r.choice(["fill", "fill", "skip"])
        self.start = T0 + self.r.randrange(0, 2 * SECOND, self.common)
        if not mixed and self.r.random() < 0.5:
            self.start += self.r.randrange(STRIDE)  # off the grid
        self.end = self.start + self.r.randrange(STRIDE, 3 * SECOND)
        self.records = []
        for part in by_partition(self.channels).values():
            self.records += self.publish(part)

    def partition(self, number, mixed):
        stride = STRIDE * (self.r.choice([1, 2, 4, 16]) if mixed else 1)
        dtype = self.r.choice(["float32", "float64", "int32", "uint64"])
        return [
            channel(f"H1:RND-P{number}_{i}", f"p{number}{self.x}", 3 * i + number, dtype,
                    self.r.choice([16, 32, 256]), stride)
            for i in range(self.r.randint(1, 4))
        ]  # fmt: skip

    def message(self, part, t):
        """A whole block, some of it perhaps missing."""
        rows = [(t, c.partition_index, samples(c, t)) for c in part]
        if self.r.random() < 0.1:
            i = self.r.randrange(len(rows))
            values = rows[i][2]
            holes = self.r.sample(range(len(values)), self.r.randint(1, len(values)))
            rows[i] = (*rows[i][:2], masked(values, *holes))
        # the reference fails on an absent row of a block that it joins to others
        if len(rows) > 1 and self.stride == self.common == part[0].stride and self.r.random() < 0.1:
            del rows[self.r.randrange(len(rows))]
        self.r.shuffle(rows)
        stamp = t + part[0].stride + LATENCY_NS
        return Record(part[0].partition_id, stamp, payload(batch(part[0].data_type, rows)))

    def publish(self, part):
        """One partition's messages: some lost, some twice, some too late or out of order."""
        step = part[0].stride
        first = T0 - 2 * SECOND // step * step
        # behind the end there is always data, for which the reference waits
        last = (self.end // self.stride + 4) * self.stride + 4 * step
        sent = []
        for t in range(first, last, step):
            certain = t >= self.end
            if not certain and self.r.random() < 0.12:
                continue
            sent.append(self.message(part, t))
            if self.r.random() < 0.05:
                sent.append(self.message(part, t))
            if self.r.random() < 0.05:
                sent.append(self.message(part, t - step * self.r.randint(1, 5)))
            if not certain and self.r.random() < 0.05 and len(sent) > 1:
                sent[-1], sent[-2] = sent[-2], sent[-1]
        outage = self.r.randrange(first, last, step)
        if self.r.random() < 0.3:
            sent = [s for s in sent if not outage <= s.stamp_ns < min(outage + SECOND, self.end)]
        # beyond the last output stride: the end of what is known
        return [*sent, block_record(part, last + 2 * self.stride // step * step)]


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        first, last = map(int, metafunc.config.getoption("--seeds").split(":"))
        metafunc.parametrize("seed", range(first, last))


@functools.lru_cache(1)  # for the programs on all librdkafkas, which come one after the other
def played(seed, cluster):
    """Publishes a scenario. Returns it, and the reference's blocks."""
    s = Scenario(seed)
    cluster.create_for(s.channels)
    cluster.send(s.records)
    wanted, how = reference_stream(
        cluster.bootstrap, s.channels, s.start, s.end, silence_s=25, on_gap=s.on_gap,
        stride=s.stride,
    )  # fmt: skip
    assert how == "end"
    return s, [fill_absent(b, s.channels) for b in wanted]


@pytest.mark.parametrize("version", LIBRDKAFKAS)
def test_a_random_scenario(seed, version, cluster, tmp_path):
    s, wanted = played(seed, cluster)
    metadata = write_metadata(tmp_path, s.channels)
    ours = Cli(environment_cli(version)).blocks(
        *stream_arguments(cluster.bootstrap, metadata, s.channels, s.start, s.end,
                          "--on-gap", s.on_gap, "--stride", seconds(s.stride))
    )  # fmt: skip
    assert_same(ours, wanted, s.channels)
