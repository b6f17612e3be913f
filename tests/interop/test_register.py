# SPDX-License-Identifier: Apache-2.0
"""Publishing by a real arrakis-server: channels, places and broker come from it; what libarrakis
publishes then is read by the reference."""

import dataclasses
import json
import os
import subprocess

import pytest
from arrakis import Client, SeriesBlock
from arrakis.format import formatter
from broker import Broker
from oracle import reference_stream
from server import Server, publisher_toml
from support import (
    SECOND, STRIDE, assert_same, channel, gps_now_ns, samples, tool, write_metadata,
)  # fmt: skip
from test_server import tool_line

STATIC = [
    channel("H1:FIX-SIN", "FIX_f32", 0, "float32", 512),
    channel("H1:FIX-COS", "FIX_f64", 0, "float64", 16384),
    channel("H1:FIX-ONES", "FIX_i32", 0, "int32", 16),
]
REPLAY = [channel("H1:RPL-A", "RPL_i32", 0, "int32", 16, replay_id="GWTC")]
TOKEN = "a-token-that-nobody-guesses"
SCOPE_MAP = """\
"arrow-flight-reuse-connection://?":
  scopes:
    H1:
      - all: true
  retention:
    oldest: 900
  replay_ids: [GWTC]
replays:
  GWTC:
    start: 1400000000
    end: 1400001000
"""


@pytest.fixture(scope="module")
def broker():
    # Not the shared one: the servers take every publisher there is on it.
    with Broker() as b:
        yield b.start()


@pytest.fixture(scope="module")
def server(broker, tmp_path_factory):
    configs = {
        "FIX": publisher_toml("FIX", STATIC, STRIDE, SECOND),
        "DYN": publisher_toml("DYN", [], STRIDE, SECOND, dynamic=True),
    }
    with Server(broker.bootstrap, tmp_path_factory.mktemp("server"), configs) as s:
        yield s


@pytest.fixture(scope="module")
def guarded(broker, tmp_path_factory):
    """A server that has replays, and lets only those publish that have a token."""
    directory = tmp_path_factory.mktemp("guarded")
    configs = {
        "RPL": publisher_toml("RPL", REPLAY, STRIDE, SECOND, replay_id="GWTC"),
        "OWN": publisher_toml("OWN", [], STRIDE, SECOND, dynamic=True),
    }
    (directory / "scope.yaml").write_text(SCOPE_MAP)
    options = ["--scope-map", directory / "scope.yaml", "--auth", "publish",
               "--static-token", f"RPL={TOKEN}", "--static-token", f"OWN={TOKEN}"]  # fmt: skip
    with Server(broker.bootstrap, directory, configs, options) as s:
        yield s


def wanted(name, dtype, rate):
    c = channel(name, "", 0, dtype, rate)
    return dataclasses.replace(
        c, partition_id=None, partition_index=None, stride=None, max_latency=None, publisher=None
    )


def publish(server, publisher, channels, blocks, tmp_path, *replay, check=0, **environment):
    metadata = write_metadata(tmp_path, channels) if channels else "-"
    done = subprocess.run(
        [tool("publish_tool"), server.url, publisher, metadata, *replay], capture_output=True, text=True,
        timeout=60, env=os.environ | environment,
        input="".join(tool_line(b) + "\n" for b in blocks),
    )  # fmt: skip
    assert done.returncode == check, done.stderr
    if not check:
        assert done.stdout.splitlines() == ["ARRAKIS_OK"] * len(blocks)
    return done.stderr


def made_blocks(channels, start, count=16):
    by_name = {c.name: c for c in channels}
    placed = [dataclasses.replace(c, partition_index=i, stride=STRIDE) for i, c in enumerate(channels)]
    return [
        SeriesBlock(t, {c.name: samples(c, t) for c in placed}, by_name)
        for t in (start + i * STRIDE for i in range(count))
    ]


def past():
    return gps_now_ns() // SECOND * SECOND - 2 * SECOND


def served(server, publisher, replay_id=None):
    return {c.name: c for c in Client(server.url).find(publisher=publisher, replay_id=replay_id)}


def as_served(channels, blocks):
    by_name = {c.name: c for c in channels}
    return [json.loads(formatter(SeriesBlock(b.time_ns, dict(b.data), by_name), "json")) for b in blocks]


def check_reads(broker, channels, start, blocks):
    """The reference reads these blocks where the server reports that the channels lie."""
    theirs, how = reference_stream(broker.bootstrap, channels, start, start + SECOND, silence_s=25)
    assert how == "end"
    assert_same(theirs, as_served(channels, blocks), channels)


def test_a_static_publisher_has_what_its_server_knows(broker, server, tmp_path):
    start = past()
    blocks = made_blocks(STATIC, start)
    publish(server, "FIX", None, blocks, tmp_path)
    check_reads(broker, list(served(server, "FIX").values()), start, blocks)


def test_channels_without_a_place_get_the_server_s(broker, server, tmp_path):
    start = past() + 20 * SECOND
    asked = [wanted("H1:FIX-ONES", "int32", 16)]
    blocks = made_blocks(asked, start)
    publish(server, "FIX", asked, blocks, tmp_path)
    known = [served(server, "FIX")["H1:FIX-ONES"]]
    theirs, how = reference_stream(broker.bootstrap, known, gps_now_ns() - 60 * SECOND,
                                   start + SECOND, silence_s=25, on_gap="skip")  # fmt: skip
    assert how == "end"
    theirs = [b for b in theirs if b["time_ns"] >= start]
    assert_same(theirs, as_served(known, blocks), known)


