# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C while a broker is asked that does not answer: the program ends soon, whatever librdkafka waits for."""

import contextlib
import signal
import socket
import time

import pytest
from broker import Broker
from proxy import Proxy
from support import Cluster, channel, gps_now_ns, unique, write_metadata

# What sanitizers need at the end of several programs; a call of librdkafka lasts 3 s more where one is interrupted here.
SOON_S = 2.5
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


def end(programs):
    """Interrupt programs that ask for a while, all at once; returns how long that takes."""
    for program in programs:
        program.wait_until_it_handles(signal.SIGINT)
    time.sleep(LONG_S)
    for program in programs:
        assert program.process.poll() is None, program.errors
    began = time.monotonic()
    for program in programs:
        program.process.send_signal(signal.SIGINT)
    for program in programs:
        assert program.finish() == 0, program.errors
    return time.monotonic() - began


def assert_soon(cli, *commands):
    """Each of these commands ends soon. A loaded machine may take that time by itself, but not three times."""
    took = []
    while not took or (took[-1] >= SOON_S and len(took) < 3):
        with contextlib.ExitStack() as stack:
            took.append(end([stack.enter_context(cli.follow(*command)) for command in commands]))
    assert took[-1] < SOON_S, took


def commands(where, channels, directory, *names):
    """Those with these names."""
    at = ["--kafka-url", where, "--metadata", write_metadata(directory, channels)]
    of = [c.name for c in channels]
    start = gps_now_ns() // 10**9 - 5
    files = {name: directory / name for name in ("record", "group", "member")}
    for path in files.values():
        path.mkdir()
    all_there_are = {
        "live": ["stream", *of, *at],
        "start": ["stream", "--start", start, *of, *at],
        "record": ["record", "--dir", files["record"], *of, *at],
        "group": ["record", "--dir", files["group"], "--group", unique("g"), *of, *at],
        "member": ["record", "--dir", files["member"], "--group", unique("m"), "--start", start, *of, *at],
        "find": ["find", "--kafka-url", where, "H1:*"],
    }
    return [all_there_are[name] for name in names]


def test_a_broker_that_does_not_tell_its_topics(proxy, cli, tmp_path):
    proxy.hold(METADATA, "")
    try:
        assert_soon(cli, *commands(proxy.address, proxy.channels, tmp_path, "live", "start", "record", "group", "find"))
    finally:
        proxy.release()


def test_a_leader_that_does_not_tell_offsets(proxy, cli, tmp_path):
    """A member of a group has joined, and leaves while it asks where its partition begins."""
    proxy.hold(LIST_OFFSETS, "")
    names = "live", "start", "record", "group", "member"
    try:
        assert_soon(cli, *commands(proxy.address, proxy.channels, tmp_path, *names))
    finally:
        proxy.release()


def test_a_broker_that_is_frozen(proxy, cli, tmp_path):
    proxy.process.freeze()
    try:
        assert_soon(cli, *commands(proxy.broker, proxy.channels, tmp_path, "live"))
    finally:
        proxy.process.proceed()


def test_an_address_where_nobody_answers(proxy, cli, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = "127.0.0.1:%d" % silent.getsockname()[1]
        assert_soon(cli, *commands(where, proxy.channels, tmp_path, "live"))
