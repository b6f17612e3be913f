# SPDX-License-Identifier: Apache-2.0
"""Publishing by servers that do not do as they should: no broker is needed to find that out."""

import dataclasses
import json
import re
import select
import signal
import socket
import subprocess
import threading
import time

import pyarrow
import pytest
from pyarrow import flight
from support import LOADED_S, SECOND, STRIDE, T0, Follower, channel, write_metadata
from test_flight_double import HERE, META, NAMES, Double, double, span, table_of  # noqa: F401

KNOWN = [channel("H1:REG-A", "R_f32", 0, "float32", 64), channel("H1:REG-B", "R_i32", 0, "int32", 16)]
NOWHERE = ("bootstrap.servers", "127.0.0.1:1")


class Registry(Double):
    """A server of one publisher. `exchange`: what it does when it is to register channels; `at`: where
    it sends programs that ask for that; `hangs`: the step that is never answered."""

    def __init__(self, known=KNOWN, properties=(NOWHERE,), exchange=None, at=HERE, hangs=None):
        super().__init__()
        self.known, self.properties, self.at, self._hangs = list(known), properties, at, hangs
        self._exchange = exchange or Registry.register
        self.asked_to_register = []
        self.reached, self.released = threading.Event(), threading.Event()
        self.answered = threading.Event()

    def _step(self, *step):
        if step == self._hangs:
            self.reached.set()
            self.released.wait(30)

    def get_flight_info(self, context, descriptor):
        kind = json.loads(descriptor.command)["request"]
        self._step(kind, "info")
        endpoint = flight.FlightEndpoint(descriptor.command, [self.at if kind == "Partition" else HERE])
        return flight.FlightInfo(pyarrow.schema([]), descriptor, [endpoint], -1, -1)

    def do_get(self, context, ticket):
        kind = json.loads(ticket.ticket)["request"]
        self._step(kind, "get")
        if kind == "Find":
            rows = [table_of(self.known)] if self.known else []
            return flight.RecordBatchStream(pyarrow.Table.from_batches(rows, META))
        self.answered.set()
        column = pyarrow.array([list(self.properties)], pyarrow.map_("string", "string"))
        return flight.RecordBatchStream(pyarrow.table({"properties": column}))

    def do_exchange(self, context, descriptor, reader, writer):
        self._step("Partition", "exchange")
        self._exchange(self, reader, writer)

    def register(self, reader, writer):
        rows = reader.read_all().to_pylist()
        self.asked_to_register += [row["channel"] for row in rows]
        self.known += [
            channel(r["channel"], "R_new", i, r["data_type"], r["sample_rate"]) for i, r in enumerate(rows)
        ]  # fmt: skip


@pytest.fixture
def registry():
    servers = []

    def make(**options):
        server = Registry(**options)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.released.set()
        server.shutdown()


def new(count=1):
    return [
        dataclasses.replace(channel(f"H1:NEW-C{i}", ""), partition_id=None, partition_index=None,
                            stride=None, max_latency=None) for i in range(count)
    ]  # fmt: skip


def arguments(server, *more):
    return ["publish", "--url", server.url, "--publisher", "TEST", *more]


def publish(cli, server, *more, check=1):
    """No block at all: the publisher is opened and closed."""
    done = cli.run(*arguments(server, *more), stdin="", check=check)
    assert not check or server.url in done.stderr
    return done


def test_a_server_that_does_well(registry, cli, tmp_path):
    """Else nothing below means anything."""
    server = registry()
    publish(cli, server, check=0)
    assert not server.asked_to_register
    asked = new(3)
    publish(cli, server, "--metadata", write_metadata(tmp_path, asked), check=0)
    assert server.asked_to_register == [c.name for c in asked]


# ---------------------------------------------------------------- properties


