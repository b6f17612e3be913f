# SPDX-License-Identifier: Apache-2.0
"""A real server with the Kafka backend, and the broker behind it named as well: what is read from the
broker is what the server relays."""

import signal
import subprocess
import time

import pyarrow
from broker import Broker
from server import Server, publisher_toml
from support import (
    DTYPES, SECOND, STRIDE, Cluster, assert_same, channel, gps_now_ns, records, samples,
)  # fmt: skip
from test_flight import reference_stream, span, stream


def test_what_a_server_leaves_to_its_broker_is_read_there(tmp_path, cli):
    test = [channel(f"H1:TYP-{d.upper()}", f"TEST_{d}", 0, d, 64) for d in DTYPES]
    with Broker() as broker:
        broker.start()
        config = {"TEST": publisher_toml("TEST", test, STRIDE, SECOND)}
        with Server(broker.bootstrap, tmp_path, config) as s:
            start = gps_now_ns() // SECOND * SECOND - 4 * SECOND
            cluster = Cluster(broker.bootstrap)  # the server has made the topics
            cluster.send(records(test, start, start + 2 * SECOND))
            names = [c.name for c in test]
            direct = cli.blocks("stream", "--json", "--url", s.url, "--kafka-url",
                                broker.bootstrap, *span(start, start + 2 * SECOND), *names)  # fmt: skip
            by_server = cli.blocks(*stream(s, names, *span(start, start + 2 * SECOND)))
            theirs = reference_stream(s, names, start, start + 2 * SECOND)
            assert len(direct) == 32
            assert_same(by_server, direct, test)
            assert_same(by_server, theirs, test)
            record_in_a_group(cli, s, broker, tmp_path, test, start)
            refuse_what_servers_cannot_share(cli, s, tmp_path)


def record_in_a_group(cli, server, broker, tmp_path, channels, start):
    """Members learn from the server which channels there are, and in which partitions; a broker's metadata topics are
    not there."""
    directory = tmp_path / "files"
    directory.mkdir()
    command = [cli.path, "record", "--group", "by-server", "--url", server.url, "--kafka-url", broker.bootstrap,
               "--publisher", "TEST", "--dir", directory, "--format", "arrow", "--length", "1",
               "--start", start // SECOND]  # fmt: skip
    found, deadline = {}, time.monotonic() + 60
    recorder = subprocess.Popen(list(map(str, command)))
    while len(found) < len(channels):
        assert recorder.poll() is None and time.monotonic() < deadline, found
        found = {path.parent.name: path for path in directory.glob(f"H-*/H-*-{start // SECOND}-1.arrow")}
        time.sleep(0.02)
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(60) == 0
    for c in channels:
        with pyarrow.memory_map(str(found[f"H-{c.partition_id}"])) as f:
            values = pyarrow.ipc.open_file(f).read_all()[c.name].combine_chunks().flatten()
        assert (values.to_numpy() == samples(c, start, SECOND)).all(), c.name


def refuse_what_servers_cannot_share(cli, server, tmp_path):
    """A server does not name its broker."""
    done = cli.run("record", "--group", "g", "--url", server.url, "--dir", tmp_path, "--match", ".", check=2)
    assert f"which the server {server.url} does not name: give --kafka-url" in done.stderr
