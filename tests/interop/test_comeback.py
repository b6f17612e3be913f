# SPDX-License-Identifier: Apache-2.0
"""Streams that break are taken up again: real servers behind a network that breaks at random, and servers that are
killed and started again. Each sample is handed out once, and what a server still holds is not missing."""

import json
import os
import re
import signal
import subprocess
import time

import h5py
import pytest
from faulty import Retiring, Unsteady
from support import SECOND, STRIDE, assert_same, gps_now_ns, wait_for
from test_flight import OTHER, TYPES, Mock, described, names_of, reference_stream

# `make soak` shakes for longer.
SHAKEN_S = float(os.environ.get("ARRAKIS_SHAKEN_S", 30))
SEED = int(os.environ.get("ARRAKIS_SHAKEN_SEED", 4711))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), OTHER) as s:
        yield s


def begin(cli, url, *options):
    """A live stream, whose first block has come. What is behind for as long as a machine is busy is not missing."""
    follower = cli.follow("--url", url, "stream", "--json", "--no-fast-forward", "--latency-tolerance", "60",
                          "--timeout", "30", *options, *names_of(OTHER))  # fmt: skip
    follower.wait_for(lambda blocks: blocks, timeout=60)
    return follower


def wait_for_now(follower):
    """Until it hands out what is of the present."""
    now = gps_now_ns()
    with follower._news:
        assert follower._news.wait_for(lambda: json.loads(follower.lines[-1])["time_ns"] >= now, 120)


def check(server, blocks):
    """They follow each other, and are what the server has of that span."""
    times = [b["time_ns"] for b in blocks]
    assert times == list(range(times[0], times[0] + len(times) * STRIDE, STRIDE))
    assert_same(blocks, reference_stream(server, names_of(OTHER), times[0], times[-1] + STRIDE),
                described(OTHER))  # fmt: skip


def test_a_network_that_breaks_all_the_time(server, cli):
    """What comes later than the stream tolerates is a gap, broken or not: no fault takes that long."""
    impatient = "--timeout", "3", "--stall-timeout", "1"
    with Unsteady(server.url, SEED) as network, begin(cli, network.url, *impatient) as follower:
        network.shake()
        with pytest.raises(subprocess.TimeoutExpired):  # it never ends
            follower.process.wait(SHAKEN_S)
        network.calm()
        wait_for_now(follower)
        follower.interrupt()
        assert len(set(network.faults)) == 5 or SHAKEN_S < 30, network.faults
        check(server, follower.blocks())


def test_a_server_that_is_killed_and_started_again(server, cli, tmp_path):
    with Mock(tmp_path, OTHER) as first, Unsteady(first.url, 1) as network:
        with begin(cli, network.url) as follower:
            first.process.kill()
            first.process.wait()
            follower.wait_for_error("has broken and is taken up again")
            network.lead_to(server.url)
            network.cut()
            follower.wait_for_error("goes on after")
            wait_for_now(follower)
            follower.interrupt()
            assert len(re.findall("has broken|goes on after", "\n".join(follower.errors))) == 2
            check(server, follower.blocks())


def test_a_server_that_tells_its_clients_to_go(server, cli):
    """A stream goes on until its connection ends, if it may go on, and then on another one."""
    with Retiring(server.url) as network, begin(cli, network.url) as follower:
        for may_go_on in (True, False):
            links = network.go_away(may_go_on)
            if may_go_on:
                wait_for(lambda: links[-1].passed > 20_000)
                assert network.links == links
                network.cut()
            wait_for(lambda: network.links != links)
            wait_for_now(follower)
        follower.interrupt()
        check(server, follower.blocks())


def missing(block, channels):
    return [all(v is None for v in block["data"][name]) for name in names_of(channels)]


def test_one_of_two_servers_is_killed_and_started_again(server, cli, tmp_path):
    """The other one's data goes on meanwhile."""
    lost = TYPES[:2]
    for name in ("first", "again", "map"):
        (tmp_path / name).mkdir()
    with Mock(tmp_path / "first", lost) as first, Unsteady(first.url, 1) as network:
        scope_map = tmp_path / "map.yaml"
        scope_map.write_text("".join(
            f"{url}:\n  scopes:\n    {domain}:\n      - all: true\n  retention:\n    newest: 0\n"
            for url, domain in ((network.url, "H1"), (server.url, "L1"))
        ))  # fmt: skip
        with Mock(tmp_path / "map", options=["-s", str(scope_map)]) as names:
            follower = cli.follow("--url", names.url, "stream", "--json", "--no-fast-forward", "--latency-tolerance", "3",
                                  "--timeout", "30", *names_of(lost + OTHER))  # fmt: skip
            with follower:
                follower.wait_for(lambda b: b and not any(missing(b[-1], lost + OTHER)), timeout=60)
                first.process.kill()
                first.process.wait()
                follower.wait_for_error("has broken and is taken up again")
                follower.wait_for(lambda b: all(missing(b[-1], lost)) and not any(missing(b[-1], OTHER)), timeout=60)
                with Mock(tmp_path / "again", lost) as again:
                    network.lead_to(again.url)
                    network.cut()
                    follower.wait_for_error("goes on after")
                    follower.wait_for(lambda b: not any(missing(b[-1], lost + OTHER)), timeout=60)
                    follower.interrupt()
                    blocks = follower.blocks()
                    check_whole(server, OTHER, blocks)
                    check_whole(again, lost, blocks)