@pytest.mark.parametrize("name", [
    "plugin.library.paths", "ssl.engine.location", "ssl.providers", "sasl.kerberos.kinit.cmd",
    "sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.private.key.file", "no.such",
    "ssl.ca.location", "enable.ssl.certificate.verification", "debug", "Acks", "acks\0.x",
])  # fmt: skip
def test_properties_that_no_server_may_set(registry, cli, name):
    """librdkafka would load code, run a program, or send a file of ours to somebody."""
    done = publish(cli, registry(properties=(NOWHERE, (name, "/tmp/x"), ("linger.ms", "1"))))
    if "\0" in name:
        assert "contains a NUL byte" in done.stderr
    else:
        assert f"property {name}, which is for users alone" in done.stderr
    assert "/tmp/x" not in done.stderr


LOGIN = ("security.protocol", "sasl_plaintext")
SHELL = "x; touch {} #"


@pytest.mark.parametrize("properties, users, word", [
    ([LOGIN, ("sasl.kerberos.keytab", "x"), ("sasl.kerberos.principal", SHELL)], [], "sasl.kerberos"),
    ([LOGIN, ("sasl.kerberos.principal", SHELL)], ["sasl.mechanisms=GSSAPI"], "security.protocol"),
    ([("sasl.kerberos.principal", SHELL)], ["security.protocol=sasl_plaintext"], "sasl.kerberos"),
    ([("security.protocol", "SASL_PLAINTEXT")], [], "without a sasl.mechanism"),
    ([LOGIN, ("sasl.mechanism", "GSSAPI"), ("sasl.kerberos.principal", SHELL)], [], "sasl.mechanism"),
    ([LOGIN, ("sasl.mechanisms", "gssapi")], [], "sasl.mechanisms"),
    ([LOGIN, ("sasl.username", SHELL)], ["sasl.mechanism=GSSAPI"], "security.protocol"),
])  # fmt: skip
def test_a_server_runs_no_program(registry, cli, tmp_path, properties, users, word):
    """librdkafka gives its `kinit` command to a shell as soon as a handle is made, with these
    properties in it."""
    mark = tmp_path / "PWNED"
    properties = [(name, value.format(mark)) for name, value in properties]
    options = [o for user in users for o in ("-X", user)]
    done = publish(cli, registry(properties=(NOWHERE, *properties)), *options, "--timeout", "60")
    assert word in done.stderr
    assert not mark.exists()


def test_a_property_too_large(registry, cli):
    done = publish(cli, registry(properties=(NOWHERE, ("sasl.password", "x" * 1025))))
    assert "sasl.password to 1025 bytes" in done.stderr
    done = publish(cli, registry(properties=(NOWHERE, ("sasl.password", "x" * 100_000))))
    assert "100000 bytes" in done.stderr


