# SPDX-License-Identifier: Apache-2.0
"""What a Flight server may cost, each limit at its edge. A hostile server reaches them all; whatever
it does, the call ends within them, with an error that names the server and the limit."""

import struct
import time
import zlib

import pytest
from faulty import END_STREAM, HEADERS, NAME, OK_HEADERS, STRIDE, STRIDES, FlightServer, field, framed, literal
from test_faults import STEPS, ask, no_token, resident, send, tool, tool_command, within  # noqa: F401

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
        process = tool_command(f"url={s.url}", "timeout=4", *arguments)
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
