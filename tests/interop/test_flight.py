# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli against real servers by Arrow Flight, side by side with the reference's client on the
same server: the mock backend (whose samples are a function of time), and servers behind a scope map.
No broker is read: see test_direct_read.py."""

import dataclasses
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from arrakis import Client
from arrakis.format import formatter
from server import Server
from support import (
    DTYPES, LOADED_S, SECOND, STRIDE, T0, assert_same, channel, gps_now_ns, seconds,
)  # fmt: skip

ARRAKIS = Path(sys.executable).parent / "arrakis"
ARRAKIS_SERVER = ARRAKIS.with_name("arrakis-server")

# name, data type, rate, stride. Samples fit every type and differ from one time to another.
TYPES = [(f"H1:TYP-{d.upper()}", d, 64, STRIDE) for d in DTYPES]
MIXED = [("H1:MIX-SLOW", "float64", 16, 250_000_000), ("H1:MIX-FAST", "float32", 2048, STRIDE),
         ("H1:MIX-SECOND", "int32", 1, SECOND)]  # fmt: skip
OTHER = [(f"L1:ENV-T{i}", "float32", 256, STRIDE) for i in range(5)]
CHANNELS = TYPES + MIXED + OTHER


def mock_toml(channels):
    lines = ["[common]", 'publisher = "FAKE"', "max_latency = 1_000_000_000"]
    for i, (name, dtype, rate, stride) in enumerate(channels):
        lines += [f'["{name}"]', f'data_type = "{dtype}"', f"sample_rate = {rate}",
                  f"stride = {stride}", f'func = "1024 * (t - 16 * floor(t / 16)) + {i}"']  # fmt: skip
    return "\n".join(lines) + "\n"


class Mock(Server):
    """arrakis-server with its mock backend; with a scope map and no channels, one that only informs."""

    def __init__(self, directory, channels=(), faults=(), options=()):
        self.directory = Path(directory)
        self._command = [str(ARRAKIS_SERVER), "-u", "0", *options]
        if channels:
            path = self.directory / "channels.toml"
            path.write_text(mock_toml(channels))
            self._command += ["mock", str(path), *faults]
        self.log = []
        self.url = None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), CHANNELS) as s:
        yield s


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """Two servers of one domain each, the first also named at an address that does not answer, and one
    server that names all of them."""
    half = tmp_path_factory.mktemp("half"), tmp_path_factory.mktemp("other_half")
    with Mock(half[0], TYPES + MIXED) as first, Mock(half[1], OTHER) as second:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            dead = f"grpc://127.0.0.1:{nobody.getsockname()[1]}"
            directory = tmp_path_factory.mktemp("info")
            scope_map = directory / "map.yaml"
            scope_map.write_text("".join(
                f"{url}:\n  scopes:\n    {domain}:\n      - all: true\n  retention:\n    newest: 0\n"
                for url, domain in ((dead, "H1"), (first.url, "H1"), (second.url, "L1"))
            ))  # fmt: skip
            with Mock(directory, options=["-s", str(scope_map)]) as s:
                s.dead = dead
                yield s


def known(channels):
    return {k: v for k, v in dataclasses.asdict(channels).items() if v is not None}


def reference_channels(found):
    return sorted((known(c) for c in found), key=lambda c: c["name"])


def listed(cli, *arguments):
    out = cli.run(*arguments).stdout.splitlines()
    return sorted(map(json.loads, out), key=lambda c: c["name"])


def reference_stream(server, names, start, end, **options):
    blocks = Client(server.url).stream(names, start / SECOND, end / SECOND, **options)
    return [json.loads(formatter(b, "json")) for b in blocks]


def span(start, end=None):
    return ["--start", seconds(start)] + (["--end", seconds(end)] if end is not None else [])


def stream(server, names, *arguments):
    return ["--url", server.url, "stream", "--json", *arguments, *names]


def described(channels):
    return [channel(name, "", dtype=dtype, rate=rate, stride=stride)
            for name, dtype, rate, stride in channels]  # fmt: skip


def names_of(channels):
    return [c[0] for c in channels]


# ---------------------------------------------------------------- metadata


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["."], {}),
        (["H1:TYP"], {"pattern": "H1:TYP"}),
        ([".*INT", "--data-type", "int32"], {"pattern": ".*INT", "data_type": ["int32"]}),
        ([".", "--dtype", "int64", "--dtype", "float32"], {"data_type": ["int64", "float32"]}),
        ([".", "--min-rate", "65", "--max-rate", "2047"], {"min_rate": 65, "max_rate": 2047}),
        ([".", "--publisher", "FAKE"], {"publisher": ["FAKE"]}),
        ([".", "--publisher", "NOBODY"], {"publisher": ["NOBODY"]}),
        (["NOTHING"], {"pattern": "NOTHING"}),
        ([".", "--time", "1400000000"], {"time": 1400000000}),
    ],
)
def test_find_and_count(server, cli, ours, theirs):
    client = Client(server.url)
    wanted = reference_channels(client.find(**theirs))
    assert listed(cli, "--url", server.url, "find", "--json", *ours) == wanted
    counted = cli.run("--url", server.url, "count", *ours).stdout
    assert int(counted) == len(wanted) == client.count(**theirs)


def test_describe(server, cli):
    names = names_of(CHANNELS)[::-1]
    wanted = Client(server.url).describe(names)
    out = cli.run("--url", server.url, "describe", "--json", *names).stdout.splitlines()
    assert [json.loads(line) for line in out] == [known(wanted[n]) for n in names]


def test_what_is_not_there_is_named(server, cli):
    done = cli.run("--url", server.url, "describe", "H1:NOPE-X", check=1)
    assert "H1:NOPE-X" in done.stderr and "not available" in done.stderr
    assert "Detail" not in done.stderr and not done.stdout


def test_a_bad_pattern_is_the_servers_to_refuse(server, cli):
    done = cli.run("--url", server.url, "find", "H1:(", check=1)
    assert server.url in done.stderr


def test_metadata_of_several_servers(split, cli):
    # The reference stops at the address that does not answer.
    assert len(listed(cli, "--url", split.url, "find", "--json", ".")) == len(CHANNELS)
    assert int(cli.run("--url", split.url, "count").stdout) == len(CHANNELS)
    out = cli.run("--url", split.url, "describe", "--json", *names_of(CHANNELS)).stdout
    assert [json.loads(line)["name"] for line in out.splitlines()] == names_of(CHANNELS)


def test_many_channels(tmp_path, cli):
    many = [(f"H1:MANY-C{i:05}", "float32", 16, STRIDE) for i in range(5000)]
    with Mock(tmp_path, many) as s:
        assert len(listed(cli, "--url", s.url, "find", "--json", ".")) == 5000


def test_what_a_server_says_of_itself(server, split, cli):
    for s in (server, split):
        for arguments in (["server-info"], ["server-info", "-e"], ["domains"], ["scope-map"], ["replays"]):
            wanted = subprocess.run([str(ARRAKIS), "-q", "--url", s.url, *arguments],
                                    capture_output=True, text=True, timeout=60)  # fmt: skip
            done = cli.run("--url", s.url, *arguments)
            assert (done.stdout, done.stderr) == (wanted.stdout, "")


# ---------------------------------------------------------------- data with a start


@pytest.mark.parametrize("channels", [TYPES, TYPES[:1], OTHER, MIXED, CHANNELS],
                         ids=["types", "one", "other", "mixed", "all"])  # fmt: skip
def test_a_span(server, cli, channels):
    names = names_of(channels)
    wanted = reference_stream(server, names, T0, T0 + 3 * SECOND)
    got = cli.blocks(*stream(server, names, *span(T0, T0 + 3 * SECOND)))
    assert wanted and len(wanted) == len(got)
    assert_same(got, wanted, described(channels))
    assert list(got[0]["data"]) == names


def test_a_span_in_longer_blocks(server, cli):
    names = names_of(TYPES)
    wanted = reference_stream(server, names, T0, T0 + 2 * SECOND, stride=0.5)
    got = cli.blocks(*stream(server, names, "--stride", "0.5", *span(T0, T0 + 2 * SECOND)))
    assert len(got) == 4
    assert_same(got, wanted, described(TYPES))


def test_a_start_between_strides_begins_with_the_stride_that_holds_it(server, cli):
    names = names_of(OTHER)
    got = cli.blocks(*stream(server, names, *span(T0 + STRIDE // 2, T0 + SECOND)))
    wanted = reference_stream(server, names, T0, T0 + SECOND)
    assert_same(got, wanted, described(OTHER))


def test_several_servers_in_one_stream(split, server, cli):
    names = names_of(OTHER[:2] + MIXED[:2])
    got = cli.blocks(*stream(split, names, *span(T0, T0 + 2 * SECOND)))
    # each half numbers its channels anew, so the values differ from the one server's by that
    assert [b["time_ns"] for b in got] == [T0 + i * 250_000_000 for i in range(8)]
    first = [b["data"][OTHER[0][0]][0] for b in got]
    base = first[0]
    assert first == [base + 256 * i for i in range(8)]
    assert all(v is not None for b in got for d in b["data"].values() for v in d)


def test_a_replica_takes_over_from_an_address_where_nobody_answers(split, cli):
    names = names_of(TYPES)
    done = cli.run(*stream(split, names, *span(T0, T0 + SECOND)))
    assert len(done.stdout.splitlines()) == 16
    assert split.dead in done.stderr and "next location" in done.stderr


@pytest.mark.parametrize("mode", ["full-gaps", "duplicates"])
def test_faults_in_a_span(tmp_path, cli, mode):
    names = names_of(TYPES)
    with Mock(tmp_path, TYPES, ["--with-faults", mode, "--fault-interval", "5"]) as s:
        wanted = reference_stream(s, names, T0, T0 + 2 * SECOND)
        got = cli.blocks(*stream(s, names, *span(T0, T0 + 2 * SECOND)))
        assert_same(got, wanted, described(TYPES))
        missing = [all(v is None for v in b["data"][names[0]]) for b in got]
        assert sum(missing) == (6 if mode == "full-gaps" else 0)


def test_partial_gaps_are_masked(tmp_path, cli):
    names = names_of(OTHER)
    faults = ["--with-faults", "partial-gaps", "--fault-interval", "2"]
    with Mock(tmp_path, OTHER, faults) as s, Mock(fresh(tmp_path), OTHER) as whole:
        got = cli.blocks(*stream(s, names, *span(T0, T0 + SECOND)))
        wanted = cli.blocks(*stream(whole, names, *span(T0, T0 + SECOND)))
    assert len(got) == len(wanted) == 16
    for i, (g, w) in enumerate(zip(got, wanted)):
        values = [(x, y) for n in names for x, y in zip(g["data"][n], w["data"][n])]
        assert all(x in (y, None) for x, y in values)
        assert any(x is None for x, y in values) == (i > 0 and i % 2 == 0)


def fresh(path):
    (path / "second").mkdir()
    return path / "second"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (span(T0, T0 + SECOND), {"start": T0 / SECOND, "end": T0 / SECOND + 1}),
        (span(T0), {"start": T0 / SECOND}),
        ([*span(T0), "--duration", "0.5"], {"start": T0 / SECOND, "duration": 0.5}),
    ],
)
def test_fetch(server, cli, ours, theirs):
    names = names_of(TYPES)
    wanted = json.loads(formatter(Client(server.url).fetch(names, **theirs), "json"))
    got = cli.blocks("--url", server.url, "fetch", "--json", *ours, *names)
    assert_same(got, [wanted], described(TYPES))


# ---------------------------------------------------------------- live


def test_live_blocks_follow_each_other(server, cli):
    names = names_of(TYPES[:2] + OTHER[:1])
    now = gps_now_ns()
    got = cli.blocks(*stream(server, names, "--count", "8"))
    times = [b["time_ns"] for b in got]
    assert times == [times[0] + i * STRIDE for i in range(8)]
    assert times[0] % STRIDE == 0 and abs(times[0] - now) < LOADED_S * SECOND
    assert_same(got, reference_stream(server, names, times[0], times[-1] + STRIDE),
                described(TYPES[:2] + OTHER[:1]))  # fmt: skip


def test_live_fetches(server, cli):
    names = names_of(TYPES[:2])
    (one,) = cli.blocks("--url", server.url, "fetch", "--json", *names)
    assert one["_duration_ns"] == STRIDE
    (long,) = cli.blocks("--url", server.url, "fetch", "--json", "--duration", "0.5", *names)
    assert long["_duration_ns"] == SECOND // 2


def test_from_the_past_into_the_present_without_a_seam(server, cli):
    names = names_of(OTHER)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    with cli.follow(*stream(server, names, *span(start))) as live:
        blocks = live.wait_for(lambda b: len(b) >= 48)
        assert live.interrupt() == 0
    assert [b["time_ns"] for b in blocks[:48]] == [start + i * STRIDE for i in range(48)]


def test_from_an_archive_into_a_live_server_without_a_seam(tmp_path, cli):
    """The past lies on one server, the present on another; a third server names both."""
    names = names_of(OTHER)
    archive, live, info = (tmp_path / n for n in ("archive", "live", "info"))
    for directory in (archive, live, info):
        directory.mkdir()
    with Mock(archive, OTHER) as old, Mock(live, OTHER) as new:
        (info / "map.yaml").write_text("".join(
            f"{s.url}:\n  scopes:\n    L1:\n      - all: true\n  retention:\n    {keeps}\n"
            for s, keeps in ((old, "newest: 4"), (new, "oldest: 8"))
        ))  # fmt: skip
        with Mock(info, options=["-s", str(info / "map.yaml")]) as s:
            start = gps_now_ns() // SECOND * SECOND - 12 * SECOND
            with cli.follow(*stream(s, names, *span(start))) as followed:
                blocks = followed.wait_for(lambda b: len(b) >= 13 * 16)
                assert followed.interrupt() == 0
            wanted = cli.blocks(*stream(old, names, *span(start, start + 8 * SECOND)))
    times = [b["time_ns"] for b in blocks]
    assert times == [start + i * STRIDE for i in range(len(times))]
    assert_same(blocks[:128], wanted, described(OTHER))
    assert any("stream ended: reason=complete" in line for line in old.log)
    assert any("request=Stream" in line for line in new.log)


def test_an_interrupt_ends_a_live_stream_at_once(server, cli):
    with cli.follow(*stream(server, names_of(OTHER))) as live:
        live.wait_for(lambda b: len(b) >= 2)
        assert live.interrupt() == 0


def test_late_blocks_are_not_lost(tmp_path, cli):
    """A server may hold a block back as long as its channels promise, and the relay's share."""
    names = names_of(OTHER)
    faults = ["--with-faults", "latency", "--fault-interval", "8", "--fault-value", "1.5"]
    with Mock(tmp_path, OTHER, faults) as s:
        assert_whole_for_once(cli, *stream(s, names, "--count", "20"))


