# SPDX-License-Identifier: Apache-2.0
"""The reference's own tests and those of sgn-arrakis, none of them changed, with libarrakis.compat under its client,
publisher and server.

docs/python.md lists what cannot be used, with the reasons.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PACKAGE

pytest.importorskip("arrakis_backend_kafka")
pytest.importorskip("sgn_arrakis")

CLIENT = "arrakis/tests"
BACKEND = "arrakis_backend_kafka/tests"
SGN = "sgn_arrakis/tests"
# How many tests a group has, and which.
UNIT = ("client", "stream", "channel", "schemas", "format", "replay", "request", "auth", "cli", "flight", "proxy")
GROUPS = {
    "server": (76, [f"{CLIENT}/integration/test_{name}.py" for name in ("api", "faults", "cli", "proxy")]),
    "client": (455, [f"{CLIENT}/unit/test_{name}.py" for name in UNIT]),
    "publisher": (64, [f"{CLIENT}/unit/test_{name}.py" for name in ("publish", "block", "assemble")]),
    "manager": (44, [f"{BACKEND}/test_{name}.py" for name in ("manager", "invalidation")]),
    "sgn": (35, [f"{SGN}/test_{name}.py" for name in ("main", "source", "sink")]),
    # In this order: the first wants topics that hold nothing.
    "broker": (12, [*[f"{BACKEND}/test_{name}.py" for name in ("stream_broker", "roundtrip")],
                    *[f"{CLIENT}/integration/test_{name}.py" for name in ("publish", "direct_read")]]),
}  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_they_pass(group, tmp_path):
    count, files = GROUPS[group]
    site = Path(importlib.util.find_spec("arrakis").origin).parents[1]
    environment = {
        **os.environ,
        "LIBARRAKIS_COMPAT": "1",
        "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(Path(__file__).parent)]),
    }
    environment.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)  # fixtures are in plug-ins of the reference
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "libarrakis.compat",
         "-p", "reference_broker", "-p", "pytest_arrakis.publish", "--import-mode=importlib", "--rootdir", site,
         "--basetemp", tmp_path / "theirs", *[site / file for file in files]],
        capture_output=True, text=True, errors="replace", timeout=500, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert re.search(r"(\d+) passed", done.stdout)[1] == str(count), done.stdout
    assert "skipped" not in done.stdout
    assert "left alone" not in done.stdout
    opened = re.search(r"streams that the library opened: (\d+)", done.stdout)[1]
    assert (int(opened) > 0) == (group in ("server", "sgn", "broker")), done.stdout
