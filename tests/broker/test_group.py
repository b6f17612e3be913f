# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli record --group: recorders that are killed, added and frozen share the partitions; each sample
is in one file, no file is replaced, and no partition is left alone for long."""

import re
import signal
import subprocess
import time

import numpy
import pyarrow
import pytest
from confluent_kafka.admin import NewPartitions
from frozen import freeze, thaw
from live import LivePublisher
from support import SECOND, channel, samples, topic_of, unique, write_metadata

LENGTH = 2  # of a file, in seconds
SESSION = 6  # the session time-out; brokers take no less
PARTITIONS = 60
STRIDE = SECOND // 2
LATENCY = 60 * SECOND  # nothing is missing: what the machine holds up is not either
# Far more than what the broker and the members need to share partitions out again: each member that does
# not answer in time is waited for.
REBALANCE = 2 * SESSION + 10


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

    def __init__(self, directory):
        self.directory, self.seen = directory, {}

    def look(self):
        now = time.monotonic()
        for path in self.directory.glob("*/*"):
            if path not in self.seen and not path.name.startswith("."):
                about = path.stat()
                self.seen[path] = now, about.st_ino, about.st_mtime_ns

    def by_partition(self):
        out = {}
        for path, (when, *_) in self.seen.items():
            name = re.fullmatch(rf"(H-.+)-(\d+)-{LENGTH}\.arrow", path.name)
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


def assert_file(path, gps, cs, first):
    """All samples as they were published; of the first file of a partition perhaps without its begin."""
    with pyarrow.memory_map(str(path)) as f:
        table = pyarrow.ipc.open_file(f).read_all()
    for c in cs:
        rows = [row.values for row in table[c.name]]
        found = numpy.concatenate([r.fill_null(0).to_numpy(zero_copy_only=False) for r in rows])
        mask = numpy.concatenate([r.is_null().to_numpy(zero_copy_only=False) for r in rows])
        begin = table["time"].to_pylist()[0]
        assert first or begin == gps * SECOND, path
        wanted = samples(c, begin, (gps + LENGTH) * SECOND - begin)
        assert len(found) == len(wanted), path
        if first and mask.any():
            kept = numpy.argmin(mask)
            found, wanted, mask = found[kept:], wanted[kept:], mask[kept:]
        assert not mask.any() and (found == wanted).all(), path


def assert_kept(files, directory, cs, end):
    """Each partition has all files up to `end`, and each sample is in them. Returns partition -> GPS -> when the file was seen."""
    by_partition = {}
    for one in cs:
        name = "H-" + one.partition_id.replace("-", "+").replace(".", "#")
        by_partition.setdefault(name, []).append(one)
    found = files.by_partition()
    assert sorted(found) == sorted(by_partition)
    for partition, spans in found.items():
        gps = sorted(spans)
        assert gps == list(range(gps[0], gps[-1] + 1, LENGTH)) and gps[-1] >= end, partition
        for g in gps:
            path = directory / partition / f"{partition}-{g}-{LENGTH}.arrow"
            assert_file(path, g, by_partition[partition], g == gps[0])
    return found


def add_partitions(cluster, cs):
    """A second one, without data, to some topics: it is shared out, too, and nothing comes of that."""
    topics = sorted({topic_of(c.partition_id, c.replay_id) for c in cs})[::4]
    for future in cluster.admin.create_partitions([NewPartitions(t, 2) for t in topics]).values():
        future.result(30)


def test_recorders_share_partitions(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    add_partitions(cluster, cs)
    directory = tmp_path / "files"
    directory.mkdir()
    files, group = Files(directory), unique("recorders")
    metadata = write_metadata(tmp_path, cs)
    members, marks, began = [], [], time.monotonic()

    def mark(what):
        marks.append((what, round(time.monotonic() - began, 1)))

    def start():
        log = (tmp_path / f"log{len(members)}").open("w")
        members.append(subprocess.Popen(
            [cli.path, "record", "--group", group, "--kafka-url", cluster.bootstrap, "--metadata",
             metadata, "--dir", str(directory), "--match", ".", "--length", str(LENGTH),
             "--format", "arrow", "-X", f"session.timeout.ms={SESSION * 1000}",
             "-X", "heartbeat.interval.ms=1000"],
            stderr=log,
        ))  # fmt: skip
        return members[-1]

    def let_pass(seconds):
        deadline = time.monotonic() + seconds
        files.wait(lambda: time.monotonic() >= deadline, seconds + 30, "time")

    try:
        with LivePublisher(cluster, cs) as publisher:
            a, b, c = start(), start(), start()
            files.wait_all(0, "three recorders")
            d = start()
            let_pass(3)
            files.wait_all(files.newest() + LENGTH, "one more recorder")
            mark("two are killed")
            a.kill()
            b.kill()
            files.wait_all(files.newest() + LENGTH, "two recorders that are left")
            mark("one is frozen")
            freeze(c)
            let_pass(SESSION + LENGTH)
            files.wait_all(files.newest(), "one recorder that is left")
            mark("one is thawed")
            thaw(c)
            files.wait_all(files.newest() + 3 * LENGTH, "a recorder that is thawed")
            end = publisher.reached_ns // SECOND // LENGTH * LENGTH - LENGTH
            files.wait_all(end, "the end")
        for member in (c, d):
            member.send_signal(signal.SIGINT)
            assert member.wait(60) == 0
    finally:
        for member in members:
            member.kill()
            member.wait()
    files.look()
    found = assert_kept(files, directory, cs, end)
    idle, since = max(
        (later - earlier, earlier - began)
        for spans in found.values()
        for earlier, later in zip(sorted(spans.values()), sorted(spans.values())[1:])
    )
    print(f"the longest time without a new file of a partition: {idle:.1f} s, from {since:.1f} s on")
    assert idle <= SESSION + LENGTH + REBALANCE, (idle, since, marks)
    for path, (_, inode, changed) in files.seen.items():
        about = path.stat()
        assert (about.st_ino, about.st_mtime_ns) == (inode, changed), path
    assert not list(directory.glob("*/.*"))
    assert "other bytes" not in "".join(p.read_text() for p in tmp_path.glob("log*"))
