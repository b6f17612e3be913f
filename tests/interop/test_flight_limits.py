# SPDX-License-Identifier: Apache-2.0
"""What a Flight server may cost, each limit at its edge. A hostile server reaches them all; whatever
it does, the call ends within them, with an error that names the server and the limit."""

import contextlib
import json
import os
import resource
import signal
import struct
import subprocess
import time
import zlib
from pathlib import Path

import numpy
import pyarrow
import pytest
from faulty import (
    END_STREAM, HEADERS, NAME, OK_HEADERS, STRIDE, STRIDES, FlightServer, field, flight_info, framed,
    literal, table_data, ticket,
)  # fmt: skip
from test_faults import (  # noqa: F401
    STEPS, ask, no_token, resident, send, tool, tool_command, wait_for, within,
)  # fmt: skip

# ---------------------------------------------------------------- compression


def bomb(size, bits):
    """A message of zeros that is a thousandth of what it unpacks to."""
    packer = zlib.compressobj(1, zlib.DEFLATED, bits)
    packed = packer.compress(b"\x1a" + b"\xff\xff\xff\x7f")
    for _ in range(size >> 20):
        packed += packer.compress(b"\0" * 2**20)
    return packed + packer.flush()


ENCODINGS = {"gzip": 31, "deflate": 15}


@pytest.fixture(scope="module")
def bombs():
    return {name: bomb(600 << 20, bits) for name, bits in ENCODINGS.items()}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("step", STEPS, ids="-".join)
def test_a_compressed_message_is_not_unpacked(tool_command, bombs, step, encoding):  # noqa: F811
    def answer(reply, good):
        reply.headers(OK_HEADERS + literal(b"grpc-encoding", encoding.encode()))
        reply.data(framed(bombs[encoding], flag=1))
        reply.end()

    with FlightServer(bad={step: answer}) as s, within(8):
        arguments = ["count"] if step[0] == "Count" else ["start=0", f"end={STRIDE}", "stream", NAME]
        process = tool_command(f"url={s.url}", "timeout=60", *arguments)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, resident(process))
            except (OSError, StopIteration):
                break  # it has just ended
            time.sleep(0.01)
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 1 and not out
        assert s.url in errors and "ARRAKIS_EUNSUPPORTED" in errors and "ompress" in errors
        assert b"gzip" not in s.received() and b"deflate" not in s.received()  # none is asked for
    assert most < 250_000


@pytest.mark.parametrize("encoding", [*ENCODINGS, "br", "identity"])
def test_compressed_in_mid_stream(tool, encoding):  # noqa: F811
    """Headers that announce an encoding, and messages that do not use it at first."""
    bits = ENCODINGS.get(encoding, 31)

    def answer(reply, good):
        reply.headers(OK_HEADERS + literal(b"grpc-encoding", encoding.encode()))
        for message in good[:3]:
            reply.message(message)
        packer = zlib.compressobj(9, zlib.DEFLATED, bits)
        reply.data(framed(packer.compress(good[3]) + packer.flush(), flag=1))
        reply.end()

    with FlightServer(bad={("Stream", "get"): answer}) as s, within(8):
        done = tool(f"url={s.url}", "timeout=2", "stall=2", "start=0", f"end={STRIDES * STRIDE}", "stream",
                    NAME, check=1)  # fmt: skip
        assert s.url in done.stderr and len(done.stdout.splitlines()) <= 2


# ---------------------------------------------------------------- headers and trailers


def many_headers(count):
    return b"".join(literal(b"x-%06d" % i, b"v" * 100) for i in range(count))


def endless_headers(reply, good):
    reply.frame(HEADERS, 0, OK_HEADERS)
    while True:
        reply.frame(9, 0, many_headers(100))  # CONTINUATION


def indexed_headers(reply, good):
    """One large header of HPACK's table, then a byte for each of its repetitions."""
    name = b"\x40" + bytes([5]) + b"x-big" + b"\x7f" + b"\x81\x1e" + b"v" * 4000
    reply.headers(OK_HEADERS + name + b"\xbe" * 8000)
    reply.data(b"", END_STREAM)


HEADER_BOMBS = {
    "many": lambda reply, good: reply.headers(OK_HEADERS + many_headers(120)),
    "endless": endless_headers,
    "indexed": indexed_headers,
    "trailers": lambda reply, good: (
        reply.headers(), reply.frame(HEADERS, 5, literal(b"grpc-status", b"0") + many_headers(120))),
    "two kB of text": lambda reply, good: reply.end(b"13", b"x" * 120),
    "pings": lambda reply, good: [reply.connection.send_frame(6, 0, 0, b"12345678") for _ in range(20000)],
    "settings": lambda reply, good: [reply.connection.send_frame(4, 0, 0, struct.pack(">HI", 5, 16384 + i))
                                     for i in range(20000)],
}  # fmt: skip


