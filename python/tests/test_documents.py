# SPDX-License-Identifier: Apache-2.0
"""The programs in README.md, python/README.md and docs/python.md, as they stand there, against a live broker."""

import re
import signal
import subprocess
import sys
import threading

import numpy
import pytest
from conftest import ROOT

import libarrakis
from libarrakis.mock import MockBroker

STRIDE = 62_500_000
PAGES = ("README.md", "python/README.md", "docs/python.md")


def programs():
    for page in PAGES:
        for i, text in enumerate(re.findall(r"\n```python\n(.*?)```", (ROOT / page).read_text(), re.S)):
            yield pytest.param(text, id=f"{page}-{i + 1}")


@pytest.fixture(scope="module")
def live():
    """A broker with a publisher that keeps pace with the clock."""
    channel = libarrakis.Channel(
        "H1:GDS-CALIB_STRAIN", "float32", 16384, publisher="GDS", partition_id="gds", partition_index=0,
        stride=STRIDE, max_latency=10 * 10**9,
    )  # fmt: skip
    end = threading.Event()

    def publish():
        samples = numpy.arange(1024, dtype="float32")
        start = libarrakis.gps_now_ns() // STRIDE * STRIDE
        with libarrakis.Publisher("GDS", [channel], kafka_url=broker.url) as publisher:
            while not end.wait(max(0, start + STRIDE - libarrakis.gps_now_ns()) / 1e9):
                publisher.publish(libarrakis.Block(start, {channel.name: samples}, [channel]))
                start += STRIDE

    with MockBroker() as broker:
        broker.announce([channel])
        thread = threading.Thread(target=publish)
        thread.start()
        yield broker.url
        end.set()
        thread.join()


@pytest.mark.parametrize("text", list(programs()))
def test_a_program_in_the_documents_runs(live, text):
    """To its end; or, where it has none, until it has printed three lines and gets Ctrl-C."""
    if "import pyarrow" in text:
        pytest.importorskip("pyarrow")
    assert "localhost:9092" in text
    endless = ".stream" in text and "duration=" not in text
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", text.replace("localhost:9092", live)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines = [line for _, line in zip(range(3), process.stdout)] if endless else []
    if len(lines) == 3:
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if endless:
        assert len(lines) == 3 and err.rstrip().endswith("KeyboardInterrupt"), err
    else:
        assert process.returncode == 0 and out, err
