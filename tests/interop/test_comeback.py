# SPDX-License-Identifier: Apache-2.0
"""Streams that break are taken up again: real servers behind a network that breaks at random, and servers that are
killed and started again. Each sample is handed out once, and what a server still holds is not missing."""

import json
import os
import re
import subprocess

import pytest
from faulty import Unsteady
from support import SECOND, STRIDE, assert_same, gps_now_ns
from test_flight import OTHER, Mock, described, names_of, reference_stream

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