@pytest.mark.parametrize("fault", HEADER_BOMBS)
@pytest.mark.parametrize("step", [STEPS[0], STEPS[4]], ids="-".join)
def test_headers_without_end(cli, step, fault):
    with FlightServer(bad={step: HEADER_BOMBS[fault]}) as s:
        done = ask(cli, s, step)
        assert s.url in done.stderr


# ---------------------------------------------------------------- tables


def rows_for_ever(reply, good):
    """The same batch again and again."""
    reply.message(good[0])
    while True:
        reply.data(framed(good[1]) * 50)


def slowly(messages):
    """One a while, never long enough to be silence."""

    def answer(reply, good):
        reply.message(good[0])
        while True:
            for message in messages(good):
                reply.message(message)
                time.sleep(0.15)

    return answer


def drip(reply, good):
    """One message, a byte at a time."""
    reply.headers()
    for byte in framed(good[0] + good[1], size=10**6):
        reply.data(bytes([byte]))
        time.sleep(0.15)
    time.sleep(60)


ENDLESS = {
    "a row a while": slowly(lambda good: good[1:]),
    "a schema a while": slowly(lambda good: good[:1]),
    "no rows": slowly(lambda good: [field(3, b"metadata")]),
    "a byte a while": drip,
}


@pytest.mark.parametrize("fault", ENDLESS)
@pytest.mark.parametrize("step", [s for s in STEPS[:3] if s[1] == "get"], ids="-".join)
def test_a_table_takes_thirty_times_as_long_as_a_part_of_it(cli, step, fault):
    with FlightServer(bad={step: ENDLESS[fault]}) as s, within(14):
        done = ask_in(cli, s, step, 0.3)
        assert s.url in done.stderr


def ask_in(cli, server, step, timeout):
    command = ["count"] if step[0] == "Count" else ["describe", NAME]
    return cli.run("--url", server.url, *command, "--timeout", str(timeout), check=1, timeout=60)


def counts(rows):
    """The two messages of a table of that many counts of 1."""
    return table_data(pyarrow.record_batch({"count": pyarrow.array(numpy.ones(rows, "int64"))}))


def test_a_table_of_the_most_rows(cli):
    """4,194,304, in four batches; one more is an error."""
    schema, quarter = counts(1 << 20)

    def answer(more):
        def send_all(reply, good):
            for message in [schema] + [quarter] * 4 + more:
                reply.message(message)
            reply.end()

        return send_all

    with FlightServer(bad={("Count", "get"): answer([])}) as s:
        assert cli.run("--url", s.url, "count").stdout == f"{4 << 20}\n"
    with FlightServer(bad={("Count", "get"): answer(counts(1)[1:])}) as s:
        done = cli.run("--url", s.url, "count", check=1)
        assert f"{s.url}: an answer of over {4 << 20} rows" in done.stderr


@pytest.mark.parametrize("command", [["describe", NAME], ["stream", "--start", "0", "--end", "1", NAME],
                                     ["publish", "--publisher", "BAD"]], ids=lambda c: c[0])  # fmt: skip
