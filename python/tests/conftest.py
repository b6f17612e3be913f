# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the package's tests. ctest gives the build whose package is tested; by hand it is that of build/."""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(os.environ.get("ARRAKIS_PYTHON_PACKAGE", ROOT / "build" / "python"))
sys.path[:0] = [str(PACKAGE), str(Path(__file__).resolve().parent)]
# Programs that tests start.
os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
for variable in ("ARRAKIS_SERVER", "ARRAKIS_TOKEN"):
    os.environ.pop(variable, None)
# A shell starts what is in the background with SIGINT ignored, and so would be every program that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest  # noqa: E402

from libarrakis.mock import MockBroker  # noqa: E402


@pytest.fixture(scope="module")
def broker():
    with MockBroker() as b:
        yield b
