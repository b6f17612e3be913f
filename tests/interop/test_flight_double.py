# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli against a Flight server made for the test: TLS, slices of time, replicas, and answers
that no good server gives."""

import json
import resource
import subprocess
import threading
import time

import pyarrow
import pytest
from pyarrow import flight
from support import (
    DTYPES, LOADED_S, SECOND, STRIDE, T0, assert_same, channel, expected_block, samples, seconds,
)  # fmt: skip

CHANNELS = [channel(f"H1:DBL-{d.upper()}", f"D_{d}", 0, d, 64) for d in DTYPES]
BY_NAME = {c.name: c for c in CHANNELS}
NAMES = [c.name for c in CHANNELS]
HERE = "arrow-flight-reuse-connection://?"
META = pyarrow.schema([
    ("channel", pyarrow.string()), ("data_type", pyarrow.string()),
    ("sample_rate", pyarrow.int32()), ("partition_id", pyarrow.string()),
    ("partition_index", pyarrow.uint32()), ("publisher", pyarrow.string()),
    ("stride", pyarrow.uint64()), ("max_latency", pyarrow.uint64()),
    ("replay_id", pyarrow.string()),
])  # fmt: skip


def stream_schema(channels):
    fields = [pyarrow.field("time", pyarrow.int64(), nullable=False)]
    for c in sorted(channels, key=lambda c: c.name):
        kind = pyarrow.list_(pyarrow.type_for_alias(str(c.data_type)))
        fields.append(pyarrow.field(c.name, kind, metadata={"rate": str(c.sample_rate)}))
    return pyarrow.schema(fields)


def stream_batch(channels, start, duration=STRIDE):
    schema = stream_schema(channels)
    columns = [pyarrow.array([start], pyarrow.int64())]
    for c, field in zip(sorted(channels, key=lambda c: c.name), list(schema)[1:]):
        columns.append(pyarrow.array([samples(c, start, duration)], field.type))
    return pyarrow.record_batch(columns, schema=schema)


def table_of(channels):
    rows = [
        [c.name, str(c.data_type), int(c.sample_rate), c.partition_id, c.partition_index, c.publisher,
         c.stride, c.max_latency, c.replay_id] for c in channels
    ]  # fmt: skip
    columns = [pyarrow.array(list(v), f.type) for v, f in zip(zip(*rows), META)]
    return pyarrow.record_batch(columns, schema=META)


def blocks_of(channels, start, end, duration=STRIDE):
    for t in range(start, end, duration):
        yield stream_batch(channels, t, duration)


class Double(flight.FlightServerBase):
    """Answers well, but for what a test replaces. It serves from its making on; serve() only waits for
    its end, and one that returns while another begins takes that one's listener down with it."""

    def __init__(self, location="grpc://127.0.0.1:0", endpoints=None, blocks=None, **options):
        super().__init__(location, **options)
        self.endpoints = endpoints
        self.blocks = blocks or blocks_of
        self.asked = []

    @property
    def url(self):
        return f"127.0.0.1:{self.port}"

    def get_flight_info(self, context, descriptor):
        request = json.loads(descriptor.command)
        ends = [flight.FlightEndpoint(descriptor.command, [HERE])]
        if self.endpoints and request["request"] == "Stream":
            ends = self.endpoints(self, request)
        return flight.FlightInfo(pyarrow.schema([]), descriptor, ends, -1, -1)

    def do_get(self, context, ticket):
        request = json.loads(ticket.ticket)
        args = request["args"]
        self.asked.append(args)
        channels = [BY_NAME[n] for n in args.get("channels", NAMES)]
        if request["request"] != "Stream":
            return flight.RecordBatchStream(pyarrow.Table.from_batches([table_of(channels)]))
        return flight.GeneratorStream(
            stream_schema(channels), self.blocks(channels, args["start"], args["end"])
        )

    def do_action(self, context, action):
        return [b'{"endpoints": {}}']