def test_a_dynamic_publisher_registers_its_channels(broker, server, tmp_path):
    assert served(server, "DYN") == {}
    asked = [
        wanted("H1:DYN-A", "float32", 256), wanted("H1:DYN-B", "float32", 16),
        wanted("L1:DYN_C", "int64", 1024), *(wanted(f"V1:MANY-{i}", "float64", 16) for i in range(250)),
    ]  # fmt: skip
    start = past()
    blocks = made_blocks(asked, start)
    publish(server, "DYN", asked, blocks, tmp_path)
    known = served(server, "DYN")
    assert set(known) == {c.name for c in asked}
    assert {(c.stride, c.max_latency) for c in known.values()} == {(STRIDE, SECOND)}
    some = [known[c.name] for c in asked]
    check_reads(broker, some, start, blocks)


def test_a_changed_rate_is_registered_and_the_rest_stays(broker, server, tmp_path):
    publish(server, "DYN", [wanted("K1:CHG-A", "int32", 16), wanted("K1:CHG-B", "int32", 16)], [],
            tmp_path)  # fmt: skip
    before = served(server, "DYN")
    asked = [wanted("K1:CHG-A", "int32", 64), wanted("K1:CHG-B", "int32", 16)]
    start = past()
    blocks = made_blocks(asked, start)
    publish(server, "DYN", asked, blocks, tmp_path)
    known = served(server, "DYN")
    assert known["K1:CHG-A"].sample_rate == 64
    assert known["K1:CHG-B"] == before["K1:CHG-B"]
    assert set(known) == set(before)
    check_reads(broker, [known[c.name] for c in asked], start, blocks)


def test_a_static_publisher_may_not_register(server, tmp_path):
    told = publish(server, "FIX", [wanted("H1:FIX-NEW", "int32", 16)], [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EAUTH: registering channel H1:FIX-NEW: ")
    assert "dynamic" in told
    told = publish(server, "FIX", [wanted("H1:FIX-SIN", "float64", 512)], [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EAUTH: registering channel H1:FIX-SIN: ")
    assert "H1:FIX-NEW" not in served(server, "FIX")


def test_an_unknown_publisher(server, tmp_path):
    told = publish(server, "NOBODY", None, [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_ENOTFOUND: ") and "NOBODY" in told
    told = publish(server, "NOBODY", [wanted("H1:NO-A", "int32", 16)], [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EAUTH: ") and "NOBODY" in told


def test_a_place_other_than_the_server_s_is_refused(server, tmp_path):
    elsewhere = dataclasses.replace(STATIC[2], partition_id="ELSEWHERE", publisher="FIX")
    told = publish(server, "FIX", [elsewhere], [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EMISMATCH: ")
    assert "ELSEWHERE" in told and "FIX_i32" in told


def test_a_fractional_rate_cannot_be_registered(server, tmp_path):
    told = publish(server, "DYN", [wanted("H1:DYN-HALF", "int32", 0.5)], [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EINVAL: ") and "H1:DYN-HALF" in told


def test_nobody_there(tmp_path):
    class Nobody:
        url = "grpc://127.0.0.1:1"

    told = publish(Nobody, "FIX", None, [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_ECONNECT: ")


def test_a_replay_is_published_under_its_name(broker, guarded, tmp_path):
    start = past()
    blocks = made_blocks(REPLAY, start)
    publish(guarded, "RPL", None, blocks, tmp_path, "GWTC", ARRAKIS_TOKEN=TOKEN)
    known = list(served(guarded, "RPL", "GWTC").values())
    assert [c.replay_id for c in known] == ["GWTC"]
    check_reads(broker, known, start, blocks)


def test_without_a_token_nobody_publishes(guarded, tmp_path):
    told = publish(guarded, "RPL", None, [], tmp_path, "GWTC", check=1)
    assert told.startswith("ARRAKIS_EAUTH: ")
    told = publish(guarded, "RPL", None, [], tmp_path, "GWTC", check=1, ARRAKIS_TOKEN="another")
    assert told.startswith("ARRAKIS_EAUTH: ") and "another" not in told
    asked = [wanted("H1:OWN-A", "int32", 16)]
    told = publish(guarded, "OWN", asked, [], tmp_path, check=1)
    assert told.startswith("ARRAKIS_EAUTH: ")
    publish(guarded, "OWN", asked, made_blocks(asked, past()), tmp_path, ARRAKIS_TOKEN=TOKEN)


# ---------------------------------------------------------------- arrakis-cli publish


def run_cli(cli, server, blocks, *arguments, check=0):
    lines = "".join(formatter(b, "json") + "\n" for b in blocks)
    return cli.run("publish", "--url", server.url, *arguments, stdin=lines, check=check)


def test_the_program_needs_no_broker(broker, server, cli):
    start = past() + 40 * SECOND
    known = list(served(server, "FIX").values())
    blocks = made_blocks(known, start)
    run_cli(cli, server, blocks, "--publisher", "FIX")
    theirs, how = reference_stream(broker.bootstrap, known, gps_now_ns() - 60 * SECOND,
                                   start + SECOND, silence_s=25, on_gap="skip")  # fmt: skip
    assert how == "end"
    theirs = [b for b in theirs if b["time_ns"] >= start]
    assert_same(theirs, as_served(known, blocks), known)


def test_the_program_registers_the_channels_of_a_file(broker, server, cli, tmp_path):
    asked = [wanted("G1:CLI-A", "float64", 128), wanted("G1:CLI-B", "uint32", 16)]
    metadata = write_metadata(tmp_path, asked)
    start = past()
    blocks = made_blocks(asked, start)
    run_cli(cli, server, blocks, "--publisher", "DYN", "--metadata", metadata)
    known = [served(server, "DYN")[c.name] for c in asked]
    check_reads(broker, known, start, blocks)
    done = run_cli(cli, server, [], "--publisher", "FIX", "--metadata", metadata, check=1)
    assert "registering channel G1:CLI-A" in done.stderr