def test_rows_without_end(cli, tmp_path, command):
    """What was not asked for is not kept, and the same again is no news."""
    step = ("Find", "get") if command[0] == "publish" else ("Describe", "get")
    said = tmp_path / "stderr"
    with FlightServer(bad={step: rows_for_ever}) as s, within(30), said.open("w") as stderr:
        process = subprocess.Popen([cli.path, "--url", s.url, *command, "--timeout", "0.15"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, resident(process))
            except (OSError, StopIteration):
                break  # it has just ended
            time.sleep(0.02)
        errors = said.read_text()
        assert process.wait(60) == 1 and (s.url in errors or NAME in errors), errors[-500:]
        assert most < 450_000 and len(errors.splitlines()) < 5  # a sanitizer keeps 256 MB of what was freed


# ---------------------------------------------------------------- streams


def again(message):
    """That one of the messages, for ever, as fast as it is taken."""

    def answer(reply, good):
        for first in good[:3]:
            reply.message(first)
        while True:
            reply.data(framed(good[message]) * 20)

    return answer


STREAM_FOR_EVER = {
    "the first block": again(1),
    "the last block": again(2),
    "schemas": again(0),
    "a block a while": slowly(lambda good: good[1:2]),
    "a byte a while": drip,
    "metadata": slowly(lambda good: [field(3, b"metadata")]),
}


@pytest.mark.parametrize("fault", STREAM_FOR_EVER)
@pytest.mark.parametrize("end", [True, False], ids=["span", "endless"])
def test_a_stream_that_brings_nothing_new_is_dead(cli, fault, end):
    with FlightServer(bad={("Stream", "get"): STREAM_FOR_EVER[fault]}) as s, within(15):
        span = ["--end", "0.5"] if end else []
        done = cli.run("--url", s.url, "stream", "--json", "--start", "0", *span, NAME,
                       "--stall-timeout", "1", "--timeout", "1", "--retry", "off", check=1, timeout=60)  # fmt: skip
        assert s.url in done.stderr and len(done.stdout.splitlines()) <= 2


LATE = 1_400_000_000 * 10**9  # the span asked for: far from the first second
SPAN = {"from 0": {"start": 0, "end": LATE + 10**9}, "from now": {"start": None, "end": LATE + 10**9},
        "without an end": {"start": 0, "end": None}, "neither": {"start": None, "end": None}}  # fmt: skip


def rows_from_the_first_second_on(reply, good):
    """One row per stride, each the next one: it takes years to come to the span."""
    reply.message(good[0])
    moment = LATE.to_bytes(8, "little")
    assert good[1].count(moment) == 1
    before, after = good[1].split(moment)
    for stride in range(10**10):
        reply.message(before + (stride * STRIDE).to_bytes(8, "little") + after)


@pytest.mark.parametrize("span", SPAN)
def test_rows_before_what_was_asked_for_are_nothing_new(cli, span):
    """Whatever the server's ticket spans: a request with an end ends."""
    where = flight_info((ticket("Stream", **SPAN[span]), [b"arrow-flight-reuse-connection://?"]))
    bad = {("Stream", "info"): send(where), ("Stream", "get"): rows_from_the_first_second_on}
    with FlightServer(start=LATE, end=LATE + 10**9, bad=bad) as s, within(15):
        done = cli.run("--url", s.url, "stream", "--json", "--start", LATE // 10**9, "--end",
                       LATE // 10**9 + 1, NAME, "--stall-timeout", "1", "--timeout", "60", check=1,
                       timeout=60)  # fmt: skip
        assert f"{s.url}: no new data for channel '{NAME}'" in done.stderr
        assert not done.stdout


@pytest.mark.parametrize("fault", ["the first block", "schemas", "a byte a while"])
def test_a_stream_that_brings_nothing_new_can_be_interrupted(cli, fault):
    step = ("Stream", "get")
    with FlightServer(bad={step: STREAM_FOR_EVER[fault]}) as s:
        process = subprocess.Popen([cli.path, "--url", s.url, "stream", "--start", "0", NAME],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        wait_for(lambda: step in s.requests)
        time.sleep(0.3)  # in the midst of it
        with within(5):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=40)
        assert process.returncode in (0, 130)


def test_one_endpoint_does_not_keep_the_others_waiting(cli):
    """Two endpoints of one slice; one sends the same for ever, and the other has all that was asked for."""
    here = b"arrow-flight-reuse-connection://?"
    both = flight_info((ticket("Stream", 0, end=STRIDES * STRIDE), [here]),
                       (ticket("Stream", 0, end=STRIDES * STRIDE, other=1), [here]))  # fmt: skip
    turns = []

    def answer(reply, good):
        turns.append(1)
        if len(turns) == 1:
            again(1)(reply, good)
        for message in good:
            reply.message(message)
        reply.end()

    bad = {("Stream", "info"): send(both), ("Stream", "get"): answer}
    with FlightServer(bad=bad) as s, within(15):
        done = cli.run("--url", s.url, "stream", "--json", "--start", "0", "--end", "0.5", NAME,
                       "--stall-timeout", "8", check=None, timeout=60)  # fmt: skip
        times = [json.loads(line)["time_ns"] for line in done.stdout.splitlines()]
        assert times == list(range(0, STRIDES * STRIDE, STRIDE))


# ---------------------------------------------------------------- endpoints


def stream_of(cli, server, **more):
    return cli.run("--url", server.url, "stream", "--start", "0", "--end", "0.5", NAME, "--timeout", "60",
                   timeout=120, **more)  # fmt: skip


def test_very_many_endpoints_cost_little(cli):
    """Each with a broker of its own took minutes of strcmp; each with a dead address a thread."""
    for place in (b"kafka://127.0.0.1:1/%d", b"kafka://h%d:1", b"grpc://127.0.0.1:1", b"grpc://h%d.invalid:1"):
        many = flight_info(*((ticket("Stream", 0), [place % i if b"%" in place else place])
                             for i in range(9999)))  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with FlightServer(bad={("Stream", "info"): send(many)}) as s, within(200):
            process = subprocess.Popen(
                [cli.path, "--url", s.url, "stream", "--start", "0", "--end", "0.5", NAME, "--timeout", "2"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            threads = 0
            while process.poll() is None:
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                    threads = max(threads, int(status.split("Threads:")[1].split()[0]))
                except (OSError, IndexError):
                    break  # it has just ended
                time.sleep(0.01)
            errors = process.communicate()[1]
            assert process.returncode == 1 and errors.strip(), errors
            assert threads < 300, place
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 30, place


def test_too_many_endpoints(cli):
    here = b"arrow-flight-reuse-connection://?"
    for step in (("Stream", "info"), ("Count", "info")):
        many = flight_info(*((ticket(step[0], 0), [here]) for _ in range(10001)))
        with FlightServer(bad={step: send(many)}) as s:
            done = cli.run("--url", s.url, "count", check=1) if step[0] == "Count" else stream_of(
                cli, s, check=1)  # fmt: skip
            assert f"{s.url}: an answer of over 10000 endpoints" in done.stderr


def test_a_place_is_connected_to_once(cli):
    """However many endpoints it has."""
    with FlightServer() as there:
        times = [i * STRIDE for i in range(STRIDES)]
        parts = flight_info(*((ticket("Stream", t, end=t + STRIDE), [there.url.encode()]) for t in times))
        with FlightServer(bad={("Stream", "info"): send(parts)}) as s:
            assert len(stream_of(cli, s).stdout.splitlines()) >= 1
            assert len(there.connections) == 1
            assert there.requests.count(("Stream", "get")) == STRIDES


def test_all_places_together_hold_what_one_may(tool_command):  # noqa: F811
    """Each has most of a message sent that one connection may hold, and none has all of it sent."""
    def most_of_a_message(reply, good):
        reply.headers()
        reply.data(struct.pack(">BI", 0, 60 << 20))
        for _ in range(50):
            reply.data(b"\0" * 2**20)
        time.sleep(60)

    bad = {("Stream", "get"): most_of_a_message}
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(FlightServer(bad=bad)) for _ in range(12)]
        parts = flight_info(*((ticket("Stream", 0, end=STRIDES * STRIDE, other=i), [place.url.encode()])
                              for i, place in enumerate(places)))  # fmt: skip
        s = stack.enter_context(FlightServer(bad={("Stream", "info"): send(parts)}))
        stack.enter_context(within(20))
        process = tool_command(f"url={s.url}", f"largest={2**20}", "timeout=60", "stall=60", "start=0",
                               f"end={STRIDES * STRIDE}", "stream", NAME)  # fmt: skip
        most = 0
        while process.poll() is None:
            try:
                most = max(most, resident(process))
            except (OSError, StopIteration):
                break  # it has just ended
            time.sleep(0.01)
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and "ARRAKIS_EFORMAT" in errors, errors
    # a sanitizer keeps 256 MB of what was freed, that of threads some more
    assert most < (1_200_000 if os.environ.get("ARRAKIS_SANITIZER") == "thread" else 550_000)


# ---------------------------------------------------------------- JSON


def test_answers_in_json_are_limited(cli):
    """1 MiB, 64 levels, and a value for every eight bytes."""
    def padded(size):
        return b'{"a": "' + b"x" * (size - 9) + b'"}'

    cases = [
        (padded(1 << 20), ""),
        (padded((1 << 20) + 1), "an answer of 1048577 bytes, expected up to 1048576"),
        (b'{"a":' * 63 + b"{}" + b"}" * 63, ""),
        (b'{"a":' * 64 + b"{}" + b"}" * 64, "an answer with 65 levels, expected up to 64"),
        (b'{"a":[' + b",".join([b"[]"] * 300_000) + b"]}", "values in it, expected up to"),
    ]
    for text, wanted in cases:
        with FlightServer(bad={("scope-map", "action"): send(field(1, text))}) as s:
            done = cli.run("--url", s.url, "scope-map", check=1 if wanted else 0)
            assert wanted in done.stderr and (not wanted or s.url in done.stderr)


def test_a_ticket_too_long(cli):
    long = ticket("Stream", 0, end=1, other="x" * (66 << 10))
    here = b"arrow-flight-reuse-connection://?"
    with FlightServer(bad={("Stream", "info"): send(flight_info((long, [here])))}) as s:
        assert f"a ticket of {len(long)} bytes, expected up to 6" in stream_of(cli, s, check=1).stderr
