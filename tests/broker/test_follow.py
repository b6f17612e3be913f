# SPDX-License-Identifier: Apache-2.0
"""Channels that change under a stream that has them from a broker's metadata topics: the stream hands out all that was
as before, and then ends and says so, or follows."""

import dataclasses

import pytest
from live import LivePublisher
from support import (
    SECOND, STRIDE, assert_same, channel, channel_json, expected_block, gps_now_ns, records, unique,
)  # fmt: skip

LATENCY_S = 8  # noticing, and opening anew, fit in, also on a loaded machine; without the old data it is waited for
PATIENT_S = 60  # where nothing waits for it


class Site:
    """A publisher with two channels, each in a partition of its own."""

    def __init__(self, cluster, latency_s=LATENCY_S):
        self.cluster, self.publisher, self.latency_s = cluster, unique("F"), latency_s
        self.topic = f"arrakis-metadata-{self.publisher}"
        self.stays = self.make(f"F1:{self.publisher}-STAYS", unique("s"))
        self.moves = self.make(f"F1:{self.publisher}-MOVES", unique("m"), 3)
        self.channels = [self.stays, self.moves]
        cluster.create([self.topic], cleanup_policy="compact")
        cluster.create_for(self.channels)
        self.describe(*self.channels)

    def make(self, *what, **more):
        c = channel(*what, max_latency=self.latency_s * SECOND, **more)
        return dataclasses.replace(c, publisher=self.publisher)

    def describe(self, *channels):
        for c in channels:
            self.cluster.put(self.topic, c.name, channel_json(c))

    def remove(self, c):
        self.cluster.put(self.topic, c.name, None)

    def stream(self, cli, *more, channels=None):
        names = [c.name for c in channels or self.channels]
        return cli.follow("stream", "--json", "--kafka-url", self.cluster.bootstrap, *more, *names)


@pytest.fixture
def site(cluster):
    return Site(cluster)


@pytest.fixture
def patient_site(cluster):
    return Site(cluster, PATIENT_S)


