# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli record --group: recorders that are killed, added and frozen share the partitions; each sample
is in one file, no file is replaced, and no partition is left alone for long. What a publisher that has stopped
leaves, and what is deleted before it is read."""

import os
import re
import signal
import subprocess
import time

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewPartitions
from frozen import freeze, thaw
from live import LivePublisher
from recorded import EXTENSION, read_file
from support import (
    SECOND, channel, gps_now_ns, records, samples, topic_of, unique, write_metadata,
)  # fmt: skip

LENGTH = 2  # of a file, in seconds
SESSION = 6  # the session time-out; brokers take no less
PARTITIONS = 60
STRIDE = SECOND // 2
LATENCY = 60 * SECOND  # nothing is missing: what the machine holds up is not either
# Far more than what the broker and the members need to share partitions out again: each member that does
# not answer in time is waited for.
REBALANCE = 2 * SESSION + 10
# What writes a file of any format does not know librdkafka: on others than the one built with, one format is enough.
FORMATS = ("gwf",) if "ARRAKIS_LIBRDKAFKA" in os.environ else ("gwf", "hdf5", "arrow")


def channels():
    x = unique("")
    return [
        c
        for p in range(PARTITIONS)
        for c in (
            channel(f"H1:G{p:02}-FLOAT", f"g-{x}.{p:02}", 0, "float32", 64, stride=STRIDE, max_latency=LATENCY),
            channel(f"H1:G{p:02}-OTHER", f"g-{x}.{p:02}", 7, "float32", 16, stride=STRIDE, max_latency=LATENCY),
        )
    ]


class Files:
    """The files of a directory as they come: when each was first seen, and what it was then."""

    def __init__(self, directory, form):
        self.directory, self.form, self.seen = directory, form, {}

    def look(self):
        now = time.monotonic()
        for path in self.directory.glob("*/*"):
            if path not in self.seen and not path.name.startswith("."):
                about = path.stat()
                self.seen[path] = now, about.st_ino, about.st_mtime_ns

    def by_partition(self):
        out = {}
        for path, (when, *_) in self.seen.items():
            name = re.fullmatch(rf"(H-.+)-(\d+)-{LENGTH}\.{EXTENSION[self.form]}", path.name)
            assert name and name[1] == path.parent.name, path
            out.setdefault(name[1], {})[int(name[2])] = when
        return out

    def wait(self, enough, timeout, what):
        deadline = time.monotonic() + timeout
        while not enough():
            assert time.monotonic() < deadline, f"{what}: {self.state()}"
            self.look()
            time.sleep(0.05)

    def state(self):
        return {p: (len(f), max(f)) for p, f in self.by_partition().items()}

    def wait_all(self, gps, what, timeout=SESSION + LENGTH + 30):
        """Until each partition has the file that begins at `gps`, or later."""
        self.wait(
            lambda: len(found := self.by_partition()) == PARTITIONS
            and all(max(f) >= gps for f in found.values()),
            timeout, what,
        )  # fmt: skip

    def newest(self):
        return max((max(f) for f in self.by_partition().values()), default=0)


def assert_file(path, gps, cs, joined_ns=0):
    """All samples as they were published; those before `joined_ns` may be missing."""
    for c, (found, mask) in zip(cs, read_file(path, cs).values(), strict=True):
        wanted = samples(c, gps * SECOND, LENGTH * SECOND)
        before = max(0, round((joined_ns / SECOND - gps) * c.sample_rate))
        assert not mask[before:].any() and (found == wanted)[~mask].all(), (path, c.name)


def directory_of(partition):
    return "H-" + partition.replace("-", "+").replace(".", "#")


def assert_kept(files, cs, joined_ns, end):
    """Each partition has all files from `joined_ns` up to `end`, and each sample is in them. Returns partition -> GPS -> when the
    file was seen."""
    by_partition = {}
    for one in cs:
        by_partition.setdefault(directory_of(one.partition_id), []).append(one)
    found = files.by_partition()
    assert sorted(found) == sorted(by_partition)
    for partition, spans in found.items():
        gps = sorted(spans)
        assert gps == list(range(gps[0], gps[-1] + 1, LENGTH)), partition
        assert gps[0] * SECOND <= joined_ns and gps[-1] >= end, partition
        for g in gps:
            name = f"{partition}-{g}-{LENGTH}.{EXTENSION[files.form]}"
            assert_file(files.directory / partition / name, g, by_partition[partition], joined_ns)
    return found


def add_partitions(cluster, cs):
    """A second one, without data, to some topics: it is shared out, too, and nothing comes of that."""
    topics = sorted({topic_of(c.partition_id, c.replay_id) for c in cs})[::4]
    for future in cluster.admin.create_partitions([NewPartitions(t, 2) for t in topics]).values():
        future.result(30)


class Member:
    """A recorder of a group; `more`: options."""

    def __init__(self, cluster, cli, group, metadata, files, log, *more):
        self.log = log
        with log.open("a") as err:
            self.process = subprocess.Popen(
                [cli.path, "record", "--group", group, "--kafka-url", cluster.bootstrap, "--metadata",
                 metadata, "--dir", str(files.directory), "--match", ".", "--length", str(LENGTH),
                 "--format", files.form, "-X", f"session.timeout.ms={SESSION * 1000}",
                 "-X", "heartbeat.interval.ms=1000", *more],
                stderr=err,
            )  # fmt: skip

    def has_joined(self):
        return "recording as a member" in self.log.read_text()

    def has_recorded(self):
        return re.search("so far: .* partitions, [1-9][0-9]* files", self.log.read_text())

    def end(self, timeout=60):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout) == 0, self.log.read_text()

    def kill(self):
        self.process.kill()
        self.process.wait()


def idle_after(marks, found):
    """What happened -> the longest time without a new file of a partition that ended after it, before what happened next."""
    out = dict.fromkeys((what for _, what in marks), 0)
    for spans in found.values():
        seen = sorted(spans.values())
        for earlier, later in zip(seen, seen[1:]):
            before = [what for when, what in marks if when <= later]
            if before:
                out[before[-1]] = max(out[before[-1]], later - earlier)
    return out


# What happens, and what passes until the group notices it: of members that fail, the session time-out.
EVENTS = {"one is added": 0, "two are killed": SESSION, "one is frozen": SESSION, "one is thawed": 0}


def share_partitions(cluster, cli, cs, files, logs):
    """Returns when all had joined, the last span, and what happened when."""
    members, marks = [], []
    group, metadata = unique("recorders"), write_metadata(logs, cs)

    def mark(what):
        marks.append((time.monotonic(), what))

    def start():
        members.append(Member(cluster, cli, group, metadata, files, logs / f"log{len(members)}", "--summary", "2"))
        return members[-1]

    def let_pass(seconds):
        deadline = time.monotonic() + seconds
        files.wait(lambda: time.monotonic() >= deadline, seconds + 30, "time")

    try:
        with LivePublisher(cluster, cs) as publisher:
            a, b, c = start(), start(), start()
            files.wait(lambda: all(m.has_joined() for m in members), 60, "joining")
            reached_ns = publisher.reached_ns  # what is next may be under way already
            files.wait(lambda: publisher.reached_ns > reached_ns, 60, "publishing")
            joined_ns = publisher.reached_ns
            files.wait_all(0, "three recorders")
            # the first to join may have all of it for a time
            files.wait(lambda: all(m.has_recorded() for m in members), REBALANCE + 30, "sharing")
            mark("one is added")
            d = start()
            let_pass(3)
            files.wait_all(files.newest() + LENGTH, "one more recorder")
            mark("two are killed")
            a.kill()
            b.kill()
            files.wait_all(files.newest() + LENGTH, "two recorders that are left")
            mark("one is frozen")
            freeze(c.process)
            let_pass(SESSION + LENGTH)
            files.wait_all(files.newest(), "one recorder that is left")
            mark("one is thawed")
            thaw(c.process)
            files.wait_all(files.newest() + 3 * LENGTH, "a recorder that is thawed")
            end = publisher.reached_ns // SECOND // LENGTH * LENGTH - LENGTH
            files.wait_all(end, "the end")
        c.end()
        d.end()
    finally:
        for member in members:
            member.kill()
    return joined_ns, end, marks


@pytest.mark.parametrize("form", FORMATS)
def test_recorders_share_partitions(cluster, cli, tmp_path, form):
    cs = channels()
    cluster.create_for(cs)
    add_partitions(cluster, cs)
    directory = tmp_path / "files"
    directory.mkdir()
    files = Files(directory, form)
    joined_ns, end, marks = share_partitions(cluster, cli, cs, files, tmp_path)
    files.look()
    idle = idle_after(marks, assert_kept(files, cs, joined_ns, end))
    print(f"{form}: the longest time without a new file of a partition:",
          ", ".join(f"{what}: {seconds:.1f} s" for what, seconds in idle.items()))  # fmt: skip
    for what, session in EVENTS.items():
        assert idle[what] <= session + LENGTH + REBALANCE, (what, idle)
    for path, (_, inode, changed) in files.seen.items():
        about = path.stat()
        assert (about.st_ino, about.st_mtime_ns) == (inode, changed), path
    assert not list(directory.glob("*/.*"))
    logs = [p.read_text() for p in tmp_path.glob("log*")]
    assert "other bytes" not in "".join(logs)
    for log in logs:
        counts = list(map(int, re.findall("so far: [0-9]+ of [0-9]+ partitions, ([0-9]+) files", log)))
        assert len(counts) > 1 and counts[-1] > 0 and counts == sorted(counts), log


class OneByOne:
    """Recorders of a group of one partition, one after the other."""

    def __init__(self, cluster, cli, tmp_path, form):
        self.c = channel("H1:G-ONLY", unique("g-"), 0, "float32", 64, stride=STRIDE, max_latency=SECOND)
        self.cluster, self.cli, self.logs, self.group = cluster, cli, tmp_path, unique("recorder")
        self.metadata = write_metadata(tmp_path, [self.c])
        cluster.create_for([self.c])
        (tmp_path / "files").mkdir()
        self.files = Files(tmp_path / "files", form)
        self.start = gps_now_ns() // SECOND // LENGTH * LENGTH - 20 * LENGTH

    def send(self, begin, end):
        """Seconds from the start on."""
        self.cluster.send(records([self.c], (self.start + begin) * SECOND, (self.start + end) * SECOND))

    def paths(self):
        self.files.look()
        return {int(p.name.split("-")[2]) - self.start: p for p in self.files.seen}

    def committed(self):
        consumer = Consumer({"bootstrap.servers": self.cluster.bootstrap, "group.id": self.group})
        try:
            return consumer.committed([TopicPartition(topic_of(self.c.partition_id), 0)], timeout=30)[0].offset
        finally:
            consumer.close()

    def record(self, *spans, done, meanwhile=lambda: None):
        """Returns the log of a recorder that makes the files of these spans; `done`: how many messages are recorded then."""
        log = self.logs / f"log{len(list(self.logs.glob('log*')))}"
        member = Member(self.cluster, self.cli, self.group, self.metadata, self.files, log, "--start", str(self.start))
        try:
            self.files.wait(member.has_joined, 60, "joining")
            meanwhile()
            self.files.wait(lambda: set(spans) <= set(self.paths()), 60, f"the files of {spans}")
            self.files.wait(lambda: self.committed() == done, 60, f"the commit of {done}")
            member.end()
        finally:
            member.kill()
        return log.read_text()


@pytest.mark.parametrize("form", FORMATS)
def test_the_publisher_stops_and_all_of_its_whole_spans_are_files(cluster, cli, tmp_path, form):
    """Those that are deleted before they are read, and what is deleted of a span that was begun, are told and counted."""
    one = OneByOne(cluster, cli, tmp_path, form)
    one.send(0, 5)
    log = one.record(0, 2, done=8)
    assert "2 files" in log and " 0 % of the samples missing" in log and "nothing of GPS" not in log
    cluster.purge(one.c, 5 * SECOND // STRIDE)
    log = one.record(8, 10, done=18, meanwhile=lambda: one.send(8, 12))
    assert f"partition {one.c.partition_id}: nothing of GPS {one.start + 4} to {one.start + 8} (4 s): deleted or never published" in log
    assert "2 files" in log and " 50 % of the samples missing" in log
    log = one.record(16, done=22, meanwhile=lambda: one.send(16, 18))
    assert f"nothing of GPS {one.start + 12} to {one.start + 16} (4 s)" in log
    paths = one.paths()
    assert sorted(paths) == [0, 2, 8, 10, 16]
    for span, path in paths.items():
        assert_file(path, one.start + span, [one.c])
    assert not list(one.files.directory.glob("*/.*"))
