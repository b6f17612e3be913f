# SPDX-License-Identifier: Apache-2.0
"""One read, four ways: from the broker by --kafka-url, through an arrakis-server that relays, through
one whose endpoints are kafka:// addresses, and through one that relays a half and leaves the other
to the broker. Each row of the table gives the same blocks every way, and the reference's.

A server gives two requests for the same channels and the same half minute one reader, and the
second misses what the first has had already. So every row has channels of its own, and the
reference a relaying server of its own."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from arrakis import Client
from arrakis.format import formatter
from broker import Broker
from oracle import reference_stream
from pyarrow import flight
from server import Server, publisher_toml
from support import (
    DTYPES, SECOND, STRIDE, Cluster, Record, assert_same, batch, block_record, by_partition, channel,
    fill_absent, gps_now_ns, masked, payload, records, samples, seconds,
)  # fmt: skip

MS = 1_000_000
REUSE = "arrow-flight-reuse-connection://?"
LATENCY = 500 * MS
QUARTER = 250 * MS


# ---------------------------------------------------------------- the table


@dataclasses.dataclass
class Row:
    name: str
    # nanoseconds after the first block
    start: int = SECOND
    end: int = 2 * SECOND
    options: tuple = ()
    channels: object = None
    # what is not published: (channel's number or None for all, block's number)
    missing: tuple = ()
    spoil: object = None
    read: object = None
    # why the reference is not asked, or not to read the broker, or no server is to relay
    alone: str = ""
    reference_waits: str = ""
    not_relayed: str = ""
    code: int = 0


def of_types(row, rate=64):
    """One of each type, in partitions of their own, in two domains."""
    return [
        channel(f"{'HL'[i % 2]}1:R{row:02}-{d.upper()}", f"R{row:02}_{d}", 3 * i, d, rate,
                max_latency=LATENCY)
        for i, d in enumerate(DTYPES)
    ]  # fmt: skip


def of_rates(row):
    """Several rates in one partition, and in another."""
    rates = (16, 512, 16384)
    return [
        channel(f"{domain}1:R{row:02}-FS_{r}", f"R{row:02}_{domain}", i, "float32", r, max_latency=LATENCY)
        for domain in "HL" for i, r in enumerate(rates)
    ]  # fmt: skip


def of_strides(row):
    kinds = (("H1", "float32", 256, STRIDE), ("L1", "float64", 8, QUARTER), ("H1", "int32", 1, SECOND))
    return [
        channel(f"{domain}:R{row:02}-S{i}", f"R{row:02}_{i}", i, dtype, rate, stride, LATENCY)
        for i, (domain, dtype, rate, stride) in enumerate(kinds)
    ]


def with_nulls(channels, start, end, whole_lists=False):
    """Samples missing within blocks."""
    out = []
    for part in by_partition(channels).values():
        for i, t in enumerate(range(start, end, STRIDE)):
            rows = []
            for c in part:
                values = samples(c, t)
                n = len(values)
                kinds = [values, masked(values, *range(i % n, n, 3)), masked(values, *range(n))]
                kinds.append(None if whole_lists else values)
                rows.append((t, c.partition_index, kinds[(i + c.partition_index) % 4]))
            value = payload(batch(part[0].data_type, rows))
            out.append(Record(part[0].partition_id, t + STRIDE, value))
    return out


def with_null_lists(channels, start, end):
    return with_nulls(channels, start, end, whole_lists=True)


def twice_and_late(channels, start, end):
    sent = records(channels, start, end)
    for i in range(20, len(sent) - 4, 17):
        sent[i], sent[i + 1] = sent[i + 1], sent[i]
    return [r for i, r in enumerate(sent) for _ in range(2 if i % 5 == 0 else 1)]


def some(*numbers):
    return lambda channels: [channels[i] for i in numbers]


def everywhere(*blocks):
    return tuple((None, b) for b in blocks)


HOLES = ((0, 18), (0, 19), (3, 25), *everywhere(21, 22, 28))
STRIDE_HOLES = (*HOLES, *everywhere(*range(32, 40)))
NO_DIRECT_END = "the reference's direct read waits for ever for data that does not come"

TABLE = [
    Row("every type"),
    Row("one channel", read=some(4)),
    Row("some, in an order of their own", read=some(5, 1, 3)),
    Row("several rates", channels=of_rates),
    Row("several rates, some of each partition", channels=of_rates, read=some(5, 0, 2)),
    Row("a start of a block and a half", start=SECOND + STRIDE, end=SECOND + 4 * STRIDE),
    Row("blocks missing, filled", missing=HOLES),
    Row("blocks missing, skipped", missing=HOLES, options=("--on-gap", "skip")),
    Row("blocks missing, raised", missing=HOLES, options=("--on-gap", "raise"), code=1),
    Row("no block missing, raised", options=("--on-gap", "raise")),
    Row("longer blocks", options=("--stride", "0.25")),
    Row("longer blocks, some missing", options=("--stride", "0.25"), missing=HOLES),
    Row("longer blocks, some missing, skipped", end=3 * SECOND, missing=STRIDE_HOLES,
        options=("--stride", "0.25", "--on-gap", "skip")),
    Row("one block of it all", options=("--stride", "1")),
    Row("a start between two blocks", start=SECOND + STRIDE // 2,
        alone="the reference refuses its second block"),
    Row("an end between two blocks", end=2 * SECOND - STRIDE // 2),
    Row("null samples", spoil=with_nulls),
    Row("null lists", spoil=with_null_lists, alone="it fails at a list that is null",
        not_relayed="and so does its server"),
    Row("null samples, longer blocks", spoil=with_nulls, options=("--stride", "0.5")),
    Row("twice, and out of order", spoil=twice_and_late),
    Row("several strides", channels=of_strides, end=3 * SECOND),
    Row("several strides, some missing", channels=of_strides, end=4 * SECOND,
        missing=((0, 18), (1, 5), (1, 6), (2, 3))),
    Row("several strides, in seconds", channels=of_strides, end=5 * SECOND, options=("--stride", "2")),
    Row("a channel that has no data", missing=tuple((3, b) for b in range(80)),
        reference_waits=NO_DIRECT_END),
    Row("an end after the last block", start=3 * SECOND + 8 * STRIDE, end=6 * SECOND,
        reference_waits=NO_DIRECT_END),
    Row("a start before the first block", start=-SECOND, end=SECOND // 2),
]  # fmt: skip


@dataclasses.dataclass
class Place:
    """A row's channels, where its data begins."""

    row: Row
    channels: list
    first: int

    def asked(self):
        return self.row.read(self.channels) if self.row.read else self.channels

    def span(self):
        return self.first + self.row.start, self.first + self.row.end

    def sent(self):
        """Five seconds of it."""
        end = self.first + 5 * SECOND
        if self.row.spoil:
            return self.row.spoil(self.channels, self.first, end)
        parts = list(by_partition(self.channels).values())
        return [
            block_record(part, t)
            for k, part in enumerate(parts)
            for i, t in enumerate(range(self.first, end, part[0].stride))
            if (k, i) not in self.row.missing and (None, i) not in self.row.missing
        ]


