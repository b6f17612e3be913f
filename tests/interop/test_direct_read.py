# SPDX-License-Identifier: Apache-2.0
"""A real server with the Kafka backend, and the broker behind it named as well: what is read from the
broker is what the server relays."""

from broker import Broker
from server import Server, publisher_toml
from support import (
    DTYPES, SECOND, STRIDE, Cluster, assert_same, channel, gps_now_ns, records,
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
