# SPDX-License-Identifier: Apache-2.0
"""arrakis-server with its Kafka backend on a real broker: as it is, under libarrakis.compat, and as `kafka-c`. Clients of
all three get the same blocks: live, from the past on into live data, and for each row of interop.same_blocks."""

import contextlib
import dataclasses
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pytest
from conftest import PACKAGE, ROOT
from samples import SECOND, STRIDE, now, values

import libarrakis

pytest.importorskip("arrakis_backend_kafka")
for tier in ("", "broker", "interop"):
    sys.path.append(str(ROOT / "tests" / tier))

import test_same_blocks as same_blocks  # noqa: E402
from arrakis import Channel, Client  # noqa: E402
from broker import Broker  # noqa: E402
from server import Server, publisher_toml  # noqa: E402
from support import Cluster, assert_same, fill_absent  # noqa: E402

PLUGIN = ROOT / "python" / "arrakis-backend-kafka-c"
LATENCY = 60 * SECOND  # nothing is late here
CHANNELS = {
    f"H1:RLY-{kind.upper()}_{i}": Channel(
        f"H1:RLY-{kind.upper()}_{i}", kind, rate, publisher="RLY", partition_id=f"RLY_{kind}", partition_index=i,
        stride=STRIDE, max_latency=LATENCY,
    )
    for kind, rate in (("float32", 64), ("int16", 256), ("float64", 16384))
    for i in range(3)
}  # fmt: skip
WAYS = ("kafka", "compat", "kafka-c")
REPLAY = "GWTC"


def with_a_replay(row):
    return [dataclasses.replace(c, replay_id=REPLAY) for c in same_blocks.of_types(row)]


# Those of interop.same_blocks that a server can relay, and two more.
ROWS = [row for row in same_blocks.TABLE if not row.not_relayed]
ROWS += [
    same_blocks.Row("a replay by its id", channels=with_a_replay),
    same_blocks.Row("a replay by its id, blocks missing", channels=with_a_replay, missing=same_blocks.HOLES),
]
PLACES = same_blocks.places_of(ROWS)
REPLAYS = f"""\
"{same_blocks.REUSE}":
  scopes:
    H1:
      - all: true
    L1:
      - all: true
  retention:
    oldest: 900
  replay_ids: [{REPLAY}]
replays:
  {REPLAY}:
    start: 1400000000
    end: 1400001000
"""


