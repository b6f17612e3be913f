# SPDX-License-Identifier: Apache-2.0
"""The reference's integration scenarios, with our program on either side. Where each is covered:

scenario           ours asks or reads                   ours publishes or registers
-----------------  -----------------------------------  ----------------------------------------
find, count,       here (test_cli, test_api),
describe           side_by_side, flight, server
fetch, stream      here (test_cli, test_api),
                   side_by_side, flight, same_blocks
faulty servers     here (test_faults), faults, flight
publish and        here (test_publish), server,         here (test_publish), server, publish,
read back          same_blocks                          register
direct read        direct_read, same_blocks             here (test_direct_read)
replay             here (test_cli, test_api,            here (test_publish), register; below:
                   test_publish), server; below:        read by the reference and by ours
                   what the reference published
dynamic            below: what the reference            here (test_publish), register; below:
registration       registered                           found and read by the reference
ssh                ssh

"here" are the reference's own tests, as they are in its package, with arrakis-cli in the place of its
classes (stand_ins.py); other words are test_*.py beside this file."""

import dataclasses
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy
import pytest
from arrakis import Channel, Client, SeriesBlock
from arrakis.format import formatter
from arrakis.publish import Publisher
from broker import Broker
from server import Server, publisher_toml
from support import (
    SECOND, STRIDE, assert_same, channel, environment_cli, gps_now_ns, samples, seconds, write_metadata,
)  # fmt: skip
from test_register import SCOPE_MAP
from test_register import wanted as unplaced


@pytest.fixture(scope="module")
def broker():
    # Not the shared one: the reference's tests have publishers and topics of fixed names.
    with Broker() as b:
        yield b.start()


# ---------------------------------------------------------------- the reference's own tests

# Its file, our places, tests that pass, and those that are left out: why.
OWN = [
    ("test_cli", "client", 27, {}),
    ("test_api", "client", 22, {}),
    ("test_faults", "client", 9, {}),
    ("test_publish", "publisher", 8, {}),
    ("test_publish", "client", 8, {}),
    ("test_publish", "publisher client", 8, {}),
    ("test_direct_read", "publisher", 2, {}),
    ("test_direct_read", "client", 1,
     {"test_stream_via_direct_read": "it looks for the reference's reader; same_blocks has it"}),
]  # fmt: skip


def results(path):
    """test -> None, or what went wrong."""
    out = {}
    for case in xml.parse(path).iter("testcase"):
        bad = next((e for e in case if e.tag in ("failure", "error", "skipped")), None)
        why = None if bad is None else f"{bad.tag}: {bad.get('message')}"
        out[case.get("classname"), case.get("name")] = why
    return out


@pytest.mark.parametrize(("file", "places", "count", "left_out"), OWN,
                         ids=lambda v: v if isinstance(v, str) else "")  # fmt: skip
def test_the_reference_s_own(broker, tmp_path, file, places, count, left_out):
    environment = os.environ | {
        "ARRAKIS_CLI": str(Path(environment_cli()).resolve()),
        "ARRAKIS_STAND_INS": places,
        "ARRAKIS_TEST_BROKER": broker.bootstrap,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    plugins = ["pytest_arrakis.plugin", "pytest_arrakis.publish", "stand_ins"]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider",
               "--import-mode=importlib", "-o", "consider_namespace_packages=true",
               "--rootdir", tmp_path, "--basetemp", tmp_path / "tmp", "--junitxml", tmp_path / "results.xml",
               *(a for p in plugins for a in ("-p", p)), "-W", "ignore",
               "-k", " and ".join(f"not {name}" for name in left_out),
               "--pyargs", f"arrakis.tests.integration.{file}"]  # fmt: skip
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    got = results(tmp_path / "results.xml")
    wrong = {name: why for name, why in got.items() if why}
    assert not wrong and done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert len(got) == count, sorted(got)


# ---------------------------------------------------------------- both ways, sample for sample

REPLAY = [channel(f"H1:RPL-{d.upper()}", f"SCN_{d}", 0, d, 64, replay_id="GWTC")
          for d in ("int32", "float32", "float64")]  # fmt: skip


@pytest.fixture(scope="module")
def server(broker, tmp_path_factory):
    directory = tmp_path_factory.mktemp("scenarios")
    (directory / "map").write_text(SCOPE_MAP)
    configs = {
        "SCN": publisher_toml("SCN", REPLAY, STRIDE, SECOND, replay_id="GWTC"),
        "DYN": publisher_toml("DYN", [], STRIDE, SECOND, dynamic=True),
    }
    with Server(broker.bootstrap, directory, configs, ["--scope-map", directory / "map"]) as s:
        yield s


def past(seconds_ago):
    return gps_now_ns() // SECOND * SECOND - seconds_ago * SECOND


def made_blocks(channels, start):
    """A second of it, some samples missing in some blocks."""
    out = []
    for i in range(16):
        t = start + i * STRIDE
        data = {}
        for k, c in enumerate(channels):
            values = samples(c, t)
            missing = numpy.arange(len(values)) % 3 == k % 3 if i % 4 == 1 else False
            data[c.name] = numpy.ma.array(values, mask=missing) if i % 4 == 1 else values
        out.append(SeriesBlock(t, data, {c.name: c for c in channels}))
    return out


