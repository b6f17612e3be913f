# SPDX-License-Identifier: Apache-2.0
"""The long form of tests/broker/test_group.py, part of `make soak`: recorders of a group are killed, ended, frozen and added at
random for ARRAKIS_GROUP_S seconds. Every sample is in one file, no file is replaced, no partition is left alone for long."""

import os
import random
import signal
import subprocess
import time

from frozen import freeze, thaw
from live import LivePublisher
from support import SECOND, unique, write_metadata
from test_group import LENGTH, PARTITIONS, REBALANCE, SESSION, Files, assert_kept, channels

SECONDS = float(os.environ.get("ARRAKIS_GROUP_S", 600))
SEED = int(os.environ.get("ARRAKIS_GROUP_SEED", 11))
FORMAT = os.environ.get("ARRAKIS_GROUP_FORMAT", "gwf")
MOST = 5
# Faults come while the group still answers to those before, so that a partition may be taken from one that fails to another
# that fails.
IDLE = 2 * (SESSION + REBALANCE) + LENGTH


class Members:
    """Recorders of one group. At least one is neither frozen nor about to be killed at any time."""

    def __init__(self, cluster, cli, directory, metadata, logs):
        self.command = [
            cli.path, "record", "--group", unique("soak"), "--kafka-url", cluster.bootstrap, "--metadata", str(metadata),
            "--dir", str(directory), "--match", ".", "--length", str(LENGTH), "--format", FORMAT,
            "-X", f"session.timeout.ms={SESSION * 1000}", "-X", "heartbeat.interval.ms=1000",
        ]  # fmt: skip
        self.logs, self.chance = logs, random.Random(SEED)
        self.well, self.frozen, self.started = [], {}, 0  # frozen: member -> when it is thawed
        self.counts = dict.fromkeys(("killed", "ended", "frozen", "killed while frozen", "added"), 0)

    def add(self):
        log = (self.logs / f"log{self.started}").open("w")
        self.started += 1
        self.well.append(subprocess.Popen(self.command, stderr=log))

    def _take(self):
        return self.well.pop(self.chance.randrange(len(self.well)))

    def _kill(self):
        member = self._take()
        member.kill()
        member.wait()
        self.counts["killed"] += 1

    def _end(self):
        member = self._take()
        member.send_signal(signal.SIGTERM)
        assert member.wait(30) == 0
        self.counts["ended"] += 1

    def _freeze(self):
        member = self._take()
        freeze(member)
        self.frozen[member] = time.monotonic() + self.chance.uniform(0.5, 2.5) * SESSION
        self.counts["frozen"] += 1

    def _kill_frozen(self):
        member = self.chance.choice(list(self.frozen))
        del self.frozen[member]
        member.kill()
        member.wait()
        self.counts["killed while frozen"] += 1

    def thaw(self, now=float("inf")):
        for member in [m for m, when in self.frozen.items() if when <= now]:
            del self.frozen[member]
            thaw(member)
            self.well.append(member)

    def disturb(self):
        """One fault, or one more member where there are few."""
        for member in self.well:
            assert member.poll() is None, member.args
        faults = []
        if len(self.well) > 1:
            faults += [self._kill, self._end, self._freeze]
        if self.frozen:
            faults.append(self._kill_frozen)
        if len(self.well) + len(self.frozen) < MOST:
            faults += 2 * [None]
        fault = self.chance.choice(faults)
        if fault:
            return fault()
        self.counts["added"] += 1
        return self.add()

    def end(self):
        self.thaw()
        for member in self.well:
            member.send_signal(signal.SIGTERM)
        for member in self.well:
            assert member.wait(60) == 0

    def kill_all(self):
        for member in [*self.well, *self.frozen]:
            member.kill()
            member.wait()


def check(files, cs, joined_ns, end):
    """Returns how many files there are, and the longest time without a new one of a partition."""
    idle, count = 0, 0
    for spans in assert_kept(files, cs, joined_ns, end).values():
        seen = sorted(spans.values())
        idle = max([idle, *(later - earlier for earlier, later in zip(seen, seen[1:]))])
        count += len(spans)
    for path, (_, inode, changed) in files.seen.items():
        about = path.stat()
        assert (about.st_ino, about.st_mtime_ns) == (inode, changed), path
    return count, idle


def test_a_group_outlasts_what_happens_to_its_members(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    directory = tmp_path / "files"
    directory.mkdir()
    files = Files(directory, FORMAT)
    members = Members(cluster, cli, directory, write_metadata(tmp_path, cs), tmp_path)
    try:
        with LivePublisher(cluster, cs) as publisher:
            for _ in range(3):
                members.add()
            files.wait_all(0, "three recorders", timeout=120)
            joined_ns = publisher.reached_ns
            over, due = time.monotonic() + SECONDS, 0
            while (now := time.monotonic()) < over:
                members.thaw(now)
                if now >= due:
                    members.disturb()
                    due = now + members.chance.uniform(1, 2 * SESSION)
                files.look()
                time.sleep(0.5)
            members.thaw()
            end = publisher.reached_ns // SECOND // LENGTH * LENGTH - LENGTH
            files.wait_all(end, "the end", timeout=IDLE + 120)
        members.end()
    finally:
        members.kill_all()
    files.look()
    count, idle = check(files, cs, joined_ns, end)
    print(f"\n{SECONDS:.0f} s, {PARTITIONS} partitions, {members.started} recorders: {members.counts}; {count} files; "
          f"the longest time without a new file of a partition: {idle:.1f} s")  # fmt: skip
    assert idle <= IDLE
    assert not list(directory.glob("*/.*"))
    lines = [line for log in tmp_path.glob("log*") for line in log.read_text().splitlines()]
    assert not [line for line in lines if "other bytes" in line]