def check_whole(server, channels, blocks):
    """The blocks follow each other, and each has all of a channel that the server has then, or nothing of it."""
    times = [b["time_ns"] for b in blocks]
    assert times == list(range(times[0], times[0] + len(times) * STRIDE, STRIDE))
    wanted = reference_stream(server, names_of(channels), times[0], times[-1] + STRIDE)
    for block, whole in zip(blocks, wanted, strict=True):
        block = {**block, "data": {name: block["data"][name] for name in names_of(channels)}}
        for name, gone in zip(names_of(channels), missing(block, channels)):
            if gone:
                whole["data"][name] = [None] * len(whole["data"][name])
        assert_same([block], [whole], described(channels))


def test_nothing_that_comes_back_in_time_ends_the_request(cli, tmp_path):
    with Mock(tmp_path, OTHER) as server, Unsteady(server.url, 1) as network:
        with begin(cli, network.url, "--retry-time", "2") as follower:
            server.process.kill()
            assert follower.finish() == 1
            assert "; given up after " in follower.error()


def test_a_request_with_an_end_is_not_taken_up_again(cli, tmp_path):
    with Mock(tmp_path, OTHER) as server, Unsteady(server.url, 1) as network:
        with begin(cli, network.url, "--duration", "3600") as follower:
            network.cut()
            assert follower.finish() == 1
            assert network.url in follower.error() and "given up" not in follower.error()


def test_an_interrupt_ends_a_pause(cli, tmp_path):
    with Mock(tmp_path, OTHER) as server, Unsteady(server.url, 1) as network:
        with begin(cli, network.url) as follower:
            server.process.kill()
            follower.wait_for_error("has broken and is taken up again")
            assert follower.interrupt() == 0


LENGTH = 2  # of a recorded file, in seconds


class Recorder:
    """Records from a server to files."""

    def __init__(self, cli, url, directory):
        directory.mkdir()
        self.directory, self.log = directory, directory.with_suffix(".log")
        self.command = [
            cli.path, "record", "--url", url, "--dir", str(directory), "--length", str(LENGTH), "--name", "L-T",
            "--latency-tolerance", "60", "--timeout", "30", *names_of(OTHER),
        ]  # fmt: skip
        self.start()

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def files(self):
        """GPS second -> path"""
        return {int(p.name.split("-")[2]): p for p in sorted(self.directory.glob("L-T-*"))}

    def wait_for(self, enough):
        deadline = time.monotonic() + 120
        while not enough():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def wait_for_log(self, text):
        self.wait_for(lambda: text in self.log.read_text())

    def wait_for_files(self, count):
        enough = len(self.files()) + count
        self.wait_for(lambda: len(self.files()) >= enough)


def check_files(server, files):
    """They follow each other, and each has what the server has of its span, and nothing is missing, unless from before
    the recorder began."""
    first, last = min(files), max(files)
    assert sorted(files) == list(range(first, last + 1, LENGTH))
    wanted = {n: [] for n in names_of(OTHER)}
    for block in reference_stream(server, names_of(OTHER), first * SECOND, (last + LENGTH) * SECOND):
        for name in wanted:
            wanted[name] += block["data"][name]
    for gps, path in files.items():
        with h5py.File(path) as f:
            for name, samples in wanted.items():
                assert f[name].attrs["x0"] == gps
                count = len(f[name])
                assert count == len(samples) // len(files)
                there = ~f["masks"][name][:]
                begin = there.argmax() if gps == first else 0
                assert there[begin:].all() and not there[:begin].any(), (path, name)
                at = (gps - first) // LENGTH * count
                assert f[name][begin:].tolist() == samples[at + begin:at + count], (path, name)


def test_a_recorder_goes_on_when_its_server_comes_back_and_after_it_was_killed(server, cli, tmp_path):
    with Mock(tmp_path, OTHER) as first, Unsteady(first.url, 1) as network:
        recorder = Recorder(cli, network.url, tmp_path / "files")
        try:
            recorder.wait_for_files(1)
            first.process.kill()
            first.process.wait()
            recorder.wait_for_log("has broken and is taken up again")
            network.lead_to(server.url)
            network.cut()
            recorder.wait_for_log("goes on after")
            recorder.wait_for_files(1)
            recorder.kill()
            recorder.start()
            recorder.wait_for_files(2)
            recorder.process.send_signal(signal.SIGINT)
            assert recorder.process.wait(60) == 0
        finally:
            recorder.kill()
        check_files(server, recorder.files())
