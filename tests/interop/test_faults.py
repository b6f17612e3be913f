# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli where servers, networks and tokens are not as they should be. Whatever happens ends
with status 1 and an error that names the server, in the time allowed; under the sanitizers a leak or
a bad access ends with another status."""

import contextlib
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow
import pytest
import support
from arrakis import Client
from broker import free_port
from faulty import (
    END_STREAM, GOAWAY, HEADERS, NAME, RESET, STRIDES, Authority, FlightServer, Gone,
    Proxy, TlsServer, answers, field, flight_data, flight_info, framed, literal, table_data, ticket,
)  # fmt: skip
from frozen import freeze, thaw
from pytest_arrakis.plugin import (  # noqa: F401
    arrakis_channel_configs, arrakis_fault_server, arrakis_replay_channel_configs,
    arrakis_replay_params,
)  # fmt: skip
from support import LOADED_S, SECOND, STRIDE, T0, assert_same, channel, gps_now_ns, seconds, wait_for
from test_flight import (
    OTHER, Mock, assert_whole_for_once, described, names_of, reference_stream, span, stream,
)  # fmt: skip

TOKEN = "open-sesame-4711"


@pytest.fixture(autouse=True)
def no_token(monkeypatch, tmp_path):
    """None of the user's is found, but perhaps in /tmp."""
    for variable in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "ARRAKIS_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), OTHER) as s:
        yield s


@pytest.fixture
def tool_command():
    """Start client_tool, which has the client's other options."""
    return lambda *arguments: subprocess.Popen(
        [support.tool("client_tool"), *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def tool(tool_command):
    """Run it to its end."""

    def run(*arguments, check=0, timeout=40):
        process = tool_command(*arguments)
        try:
            out, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
        assert process.returncode == check, (process.returncode, out[-500:], errors[-4000:])
        return subprocess.CompletedProcess(process.args, check, out, errors)

    return run


class within:
    """A time that must not be passed, but by what a loaded machine adds: what fails here waits for ever."""

    def __init__(self, limit):
        self._limit = limit

    def __enter__(self):
        self._begin = time.monotonic()

    def __exit__(self, kind, *_):
        took = time.monotonic() - self._begin
        assert kind or took < self._limit + LOADED_S, f"{took:.1f} s, {self._limit} s allowed"


# ---------------------------------------------------------------- the reference's faulty server

FAKE = ["H1:TEST-CHANNEL_SIN", "H1:TEST-STATE_ONES"]
FAKE_CHANNELS = [channel(FAKE[0], "", dtype="float32", rate=512, max_latency=3 * SECOND),
                 channel(FAKE[1], "", dtype="int32", rate=16, max_latency=3 * SECOND)]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "value", "end"),
    [("partial-gaps", 1.0, 4), ("full-gaps", None, 4), ("duplicates", None, 4), ("latency", 0.4, 1),
     ("stall", 0.5, 1)],
)  # fmt: skip
def test_faults_of_a_span(arrakis_fault_server, cli, mode, value, end):  # noqa: F811
    """Streamed, and fetched as one block, as the reference's client has it."""
    url = arrakis_fault_server(mode, interval=5, value=value).url
    until = T0 + end * SECOND
    wanted = [json.loads(line) for line in map(as_json, Client(url).stream(
        FAKE, T0 / SECOND, until / SECOND))]  # fmt: skip
    got = cli.blocks("--url", url, "stream", "--json", *span(T0, until), *FAKE)
    assert len(got) == len(wanted) == 16 * end
    assert_same(got, wanted, FAKE_CHANNELS)
    gaps = [all(v is None for v in b["data"][FAKE[1]]) for b in got]
    assert gaps == [mode.endswith("gaps") and i > 0 and i % 5 == 0 for i in range(len(got))]
    fetched = json.loads(as_json(Client(url).fetch(FAKE, T0 / SECOND, until / SECOND)))
    assert_same(cli.blocks("--url", url, "fetch", "--json", *span(T0, until), *FAKE), [fetched],
                FAKE_CHANNELS)  # fmt: skip


def as_json(block):
    from arrakis.format import formatter

    return formatter(block, "json")


def test_a_stalled_server_ends_a_span_when_the_patience_does(arrakis_fault_server, tool):  # noqa: F811
    """The reference's client waits for ever."""
    url = arrakis_fault_server("stall", interval=8, value=9).url
    with within(10):
        done = tool(f"url={url}", "stall=4", f"start={T0}", f"end={T0 + SECOND}", "stream", *FAKE,
                    check=1)  # fmt: skip
    assert len(done.stdout.splitlines()) == 8
    assert "ARRAKIS_EDEADLINE" in done.stderr and url in done.stderr


def test_a_stalled_server_leaves_gaps_in_a_live_stream(arrakis_fault_server, cli):  # noqa: F811
    """Beyond what the channels promise and the relay's share the stream goes on without it."""
    url = arrakis_fault_server("stall", interval=16, value=9).url
    with cli.follow("--url", url, "stream", "--json", *FAKE) as live:
        def first_gap(blocks):
            return any(all(v is None for v in b["data"][FAKE[1]]) for b in blocks)

        blocks = live.wait_for(first_gap)
        assert live.interrupt() == 0
    times = [b["time_ns"] for b in blocks]
    assert times == [times[0] + i * STRIDE for i in range(len(times))]


def test_duplicates_and_delays_in_a_live_stream(arrakis_fault_server, cli):  # noqa: F811
    for mode, value in (("duplicates", None), ("latency", 0.5)):
        url = arrakis_fault_server(mode, interval=4, value=value).url
        got = assert_whole_for_once(cli, "--url", url, "stream", "--json", "--count", "12", *FAKE)
        times = [b["time_ns"] for b in got]
        assert times == [times[0] + i * STRIDE for i in range(12)]


# ---------------------------------------------------------------- bytes that are not Flight's