def assert_whole_for_once(cli, *arguments):
    """A live stream without a gap; what a loaded machine holds up for longer than the channels promise is one.
    Returns its blocks."""
    for _ in range(5):
        got = cli.blocks(*arguments)
        if all(v is not None for b in got for d in b["data"].values() for v in d):
            return got
    raise AssertionError(f"gaps each time: {got}")


# ---------------------------------------------------------------- what goes wrong


def test_a_server_that_is_killed_ends_the_stream_with_an_error(tmp_path, cli):
    """A stream that is not to be taken up again; what others do is in test_comeback.py."""
    with Mock(tmp_path, OTHER) as s:
        with cli.follow(*stream(s, names_of(OTHER), "--retry", "off")) as live:
            live.wait_for(lambda b: len(b) >= 2)
            s.process.kill()
            assert live.finish(20) == 1
            assert any(s.url in line for line in live.errors)


def test_nobody_answers(cli):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"grpc://127.0.0.1:{nobody.getsockname()[1]}"
        done = cli.run("--url", url, "count", check=1)
        assert url in done.stderr


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 4096])
def test_who_answers_is_no_server(cli, answer):
    """The server sends nothing, or something else: an error within the time limit."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        held = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"grpc://127.0.0.1:{listener.getsockname()[1]}"
        begin = time.monotonic()
        done = cli.run("--url", url, "count", "--timeout", "1", check=1)
        assert time.monotonic() - begin < 1 + LOADED_S
        assert url in done.stderr
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in held:
            connection.close()


def test_an_interrupt_ends_a_request_that_is_not_answered(cli):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        process = subprocess.Popen(
            [cli.path, "--url", f"127.0.0.1:{listener.getsockname()[1]}", "count", "--timeout", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        connection, _ = listener.accept()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LOADED_S)
        connection.close()


def test_a_token_is_asked_for_and_taken(tmp_path, cli, monkeypatch):
    options = ["--auth", "full", "--static-token", "FAKE=open-sesame"]
    with Mock(tmp_path, OTHER, options=options) as s:
        done = cli.run("--url", s.url, "count", check=1)
        assert s.url in done.stderr
        monkeypatch.setenv("BEARER_TOKEN", "something-else")
        done = cli.run("--url", s.url, "count", check=1)
        assert "something-else" not in done.stderr
        monkeypatch.setenv("BEARER_TOKEN", "open-sesame")
        assert int(cli.run("--url", s.url, "count").stdout) == len(OTHER)
        got = cli.blocks(*stream(s, names_of(OTHER), *span(T0, T0 + SECOND)))
        assert len(got) == 16
        done = cli.run("-v", "--url", s.url, "count")
        assert "open-sesame" not in done.stderr
