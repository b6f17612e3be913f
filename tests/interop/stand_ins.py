# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli in the place of the reference's classes, as a pytest plugin for the reference's own
integration tests: in the client's place, in the publisher's, or in both (ARRAKIS_STAND_INS names
them). What these tests then call is our program."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import arrakis
import arrakis.publish
import numpy
import pytest
from arrakis import Channel, SeriesBlock
from arrakis.constants import DEFAULT_MATCH
from arrakis.format import formatter
from pyarrow import flight

CLI = os.environ["ARRAKIS_CLI"]
PLACES = os.environ.get("ARRAKIS_STAND_INS", "client").split()


def call(*arguments, stdin=""):
    return subprocess.run([CLI, "-q", *map(str, arguments)], input=stdin, capture_output=True, text=True,
                          timeout=60)  # fmt: skip


def said(*arguments):
    """What the program prints; its errors as the exceptions that the tests expect, by their words."""
    done = call(*arguments)
    if done.returncode == 0:
        return done.stdout
    if "expected a multiple" in done.stderr:
        raise ValueError("no integer multiple: " + done.stderr)
    raise flight.FlightError(done.stderr)


def options(**given):
    """Arguments of a call as options: lists are repeated, None is left out."""
    out = []
    for name, value in given.items():
        for v in value if isinstance(value, list) else [value]:
            if v is not None:
                out += [f"--{name.replace('_', '-')}", v]
    return out


def as_block(line):
    b = json.loads(line)
    channels = {n: Channel.from_json(json.dumps(c)) for n, c in b["channels"].items()}
    data = {}
    for n, values in b["data"].items():
        mask = [v is None for v in values]
        values = numpy.array([0 if v is None else v for v in values], channels[n].data_type)
        data[n] = numpy.ma.array(values, mask=mask) if any(mask) else values
    return SeriesBlock(b["time_ns"], data, channels)


class Client:
    def __init__(self, url=None):
        self._url = [] if url is None else ["--url", url]

    def _channels(self, *arguments):
        return [Channel.from_json(line) for line in said(*arguments, *self._url, "--json").splitlines()]

    def find(self, pattern=DEFAULT_MATCH, **conditions):
        yield from self._channels("find", pattern, *options(**conditions))

    def count(self, pattern=DEFAULT_MATCH, **conditions):
        return int(said("count", pattern, *options(**conditions), *self._url))

    def describe(self, channels, **conditions):
        return {c.name: c for c in self._channels("describe", *options(**conditions), *channels)}

    def _blocks(self, command, channels, start, end, more):
        more = [*options(start=start, end=end, **more), *self._url, *channels]
        yield from map(as_block, said(command, "--json", *more).splitlines())

    def stream(self, channels, start=None, end=None, **more):
        yield from self._blocks("stream", channels, start, end, more)

    def fetch(self, channels, start=None, end=None, **more):
        return next(self._blocks("fetch", channels, start, end, more))

    def server_info(self):
        fields = dict(line.split(": ", 1) for line in said("server-info", *self._url).splitlines())
        return fields | {k: fields[k].split(", ") for k in ("capabilities", "domains")}

    def scope_map(self):
        return json.loads(said("scope-map", *self._url))

    def domains(self):
        return said("domains", *self._url).splitlines()

    def replays(self):
        lines = dict(line.split(": ", 1) for line in said("replays", *self._url).splitlines())
        return {k: dict(f.split("=") for f in line.split(", ")) for k, line in lines.items()}


class Publisher:
    def __init__(self, publisher_id, url=None, replay_id=None):
        self._url, self._replay = url, options(replay_id=replay_id)
        self._id = publisher_id
        self.channels = {}

    def _publish(self, text, *arguments):
        done = call("publish", "--url", self._url, "--publisher", self._id, *self._replay, *arguments,
                    stdin=text)  # fmt: skip
        if done.returncode:
            unauthorized = "dynamic" in done.stderr
            raise (flight.FlightUnauthorizedError if unauthorized else flight.FlightError)(done.stderr)

    def register(self, channels=None):
        with tempfile.TemporaryDirectory() as directory:
            if channels:
                path = Path(directory) / "channels"
                path.write_text("".join(formatter(c, "json") + "\n" for c in channels))
                self._publish("", "--metadata", path)
            else:
                self._publish("")
        found = said("find", ".", "--json", "--url", self._url, "--publisher", self._id, *self._replay)
        self.channels = {c.name: c for c in map(Channel.from_json, found.splitlines())}
        wanted = {c.name for c in channels or []}
        assert wanted <= set(self.channels), f"{wanted} were registered, {set(self.channels)} were found"

    @property
    def stride(self):
        return next(iter(self.channels.values())).stride

    def publish(self, block):
        self._publish(formatter(block, "json") + "\n")

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def pytest_configure(config):
    """Before the tests are read: they import these names."""
    if "publisher" in PLACES:
        arrakis.publish.Publisher = Publisher
    if "client" in PLACES:
        arrakis.Client = Client
        for name in ("find", "count", "describe", "stream", "fetch", "server_info", "scope_map", "domains",
                     "replays"):  # fmt: skip
            setattr(arrakis, name, lambda *a, _name=name, **k: getattr(Client(), _name)(*a, **k))


class Ran:
    def __init__(self, done):
        self.success = done.returncode == 0
        self.stdout, self.stderr = done.stdout, done.stderr


@pytest.fixture
def script_runner():
    """Command lines of the reference's program, given to ours."""

    class Runner:
        def run(self, command, stdin=None):
            assert command[0] == "arrakis"
            return Ran(call(*command[1:], stdin=stdin.read() if stdin else ""))

    return Runner()


@pytest.fixture(scope="session")
def kafka_broker():
    class Running:
        bootstrap_server = os.environ.get("ARRAKIS_TEST_BROKER")

    return Running()
