# SPDX-License-Identifier: Apache-2.0
"""The binding without memory: nomemory.py in a process of its own, which a defect may end."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("_testcapi")

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory):
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("needs a C compiler")
    library = tmp_path_factory.mktemp("nomalloc") / "nomalloc.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-ftls-model=initial-exec", "-O2", "-Wall", "-Wextra", "-Werror",
         "-o", library, HERE / "nomalloc.c"],
        check=True,
    )  # fmt: skip
    return library


@pytest.mark.parametrize("of", ["python", "c"])
def test_each_allocation_that_fails_is_an_exception_and_leaves_nothing_behind(preloaded, of):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "nomemory.py", of],
        capture_output=True, text=True, timeout=300, env={**os.environ, "LD_PRELOAD": str(preloaded)},
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stdout + done.stderr
    assert done.stdout.endswith("all\n")
