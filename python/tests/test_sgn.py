# SPDX-License-Identifier: Apache-2.0
"""sgn-arrakis in SGN pipelines that publish and read, on the library, while the broker is killed."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

import libarrakis

pytest.importorskip("sgn_arrakis")
pytest.importorskip("arrakis_server")
sys.path += [str(ROOT / "tests" / part) for part in ("interop", "broker", "")]
from broker import Broker  # noqa: E402
from server import Server, publisher_toml  # noqa: E402

SECOND = 1_000_000_000
STRIDE = SECOND // 16
RATE = 256
PUBLISHER, NAMES = "SGN", ["H1:SGN-A", "H1:SGN-B"]
SECONDS = 12
LATENCY = 90 * SECOND  # much longer than the broker is away: what is missing is lost, and not late


class Program:
    """A pipeline in a process of its own, on the library, and its log."""

    def __init__(self, url, directory, *arguments):
        script = Path(__file__).with_name("sgn_pipeline.py")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "libarrakis.compat", script, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "ARRAKIS_SERVER": url, "XDG_CACHE_HOME": str(directory / "cache")},
        )  # fmt: skip
        self.log = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                self.log.append(line)
                self._changed.notify_all()

    def wait_for(self, text):
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in line for line in self.log), 60), self.log

    def end(self):
        assert self.process.wait(120) == 0, "".join(self.log)
        self._thread.join()
        return self.process.stdout.read()


@pytest.fixture
def programs():
    started = []
    yield started
    for program in started:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()


def config():
    channels = [
        SimpleNamespace(name=name, partition_id="SGN-f32", partition_index=i, sample_rate=RATE, data_type="float32")
        for i, name in enumerate(NAMES)
    ]
    return publisher_toml(PUBLISHER, channels, STRIDE, LATENCY)


def test_what_a_pipeline_publishes_another_reads_also_when_the_broker_was_killed(tmp_path, programs):
    with Broker() as broker, Server(broker.start().bootstrap, tmp_path, {PUBLISHER: config()}) as server:

        def start(*arguments):
            programs.append(Program(server.url, tmp_path, *arguments, *NAMES))
            return programs[-1]

        publisher = start("publish", PUBLISHER, 600)
        publisher.wait_for("Queued first block")
        begin = libarrakis.gps_now_ns() // SECOND + 1
        reader = start("read", begin, SECONDS)
        reader.wait_for("Received first block")
        broker.kill()
        publisher.wait_for("Connection refused")  # it has noticed
        broker.start()
        got = json.loads(reader.end())
    whole = {"first": begin * RATE, "equal": SECONDS * RATE, "other": 0, "missing": 0}
    assert got == dict.fromkeys(NAMES, whole), "".join(reader.log)
    replaces = f"libarrakis {libarrakis.__version__} replaces"
    assert all(any(replaces in line for line in program.log) for program in programs)
