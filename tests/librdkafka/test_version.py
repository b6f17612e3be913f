# SPDX-License-Identifier: Apache-2.0
"""A test that claims to run on one librdkafka does: our programs have loaded that one, and python,
which is the other side of the tests, the one in its own package."""

import os
import subprocess
from pathlib import Path

import confluent_kafka
import pytest
from support import ROOT, environment_cli, librdkafka_version, tool

OTHER = os.environ.get("ARRAKIS_LIBRDKAFKA")
# what CMake found, of which there is no word when this runs by hand
SYSTEM = os.environ.get("ARRAKIS_SYSTEM_LIBRDKAFKA")


def test_the_version_that_was_asked_for_runs():
    wanted = OTHER or SYSTEM or ".".join(map(str, librdkafka_version()))
    assert librdkafka_version() == tuple(int(n) for n in wanted.split("."))


COMMANDS = {"arrakis-cli": [environment_cli(), "--version"], "a tool": [tool("librdkafka_tool")]}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_program_loads_no_other(command, tmp_path):
    environment = os.environ | {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(tmp_path / "ld")}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    lines = [line for log in tmp_path.glob("ld.*") for line in log.read_text().splitlines()]
    loaded = [line.split()[-1] for line in lines if "calling init:" in line and "rdkafka" in line]
    assert len(loaded) == 1, loaded
    ours = ROOT / ".deps" / f"librdkafka-{OTHER}"
    assert Path(loaded[0]).is_relative_to(ours if OTHER else ROOT / ".deps") == bool(OTHER)


def test_python_keeps_its_own():
    package = Path(confluent_kafka.__file__).resolve().parents[1] / "confluent_kafka.libs"
    maps = Path("/proc/self/maps").read_text().splitlines()
    loaded = {line.split()[-1] for line in maps if "librdkafka" in line}
    assert loaded and all(Path(p).is_relative_to(package) for p in loaded), loaded
