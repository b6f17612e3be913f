# SPDX-License-Identifier: Apache-2.0
"""A plug-in of pytest for the reference's own tests: the broker that they ask for is the one of our tests. Tells how many
streams the library has opened."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "broker"))


@pytest.fixture(scope="session")
def kafka_broker():
    from broker import Broker

    with Broker() as broker:
        broker.start()
        yield SimpleNamespace(bootstrap_server=broker.bootstrap)


opened = []


def pytest_configure():
    from libarrakis import _core

    align = _core._align

    def counted(*arguments):
        opened.append(arguments)
        return align(*arguments)

    _core._align = counted


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"streams that the library opened: {len(opened)}")