def as_json(blocks):
    return [json.loads(formatter(b, "json")) for b in blocks]


def by_the_reference(server, channels, start, **more):
    read = Client(server.url).stream([c.name for c in channels], start / SECOND, start / SECOND + 1, **more)
    return as_json(read)


def by_ours(cli, server, channels, start, *more):
    return cli.blocks("stream", "--json", "--url", server.url, "--start", seconds(start), "--duration", "1",
                      *more, *(c.name for c in channels))  # fmt: skip


def publish_by_ours(cli, server, publisher, blocks, *more):
    lines = "".join(formatter(b, "json") + "\n" for b in blocks)
    cli.run("publish", "--url", server.url, "--publisher", publisher, *more, stdin=lines)


def publish_by_the_reference(server, publisher, channels, start, **more):
    p = Publisher(publisher, server.url, **more)
    p.register(channels)
    blocks = made_blocks([p.channels[c.name] for c in channels or REPLAY], start)
    with p:
        for b in blocks:
            p.publish(b)
    return blocks


def test_we_find_describe_and_read_what_the_reference_registers(broker, server, cli):
    start = past(20)
    asked = [unplaced("H1:THEIRS-A", "float64", 256), unplaced("H1:THEIRS-B", "int32", 16)]
    sent = publish_by_the_reference(server, "DYN", asked, start)
    known = sent[0].channels
    names = list(known)
    found = cli.run("find", "--json", "--url", server.url, "H1:THEIRS").stdout.splitlines()
    assert {Channel.from_json(c) for c in found} == set(known.values())
    assert cli.run("count", "--url", server.url, "--publisher", "DYN", "H1:THEIRS").stdout == "2\n"
    described = cli.run("describe", "--json", "--url", server.url, *names).stdout.splitlines()
    assert [Channel.from_json(c) for c in described] == [known[n] for n in names]
    channels = list(known.values())
    assert_same(by_ours(cli, server, channels, start), as_json(sent), channels)
    direct = by_ours(cli, server, channels, start, "--kafka-url", broker.bootstrap)
    assert_same(direct, as_json(sent), channels)


def test_the_reference_finds_describes_and_reads_what_we_register(broker, server, cli, tmp_path):
    start = past(20)
    asked = [unplaced("H1:OURS-A", "float64", 256), unplaced("H1:OURS-B", "uint32", 16)]
    sent = made_blocks([dataclasses.replace(c, stride=STRIDE, partition_index=3) for c in asked], start)
    publish_by_ours(cli, server, "DYN", sent, "--metadata", write_metadata(tmp_path, asked))
    client = Client(server.url)
    found = {c.name: c for c in client.find("H1:OURS")}
    assert {(c.name, str(c.data_type), c.sample_rate) for c in found.values()} == {
        (c.name, str(c.data_type), c.sample_rate) for c in asked
    }
    assert client.count("H1:OURS", publisher="DYN") == 2
    assert client.describe([c.name for c in asked]) == found
    wanted = as_json(SeriesBlock(b.time_ns, dict(b.data), found) for b in sent)
    channels = list(found.values())
    assert_same(by_the_reference(server, channels, start), wanted, channels)
    assert_same(by_the_reference(server, channels, start, kafka_url=broker.bootstrap), wanted, channels)


def test_we_read_a_replay_that_the_reference_publishes(broker, server, cli):
    start = past(60)
    sent = publish_by_the_reference(server, "SCN", None, start, replay_id="GWTC")
    found = cli.run("find", "--json", "--url", server.url, "--replay-id", "GWTC", "H1:RPL").stdout
    assert {Channel.from_json(c) for c in found.splitlines()} == set(sent[0].channels.values())
    channels = list(sent[0].channels.values())
    replay = ["--replay-id", "GWTC"]
    assert_same(by_ours(cli, server, channels, start, *replay), as_json(sent), channels)
    for where in (["--url", server.url], []):
        direct = cli.blocks("stream", "--json", *where, "--kafka-url", broker.bootstrap, *replay, "--start",
                            seconds(start), "--duration", "1", *(c.name for c in channels))  # fmt: skip
        assert_same(direct, as_json(sent), channels)


def test_the_reference_reads_a_replay_that_we_publish(broker, server, cli):
    start = past(20)
    known = list(Client(server.url).find("H1:RPL", replay_id="GWTC"))
    assert {c.replay_id for c in known} == {"GWTC"}
    sent = made_blocks(known, start)
    publish_by_ours(cli, server, "SCN", sent, "--replay-id", "GWTC")
    assert_same(by_the_reference(server, known, start, replay_id="GWTC"), as_json(sent), known)
    more = {"replay_id": "GWTC", "kafka_url": broker.bootstrap}
    assert_same(by_the_reference(server, known, start, **more), as_json(sent), known)