@pytest.fixture
def double():
    servers = []

    def make(*arguments, **options):
        server = Double(*arguments, **options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.shutdown()


def ask(request, **changes):
    """The request as a ticket, with some arguments of its own."""
    return json.dumps({**request, "args": {**request["args"], **changes}}).encode()


def span(start, end):
    return ["--start", seconds(start), "--end", seconds(end)]


def expected(start, end, channels=CHANNELS):
    return [expected_block(channels, t, STRIDE) for t in range(start, end, STRIDE)]


def stream(url, start=T0, end=T0 + 2 * SECOND, names=NAMES):
    return ["--url", url, "stream", "--json", *span(start, end), *names]


# ---------------------------------------------------------------- endpoints


def test_slices_are_read_in_the_order_of_time(double, cli):
    """Three spans, each shared out among endpoints otherwise than the last."""
    at = [T0 + i * SECOND for i in range(4)]

    def endpoints(_, request):
        shares = [[NAMES], [NAMES[:2], NAMES[2:]], [NAMES[:4], NAMES[4:]]]
        out = [
            flight.FlightEndpoint(ask(request, start=at[i], end=at[i + 1], channels=names), [HERE])
            for i, share in enumerate(shares) for names in share
        ]  # fmt: skip
        return out[::-1]

    server = double(endpoints=endpoints)
    got = cli.blocks(*stream(server.url, T0, T0 + 3 * SECOND))
    assert_same(got, expected(T0, T0 + 3 * SECOND), CHANNELS)
    asked = [a["start"] for a in server.asked if "start" in a]
    assert asked == sorted(asked) and len(asked) == 5


def test_a_replica_goes_on_where_another_server_failed(double, cli):
    def fails(channels, start, end):
        yield from blocks_of(channels, start, start + 5 * STRIDE)
        raise flight.FlightUnavailableError("out of order")

    bad, good = double(blocks=fails), double()
    first = double(endpoints=lambda _, request: [
        flight.FlightEndpoint(ask(request), [f"grpc://{bad.url}", f"grpc://{good.url}"])
    ])  # fmt: skip
    done = cli.run(*stream(first.url))
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert_same(got, expected(T0, T0 + 2 * SECOND), CHANNELS)
    assert "out of order; the next location is read" in done.stderr


def test_replicas_that_fail_one_after_the_other(double, cli):
    """Each begins again, with blocks of another length, while a second endpoint goes on: what comes
    again is dropped."""

    def fails_after(strides, duration):
        def blocks(channels, start, end):
            yield from blocks_of(channels, start, start + strides * STRIDE, duration)
            raise flight.FlightUnavailableError("out of order")

        return blocks

    replicas = [double(blocks=fails_after(5, STRIDE)), double(blocks=fails_after(12, 4 * STRIDE)),
                double(blocks=fails_after(0, STRIDE)), double(blocks=fails_after(27, STRIDE)),
                double(blocks=lambda c, start, end: blocks_of(c, start, end, SECOND))]  # fmt: skip
    first = double(endpoints=lambda _, request: [
        flight.FlightEndpoint(ask(request, channels=NAMES[:3]), [f"grpc://{r.url}" for r in replicas]),
        flight.FlightEndpoint(ask(request, channels=NAMES[3:]), [HERE]),
    ])  # fmt: skip
    done = cli.run(*stream(first.url, T0, T0 + 3 * SECOND))
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert_same(got, expected(T0, T0 + 3 * SECOND), CHANNELS)
    assert done.stderr.count("out of order; the next location is read") == 4
    assert len(done.stderr.splitlines()) < 8, done.stderr  # what is dropped is said once


def test_an_endpoint_that_is_far_ahead_waits_and_loses_nothing(double, cli):
    """More blocks than a queue holds come before the other endpoint's first, and the program does not spin."""
    late = threading.Event()

    def blocks(channels, start, end):
        if channels[0].name == NAMES[0]:
            late.wait(2)
        yield from blocks_of(channels, start, end)

    server = double(blocks=blocks, endpoints=lambda _, request: [
        flight.FlightEndpoint(ask(request, channels=names), [HERE])
        for names in (NAMES[:1], NAMES[1:2])
    ])  # fmt: skip
    end = T0 + 90 * SECOND
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    got = cli.blocks(*stream(server.url, T0, end, NAMES[:2]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert_same(got, expected(T0, end, CHANNELS[:2]), CHANNELS[:2])
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5


def test_longer_blocks_than_asked_for_are_cut(double, cli):
    server = double(blocks=lambda c, start, end: blocks_of(c, start, end, SECOND // 2))
    got = cli.blocks(*stream(server.url))
    assert_same(got, expected(T0, T0 + 2 * SECOND), CHANNELS)


def test_a_span_that_ends_early_ends_the_stream(double, cli):
    server = double(blocks=lambda c, start, end: blocks_of(c, start, end - SECOND))
    got = cli.blocks(*stream(server.url))
    assert_same(got, expected(T0, T0 + SECOND), CHANNELS)


def test_large_blocks(double, cli):
    """A message of more than 4 MiB, which gRPC refuses by default."""
    wide = [channel(f"H1:BIG-C{i}", "B", i, "float64", 262144) for i in range(40)]
    BY_NAME.update((c.name, c) for c in wide)
    try:
        (block,) = cli.blocks("--url", double().url, "fetch", "--json", *span(T0, T0 + STRIDE),
                              *(c.name for c in wide))  # fmt: skip
        assert_same([block], expected(T0, T0 + STRIDE, wide), wide)
    finally:
        for c in wide:
            del BY_NAME[c.name]


# ---------------------------------------------------------------- answers that are not valid


def refused(cli, url, *words):
    begin = time.monotonic()
    done = cli.run(*stream(url), "--timeout", "60", check=1)
    assert time.monotonic() - begin < LOADED_S
    for word in words:
        assert word in done.stderr
    return done


def test_an_endpoint_without_a_place_to_read_from(double, cli):
    server = double(endpoints=lambda _, r: [flight.FlightEndpoint(ask(r), ["http://nowhere"])])
    refused(cli, server.url, "cannot be dialed", "http://nowhere")


def test_a_channel_that_no_endpoint_has(double, cli):
    server = double(endpoints=lambda _, r: [
        flight.FlightEndpoint(ask(r, channels=NAMES[1:]), [HERE])
    ])  # fmt: skip
    refused(cli, server.url, "no endpoint for channel", NAMES[0])


def test_a_ticket_that_cannot_be_read(double, cli):
    server = double(endpoints=lambda _, r: [flight.FlightEndpoint(b"\0\1", [HERE])])
    refused(cli, server.url, "a ticket that is not JSON")


def test_channels_that_last_unlike_others(double, cli):
    def wrong(channels, start, end):
        schema = stream_schema(channels)
        yield pyarrow.record_batch(
            [pyarrow.array([start])]
            + [pyarrow.array([[1] * (5 if f.name == NAMES[-1] else 4)], f.type)
               for f in list(schema)[1:]], schema=schema,
        )  # fmt: skip

    refused(cli, double(blocks=wrong).url, f"'{NAMES[-1]}' has 5 samples", "expected 4")


def test_an_error_in_the_middle(double, cli):
    def fails(channels, start, end):
        yield from blocks_of(channels, start, start + 3 * STRIDE)
        raise flight.FlightServerError("the disk is gone")

    done = refused(cli, double(blocks=fails).url, "the disk is gone")
    assert len(done.stdout.splitlines()) == 3


def test_an_answer_that_does_not_come(double, cli):
    quiet = threading.Event()

    def endpoints(_, request):
        quiet.wait(60)
        return []

    server = double(endpoints=endpoints)
    begin = time.monotonic()
    done = cli.run(*stream(server.url), "--timeout", "1", check=1)
    quiet.set()
    assert time.monotonic() - begin < 1 + LOADED_S
    assert server.url in done.stderr


class Mute(Double):
    """Never begins to stream."""

    released = threading.Event()

    def do_get(self, context, ticket):
        if json.loads(ticket.ticket)["request"] == "Stream":
            self.released.wait(60)
        return super().do_get(context, ticket)


def test_a_stream_that_does_not_begin(cli):
    server = Mute()
    for timeout in 1, 5, 20:  # what comes before has to be answered within that, too
        begin = time.monotonic()
        done = cli.run(*stream(server.url), "--timeout", timeout, check=1)
        assert time.monotonic() - begin < 2 * timeout + LOADED_S
        if "giving up" in done.stderr:
            break
    assert server.url in done.stderr and NAMES[0] in done.stderr and "giving up" in done.stderr
    Mute.released.set()
    server.shutdown()


def test_a_replica_of_a_stream_that_does_not_begin(double, cli):
    Mute.released.clear()
    mute, good = Mute(), double()
    first = double(endpoints=lambda _, request: [
        flight.FlightEndpoint(ask(request), [f"grpc://{mute.url}", f"grpc://{good.url}"])
    ])  # fmt: skip
    for timeout in 1, 5, 20:  # the others have to answer within that, too
        done = cli.run(*stream(first.url), "--timeout", timeout, check=None)
        if done.returncode == 0:
            break
    assert done.returncode == 0, done.stderr
    assert_same(list(map(json.loads, done.stdout.splitlines())), expected(T0, T0 + 2 * SECOND), CHANNELS)
    Mute.released.set()
    mute.shutdown()


# ---------------------------------------------------------------- TLS


def run(*command):
    subprocess.run([str(c) for c in command], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and what it signed: name -> (certificate, key) as paths."""
    d = tmp_path_factory.mktemp("tls")
    names = {"ca": None, "here": "IP:127.0.0.1", "there": "DNS:elsewhere.example.org", "me": "DNS:me"}
    for name, alternative in names.items():
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", d / f"{name}.key")
        if name == "ca":
            run("openssl", "req", "-x509", "-new", "-key", d / "ca.key", "-subj", "/CN=ca", "-days", "2",
                "-out", d / "ca.pem")  # fmt: skip
            continue
        (d / "ext").write_text(f"subjectAltName={alternative}\n")
        run("openssl", "req", "-new", "-key", d / f"{name}.key", "-subj", f"/CN={name}", "-out", d / "csr")
        run("openssl", "x509", "-req", "-in", d / "csr", "-CA", d / "ca.pem", "-CAkey", d / "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", d / "ext", "-out", d / f"{name}.pem")  # fmt: skip
    return {name: (d / f"{name}.pem", d / f"{name}.key") for name in names}


def tls(double, certificates, name, **options):
    certificate, key = (p.read_bytes() for p in certificates[name])
    server = double("grpc+tls://127.0.0.1:0", tls_certificates=[(certificate, key)], **options)
    return f"grpc+tls://{server.url}"


def test_tls_by_an_authority_that_is_named(double, certificates, cli):
    url = tls(double, certificates, "here")
    done = cli.run("--url", url, "count", "--ca-file", certificates["ca"][0], check=None)
    assert done.returncode == 1 and "count" in done.stderr  # this double does not count
    got = cli.blocks(*stream(url), "--ca-file", certificates["ca"][0])
    assert_same(got, expected(T0, T0 + 2 * SECOND), CHANNELS)


@pytest.mark.parametrize(("name", "ca"), [("here", None), ("there", "ca"), ("here", "me")],
                         ids=["unknown authority", "other host", "other authority"])  # fmt: skip
def test_tls_that_must_not_be_trusted(double, certificates, cli, name, ca):
    url = tls(double, certificates, name)
    more = ["--ca-file", certificates[ca][0]] if ca else []
    begin = time.monotonic()
    done = cli.run(*stream(url), *more, "--timeout", "3", check=1)
    assert time.monotonic() - begin < 3 + LOADED_S
    assert url in done.stderr and not done.stdout


def test_tls_is_not_spoken_to_who_does_not(double, certificates, cli):
    url = f"grpc+tls://{double().url}"
    done = cli.run(*stream(url), "--ca-file", certificates["ca"][0], "--timeout", "3", check=1)
    assert url in done.stderr


def test_a_client_shows_its_certificate(double, certificates, cli):
    ca = certificates["ca"][0]
    url = tls(double, certificates, "here", verify_client=True, root_certificates=ca.read_bytes())
    certificate, key = certificates["me"]
    shown = ["--cert-file", certificate, "--key-file", key]
    assert len(cli.blocks(*stream(url), "--ca-file", ca, *shown)) == 32
    cli.run(*stream(url), "--ca-file", ca, "--timeout", "3", check=1)
    done = cli.run(*stream(url), "--ca-file", ca, "--cert-file", certificate, check=1)
    assert "key_file" in done.stderr
    done = cli.run(*stream(url), "--ca-file", "/nowhere", check=1)
    assert "/nowhere: No such file" in done.stderr
    done = cli.run(*stream(url), "--ca-file", ca, "--cert-file", key, "--key-file", key, check=1)
    assert f"{key}: there is no '-----BEGIN CERTIFICATE" in done.stderr
