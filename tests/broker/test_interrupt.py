# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a broker is asked that does not answer: the program ends soon, whatever librdkafka waits for."""

import socket
import time

import pytest
from broker import Broker
from proxy import Proxy
from support import Cluster, channel, gps_now_ns, unique, write_metadata

# What a loaded machine and a sanitizer need; a call of librdkafka lasts 3 s more where a program is interrupted here.
SOON_S = 2
# A question has been asked for 0.5, 1 and 2 s by then, and is asked for 4 s.
LONG_S = 4.2
METADATA, LIST_OFFSETS = 3, 2


@pytest.fixture(scope="module")
def proxy():
    with Proxy() as proxy, Broker(properties=proxy.properties) as broker:
        proxy.broker = broker.start().bootstrap
        proxy.process = broker
        proxy.channels = [channel("H1:CAL-C", unique("p"), 0)]
        Cluster(proxy.address).create_for(proxy.channels)
        yield proxy


def interrupt(cli, where, channels, directory, *command):
    """End a command that asks at `where` for a while; returns how long that takes."""
    metadata = write_metadata(directory, channels)
    with cli.follow(*command, "--kafka-url", where, "--metadata", metadata) as program:
        time.sleep(LONG_S)
        assert program.process.poll() is None, program.errors
        began = time.monotonic()
        assert program.interrupt() == 0
        return time.monotonic() - began


def commands(channels, directory):
    names = [c.name for c in channels]
    start = gps_now_ns() // 10**9 - 5
    return {
        "live": ["stream", *names],
        "start": ["stream", "--start", start, *names],
        "record": ["record", "--dir", directory, *names],
        "group": ["record", "--dir", directory, "--group", unique("g"), *names],
    }


@pytest.mark.parametrize("which", ["live", "start", "record", "group"])
def test_a_broker_that_does_not_tell_its_topics(which, proxy, cli, tmp_path):
    command = commands(proxy.channels, tmp_path)[which]
    proxy.hold(METADATA, "")
    try:
        assert interrupt(cli, proxy.address, proxy.channels, tmp_path, *command) < SOON_S
    finally:
        proxy.release()


@pytest.mark.parametrize("which", ["live", "start", "record"])
def test_a_leader_that_does_not_tell_offsets(which, proxy, cli, tmp_path):
    command = commands(proxy.channels, tmp_path)[which]
    proxy.hold(LIST_OFFSETS, "")
    try:
        assert interrupt(cli, proxy.address, proxy.channels, tmp_path, *command) < SOON_S
    finally:
        proxy.release()


def test_channels_that_are_looked_for(proxy, cli):
    proxy.hold(METADATA, "")
    try:
        with cli.follow("find", "--kafka-url", proxy.address, "H1:*") as program:
            time.sleep(LONG_S)
            began = time.monotonic()
            assert program.interrupt() == 0
            assert time.monotonic() - began < SOON_S
    finally:
        proxy.release()


def test_a_broker_that_is_frozen(proxy, cli, tmp_path):
    command = commands(proxy.channels, tmp_path)["live"]
    proxy.process.freeze()
    try:
        assert interrupt(cli, proxy.broker, proxy.channels, tmp_path, *command) < SOON_S
    finally:
        proxy.process.proceed()


def test_an_address_where_nobody_answers(proxy, cli, tmp_path):
    command = commands(proxy.channels, tmp_path)["live"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = "127.0.0.1:%d" % silent.getsockname()[1]
        assert interrupt(cli, where, proxy.channels, tmp_path, *command) < SOON_S