@pytest.fixture(scope="module")
def broker():
    with Broker() as b:
        yield b.start()


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """The plug-in as an installer would leave it, for programs with this on their path."""
    directory = tmp_path_factory.mktemp("plugin") / "source"
    shutil.copytree(PLUGIN, directory)
    subprocess.run([sys.executable, "setup.py", "-q", "egg_info"], cwd=directory, check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def servers(broker, plugin, tmp_path_factory):
    path = {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{plugin}"}
    arrakis_server = str(Path(sys.executable).parent / "arrakis-server")
    how = {
        "kafka": {},
        "compat": {
            "program": [sys.executable, "-m", "libarrakis.compat", arrakis_server],
            "environment": {**path, "LIBARRAKIS_COMPAT": "server", "LIBARRAKIS_FETCH_WAIT": "0.1"},
        },
        "kafka-c": {"backend": "kafka-c", "environment": path, "backend_options": ("--fetch-wait", 0.25)},
    }
    configs = {"RLY": publisher_toml("RLY", CHANNELS.values(), STRIDE, LATENCY), **same_blocks.configs_of(PLACES)}
    scope_map = tmp_path_factory.mktemp("scope") / "map.yaml"
    scope_map.write_text(REPLAYS)
    options = ["--scope-map", scope_map]
    made = {
        way: Server(broker.bootstrap, tmp_path_factory.mktemp("server"), configs, options, **others)
        for way, others in how.items()
    }
    # One makes the topics; the others then start beside each other.
    made["kafka"].start()
    threads = [threading.Thread(target=made[way].start) for way in WAYS[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield made
    for server in made.values():
        server.close()


def samples(channel, time_ns, i):
    array = values(channel, time_ns)
    if i % 4 == 1 and channel.partition_index == 1:
        return numpy.ma.MaskedArray(array, mask=numpy.arange(len(array)) % 3 == 0)
    return numpy.ma.masked_all_like(array) if i % 4 == 2 and channel.partition_index == 2 else array


class Publishing:
    """Publishes a block at the end of each stride, until it is left."""

    def __init__(self, broker):
        self._publisher = libarrakis.Publisher("RLY", CHANNELS, kafka_url=broker.bootstrap)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = {}

    def _run(self):
        at, i = now(), 0
        while not self._stop.wait(max(0, at + STRIDE - libarrakis.gps_now_ns()) / SECOND):
            data = {n: samples(c, at, i) for n, c in CHANNELS.items()}
            self._publisher.publish(libarrakis.Block(at, data, CHANNELS), timeout=60)
            self.sent[at] = data
            at, i = at + STRIDE, i + 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()
        self._publisher.close()


class Following:
    """What a client gets of a server, until it has `count` blocks."""

    def __init__(self, server, count, start=None):
        self.blocks = []
        self._stream = Client(server.url, token=False).stream(list(CHANNELS), start=start)
        self._count = count
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.closing(self._stream):
            for block in self._stream:
                self.blocks.append(block)
                if len(self.blocks) == self._count:
                    return

    def wait(self):
        self._thread.join(120)
        assert len(self.blocks) == self._count
        return self.blocks


def assert_published(blocks, sent):
    times = [block.time_ns for block in blocks]
    assert times == list(range(times[0], times[0] + len(times) * STRIDE, STRIDE))
    for block in blocks:
        assert set(block.data) == set(CHANNELS)
        for name, wanted in sent[block.time_ns].items():
            found = block.data[name]
            assert found.dtype == wanted.dtype
            missing = numpy.ma.getmaskarray(wanted)
            assert (numpy.ma.getmaskarray(found) == missing).all()
            assert (numpy.ma.getdata(found)[~missing] == numpy.ma.getdata(wanted)[~missing]).all()


def test_clients_of_all_servers_get_what_was_published(broker, servers):
    with Publishing(broker) as publishing:
        live = [Following(servers[way], 24) for way in WAYS for _ in range(2)]
        while len(publishing.sent) < 40:
            time.sleep(STRIDE / SECOND)
        start = min(publishing.sent) / SECOND  # some seconds ago, so these begin with what is in the topics
        past = [Following(servers[way], len(publishing.sent) + 32, start) for way in WAYS]
        for following in live + past:
            blocks = following.wait()
            while blocks[-1].time_ns not in publishing.sent:
                time.sleep(0.01)
            assert_published(blocks, publishing.sent)
    for following in past:
        assert following.blocks[0].time_ns == min(publishing.sent)


# ---------------------------------------------------------------- the rows of interop.same_blocks


def by_the_library(place, **source):
    """As the reference's client gives it; what came before an error is kept."""
    start, end = place.span()
    stride = same_blocks.option(place.row, "--stride")
    options = {
        "on_gap": same_blocks.option(place.row, "--on-gap") or "fill",
        "stride": float(stride) if stride else None,
        "replay_id": place.channels[0].replay_id,
    }
    names = [c.name for c in place.asked()]
    out = []
    try:
        with libarrakis.stream(names, start / SECOND, end / SECOND, **options, **source) as stream:
            for block in stream:
                out.append(as_json(block))
    except libarrakis.GapError:
        assert place.row.code
    return out


def as_json(block):
    channels = {
        name: {field.name: getattr(c, field.name, None) for field in dataclasses.fields(Channel)}
        for name, c in block.channels.items()
    }
    return {
        "time_ns": block.time_ns, "_duration_ns": block.duration_ns, "channels": channels,
        "data": {name: block[name].tolist() for name in block},
    }  # fmt: skip


def by_a_server(server, place):
    if place.row.alone:  # the reference's client cannot read it
        return by_the_library(place, url=server.url)
    return same_blocks.by_the_reference(server, place)


@pytest.fixture(scope="module")
def answers(broker, servers):
    """Each row's answers, by way. All are asked for in one go, since most rows wait for what does not come; and none
    twice of one server, which gives two requests for the same channels one reader."""
    Cluster(broker.bootstrap).send([record for place in PLACES.values() for record in place.sent()])
    with ThreadPoolExecutor(12) as pool:
        yield {
            name: {
                "broker": pool.submit(by_the_library, place, kafka_url=broker.bootstrap),
                **{way: pool.submit(by_a_server, servers[way], place) for way in WAYS},
            }
            for name, place in PLACES.items()
        }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_gives_the_same_blocks_by_every_server(answers, row):
    channels = PLACES[row.name].asked()
    found = {way: answer.result() for way, answer in answers[row.name].items()}
    wanted = found.pop("broker")
    assert wanted
    for way, blocks in found.items():
        try:
            assert_same([fill_absent(b, channels) for b in blocks], wanted, channels)
        except AssertionError as error:
            raise AssertionError(f"{way}: {error}") from None


# ---------------------------------------------------------------- and the log


def test_the_log_tells_who_relays(servers):
    def lines(way, part):
        return [line for line in servers[way].log if part in line]

    for way in ("compat", "kafka-c"):
        assert lines(way, "libarrakis relays 9 channels of 127.0.0.1:")
        assert lines(way, "libarrakis reads 9 channels of 127.0.0.1:")
    assert lines("compat", "whose data may lie there for 0.1 s")
    assert lines("kafka-c", "whose data may lie there for 0.25 s")
    assert not lines("kafka", "libarrakis")
    assert lines("kafka-c", "arrakis-backend-kafka-c 0.1.0")
    for way in WAYS:
        assert lines(way, "started live reader for 9 channels")
        assert not lines(way, "poll loop error") + lines(way, "Traceback")
