# SPDX-License-Identifier: Apache-2.0
"""Clients of several threads on one server: `make tsan` looks at what they do to each other."""

import subprocess

import pytest
from support import SECOND, T0, tool
from test_flight import MIXED, TYPES, Mock

THREADS, ROUNDS = 4, 6  # of threads_tool.c
DURATION = 4 * SECOND


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), TYPES + MIXED) as s:
        yield s


def test_threads_read_and_are_canceled_without_disturbing_each_other(server):
    names = [name for name, *_ in [*TYPES[:2], *MIXED]]
    blocks = DURATION // SECOND  # the longest stride is a second
    done = subprocess.run([tool("threads_tool"), server.url, str(T0), str(T0 + DURATION), str(blocks), *names],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    part = sum(min(n, blocks) for n in range(ROUNDS))
    assert int(done.stdout) == THREADS * (ROUNDS * blocks + part)
