# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a broker is asked that does not answer."""

import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

pytest.importorskip("arrakis")  # what support.py needs
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "broker")]
from broker import Broker  # noqa: E402
from proxy import Proxy  # noqa: E402

SOON_S = 2
# A question has been asked for 0.5, 1 and 2 s by then, and is asked for 4 s.
LONG_S = 4.2
METADATA = 3

FIND = """import sys, libarrakis
print("asking", flush=True)
try:
    libarrakis.find(kafka_url=sys.argv[1])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
STREAM = """import json, sys, tempfile, libarrakis
channel = {"name": "H1:CAL-C", "data_type": "float32", "sample_rate": 16, "publisher": "p", "partition_id": "p",
           "partition_index": 0, "stride": 62500000, "max_latency": 10**9}
with tempfile.NamedTemporaryFile("w") as metadata:
    print(json.dumps(channel), file=metadata, flush=True)
    with libarrakis.Client(kafka_url=sys.argv[1], metadata=metadata.name) as client:
        print("asking", flush=True)
        try:
            client.stream(["H1:CAL-C"])
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""
READER = """import sys, libarrakis
from libarrakis.kafka import KafkaReader
channel = libarrakis.Channel("H1:CAL-C", "float32", 16, partition_id="p", partition_index=0, stride=62500000)
reader = KafkaReader(sys.argv[1], {channel.name: channel})
print("asking", flush=True)
try:
    reader.enter()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.fixture(scope="module")
def proxy():
    with Proxy() as proxy, Broker() as broker:
        proxy.broker = broker.start().bootstrap
        proxy.hold(METADATA, "")
        yield proxy


def end(program, address):
    """Interrupt a program that asks for a while; returns how long it takes until the call and the process have ended."""
    with subprocess.Popen([sys.executable, "-c", program, address], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "asking\n"
        time.sleep(LONG_S)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(60) == 0
        return time.monotonic() - began


@pytest.mark.parametrize("program", [FIND, STREAM, READER], ids=["find", "stream", "reader"])
def test_an_opening_is_interrupted_and_the_process_ends(program, proxy):
    """A loaded machine may take that time by itself, but not three times."""
    assert any(end(program, proxy.address) < SOON_S for _ in range(3))
