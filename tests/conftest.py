# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the broker and interop tests. ctest gives each file the broker that its fixture
started and the program's path; by hand, `.deps/venv/bin/pytest tests/interop` starts its own."""

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "broker")]
# The reference looks up leap seconds here, and not on the network.
os.environ["XDG_CACHE_HOME"] = str(HERE.parent / ".deps" / "cache")
# No server and no token of the user's.
for variable in ("ARRAKIS_SERVER", "ARRAKIS_TOKEN"):
    os.environ.pop(variable, None)

import pytest  # noqa: E402

from broker import Broker  # noqa: E402
from support import Cli, Cluster, environment_cli  # noqa: E402


@pytest.fixture(scope="session")
def bootstrap():
    """host:port of a broker that is shared: topics have unique names, nobody stops it."""
    state = os.environ.get("ARRAKIS_TEST_BROKER_STATE")
    if state:
        yield json.loads(Path(state).read_text())["bootstrap"]
    elif os.environ.get("ARRAKIS_TEST_BROKER"):
        yield os.environ["ARRAKIS_TEST_BROKER"]
    else:
        with Broker() as broker:
            yield broker.start().bootstrap


@pytest.fixture(scope="session")
def cluster(bootstrap):
    return Cluster(bootstrap)


@pytest.fixture(scope="session")
def cli():
    return Cli(environment_cli())


def pytest_addoption(parser):
    parser.addoption("--seeds", default="0:30", help="of tests/interop/test_random.py: from:to")
