# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli record --follow: a channel moves and changes its rate and type while it is recorded, in every format and
through crashes. Every sample that was published is in one file, as h5py, gwframe and pyarrow read them."""

import dataclasses
import math
import signal
import subprocess
import time

import numpy
import pytest
from live import LivePublisher
from recorded import read
from support import SECOND, channel, channel_json, gps_now_ns, handles, records, samples, unique

LENGTH = 4
# All data is published at once, ahead of its time, so that none of it is late. Where the old data of the channel that
# changes ends, recorders wait until a latency after the time of the change. By then they must have been started, and
# have noticed the change: where a loaded machine was slower, all is done again with a longer latency.
CHANGE = 13.75
NEXT = math.ceil(CHANGE)  # where the next file begins: channels that stay have samples up to there in the one before
LATENCIES = (8, 40, 120)
SPANS = 6
FORMS = [("hdf5", "--deflate", "1"), ("hdf5",), ("gwf",), ("arrow",)]


class Site:
    """A publisher with two channels, of which one changes."""

    def __init__(self, cluster, latency):
        self.cluster, self.publisher, self.latency = cluster, unique("R"), latency
        self.topic = f"arrakis-metadata-{self.publisher}"
        self.stays = self.make("STAYS", "s", rate=64)
        self.moves = self.make("MOVES", "m", index=3)
        self.new = self.make("MOVES", "n", index=5, rate=256, dtype="int32")
        cluster.create([self.topic], cleanup_policy="compact")
        cluster.create_for([self.stays, self.moves, self.new])
        self.describe(self.stays, self.moves)

    def publish(self):
        self.start = gps_now_ns() // SECOND // LENGTH * LENGTH
        self.end = self.start + SPANS * LENGTH
        self.change_ns = self.start * SECOND + round(CHANGE * SECOND)
        self.cluster.send(records([self.stays], self.start * SECOND, self.end * SECOND))
        self.cluster.send(records([self.moves], self.start * SECOND, self.change_ns))
        self.cluster.send(records([self.new], self.change_ns, self.end * SECOND))

    def make(self, name, partition, **more):
        c = channel(f"R1:{self.publisher}-{name}", unique(partition), max_latency=self.latency * SECOND, **more)
        return dataclasses.replace(c, publisher=self.publisher)

    def describe(self, *channels):
        for c in channels:
            self.cluster.put(self.topic, c.name, channel_json(c))


class Recorder:
    def __init__(self, cli, site, directory, form):
        directory.mkdir()
        self.directory, self.log = directory, directory.with_suffix(".log")
        self.command = [
            cli.path, "record", "--follow", "--kafka-url", site.cluster.bootstrap, "--dir", str(directory),
            "--publisher", site.publisher, "--timeout", "60", "--length", str(LENGTH), "--name", "R-T", "--start", str(site.start),
            "--format", *form,
        ]  # fmt: skip

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, stderr=log)
        self.wait_for(lambda: handles(self.process.pid, signal.SIGINT))  # all its files may be there already

    def kill(self):
        self.process.kill()
        self.process.wait()

    def files(self):
        """(gps, length) -> path"""
        found = [p for p in self.directory.iterdir() if p.name[0] != "."]
        return {tuple(map(int, p.stem.split("-")[2:])): p for p in sorted(found)}

    def wait_for(self, enough, seconds=60):
        deadline = time.monotonic() + seconds
        while not enough():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)


def collect(recorder):
    """(channel, rate, type) -> sample number since GPS 0 -> sample; none comes twice."""
    out = {}
    for (gps, length), path in recorder.files().items():
        for name, start, rate, data, mask in read(path):
            assert gps <= start and start + len(data) / rate <= gps + length, path
            kept = out.setdefault((name, round(rate), data.dtype.name), {})
            first = round(start * rate)
            for i in numpy.flatnonzero(~mask):
                assert first + i not in kept, (path, name)
                kept[first + i] = data[i]
    return out


def assert_kept(found, c, begin_ns, end_ns):
    """Each sample of a channel from `begin_ns` to `end_ns`, and none of another time."""
    kept = found.pop((c.name, c.sample_rate, c.data_type))
    wanted = samples(c, begin_ns, end_ns - begin_ns)
    first = begin_ns * c.sample_rate // SECOND
    assert sorted(kept) == list(range(first, first + len(wanted)))
    assert all(kept[first + i] == value for i, value in enumerate(wanted))


def run_through_the_change(site, recorders):
    """Whether all have noticed the change in time. One is killed before it, one after it, and both are started again."""
    killed, left = recorders[0], recorders[-1]
    span = site.start + int(CHANGE) // LENGTH * LENGTH  # in which the change is
    followed = f"with other channels from GPS {site.start + NEXT} on"
    for r in recorders:
        r.wait_for(lambda: (span - LENGTH, LENGTH) in r.files())
    site.describe(site.new)
    left.kill()  # with nothing of that span
    if any(gps >= span for gps, _ in left.files()):
        return False
    for r in recorders[:-1]:
        r.wait_for(lambda: "with other channels" in r.log.read_text(), seconds=2 * site.latency + 60)
        if followed not in r.log.read_text():
            return False
    killed.kill()  # with the first of two files
    for r in (left, killed):  # now that the span is past: what is of the future is not looked for
        r.start()
    for r in recorders:
        # what is missing of its channels in the span of the change is waited for until a latency after that time
        past = site.end + site.latency - gps_now_ns() // SECOND
        r.wait_for(lambda: (site.end - LENGTH, LENGTH) in r.files(), seconds=max(past, 0) + 60)
        r.process.send_signal(signal.SIGINT)
        assert r.process.wait(60) == 0
    return True


def check_files(site, r, is_left):
    span = site.start + int(CHANGE) // LENGTH * LENGTH
    names = {(gps, LENGTH) for gps in range(site.start, site.end, LENGTH)}
    change_ns = begin_ns = site.change_ns
    if is_left:  # of the span in which a crash met the change the next recorder has the channel as it is then
        change_ns = span * SECOND
    else:
        begin_ns = (site.start + NEXT) * SECOND
        names -= {(span, LENGTH)}
        names |= {(span, site.start + NEXT - span), (site.start + NEXT, span + LENGTH - site.start - NEXT)}
    assert set(r.files()) == names
    found = collect(r)
    assert_kept(found, site.stays, site.start * SECOND, site.end * SECOND)
    assert_kept(found, site.moves, site.start * SECOND, change_ns)
    assert_kept(found, site.new, begin_ns, site.end * SECOND)
    assert not found
    assert not [p for p in r.directory.iterdir() if p.name.endswith(".part")]


def test_what_changes_is_recorded_in_every_format(cluster, cli, tmp_path):
    for latency in LATENCIES:
        site = Site(cluster, latency)
        site.publish()
        recorders = [Recorder(cli, site, tmp_path / "-".join((str(latency), *form)), form) for form in FORMS]
        for r in recorders:
            r.start()
        try:
            in_time = run_through_the_change(site, recorders)
        finally:
            for r in recorders:
                r.kill()
        if in_time:
            break
    assert in_time
    for r in recorders:
        check_files(site, r, r is recorders[-1])


def test_a_recorder_that_follows_catches_up_after_a_restart(cluster, cli, tmp_path):
    """The stream that has read the backlog is given up for one that asks the brokers less often."""
    site = Site(cluster, 60)
    cs = [site.stays, site.moves]
    live = LivePublisher(cluster, cs)
    site.start = (live.started_ns // SECOND - 30) // LENGTH * LENGTH
    cluster.send(records(cs, site.start * SECOND, live.started_ns))
    with live:
        r = Recorder(cli, site, tmp_path / "hdf5", ("hdf5",))
        subprocess.run([*r.command, "--end", str(site.start + 2 * LENGTH)], check=True, timeout=60)
        assert len(r.files()) == 2
        r.start()
        try:
            r.wait_for(lambda: "has caught up" in r.log.read_text())
            enough = len(r.files()) + 2
            r.wait_for(lambda: len(r.files()) >= enough)
            r.process.send_signal(signal.SIGINT)
            assert r.process.wait(60) == 0
        finally:
            r.kill()
    assert r.log.read_text().count("has caught up") == 1
    end = max(gps for gps, _ in r.files()) + LENGTH
    assert set(r.files()) == {(gps, LENGTH) for gps in range(site.start, end, LENGTH)}
    found = collect(r)
    for c in cs:
        assert_kept(found, c, site.start * SECOND, end * SECOND)
    assert not found


@pytest.mark.parametrize("option", [["--follow"], ["--state", "position"]], ids=lambda option: option[0])
def test_a_group_is_not_followed_and_has_no_state(cli, tmp_path, option):
    done = cli.run("record", "--group", "g", *option, "--kafka-url", "127.0.0.1:1", "--dir", tmp_path,
                   "--match", ".", check=2)  # fmt: skip
    assert f"{option[0]} cannot be used with --group" in done.stderr