def check(blocks, site, change, now):
    """The blocks follow each other, and are what was published until `change` and from then on."""
    at = blocks[0]["time_ns"]
    for b in blocks:
        longer = b["_duration_ns"] > STRIDE  # then less than a stride is left out
        assert b["time_ns"] == (-(-at // SECOND) * SECOND if longer else at)
        at = b["time_ns"] + b["_duration_ns"]
        # The longer stride begins on a second, perhaps before the last block of the shorter one.
        there = longer if now.stride > STRIDE else b["time_ns"] >= change
        channels = [site.stays, now if there else site.moves]
        assert_same([b], [expected_block(channels, b["time_ns"], b["_duration_ns"])], channels)


def changed(site, partition=None, **more):
    """The channel that moves, as it is from now on."""
    there = unique(partition) if partition else site.moves.partition_id
    new = site.make(site.moves.name, there, 5 if partition else 3, **more)
    if partition:
        site.cluster.create_for([new])
    return new


def warnings(follower):
    return "\n".join(follower.errors)


@pytest.mark.parametrize("how", [dict(partition="n", dtype="int32"), dict(rate=64), dict(stride=SECOND)])
def test_a_stream_follows_without_a_gap(cluster, cli, site, how):
    new = changed(site, **how)
    follower = site.stream(cli, "--follow")
    with LivePublisher(cluster, [site.stays]):
        with LivePublisher(cluster, [site.moves]) as old:
            follower.wait_for(lambda b: len(b) > 40)  # it looks out for changes by now
        site.describe(new)
        with LivePublisher(cluster, [new]) as publisher:
            change = publisher.started_ns
            # What was missed while nobody published.
            cluster.send(records([site.moves], old.reached_ns, change))
            follower.wait_for(lambda b: b[-1]["time_ns"] > change + 2 * SECOND, timeout=120)
        assert follower.interrupt() == 0
    check(follower.blocks(), site, change, new)
    assert f"'{new.name}' has changed: it was " in warnings(follower)


def test_a_stream_ends_with_what_has_changed(cluster, cli, site):
    new = changed(site, partition="n", rate=64)
    follower = site.stream(cli)
    with LivePublisher(cluster, [site.stays]):
        with LivePublisher(cluster, [site.moves]) as old:
            follower.wait_for(lambda b: len(b) > 40)
            # Records that change nothing.
            site.describe(dataclasses.replace(site.moves, max_latency=SECOND, time=gps_now_ns()))
            site.remove(site.stays)
            site.describe(site.stays)
            now = gps_now_ns()
            follower.wait_for(lambda b: b[-1]["time_ns"] > now + 2 * SECOND)
            assert "has changed" not in warnings(follower)
        site.describe(new)
        assert follower.finish(90) == 1
    blocks = follower.blocks()
    moved = (f"'{new.name}' has changed: it was at 16 Hz and is at 64 Hz, it was number 3 of partition "
             f"{site.moves.partition_id} and is number 5 of {new.partition_id}")  # fmt: skip
    assert moved in follower.error()
    check(blocks, site, old.reached_ns, new)
    assert blocks[-1]["time_ns"] + STRIDE == old.reached_ns


def test_places_that_are_exchanged(cluster, cli, patient_site):
    """The data of both is there all the time, and that of one never stands under the other's name."""
    site = patient_site
    site.stays = dataclasses.replace(site.stays, partition_id=site.moves.partition_id, partition_index=2)
    site.describe(site.stays)
    was = [site.stays, site.moves]
    now = [dataclasses.replace(a, partition_index=b.partition_index) for a, b in (was, was[::-1])]
    with site.stream(cli) as ends, site.stream(cli, "--follow") as follows:
        with LivePublisher(cluster, was) as old:
            for follower in (ends, follows):
                follower.wait_for(lambda b: len(b) > 40)
        # No block is missing in between, so nothing but the description tells.
        now = [dataclasses.replace(c, time=old.reached_ns) for c in now]
        site.describe(*now)
        ends.wait_for_error("the stream ends")  # what is handed out earlier is as before
        follows.wait_for_error("the stream follows")
        new = LivePublisher(cluster, now)
        cluster.send(records(now, old.reached_ns, new.started_ns))
        with new:
            assert ends.finish(90) == 1
            follows.wait_for(lambda b: b[-1]["time_ns"] > new.started_ns, timeout=120)
            assert follows.interrupt() == 0
    check(ends.blocks(), site, old.reached_ns, site.moves)
    assert ends.blocks()[-1]["time_ns"] + STRIDE == old.reached_ns
    blocks = follows.blocks()
    assert [b["time_ns"] for b in blocks] == list(range(blocks[0]["time_ns"], blocks[-1]["time_ns"] + 1, STRIDE))
    for b in blocks:
        channels = now if b["time_ns"] >= old.reached_ns else was
        assert_same([b], [expected_block(channels, b["time_ns"], STRIDE)], channels)


def has_data(block, c):
    return any(v is not None for v in block["data"][c.name])


def test_a_place_that_a_channel_outside_the_stream_takes(cluster, cli, patient_site):
    """The stream has one channel, and the data of the other one never stands under its name."""
    site = patient_site
    taker = site.make(f"F1:{site.publisher}-TAKES", site.moves.partition_id, 3)
    alone = [site.moves]
    with site.stream(cli, channels=alone) as ends, site.stream(cli, "--follow", channels=alone) as follows:
        with LivePublisher(cluster, alone) as old:
            for follower in (ends, follows):
                follower.wait_for(lambda b: len(b) > 40)
        new, taker = (dataclasses.replace(c, time=old.reached_ns) for c in (changed(site, partition="n"), taker))
        site.describe(new, taker)
        ends.wait_for_error("the stream ends")  # what is handed out earlier is as before
        follows.wait_for_error("the stream follows")
        live = LivePublisher(cluster, [new, taker])
        cluster.send(records([new, taker], old.reached_ns, live.started_ns))
        with live:
            assert ends.finish(90) == 1
            follows.wait_for(lambda b: b[-1]["time_ns"] > live.started_ns and has_data(b[-1], new), timeout=120)
            assert follows.interrupt() == 0
    # Noticing may take longer than the latency on a loaded machine, which leaves gaps: whatever is there is its own.
    for follower, there in (ends, None), (follows, new):
        blocks = follower.blocks()
        assert [b["time_ns"] for b in blocks] == list(range(blocks[0]["time_ns"], blocks[-1]["time_ns"] + 1, STRIDE))
        for b in blocks:
            at = there if b["time_ns"] >= old.reached_ns else site.moves
            own = expected_block([at], b["time_ns"], STRIDE)["data"][at.name] if at else []
            got = [v for v in b["data"][site.moves.name] if v is not None]
            assert got == (own if got else []), f"{b['time_ns'] - old.reached_ns} ns after the change"


def test_a_channel_that_is_removed(cluster, cli, site):
    """Without `--follow` the stream ends; with it, it waits for the channel."""
    with site.stream(cli) as ends, site.stream(cli, "--follow") as waits, LivePublisher(cluster, [site.stays]):
        with LivePublisher(cluster, [site.moves]) as old:
            for follower in (ends, waits):
                follower.wait_for(lambda b: len(b) > 40)
        site.remove(site.moves)
        assert ends.finish(90) == 1
        waits.wait_for_error("waits for the channel")
        back = changed(site, partition="n")
        site.describe(back)
        with LivePublisher(cluster, [back]):
            waits.wait_for(lambda b: None not in b[-1]["data"][back.name] and b[-1]["time_ns"] > gps_now_ns() - 60 * SECOND
                           and b[-1]["channels"][back.name]["partition_id"] == back.partition_id, timeout=120)  # fmt: skip
            assert waits.interrupt() == 0
    assert f"'{site.moves.name}' was removed" in ends.error()
    assert ends.blocks()[-1]["time_ns"] + STRIDE == old.reached_ns