# ---------------------------------------------------------------- the servers


def scope_map(path, direct, relayed, broker):
    domains = [f"    {d}:\n      - all: true\n        direct_read: kafka://{broker}\n" for d in direct]
    domains += [f"    {d}:\n      - all: true\n" for d in relayed]
    path.write_text(f'"{REUSE}":\n  scopes:\n{"".join(domains)}  retention:\n    oldest: 900\n')
    return ["--scope-map", path]


@dataclasses.dataclass
class World:
    broker: str
    relaying: Server
    theirs: Server
    direct: Server
    half: Server
    places: dict


def places_of(table):
    """The rows' data begins a minute ago. What has one stride has one publisher."""
    first = gps_now_ns() // SECOND * SECOND - 60 * SECOND
    places = {}
    for i, row in enumerate(table):
        channels = [
            dataclasses.replace(c, publisher=f"P{c.stride // MS}{c.replay_id or ''}")
            for c in (row.channels or of_types)(i)
        ]
        places[row.name] = Place(row, channels, first)
    return places


def configs_of(places):
    """What a server is told of the publishers: name -> text of its file."""
    publishers = {}
    for place in places.values():
        for c in place.channels:
            publishers.setdefault(c.publisher, []).append(c)
    return {
        name: publisher_toml(name, cs, cs[0].stride, LATENCY, cs[0].replay_id)
        for name, cs in publishers.items()
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    places = places_of(TABLE)
    configs = configs_of(places)
    directory = tmp_path_factory.mktemp
    with Broker() as broker:
        broker.start()
        url = broker.bootstrap
        direct = directory("direct")
        half = directory("half")
        with (Server(url, directory("relaying"), configs) as r,
              Server(url, directory("theirs"), configs) as t,
              Server(url, direct, configs, scope_map(direct / "map", ("H1", "L1"), (), url)) as d,
              Server(url, half, configs, scope_map(half / "map", ("H1",), ("L1",), url)) as h):  # fmt: skip
            Cluster(url).send([s for place in places.values() for s in place.sent()])
            yield World(url, r, t, d, h, places)


def locations(server, place):
    """Where a server reports that the data is: channel -> the first location."""
    names = [c.name for c in place.channels]
    start, end = place.span()
    args = {"channels": names, "start": start, "end": end}
    args |= dict.fromkeys(("replay_start", "replay_end", "replay_id"))
    command = {"request": "Stream", "args": args, "version": "0.5.0"}
    client = flight.connect(server.url)
    info = client.get_flight_info(flight.FlightDescriptor.for_command(json.dumps(command)))
    return {
        name: e.locations[0].uri.decode()
        for e in info.endpoints for name in json.loads(e.ticket.ticket)["args"]["channels"]
    }  # fmt: skip


def test_the_servers_lead_four_ways(world):
    place = world.places["every type"]
    kafka = f"kafka://{world.broker}"
    assert set(locations(world.direct, place).values()) == {kafka}
    assert kafka not in locations(world.relaying, place).values()
    half = locations(world.half, place)
    assert {n[:2] for n, at in half.items() if at == kafka} == {"H1"}
    assert {n[:2] for n, at in half.items() if at != kafka} == {"L1"}


# ---------------------------------------------------------------- reading


def option(row, name):
    return row.options[row.options.index(name) + 1] if name in row.options else None


def by_the_reference(server, place):
    """Through a server; what came before an error is kept."""
    start, end = place.span()
    options = {"on_gap": option(place.row, "--on-gap") or "fill", "replay_id": place.channels[0].replay_id}
    if stride := option(place.row, "--stride"):
        options["stride"] = float(stride)
    out = []
    try:
        for b in Client(server.url).stream(
            [c.name for c in place.asked()], start / SECOND, end / SECOND, **options
        ):
            out.append(json.loads(formatter(b, "json")))
    except Exception as e:
        assert place.row.code and "GapError" in type(e).__name__, e
    return out


def from_the_broker_by_the_reference(world, place):
    start, end = place.span()
    options = {"on_gap": option(place.row, "--on-gap") or "fill"}
    if stride := option(place.row, "--stride"):
        options["stride"] = round(float(stride) * SECOND)
    blocks, how = reference_stream(world.broker, place.asked(), start, end, silence_s=25, **options)
    assert ("GapError" in how) if place.row.code else how == "end", how
    return blocks


@pytest.mark.parametrize("row", TABLE, ids=lambda r: r.name)
def test_the_same_blocks_every_way(world, cli, row):
    place = world.places[row.name]
    channels = place.asked()
    start, end = place.span()
    common = ["--json", "--start", seconds(start), "--end", seconds(end), *row.options,
              *(c.name for c in channels)]  # fmt: skip

    def ours(*where):
        done = cli.run("stream", *where, *common, check=row.code)
        return [json.loads(line) for line in done.stdout.splitlines()]

    # all at once: no server is asked twice
    with ThreadPoolExecutor() as pool:
        wanted = pool.submit(ours, "--kafka-url", world.broker)
        ways = {"kafka:// endpoints": pool.submit(ours, "--url", world.direct.url)}
        if not row.not_relayed:
            ways["a relay"] = pool.submit(ours, "--url", world.relaying.url)
            ways["a half of each"] = pool.submit(ours, "--url", world.half.url)
            if not row.alone:
                ways["the reference, by a relay"] = pool.submit(by_the_reference, world.theirs, place)
        if not row.alone and not row.reference_waits:
            ways["the reference, from the broker"] = pool.submit(
                from_the_broker_by_the_reference, world, place
            )
    wanted = wanted.result()
    assert wanted
    for way, got in ways.items():
        try:
            assert_same([fill_absent(b, channels) for b in got.result()], wanted, channels)
        except AssertionError as e:
            raise AssertionError(f"{way}: {e}") from None
