# SPDX-License-Identifier: Apache-2.0
"""Runs where the wheel is installed, with Python and numpy and nothing else. `check.py WHAT ARGUMENT...`"""

import subprocess
import sys

import libarrakis
from libarrakis.mock import MockBroker

SECOND = 1_000_000_000
STRIDE = SECOND // 16


def alone():
    """None of what the library is built from is installed."""
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for library in ("libarrakis", "librdkafka", "libjansson", "libgrpc", "libabsl"):
        assert library not in known, known


def broker():
    """Publish to a broker in this process, and stream from it."""
    import numpy

    channels = [
        libarrakis.Channel(f"H1:WHL-{i}", dtype, 64, publisher="WHL", partition_id=f"whl-{i}",
                           partition_index=0, stride=STRIDE, max_latency=60 * SECOND)
        for i, dtype in enumerate(("float32", "int64"))
    ]  # fmt: skip
    names = [c.name for c in channels]
    start = libarrakis.gps_now_ns() // STRIDE * STRIDE
    with MockBroker() as broker:
        broker.announce(channels)
        assert libarrakis.count(kafka_url=broker.url) == 2
        with (
            libarrakis.Publisher("WHL", channels, kafka_url=broker.url) as publisher,
            libarrakis.stream(names, kafka_url=broker.url) as stream,
        ):
            for k in range(4):
                data = {c.name: numpy.arange(4 * k, 4 * k + 4).astype(c.data_type) for c in channels}
                publisher.publish(libarrakis.Block(start + k * STRIDE, data, channels))
            for k in range(4):
                block = next(stream)
                assert block.time_ns == start + k * STRIDE, (block, k)
                for name in names:
                    assert block[name].tolist() == [4 * k, 4 * k + 1, 4 * k + 2, 4 * k + 3], block


def server(url, *names):
    """List a server's channels, and fetch a second of them."""
    assert sorted(map(str, libarrakis.find(url=url))) == sorted(names)
    block = libarrakis.fetch(list(names), 1_400_000_000, duration=1, url=url)
    assert not block.has_gaps
    print({name: block[name].tolist() for name in names})


def features():
    """What is built into the librdkafka inside is needed to make these clients; nobody listens."""
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        properties = {"security.protocol": "sasl_ssl", "sasl.mechanism": mechanism,
                      "sasl.username": "u", "sasl.password": "p"}  # fmt: skip
        unreachable(kafka_url="127.0.0.1:1", properties=properties)
    for compression in ("gzip", "snappy", "lz4", "zstd"):
        unreachable(kafka_url="127.0.0.1:1", properties={"compression.type": compression})


def unreachable(**source):
    try:
        libarrakis.count(request_timeout=0.3, **source)
    except (libarrakis.ConnectError, libarrakis.DeadlineError):
        return
    raise AssertionError(f"{source} was answered")


def trust(kind, address):
    """Shake hands with a server that ends there; what it saw counts."""
    source = {"url": f"grpc+tls://{address}"}
    if kind == "kafka":
        source = {"kafka_url": address, "properties": {"security.protocol": "ssl"}}
    try:
        libarrakis.count(request_timeout=10, **source)
    except libarrakis.Error as e:
        print(e)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