def hang(reply, good):
    """No answer, and no end."""


def send(*messages):
    """These in place of the first message."""

    def answer(reply, good):
        for message in messages:
            reply.message(message(good) if callable(message) else message)
        reply.end()

    return answer


def raw(payload, flags=0):
    return lambda reply, good: reply.data(payload, flags)


def torn_before_ok(reply, good):
    reply.data(framed(good[0])[:-3])
    reply.end()


def without_status(reply, good):
    reply.message(good[0])
    reply.data(b"", END_STREAM)


def torn_message(reply, good):
    reply.data(framed(good[0])[:-3], END_STREAM)


def reset(reply, good):
    reply.headers()
    reply.frame(RESET, 0, struct.pack(">I", 2))


def go_away(reply, good):
    reply.connection.send_frame(GOAWAY, 0, 0, struct.pack(">II", 0, 11))
    reply.connection.cut()


def page(reply, good):
    reply.headers(literal(b":status", b"502") + literal(b"content-type", b"text/html"))
    reply.data(b"<html>Bad Gateway</html>", END_STREAM)


def wrong_type(reply, good):
    reply.headers(b"\x88" + literal(b"content-type", b"text/plain"))
    reply.data(b"hello", END_STREAM)


# Whatever is asked for.
BROKEN = {
    "nothing": hang,
    "no message": lambda reply, good: reply.end(),
    "no protobuf": send(b"\xff" * 40),
    "torn protobuf": send(lambda good: good[0][: len(good[0]) // 2]),
    "torn message": torn_message,
    "torn before OK": torn_before_ok,
    "claims 4 GB": raw(framed(b"\xff" * 100, size=2**32 - 1)),
    "claims 1 GB": raw(framed(b"\xff" * 100, size=2**30)),
    "64 MB": send(b"\x1a\xff\xff\xff\xff\x7f" + b"x" * 2**26),
    "compressed": raw(framed(b"\xff" * 100, flag=1)),
    "flags unknown": raw(framed(b"\xff" * 100, flag=7)),
    "reset": reset,
    "gone away": go_away,
    "cut": lambda reply, good: reply.connection.cut(),
    "garbage frames": lambda reply, good: reply.connection.send(b"\xde\xad\xbe\xef" * 100),
    "frame of 16 MB": lambda reply, good: reply.connection.send(b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 99),
    "headers unreadable": lambda reply, good: reply.frame(HEADERS, 4, b"\xff" * 30),
    "HTTP 502": page,
    "other content": wrong_type,
    "refused": lambda reply, good: reply.end(b"13", b"internal error"),
    "unknown status": lambda reply, good: reply.end(b"4711", b"what"),
    "long text": lambda reply, good: reply.end(b"2", b"a" * 120),
}  # fmt: skip
# Not in mid-stream: two are headers, the others a regular end, as far as gRPC reports.
NO_MESSAGE = ("no message", "torn before OK")
HEADERS_FIRST = ("HTTP 502", "other content", *NO_MESSAGE)
STEPS = [("Count", "info"), ("Count", "get"), ("Describe", "get"), ("Stream", "info"),
         ("Stream", "get")]  # fmt: skip


# What is answered is answered within this on any machine, and what is never answered takes longer than it may.
PATIENT_S = 60


def ask(cli, server, step, check=1, timeout=None):
    """What must succeed has time. `timeout`: for what must fail, and not by waiting."""
    timeout = timeout or (1 if check else PATIENT_S)
    command = ["count"]
    if step[0] != "Count":
        end = STRIDES * STRIDE
        command = ["stream", "--json", "--start", "0", "--end", seconds(end), NAME]
    with within(7 + timeout):
        return cli.run("--url", server.url, *command, "--timeout", str(timeout), check=check, timeout=120)


def ask_for(cli, server, step):
    """Until the step itself has been asked for: on a loaded machine one before it may take the time."""
    for timeout in (1, 5, 20):
        done = ask(cli, server, step, timeout=timeout)
        if step in server.requests:
            break
    return done


def test_the_server_that_does_as_told_is_a_decent_one(cli):
    """Else nothing below means anything."""
    with FlightServer() as s:
        assert ask(cli, s, STEPS[0], 0).stdout == "7\n"
        blocks = ask(cli, s, STEPS[4], 0).stdout.splitlines()
        assert [json.loads(b)["time_ns"] for b in blocks] == [i * STRIDE for i in range(STRIDES)]
        assert set(s.requests) >= set(STEPS)


# An endpoint may hold nothing of a stream.
ANSWERS = [(f, s) for f in BROKEN for s in STEPS
           if f not in NO_MESSAGE or s != ("Stream", "get")]  # fmt: skip


@pytest.mark.parametrize(("fault", "step"), ANSWERS, ids=[f"{f}-{'-'.join(s)}" for f, s in ANSWERS])
def test_broken_answers(cli, fault, step):
    with FlightServer(bad={step: BROKEN[fault]}) as s:
        done = ask_for(cli, s, step)
        # a description without the channel is an answer
        assert (NAME if fault in NO_MESSAGE and step[0] == "Describe" else s.url) in done.stderr
        assert step in s.requests


COMMANDS = {"server-info": ["server-info"], "scope-map": ["scope-map", "domains"], "replays": ["replays"]}


def act(cli, server, command, check=1):
    timeout = 1 if check else PATIENT_S
    with within(7 + timeout):
        return cli.run("--url", server.url, command, "--timeout", str(timeout), check=check, timeout=120)


def test_broken_answers_to_an_action(cli):
    with FlightServer() as s:
        for command in sum(COMMANDS.values(), []):
            assert act(cli, s, command, 0).stdout
    for fault, answer in BROKEN.items():
        with FlightServer(bad={("scope-map", "action"): answer}) as s:
            assert s.url in act(cli, s, "domains").stderr, fault


NO_OBJECTS = [b"", b"7", b"[]", b"null", b"{", b'{"a": 1} {}', b'{"\xff": 1}', b'{"a\\u0000": 1}',
              b'{"a":' * 5000, b"\0", b"nan", b'"endpoints"']  # fmt: skip


@pytest.mark.parametrize("action", COMMANDS)
def test_answers_to_actions_that_are_no_json_objects(cli, action):
    for text in NO_OBJECTS:
        with FlightServer(bad={(action, "action"): send(field(1, text))}) as s:
            for command in COMMANDS[action]:
                assert s.url in act(cli, s, command).stderr, text[:20]


ODD_OBJECTS = [b"{}", b'{"endpoints": []}', b'{"endpoints": {"a": 1, "b": {"scopes": [2]}}}',
               b'{"endpoints": {"a": {"scopes": {"\\u001b[2J": 1}}}, "start": {"end": {}}}',
               b'{"R": {"start": [], "end": "\\u009b2J"}, "endpoints": {"b": null}}',
               b'{"a": 1e999}', b'{"a": 123456789012345678901234567890}']  # fmt: skip


@pytest.mark.parametrize("action", COMMANDS)
def test_answers_to_actions_that_are_odd(cli, action):
    """Shown or refused, and without control characters."""
    for text in ODD_OBJECTS:
        with FlightServer(bad={(action, "action"): send(field(1, text))}) as s:
            for command in COMMANDS[action]:
                done = act(cli, s, command, None)
                assert done.returncode == 0 or (done.returncode == 1 and done.stderr), text
                assert not set(done.stdout + done.stderr) & {"\x1b", "\x9b"}, text


@pytest.mark.parametrize("field_of", ["stride", "max_latency"])
@pytest.mark.parametrize("value", [0, 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_numbers_that_no_channel_has(cli, field_of, value):
    """An error, or blocks: no sum of two of them leaves its bounds."""
    with FlightServer(**{field_of: value}) as s:
        for arguments in (["--start", "0", "--end", seconds(STRIDES * STRIDE)], ["--count", "1"]):
            command = ["stream", "--json", *arguments, NAME, "--timeout", "1", "--stall-timeout", "1"]
            process = subprocess.Popen([cli.path, "--url", s.url, *command], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
            try:
                out, errors = process.communicate(timeout=5)
            except subprocess.TimeoutExpired:  # it waits as long as it was promised
                wait_for(lambda: support.handles(process.pid, signal.SIGINT))
                process.send_signal(signal.SIGINT)
                out, errors = process.communicate(timeout=40)
            finally:
                process.kill()
            assert process.returncode in (0, 1), errors[-3000:]


def test_a_servers_text_does_not_reach_a_terminal_as_it_is(cli):
    """Control characters and bytes that are no UTF-8 are shown as such."""
    text = b"\x1b[2J\x9b2Jred\xc3\xa4\xe2\x82"
    escaped = b"".join(b"%%%02X" % c if c < 0x20 or c > 0x7E else bytes([c]) for c in text)
    with FlightServer(bad={STEPS[0]: lambda reply, good: reply.end(b"13", escaped)}) as s:
        assert "?[2J?2Jred\u00e4??" in ask(cli, s, STEPS[0], timeout=PATIENT_S).stderr


def header_of(message):
    """The flatbuffer in a FlightData, and what follows."""
    size, at, shift = 0, 1, 0
    while True:
        size |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 0x80:
            return message[at : at + size], message[at + size :]


def without_body(message):
    return field(2, header_of(message)[0])


# Of a batch's two messages.
BROKEN_BATCHES = {
    "no flatbuffer": lambda good: [field(2, b"\xff" * 64)],
    "batch without schema": lambda good: good[1:],
    "batch without body": lambda good: [good[0], without_body(good[1])],
    "half a header": lambda good: [field(2, header_of(good[0])[0][:20])],
    "another schema": lambda good: [flight_data(other_schema())],
}


def other_schema():
    fields = {"time": pyarrow.float32(), NAME: pyarrow.utf8(), "count": pyarrow.utf8()}
    return pyarrow.schema(list(fields.items())).serialize()


@pytest.mark.parametrize("step", [s for s in STEPS if s[1] == "get"], ids="-".join)
@pytest.mark.parametrize("fault", BROKEN_BATCHES)
def test_broken_batches(cli, step, fault):
    def answer(reply, good):
        messages = BROKEN_BATCHES[fault](good)
        for message in messages + (good[1:] if fault == "another schema" else []):
            reply.message(message)
        reply.end()

    with FlightServer(bad={step: answer}) as s:
        done = ask(cli, s, step)
        assert s.url in done.stderr


@pytest.mark.parametrize("fault", [f for f in BROKEN if f not in HEADERS_FIRST])
def test_broken_in_mid_stream(tool, fault):
    """What came before is handed out; where the rest never comes, patience ends."""

    def answer(reply, good):
        for message in good[:4]:
            reply.message(message)
        BROKEN[fault](reply, good)

    with FlightServer(bad={("Stream", "get"): answer}) as s:
        with within(8):
            done = tool(f"url={s.url}", "timeout=1", "stall=1", "start=0",
                        f"end={STRIDES * STRIDE}", "stream", NAME, check=1)  # fmt: skip
        assert s.url in done.stderr
        # what the connection had not handed on when it broke may be lost with it
        assert len(done.stdout.splitlines()) <= 3


@pytest.mark.parametrize("blocks", [0, 3])
@pytest.mark.parametrize("fault", NO_MESSAGE)
def test_a_span_that_ends_early_is_said(cli, fault, blocks):
    """The server reports success; gRPC does not report a message that was cut off."""

    def answer(reply, good):
        for message in good[: blocks + bool(blocks)]:  # the schema goes first
            reply.message(message)
        BROKEN[fault](reply, good)

    with FlightServer(bad={("Stream", "get"): answer}) as s:
        done = ask(cli, s, ("Stream", "get"), 0)
    assert len(done.stdout.splitlines()) == blocks
    assert f"{s.url} has ended the stream of channel '{NAME}'" in done.stderr
    assert f"at {blocks * 0.0625:.3f} s, and was asked for it up to 0.500 s" in done.stderr


TICKETS = {
    "no JSON": b"\xff\xfe\0",
    "not of that form": b"[1, 2, 3]",
    "args not of that form": b'{"request": "Stream", "args": 7}',
    "deep": b"[" * 100000,
    "none of the channels": json.dumps({"args": {"channels": ["H1:SOME-OTHER"]}}).encode(),
    "names not of that form": b'{"args": {"channels": [1, {}, null]}}',
    "start not of that form": json.dumps({"args": {"channels": [NAME], "start": "now"}}).encode(),
}
PLACES = {
    "no scheme": b"localhost:1",
    "unknown scheme": b"http://localhost:1/",
    "no port": b"grpc://localhost:99999",
    "zeros": b"grpc://local\0host:1",
    "long": b"grpc://" + b"a" * 5000 + b":1",
    "nothing": b"",
    "kafka without a broker": b"kafka://",
    "nobody": b"grpc://127.0.0.1:1",
    "no such host": b"grpc://no-such-host.invalid:1",
}


@pytest.mark.parametrize("kind", [*TICKETS, *PLACES])
def test_endpoints_that_cannot_be_read(cli, kind):
    text = TICKETS.get(kind, ticket("Stream", 0))
    place = PLACES.get(kind, b"arrow-flight-reuse-connection://?")
    bad = {("Stream", "info"): send(flight_info((text, [place])))}
    with FlightServer(bad=bad) as s:
        done = ask(cli, s, ("Stream", "info"))
        assert done.stderr.strip()


@pytest.mark.parametrize(("code", "text"), [
    (b"14", "channel(s) {'H1:BAD-X'} are not available on this server"),  # known, and never mirrored
    (b"3", "unknown argument 'replay_start': schema 0.5.0, the server has 0.4.0"),
])  # fmt: skip
def test_a_refusal_is_shown_at_once_as_the_server_gives_it(cli, code, text):
    refuse = lambda reply, good: reply.end(code, text.encode())  # noqa: E731
    for step in (("Stream", "info"), ("Stream", "get")):
        with FlightServer(bad={step: refuse}) as s, within(4):
            assert f"{s.url}: {text}" in ask(cli, s, step, timeout=PATIENT_S).stderr


@pytest.mark.parametrize("data_type", ["complex64", "int_1", "float", "FLOAT32", ""])
def test_a_channel_of_a_type_that_there_is_none_of(cli, data_type):
    """Refused, and the server, the row and the field are named."""
    def describe(reply, good):
        for message in table_data(pyarrow.record_batch({
            "channel": [NAME], "data_type": [data_type], "sample_rate": pyarrow.array([16], "int32"),
        })):  # fmt: skip
            reply.message(message)
        reply.end()

    with FlightServer(bad={("Describe", "get"): describe}) as s:
        done = cli.run("--url", s.url, "describe", NAME, check=1)
        assert "row 0" in done.stderr and "data_type" in done.stderr and NAME in done.stderr


def test_a_find_of_300_000_channels(cli):
    """As they come: none is kept. And of none."""
    count, piece = 300_000, 50_000

    def table(first, rows):
        return table_data(pyarrow.record_batch({
            "channel": [f"V1:MANY-{i:06}" for i in range(first, first + rows)],
            "data_type": ["float32"] * rows, "sample_rate": pyarrow.array([16] * rows, "int32"),
        }))  # fmt: skip

    def find(reply, good):
        for first in range(0, count, piece):
            reply.message(table(first, piece)[0 if first == 0 else 1])
            if first == 0:
                reply.message(table(first, piece)[1])
        reply.end()

    with FlightServer(bad={("Find", "get"): find}) as s:
        lines = cli.run("--url", s.url, "find", ".", "--json", timeout=60).stdout.splitlines()
        assert len(lines) == count
        assert json.loads(lines[-1])["name"] == f"V1:MANY-{count - 1:06}"
    with FlightServer(bad={("Find", "get"): send(table(0, 1)[0])}) as s:  # the schema alone
        assert cli.run("--url", s.url, "find", ".", "--json").stdout == ""


def test_no_endpoint_at_all(cli):
    with FlightServer(bad={("Stream", "info"): send(b"")}) as s:
        assert NAME in ask(cli, s, ("Stream", "info"), timeout=PATIENT_S).stderr


@pytest.mark.parametrize("apart", [True, False], ids=["slices", "at once"])
@pytest.mark.parametrize("reuse", [True, False], ids=["here", "elsewhere"])
def test_very_many_endpoints(cli, apart, reuse):
    """More than there are descriptors."""
    many = [
        (ticket("Stream", i if apart else 0),
         [b"arrow-flight-reuse-connection://?" if reuse else b"grpc://127.0.0.1:%d" % (i + 1)])
        for i in range(1500)
    ]  # fmt: skip
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with FlightServer(bad={("Stream", "info"): send(flight_info(*many))}) as s:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
        try:
            slices_of_one_stream = apart and reuse  # each gives its blocks again
            ask(cli, s, ("Stream", "info"), 0 if slices_of_one_stream else 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("step", STEPS, ids="-".join)
def test_damaged_messages(cli, step):
    """A seeded byte or a few of each message are others: an error or an answer, and an end."""
    rng = random.Random(repr(step))

    def answer(reply, good):
        for message in good:
            damaged = bytearray(message)
            for _ in range(rng.choice((1, 1, 2, 8))):
                damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            reply.message(bytes(damaged))
        reply.end()

    with FlightServer(bad={step: answer}) as s:
        for _ in range(12):
            done = ask(cli, s, step, check=None)
            assert done.returncode in (0, 1), done.stderr
            assert done.returncode == 0 or done.stderr.strip()


def flood(reply, good):
    """Messages without rows, and without end."""
    reply.message(good[0])
    while True:
        reply.data(framed(field(3, b"metadata")) * 500)


@pytest.mark.parametrize("step", [s for s in STEPS if s[1] == "get"], ids="-".join)
def test_a_flood_of_empty_messages_is_silence(cli, tool, step):
    with FlightServer(bad={step: flood}) as s, within(15):
        if step[0] == "Stream":
            done = tool(f"url={s.url}", "stall=1", "start=0", f"end={STRIDE}", "stream", NAME, check=1)
        else:
            done = ask(cli, s, step)
    assert s.url in done.stderr


def test_a_flood_can_be_interrupted(cli):
    """Nothing ever comes of it, or ever more of the same."""

    def rows(reply, good):
        reply.message(good[0])
        while True:
            reply.data(framed(good[1]) * 50)

    for step, command, answer in (
        (("Count", "get"), ["count", "--timeout", "60"], flood), (("Find", "get"), ["find", "H1"], rows),
        (("Stream", "get"), ["stream", "--start", "0", NAME], flood),
    ):  # fmt: skip
        with FlightServer(bad={step: answer}) as s:
            process = subprocess.Popen([cli.path, "--url", s.url, *command],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
            wait_for(lambda: step in s.requests)
            time.sleep(0.5)
            assert process.poll() is None
            with within(5):
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=40)
            assert process.returncode in (0, 130), process.returncode


# ---------------------------------------------------------------- the network

LONG = 600 * SECOND  # of five channels: far more than what is on its way


@pytest.mark.parametrize("limit", [0, 50, 700, 3000, 200_000])
def test_a_connection_that_is_cut(server, cli, limit):
    with Proxy(server.url, limit=limit, cut=True) as p:
        with within(15):
            done = cli.run(*stream(p, names_of(OTHER), *span(T0, T0 + LONG)), "--timeout", "2", check=1)
    assert p.url in done.stderr
    assert bool(done.stdout) == (limit > 100_000)


@pytest.mark.parametrize("limit", [0, 50, 700, 3000, 200_000])
def test_a_connection_that_goes_silent(server, tool, limit):
    """Nothing is closed: packets are lost, or a process hangs."""
    with Proxy(server.url, limit=limit) as p:
        with within(10):
            done = tool(f"url={p.url}", "timeout=1.5", "stall=1.5", f"start={T0}", f"end={T0 + LONG}",
                        "stream", *names_of(OTHER), check=1)  # fmt: skip
    assert "ARRAKIS_EDEADLINE" in done.stderr and p.url in done.stderr
    assert bool(done.stdout) == (limit > 100_000)


def test_a_program_that_was_stopped_goes_on(tool_command):
    """Ctrl-Z and fg: the silence was its own."""

    def slowly(reply, good):
        for message in good:
            reply.message(message)
            time.sleep(0.25)
        reply.end()

    end = 10 * STRIDE
    with contextlib.ExitStack() as stack:
        processes = []
        for _ in range(4):  # a race, when it is lost
            s = stack.enter_context(FlightServer(end=end, bad={("Stream", "get"): slowly}))
            processes.append(tool_command(f"url={s.url}", "stall=4", "start=0", f"end={end}", "stream", NAME))
            stack.callback(processes[-1].kill)
        for process in processes:
            process.stdout.readline()
            freeze(process)
        time.sleep(6)
        for process in processes:
            thaw(process)
        for process in processes:
            out, errors = process.communicate(timeout=60)
            assert process.returncode == 0, errors
            assert len(out.split()) == 9


@pytest.mark.parametrize("step", STEPS, ids="-".join)
def test_an_interrupt_ends_what_is_not_answered(cli, step):
    with FlightServer(bad={step: hang}) as s:
        command = ["count"] if step[0] == "Count" else ["stream", "--start", "0", NAME]
        process = subprocess.Popen([cli.path, "--url", s.url, *command],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        wait_for(lambda: step in s.requests)
        with within(5):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=40)
        assert process.returncode in (0, 130), process.returncode


def test_a_live_stream_that_goes_silent(server, cli):
    """Gaps first, and an error so long after the time that the channels allow themselves."""
    patience = 6
    with Proxy(server.url) as p, cli.follow(
        *stream(p, names_of(OTHER), "--stall-timeout", patience, "--retry", "off")
    ) as live:
        live.wait_for(lambda b: len(b) >= 4)
        p.stall()
        begin = time.monotonic()
        assert live.finish(60) == 1
        ended = time.monotonic()
        assert ended - p.passed_at > patience - 1 and ended - begin < patience + 20
        assert any(p.url in e and "giving up on this endpoint" in e for e in live.errors)
        blocks = live.blocks()
        assert all(v is None for d in blocks[-1]["data"].values() for v in d)
        times = [b["time_ns"] for b in blocks]
        assert times == [times[0] + i * STRIDE for i in range(len(times))]


def test_a_connection_that_is_not_even_refused(cli):
    """The first packets are dropped, as a firewall does it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        try:
            while len(waiting) < 10:  # until the queue is full, and the kernel drops what comes
                waiting.append(socket.socket())
                waiting[-1].settimeout(0.3)
                waiting[-1].connect(listener.getsockname())
            pytest.fail("the queue is longer than asked for")
        except TimeoutError:
            pass
        url = f"grpc://127.0.0.1:{listener.getsockname()[1]}"
        with within(6):
            done = cli.run("--url", url, "count", "--timeout", "1.5", check=1)
        assert url in done.stderr
        for s in waiting:
            s.close()


def test_a_slow_connection_loses_nothing(server, cli):
    names = names_of(OTHER)
    with Proxy(server.url, rate=30_000) as p:
        got = cli.blocks(*stream(p, names, *span(T0, T0 + 2 * SECOND)))
    assert_same(got, reference_stream(server, names, T0, T0 + 2 * SECOND), described(OTHER))
    assert len(got) == 32


@pytest.mark.parametrize("seed", range(12))
def test_a_connection_that_damages(server, cli, seed):
    """Bytes are changed at random places, of HTTP/2 as well as of Flight."""
    rng = random.Random(seed)
    begin = rng.choice((0, 60, 400, 2000, 5000))

    def change(offset, data):
        data = bytearray(data)
        for i in range(len(data)):
            if offset + i >= begin and rng.random() < 0.002:
                data[i] = rng.randrange(256)
        return bytes(data)

    with Proxy(server.url, change=change) as p:
        with within(20):
            done = cli.run(*stream(p, names_of(OTHER), *span(T0, T0 + 20 * SECOND)), "--timeout", "1",
                           check=None, timeout=60)  # fmt: skip
    assert done.returncode in (0, 1), done.stderr


def replicas(directory, *urls):
    """An information server that names all of them for the same channels."""
    scope_map = directory / "map.yaml"
    scope_map.write_text("".join(
        f"{url}:\n  scopes:\n    L1:\n      - all: true\n  retention:\n    newest: 0\n" for url in urls
    ))  # fmt: skip
    return Mock(directory, options=["-s", str(scope_map)])


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "silent"])
def test_a_replica_takes_over_in_mid_stream(server, cli, tmp_path, cut):
    """Nothing is lost or changed, and nothing comes twice."""
    names, times = names_of(OTHER), span(T0, T0 + 40 * SECOND)
    with Proxy(server.url, limit=100_000, cut=cut) as first, replicas(tmp_path, first.url, server.url) as s:
        silent = "60" if cut else "5"
        done = cli.run(*stream(s, names, "--stall-timeout", silent, "--timeout", silent, *times), timeout=120)
        assert first.connections
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert [b["time_ns"] for b in got] == list(range(T0, T0 + 40 * SECOND, STRIDE))
    wanted = cli.blocks(*stream(server, names, *times))
    assert [b["data"] for b in got] == [b["data"] for b in wanted]
    assert first.url in done.stderr and done.stderr.count("next location") == 1
    assert len(done.stderr.splitlines()) < 10  # what comes again is no news


def test_a_replica_takes_over_a_live_stream(server, cli, tmp_path):
    with Proxy(server.url) as first, replicas(tmp_path, first.url, server.url) as s:
        with cli.follow(*stream(s, names_of(OTHER))) as live:
            live.wait_for(lambda b: len(b) >= 4)
            assert first.connections
            first.drop()
            live.wait_for_error("next location")
            seen = len(live.blocks())
            blocks = live.wait_for(lambda b: len(b) >= seen + 24 and not any(
                v is None for d in b[-1]["data"].values() for v in d), 60)  # fmt: skip
            assert live.interrupt() == 0
    times = [b["time_ns"] for b in blocks]
    assert times == [times[0] + i * STRIDE for i in range(len(times))]


def resident(process):
    """kB of memory at the most, the sanitizer's share included."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(x for x in status.splitlines() if x.startswith("VmHWM")).split()[1])


def test_a_message_larger_than_allowed(tool):
    """The error names both sizes; one of the largest size allowed is taken."""
    padding = field(3, b"x" * 100_000)

    def padded(reply, good):
        for message in good:
            reply.message(message + padding)
        reply.end()

    with FlightServer(bad={("Stream", "get"): padded}) as s:
        largest = max(map(len, answers(0, STRIDES * STRIDE)["Stream", "get"])) + len(padding)
        arguments = [f"url={s.url}", "start=0", f"end={STRIDES * STRIDE}"]
        done = tool(*arguments, f"largest={largest}", "stream", NAME)
        assert len(done.stdout.splitlines()) == STRIDES
        done = tool(*arguments, f"largest={largest - 1}", "stream", NAME, check=1)
        assert "ARRAKIS_EFORMAT" in done.stderr and s.url in done.stderr
        assert f"of {largest} bytes, expected up to {largest - 1} " in done.stderr


@pytest.mark.parametrize("ends", [True, False], ids=["comes", "is claimed"])
def test_an_oversized_message_does_not_fill_the_memory(tool_command, ends):
    """gRPC itself would receive all of it before it reports anything."""
    gone = threading.Event()

    def oversized(reply, good):
        try:
            reply.data(struct.pack(">BI", 0, (400 << 20) if ends else 2**32 - 1))
            for _ in range(400):
                reply.data(b"\0" * 2**20)
            reply.end()
        except Gone:
            gone.set()
            raise

    with FlightServer(bad={("Count", "get"): oversized}) as s:
        process = tool_command(f"url={s.url}", f"largest={2**20}", "timeout=20", "count")
        most = 0
        while process.poll() is None:
            try:
                most = max(most, resident(process))
            except (OSError, StopIteration):
                break  # it has just ended
            time.sleep(0.01)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and not out
    assert "ARRAKIS_EFORMAT" in errors and f"expected up to {2**20} bytes" in errors
    assert gone.wait(60)
    assert most < 250_000


def test_a_server_sends_no_more_than_is_read(cli):
    """Whoever does not read the output does not fill the memory."""
    count, padding, sent = 3000, field(3, b"x" * 60000), []

    def much(reply, good):
        reply.message(good[0])
        for message in good[1:]:
            reply.message(message + padding)
            sent.append(len(padding))
        reply.end()

    end = count * STRIDE
    with FlightServer(end=end, bad={("Stream", "get"): much}) as s:
        process = subprocess.Popen([cli.path, "--url", s.url, "stream", "--json", *span(0, end), NAME],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        try:
            before = -1
            while before != len(sent) or not sent:
                before = len(sent)
                time.sleep(1)
            assert len(sent) < count / 2
            assert resident(process) < 150_000
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert [json.loads(x)["time_ns"] for x in out.splitlines()] == list(range(0, end, STRIDE))


def test_a_server_that_is_restarted(tmp_path, cli):
    """A stream that is not to be taken up again ends with it; the next finds the new one."""
    options = ["-u", f"grpc://127.0.0.1:{free_port()}"]
    names = names_of(OTHER)
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        with Mock(tmp_path / run, OTHER, options=options) as s:
            with cli.follow(*stream(s, names, "--retry", "off")) as live:
                live.wait_for(lambda b: len(b) >= 4)
                s.process.kill()
                assert live.finish(20) == 1
                assert any(s.url in e for e in live.errors)


def test_a_stopped_server_is_waited_for_as_long_as_allowed(server, cli):
    """The process hangs; its kernel still takes connections."""
    freeze(server.process)
    try:
        with within(8):
            done = cli.run("--url", server.url, "count", "--timeout", "1.5", check=1)
    finally:
        thaw(server.process)
    assert server.url in done.stderr
    assert int(cli.run("--url", server.url, "count").stdout) == len(OTHER)


# ---------------------------------------------------------------- tokens


def secured(directory, mode):
    return Mock(directory, OTHER, options=["--auth", mode, "--static-token", f"FAKE={TOKEN}"])


def test_reading_needs_no_token_where_only_publishing_does(tmp_path, cli, tool, monkeypatch):
    with secured(tmp_path, "publish") as s:
        for given in (None, "a-wrong-one", TOKEN):
            if given:
                monkeypatch.setenv("BEARER_TOKEN", given)
            assert int(cli.run("--url", s.url, "count").stdout) == len(OTHER)
            got = cli.blocks(*stream(s, names_of(OTHER), *span(T0, T0 + SECOND)))
            assert len(got) == 16
        assert tool(f"url={s.url}", "token=another", "count").stdout == f"{len(OTHER)}\n"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    with secured(tmp_path_factory.mktemp("full"), "full") as s:
        yield s


def test_where_a_token_is_found(full, cli, tool, monkeypatch, tmp_path):
    """In the order of WLCG bearer-token discovery; what is given goes first; none is ever logged."""

    def count(check, *, command=None):
        if command:
            done = tool(f"url={full.url}", *command, "count", check=check)
        else:
            done = cli.run("-v", "--url", full.url, "count", check=check)
        assert TOKEN not in done.stderr and "wrong" not in done.stderr
        assert check or int(done.stdout) == len(OTHER)
        return done

    assert "uthentic" in count(1).stderr  # none at all
    in_directory = tmp_path / f"bt_u{os.geteuid()}"
    in_directory.write_text(f"{TOKEN}\n")
    count(0)  # XDG_RUNTIME_DIR
    named = tmp_path / "named"
    named.write_text("wrong-in-file")
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(named))
    count(1)
    named.write_text(f"  {TOKEN}\n\n")
    in_directory.write_text("wrong-in-directory")
    count(0)
    monkeypatch.setenv("BEARER_TOKEN", "wrong-in-environment")
    count(1)
    count(0, command=[f"token={TOKEN}"])
    monkeypatch.setenv("BEARER_TOKEN", TOKEN)
    count(0)
    count(1, command=["token=wrong-given"])
    assert "ARRAKIS_EAUTH" in count(1, command=["token="]).stderr  # told to send none
    monkeypatch.setenv("BEARER_TOKEN", "a wrong\rone")
    assert "ignoring the token" in count(0).stderr  # for the file's
    monkeypatch.delenv("BEARER_TOKEN")
    for strange in (tmp_path, Path("/dev/zero"), tmp_path / "absent"):
        monkeypatch.setenv("BEARER_TOKEN_FILE", str(strange))
        count(1)
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setenv("BEARER_TOKEN_FILE", str(tmp_path / "fifo"))
    count(1)


def test_a_directorys_token_must_be_the_users_own(full, cli, tmp_path):
    path = tmp_path / f"bt_u{os.geteuid()}"
    (tmp_path / "real").write_text(TOKEN)
    path.symlink_to(tmp_path / "real")
    cli.run("--url", full.url, "count", check=1)
    path.unlink()
    path.write_text(TOKEN)
    cli.run("--url", full.url, "count")


@pytest.fixture
def elsewhere():
    """A name or an address of this machine that is not loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            return s.getsockname()[0]
        except OSError:
            pass
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None, socket.AF_INET)
    except OSError:
        pytest.skip("this machine has loopback's names and addresses alone")
    return name


def test_a_token_stays_here_when_the_connection_is_plain(cli, tool, monkeypatch, elsewhere):
    with FlightServer(host="0.0.0.0") as s:
        there = f"url=grpc://{elsewhere}:{s.port}"
        done = tool(there, f"token={TOKEN}", "count", check=1)
        assert "ARRAKIS_EAUTH" in done.stderr and "grpc+tls" in done.stderr
        assert not s.connections  # not even that
        monkeypatch.setenv("BEARER_TOKEN", TOKEN)
        done = cli.run("--url", f"{elsewhere}:{s.port}", "count")  # it may not be needed
        assert "not sent" in done.stderr and TOKEN not in done.stderr
        assert done.stdout == "7\n"
        assert b"authorization" not in s.received() and TOKEN.encode() not in s.received()
        # the same bytes are looked at where it is sent
        tool(there, f"token={TOKEN}", "insecure=1", "count")
        assert TOKEN.encode() in s.received()


def naming(place):
    """A server whose answer to Count lies there."""
    return {("Count", "info"): send(flight_info((ticket("Count", None), [place.encode()])))}


def test_a_token_does_not_follow_a_location(tool, cli, monkeypatch, elsewhere):
    """A server that may have it names another host: in the clear it is kept, given or found."""
    with FlightServer(host="0.0.0.0") as there:
        with FlightServer(bad=naming(f"grpc://{elsewhere}:{there.port}")) as s:
            done = tool(f"url={s.url}", f"token={TOKEN}", "count")
            assert done.stdout == "7\n" and "not sent" in done.stderr and TOKEN not in done.stderr
            assert TOKEN.encode() in s.received()
            monkeypatch.setenv("BEARER_TOKEN", TOKEN)
            assert cli.run("--url", s.url, "count").stdout == "7\n"
            cli.run("--url", s.url, "count", "--token-host", elsewhere)
            assert there.connections and TOKEN.encode() not in there.received()
            cli.run("--url", s.url, "count", "--insecure-token")  # another host still
            assert TOKEN.encode() not in there.received()
            cli.run("--url", s.url, "count", "--insecure-token", "--token-host", elsewhere)
            assert TOKEN.encode() in there.received()


def test_a_token_goes_to_other_ports_of_this_machine(cli, monkeypatch):
    monkeypatch.setenv("BEARER_TOKEN", TOKEN)
    with FlightServer() as there, FlightServer(bad=naming(f"grpc://localhost:{there.port}")) as s:
        assert cli.run("--url", s.url, "count").stdout == "7\n"
        assert TOKEN.encode() in there.received() and TOKEN.encode() in s.received()


def test_a_plain_answer_gives_no_place_the_token(tls_server, cli, tool, authority, monkeypatch, elsewhere):
    """Whoever is on the wire may have named that place: TLS and its own address do not help it."""
    tls_server.tokens.clear()
    with FlightServer(host="0.0.0.0", bad=naming(tls_server.url)) as s:
        url, ca = f"grpc://{elsewhere}:{s.port}", authority.ca
        assert tool(f"url={url}", f"ca={ca}", f"token={TOKEN}", "count", check=1).stdout == ""
        monkeypatch.setenv("BEARER_TOKEN", TOKEN)
        for more in ([], ["--token-host", "localhost"]):
            assert cli.run("--url", url, "count", "--ca-file", ca, *more).stdout == "7\n"
        assert not tls_server.tokens and TOKEN.encode() not in s.received()


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_server(authority):
    with TlsServer(*authority.certificate("localhost")) as s:
        yield s


def test_tls(tls_server, tool, authority):
    done = tool(f"url={tls_server.url}", f"ca={authority.ca}", f"token={TOKEN}", "count")
    assert done.stdout == "7\n" and TOKEN not in done.stderr
    assert f"Bearer {TOKEN}" in tls_server.tokens


def test_an_authority_that_nobody_knows(tls_server, tool, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("BEARER_TOKEN", "not-for-strangers")
    with within(8):
        done = cli.run("--url", tls_server.url, "count", "--timeout", "2", check=1)
    assert tls_server.url in done.stderr
    stranger = Authority(tmp_path)
    with within(8):
        done = tool(f"url={tls_server.url}", f"ca={stranger.ca}", "timeout=2", "count", check=1)
    assert tls_server.url in done.stderr and "ARRAKIS_ECONNECT" in done.stderr
    assert "Bearer not-for-strangers" not in tls_server.tokens


def test_a_certificate_of_another_host(tool, authority):
    with TlsServer(*authority.certificate("elsewhere.example")) as s:
        with within(8):
            done = tool(f"url={s.url}", f"ca={authority.ca}", f"token={TOKEN}", "timeout=2", "count",
                        check=1)  # fmt: skip
        assert s.url in done.stderr and "ARRAKIS_ECONNECT" in done.stderr
        assert not s.tokens


def test_a_server_that_wants_to_know_its_clients(tool, authority, tmp_path):
    certificate, key = authority.certificate("client.example")
    with TlsServer(*authority.certificate("localhost"), client_ca=authority.ca) as s:
        assert tool(f"url={s.url}", f"ca={authority.ca}", f"cert={certificate}", f"key={key}",
                    "count").stdout == "7\n"  # fmt: skip
        arguments = [f"url={s.url}", f"ca={authority.ca}", "timeout=2"]
        with within(8):
            assert s.url in tool(*arguments, "count", check=1).stderr
        assert "key_file" in tool(*arguments, f"cert={certificate}", "count", check=1).stderr
        stranger = Authority(tmp_path)
        other, other_key = stranger.certificate("client.example")
        with within(8):
            tool(*arguments, f"cert={other}", f"key={other_key}", "count", check=1)


def test_the_program_takes_the_same_files(tls_server, cli, authority, tmp_path):
    arguments = ["--url", tls_server.url, "count"]
    assert cli.run(*arguments, "--ca-file", authority.ca).stdout == "7\n"
    absent = tmp_path / "absent.pem"
    assert str(absent) in cli.run(*arguments, "--ca-file", absent, check=1).stderr


def test_tls_with_one_who_does_not_speak_it(tls_server, server, cli, tmp_path):
    """And the other way about."""
    for url in (f"grpc+tls://localhost:{server.url.rpartition(':')[2]}",
                tls_server.url.replace("+tls", "")):  # fmt: skip
        with within(8):
            assert url in cli.run("--url", url, "count", "--timeout", "2", check=1).stderr


def test_certificates_that_cannot_be_read(tool, authority, tmp_path):
    url = "url=grpc+tls://localhost:1"
    absent = tmp_path / "absent.pem"
    done = tool(url, f"ca={absent}", "count", check=1)
    assert "ARRAKIS_EIO" in done.stderr and str(absent) in done.stderr
    garbage = tmp_path / "garbage.pem"
    garbage.write_bytes(b"-----BEGIN CERTIFICATE-----\n\xff\xff\n-----END CERTIFICATE-----\n")
    with within(8):
        tool(url, f"ca={garbage}", "timeout=2", "count", check=1)
        tool(url, f"ca={authority.ca}", f"cert={garbage}", f"key={garbage}", "timeout=2", "count",
             check=1)  # fmt: skip