def test_what_a_server_may_set(registry, cli):
    server = registry(properties=(
        NOWHERE, ("acks", "all"), ("compression.type", "lz4"), ("linger.ms", "5"),
        ("message.timeout.ms", "5000"), ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"), ("sasl.username", "u"), ("sasl.password", "p")))  # fmt: skip
    publish(cli, server, check=0)


# ---------------------------------------------------------------- the user's login


@pytest.fixture
def stranger():
    """A broker of a server's choice, that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def was_dialed(listening):
    return bool(select.select([listening], [], [], 0)[0])


PASSWORD = ["-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanism=PLAIN", "-X",
            "sasl.username=u", "-X", "sasl.password=SECRET"]  # fmt: skip


@pytest.mark.parametrize("login", [
    PASSWORD, ["-X", "security.protocol=sasl_plaintext"], ["-X", "ssl.key.location=/nowhere"],
    ["-X", "sasl.oauthbearer.client.secret=SECRET"],
])  # fmt: skip
def test_a_login_stays_with_the_brokers_that_the_user_knows(registry, cli, stranger, login):
    address = f"127.0.0.1:{stranger.getsockname()[1]}"
    server = registry(properties=(("bootstrap.servers", f"localhost:1,{address}"),))
    for allowed in [], ["--allow-broker", "localhost"]:
        done = publish(cli, server, *login, *allowed, "--timeout", "60")
        named = address if allowed else "localhost:1"
        assert f'broker "{named}"' in done.stderr and "--allow-broker" in done.stderr
        assert login[1].split("=")[0] in done.stderr and "SECRET" not in done.stderr
    assert not was_dialed(stranger)


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:{port}"])
def test_a_login_at_an_allowed_broker(registry, cli, stranger, allowed):
    port = stranger.getsockname()[1]
    server = registry(properties=(("bootstrap.servers", f"127.0.0.1:{port}"),))
    publish(cli, server, *PASSWORD, "--allow-broker", allowed.format(port=port), check=0)


def test_a_login_at_the_user_s_broker(registry, cli):
    """Whatever the server names; what it sets of security does not count then."""
    server = registry(properties=(("bootstrap.servers", "evil:1"), ("security.protocol", "plaintext")))
    publish(cli, server, *PASSWORD, "--kafka-url", "127.0.0.1:1", check=0)
    publish(cli, server, *PASSWORD, "-X", "bootstrap.servers=127.0.0.1:1", check=0)


@pytest.mark.parametrize("command", ["stream", "fetch"])
def test_a_login_and_a_broker_to_read_from(double, cli, stranger, command):  # noqa: F811
    address = f"127.0.0.1:{stranger.getsockname()[1]}"

    def endpoints(_, request):
        return [flight.FlightEndpoint(json.dumps(request).encode(), [f"kafka://{address}"])]

    server = double(endpoints=endpoints)
    read = ["--url", server.url, command, *span(T0, T0 + SECOND), *NAMES]
    done = cli.run(*read, *PASSWORD, "--timeout", "60", check=1)
    assert server.url in done.stderr and f'broker "{address}"' in done.stderr
    assert "security.protocol" in done.stderr and "--allow-broker" in done.stderr
    assert not was_dialed(stranger)
    for timeout in 1, 5, 20:  # the server, too, has to answer within that
        done = cli.run(*read, *PASSWORD, "--allow-broker", address, "--timeout", timeout, check=1, timeout=120)
        assert "not allowed" not in done.stderr
        if was_dialed(stranger):
            break
    assert was_dialed(stranger)


def test_a_pattern_that_is_none(cli):
    done = cli.run("find", "--url", "127.0.0.1:1", "--allow-broker", "*", ".", check=1)
    assert 'allowed broker "*"' in done.stderr


def test_a_server_without_a_broker(registry, cli):
    done = publish(cli, registry(properties=(("linger.ms", "1"),)))
    assert "names no broker" in done.stderr


def test_far_too_many_properties(registry, cli):
    many = tuple(("linger.ms", "1") for i in range(5000))
    assert "over 64 properties" in publish(cli, registry(properties=(NOWHERE, *many))).stderr


@pytest.mark.parametrize("name", ["bootstrap.servers", "metadata.broker.list"])
def test_a_broker_that_the_user_names_stays(registry, cli, name):
    """Either name of the property is the server's word on the broker, and no more than that."""
    server = registry(properties=((name, "not a broker:x"),))
    publish(cli, server, "--kafka-url", "127.0.0.1:1", check=0)


# ---------------------------------------------------------------- channels without end


class Endless(Registry):
    """Answers Find with batches of `rows` channels without end, each after a while."""

    def __init__(self, rows, text, pause_s):
        super().__init__()
        self._rows, self._text, self._pause_s, self.sent = rows, text, pause_s, 0

    def do_get(self, context, ticket):
        if json.loads(ticket.ticket)["request"] != "Find":
            return super().do_get(context, ticket)
        return flight.GeneratorStream(META, self._batches())

    def _batches(self):
        one = table_of(KNOWN[:1])
        while not self.released.wait(self._pause_s):
            numbers = range(self.sent, self.sent + self._rows)
            columns = [column.take(pyarrow.array([0] * self._rows)) for column in one.columns]
            columns[0] = pyarrow.array([f"H1:END-{i}" for i in numbers])
            columns[3] = pyarrow.array([self._text] * self._rows)
            self.sent += self._rows
            yield pyarrow.record_batch(columns, schema=META)


@pytest.mark.parametrize("rows, text, pause_s, told", [
    (10_000, "P", 0, "over 500000 channels of one publisher"),
    (100, "P" * 60_000, 0, "channels of one publisher with over 64 MiB of text"),
    (1, "P", 0.1, "a publisher's channels take over 10 times as long as a request may"),
], ids=["rows", "bytes", "time"])  # fmt: skip
def test_channels_without_end(cli, rows, text, pause_s, told):
    for timeout in (1, 3, 6) if pause_s else (60,):  # a loaded machine may take the time of a part of it
        server = Endless(rows, text, pause_s)
        try:
            done = cli.run(*arguments(server, "--timeout", timeout), stdin="", check=1, timeout=120)
        finally:
            server.released.set()
            server.shutdown()
        if told in done.stderr:
            break
    assert told in done.stderr and server.url in done.stderr


# ---------------------------------------------------------------- registering


def ends_at_once(server, reader, writer):
    pass


def ends_after_the_schema(server, reader, writer):
    reader.schema  # noqa: B018: it waits for it


def sends_much(server, reader, writer):
    batch = table_of(KNOWN)
    writer.begin(batch.schema)
    for _ in range(500):
        writer.write_batch(batch)


@pytest.mark.parametrize("count", [1, 30000])
@pytest.mark.parametrize("exchange", [ends_at_once, ends_after_the_schema, sends_much])
def test_an_exchange_that_registers_nothing(registry, cli, tmp_path, exchange, count):
    """It ends well, perhaps before the table has been sent: what counts is what the server has."""
    metadata = write_metadata(tmp_path, new(count))
    done = publish(cli, registry(exchange=exchange), "--metadata", metadata)
    assert "has not registered channel H1:NEW-C0 as it was asked to" in done.stderr


@pytest.mark.parametrize("count", [1, 30000])
def test_an_exchange_that_is_refused(registry, cli, tmp_path, count):
    def refuse(server, reader, writer):
        raise flight.FlightUnauthorizedError("not you")

    metadata = write_metadata(tmp_path, new(count))
    done = publish(cli, registry(exchange=refuse), "--metadata", metadata)
    assert "registering channel H1:NEW-C0" in done.stderr and "not you" in done.stderr


def test_another_server_registers(registry, cli, tmp_path):
    """The server that has the publisher names it."""
    second = registry()
    first = registry(at=f"grpc://{second.url}")
    second.known = first.known  # one catalogue behind both
    metadata = write_metadata(tmp_path, new(2))
    publish(cli, first, "--metadata", metadata, check=0)
    assert second.asked_to_register == ["H1:NEW-C0", "H1:NEW-C1"] and not first.asked_to_register


@pytest.mark.parametrize("at", ["grpc://127.0.0.1:1", "http://nowhere", "kafka://127.0.0.1:1"])
def test_another_server_that_cannot_be_reached(registry, cli, tmp_path, at):
    metadata = write_metadata(tmp_path, new())
    for timeout in 2, 10, 30:  # the first server, too, has to answer within that
        done = cli.run(*arguments(registry(at=at), "--metadata", metadata, "--timeout", timeout), stdin="",
                       check=1, timeout=120)  # fmt: skip
        if at in done.stderr:
            break
    assert at in done.stderr


# ---------------------------------------------------------------- time

STEPS = [("Find", "info"), ("Find", "get"), ("Partition", "info"), ("Partition", "exchange"),
         ("Publish", "info"), ("Publish", "get")]  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids="-".join)
def test_a_server_that_does_not_answer(registry, cli, tmp_path, step):
    metadata = write_metadata(tmp_path, new())
    begin = time.monotonic()
    publish(cli, registry(hangs=step), "--metadata", metadata, "--timeout", "1")
    assert time.monotonic() - begin < 1 + LOADED_S


@pytest.mark.parametrize("step", STEPS, ids="-".join)
def test_an_interrupt_while_a_publisher_is_opened(registry, cli, tmp_path, step):
    """It ends at once, in good order: under the sanitizers a defect would be another status."""
    server = registry(hangs=step)
    metadata = write_metadata(tmp_path, new())
    command = [cli.path, *arguments(server, "--metadata", metadata, "--timeout", "60")]
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert server.reached.wait(30)
        process.send_signal(signal.SIGINT)
        process.wait(25)
        assert process.returncode == 0, process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def test_an_interrupt_while_there_is_nothing_to_publish(registry, cli):
    server = registry()
    process = subprocess.Popen([cli.path, *arguments(server)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert server.answered.wait(30)  # wherever it is from here on, it ends
        process.send_signal(signal.SIGINT)
        process.wait(25)
        assert process.returncode == 0, process.stderr.read()
    finally:
        process.kill()
        process.communicate()


# ---------------------------------------------------------------- brokers


BLOCK = json.dumps({"time_ns": T0, "data": {KNOWN[0].name: [0] * 4}}) + "\n"


@pytest.mark.parametrize("broker, cause", [("nobody", "Connection refused"), ("silent", "")])
def test_a_block_that_nobody_takes(cli, stranger, tmp_path, broker, cause):
    """The program ends when the time for a block is over, and names what was in the way."""
    metadata = write_metadata(tmp_path, KNOWN)
    address = "127.0.0.1:1" if broker == "nobody" else f"127.0.0.1:{stranger.getsockname()[1]}"
    begin = time.monotonic()
    done = cli.run("publish", "--kafka-url", address, "--metadata", metadata, "--timeout", "2",
                   stdin=BLOCK, check=1)  # fmt: skip
    assert 2 <= time.monotonic() - begin < 2 + LOADED_S
    assert "line 1" in done.stderr and "arrakis-R_f32" in done.stderr and cause in done.stderr
    assert "closing: 1 messages not delivered are given up" in done.stderr


def test_a_publisher_that_falls_behind_is_told_so(cli, tmp_path):
    """Blocks come in faster than the broker takes them."""
    metadata = write_metadata(tmp_path, KNOWN)
    line = '{"time_ns": %d, "data": {"H1:REG-A": [0, 0, 0, 0]}}\n'
    lines = "".join(line % (T0 + i * STRIDE) for i in range(7))
    begin = time.monotonic()
    done = cli.run("publish", "--kafka-url", "127.0.0.1:1", "--metadata", metadata, "--timeout", "2",
                   stdin=lines, check=1)  # fmt: skip
    # six blocks took two seconds each, or longer
    (behind,) = re.findall(r"publishing is (\d+\.\d) s behind what comes in", done.stderr)
    assert 10 <= float(behind) < time.monotonic() - begin, done.stderr
    assert sum("dropped: " in e for e in done.stderr.splitlines()) == 7, done.stderr


def test_an_interrupt_cuts_a_block(cli, stranger, tmp_path):
    """It has two seconds, and is an error then."""
    metadata = write_metadata(tmp_path, KNOWN)
    command = [cli.path, "publish", "--kafka-url", f"127.0.0.1:{stranger.getsockname()[1]}", "--metadata",
               str(metadata), "--timeout", "60", "--debug", "publish"]  # fmt: skip
    with Follower(command, stdin=subprocess.PIPE) as publisher:
        publisher.process.stdin.write(BLOCK)
        publisher.process.stdin.flush()
        publisher.wait_for_error("1 messages are sent")
        assert publisher.interrupt() == 1
        assert "canceled: 1 of 1 messages are not confirmed" in publisher.error()
