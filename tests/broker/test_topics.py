# SPDX-License-Identifier: Apache-2.0
"""Topics that go, come, or are not what they should be, under live streams: the others go on, the
reader closes, and the error names what is wrong."""

import pytest
from live import LivePublisher, assert_published, lacks, whole
from support import (
    SECOND, STRIDE, T0, Cluster, Loop, channel, gps_now_ns, records, stream_arguments, topic_of, unique,
    write_metadata,
)  # fmt: skip

# Far more than closing may take: a question to the broker may take a minute, and a topic is looked for for ever.
CLOSE_S = 20
# What the stream of two topics waits for the one that is gone.
LATENCY = 4 * SECOND  # half of it is left to a reader that a loaded machine holds up


def one(**more):
    return [channel("H1:CAL-FAST", unique("a"), 0, "float32", 256, **more)]


def two(**more):
    x = unique("")
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256, **more),
        channel("H1:GRD-STATE", f"b{x}", 3, "int32", 16, **more),
    ]


def contiguous(blocks):
    times = [b["time_ns"] for b in blocks]
    return times == list(range(times[0], times[-1] + 1, STRIDE))


# ---------------------------------------------------------------- topics that are deleted


class Deletion:
    """A live stream of two topics, of which one has been deleted: `stream` is a Follower."""

    def __init__(self, cluster, cli, tmp_path, *more):
        self.channels = self.stays, self.goes = two(max_latency=LATENCY)
        self.cluster = cluster
        cluster.create_for(self.channels)
        metadata = write_metadata(tmp_path, self.channels)
        self.publisher = LivePublisher(cluster, [self.stays])
        arguments = stream_arguments(cluster.bootstrap, metadata, self.channels, None, None, *more)
        self.stream = cli.follow(*arguments, "--timeout", "60")

    def __enter__(self):
        self.publisher.__enter__()
        with LivePublisher(self.cluster, [self.goes]):
            self.stream.wait_for(lambda b: b and whole(b[-1], self.goes))
        self.cluster.delete_for([self.goes])
        self.at = gps_now_ns()
        return self

    def __exit__(self, *how):
        self.stream.__exit__(*how)
        self.publisher.__exit__(*how)


def test_a_deleted_topic_is_named_and_the_others_go_on_live(cluster, cli, tmp_path):
    with Deletion(cluster, cli, tmp_path) as deletion:
        stream = deletion.stream
        blocks = stream.wait_for(lambda b: b[-1]["time_ns"] > deletion.at + 3 * SECOND)
        stream.wait_for_error(topic_of(deletion.goes.partition_id), timeout=60)
        lasted = (gps_now_ns() - deletion.at) // SECOND
        assert stream.interrupt(CLOSE_S) == 0
    assert_published(blocks, deletion.channels, deletion.publisher)
    assert lacks(blocks[-1], deletion.goes)
    told = [e for e in stream.errors if topic_of(deletion.goes.partition_id) in e]
    assert len(told) <= 3 + lasted // 30, told


def test_a_stream_of_a_deleted_topic_ends_at_its_duration(cluster, cli, tmp_path):
    with Deletion(cluster, cli, tmp_path, "--duration", "10") as deletion:
        assert deletion.stream.finish(10 + LATENCY // SECOND + CLOSE_S) == 0
        blocks = deletion.stream.blocks()
    assert len(blocks) == 160 and contiguous(blocks)


def test_a_stream_whose_only_topic_was_deleted_can_be_interrupted(cluster, cli, tmp_path):
    cs = one()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with cli.follow(*stream_arguments(cluster.bootstrap, metadata, cs)) as stream:
        with LivePublisher(cluster, cs):
            stream.wait_for(lambda b: len(b) > 3)
        cluster.delete_for(cs)
        at = gps_now_ns()
        stream.wait_for(lambda b: b[-1]["time_ns"] > at + 3 * SECOND)
        assert stream.interrupt(CLOSE_S) == 0


def test_closing_after_a_deletion_takes_a_moment(cluster, tmp_path):
    """In a program of one's own, which goes on afterwards."""
    cs = one()
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    with Loop("stream", cluster.bootstrap, metadata, "live", "none") as loop:
        with LivePublisher(cluster, cs):
            loop.wait_for(lambda lines: len(lines) > 3)
        cluster.delete_for(cs)
        at = gps_now_ns()
        loop.wait_for(lambda lines: int(lines[-1].split()[0]) > at + 3 * SECOND)
        assert loop.end()["close"] < 1000 * CLOSE_S


def test_a_topic_that_is_made_anew_is_read_on_live(cluster, cli, tmp_path):
    with Deletion(cluster, cli, tmp_path) as deletion:
        stream = deletion.stream
        stream.wait_for(lambda b: b[-1]["time_ns"] > deletion.at + 2 * SECOND)
        deletion.cluster.create_for([deletion.goes])
        with LivePublisher(Cluster(cluster.bootstrap), [deletion.goes]) as again:
            # it is looked for every ten seconds
            stream.wait_for(lambda b: whole(b[-1], deletion.goes))
            count = len(stream.lines)
            blocks = stream.wait_for(lambda b: len(b) >= count + 16)
            assert stream.interrupt(CLOSE_S) == 0
    assert_published(blocks, deletion.channels, deletion.publisher)
    assert_published(blocks[count:], deletion.channels, again)


def test_a_live_stream_does_not_read_what_a_topic_made_anew_held_before(cluster, tmp_path):
    """An offset that is out of range is no reason to read all that is retained."""
    cs = one(max_latency=2 * SECOND)
    cluster.create_for(cs)
    old = records(cs, T0, T0 + 40 * SECOND)
    cluster.send(old)
    metadata = write_metadata(tmp_path, cs)
    with Loop("stream", cluster.bootstrap, metadata, "live", "none") as loop:
        loop.wait_for(lambda lines: "open" in lines)
        with loop.stopped():
            cluster.delete_for(cs)
            cluster.create_for(cs)
            anew = Cluster(cluster.bootstrap)
            anew.send(old[: len(old) // 2])
        with LivePublisher(anew, cs) as live:
            loop.wait_for(lambda lines: any(line.endswith(" 0") for line in lines), timeout=60)
        messages = loop.end()["messages"]
    sent = (live.reached_ns - live.started_ns) // STRIDE
    assert messages < sent + len(old) // 4, f"{messages} messages read, {sent} published since"


# ---------------------------------------------------------------- topics that are not what they should be


def test_a_topic_of_several_partitions_is_told(cluster, cli, tmp_path):
    """A stream's topic has one partition; what lies in others is not read."""
    cs = one()
    cluster.create([topic_of(cs[0].partition_id)], partitions=3)
    cluster.send(records(cs, T0, T0 + SECOND))
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND), check=None)
    told = [
        line for line in done.stderr.splitlines()
        if topic_of(cs[0].partition_id) in line and "partitions" in line and "3" in line
    ]  # fmt: skip
    assert len(told) == 1, done.stderr


@pytest.mark.parametrize("partition", ["no/topic", "x" * 300, "a b"], ids=["slash", "long", "blank"])
def test_a_partition_id_that_cannot_be_a_topic_is_not_waited_for(partition, cluster, cli, tmp_path):
    cs = [channel("H1:CAL-FAST", partition, 0)]
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments(cluster.bootstrap, metadata, cs, T0, T0 + SECOND), check=1)
    assert "until they appear" not in done.stderr
    assert partition[:100] in done.stderr, done.stderr
