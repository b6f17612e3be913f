# SPDX-License-Identifier: Apache-2.0
"""One stream from sources that follow each other in time: servers for some of it and brokers for the
rest. The double of a Flight server names who has what; the broker is a real one."""

import json
import socket
import time

import pytest
from live import LivePublisher, assert_published, lacks
from pyarrow import flight
from recorded import read_file
from server import Server, publisher_toml
from support import (
    SECOND, STRIDE, T0, Cluster, assert_same, channel, expected_block, gps_now_ns, records, samples,
    seconds, unique,
)  # fmt: skip
from test_flight import Mock
from test_flight_double import BY_NAME, HERE, ask, blocks_of, double, span  # noqa: F401


def make(max_latency=20 * SECOND):
    """Three partitions, whose channels do not lie in the order of their names. A loaded machine keeps
    to the latency."""
    x, more = unique(""), {"max_latency": max_latency}
    return [
        channel("H1:SEAM-A", f"p{x}", 2, "float32", 256, **more),
        channel("H1:SEAM-B", f"q{x}", 0, "int32", 16, **more),
        channel("H1:SEAM-C", f"p{x}", 0, "float32", 16, **more),
        channel("H1:SEAM-D", f"r{x}", 5, "float64", 64, **more),
        channel("H1:SEAM-E", f"q{x}", 9, "int32", 64, **more),
        channel("H1:SEAM-F", f"p{x}", 1, "float32", 256, **more),
    ]


@pytest.fixture
def channels(cluster):
    cs = make()
    cluster.create_for(cs)
    yield from known(cs)


def known(cs):
    BY_NAME.update((c.name, c) for c in cs)
    yield cs
    for c in cs:
        del BY_NAME[c.name]


@pytest.fixture
def kafka(bootstrap):
    return f"kafka://{bootstrap}"


def names_of(channels):
    return [c.name for c in channels]


def endpoints(*pieces):
    """What a server answers: (names, start, end, locations), in no order."""
    def answer(_, request):
        return [flight.FlightEndpoint(ask(request, channels=names, start=start, end=end), [*where])
                for names, start, end, *where in pieces][::-1]  # fmt: skip
    return answer


def stream(server, channels, *arguments):
    return ["--url", server.url, "stream", "--json", *arguments, *names_of(channels)]


def blocks(channels, start, end, **gaps):
    return [expected_block(channels, t, STRIDE, **gaps) for t in range(start, end, STRIDE)]


def streamed(server):
    """The spans that were asked of a server, in order."""
    return [(a["start"], a["end"]) for a in server.asked if "start" in a]


def run(cli, server, channels, start, end):
    """A bounded request: its blocks, and what was logged. Nothing comes late or twice."""
    done = cli.run(*stream(server, channels, *span(start, end)))
    assert "dropped" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---------------------------------------------------------------- bounded


def test_the_past_of_a_server_and_the_rest_of_a_broker(channels, cluster, kafka, double, cli):  # noqa: F811
    """The broker has a second from before the seam as well: it is not repeated."""
    names, at, end = names_of(channels), T0 + 2 * SECOND + 5 * STRIDE, T0 + 4 * SECOND
    cluster.send(records(channels, at - SECOND, end))
    server = double(endpoints=endpoints((names, T0, at, HERE), (names, at, end, kafka)))
    assert_same(run(cli, server, channels, T0, end), blocks(channels, T0, end), channels)
    assert streamed(server) == [(T0, at)]
    (fetched,) = cli.blocks("--url", server.url, "fetch", "--json", *span(T0, end), *names)
    assert_same([fetched], [expected_block(channels, T0, end - T0)], channels)


def test_a_server_goes_on_where_a_broker_ends(channels, cluster, kafka, double, cli):  # noqa: F811
    """What the broker has beyond the handover is not read: the server decides where that is."""
    names, at, end = names_of(channels), T0 + 2 * SECOND, T0 + 4 * SECOND
    cluster.send(records(channels, T0, end))
    server = double(endpoints=endpoints((names, T0, at, kafka), (names, at, end, HERE)))
    assert_same(run(cli, server, channels, T0, end), blocks(channels, T0, end), channels)
    assert streamed(server) == [(at, end)]


def test_back_and_forth(channels, cluster, kafka, double, cli):  # noqa: F811
    names = names_of(channels)
    at = [T0 + i * SECOND for i in range(7)]
    cluster.send(records(channels, T0, at[-1]))
    kinds = [HERE, HERE, kafka, HERE, kafka, kafka]
    server = double(endpoints=endpoints(*((names, *at[i : i + 2], k) for i, k in enumerate(kinds))))
    assert_same(run(cli, server, channels, T0, at[-1]), blocks(channels, T0, at[-1]), channels)
    assert streamed(server) == [(at[0], at[1]), (at[1], at[2]), (at[3], at[4])]


def test_two_brokers_one_after_the_other(channels, cluster, bootstrap, double, cli):  # noqa: F811
    """Another name of the same one is another broker."""
    names, at, end = names_of(channels), T0 + 2 * SECOND, T0 + 4 * SECOND
    cluster.send(records(channels, T0, end))
    host, port = bootstrap.rsplit(":", 1)
    other = f"kafka://{'localhost' if host == '127.0.0.1' else '127.0.0.1'}:{port}"
    server = double(endpoints=endpoints(
        (names, T0, at, f"kafka://{bootstrap}"), (names, at, end, other)))  # fmt: skip
    assert_same(run(cli, server, channels, T0, end), blocks(channels, T0, end), channels)


def test_each_slice_is_shared_out_otherwise(channels, cluster, kafka, double, cli):  # noqa: F811
    """Servers share partitions out among them; one channel stays with a server to the end."""
    names, at, end = names_of(channels), T0 + 2 * SECOND, T0 + 4 * SECOND
    cluster.send(records(channels[1:], at, end))
    server = double(endpoints=endpoints(
        (names[::2], T0, at, HERE), (names[1::2], T0, at, HERE),
        (names[:1], at, end, HERE), (names[1:4], at, end, kafka), (names[4:], at, end, kafka),
    ))  # fmt: skip
    assert_same(run(cli, server, channels, T0, end), blocks(channels, T0, end), channels)


def test_strides_that_differ(cluster, kafka, double, cli):  # noqa: F811
    """A server's blocks of all of them last as long as the longest, and are cut."""
    x = unique("")
    fast = channel("H1:SEAM-FAST", f"f{x}", 0, "float32", 256)
    slow = channel("H1:SEAM-SLOW", f"s{x}", 0, "int32", 4, stride=SECOND // 2)
    for cs in known([fast, slow]):
        cluster.create_for(cs)
        at, end = T0 + 2 * SECOND, T0 + 4 * SECOND
        cluster.send(records(cs, at, end))
        server = double(
            endpoints=endpoints((names_of(cs), T0, at, HERE), (names_of(cs), at, end, kafka)),
            blocks=lambda c, start, end: blocks_of(c, start, end, SECOND // 2),
        )
        wanted = [expected_block(cs, t, SECOND // 2) for t in range(T0, end, SECOND // 2)]
        assert_same(run(cli, server, cs, T0, end), wanted, cs)


def test_a_seam_within_a_stride(cluster, kafka, double, cli):  # noqa: F811
    """The server has only a part of the stride that the seam cuts, and the broker all of it."""
    (c,) = cs = [channel("H1:SEAM-LONG", unique("l"), 0, "int32", 4, stride=4 * SECOND)]
    for _ in known(cs):
        cluster.create_for(cs)
        start, at = T0 // (4 * SECOND) * 4 * SECOND, T0 // (4 * SECOND) * 4 * SECOND + 7 * SECOND
        end = start + 12 * SECOND
        cluster.send(records(cs, start + 4 * SECOND, end))

        def cut(c, start, end):
            for t in range(start, end, 4 * SECOND):
                yield from blocks_of(c, t, min(t + 4 * SECOND, end), min(4 * SECOND, end - t))

        server = double(blocks=cut, endpoints=endpoints(
            ([c.name], start, at, HERE), ([c.name], at, end, kafka)))  # fmt: skip
        wanted = [expected_block(cs, t, 4 * SECOND) for t in range(start, end, 4 * SECOND)]
        assert_same(run(cli, server, cs, start, end), wanted, cs)


def test_what_a_server_lacks_at_the_seam_is_a_gap(channels, cluster, kafka, double, cli):  # noqa: F811
    names, at, end = names_of(channels), T0 + 2 * SECOND, T0 + 3 * SECOND
    cluster.send(records(channels, at, end))
    server = double(
        blocks=lambda c, start, end: blocks_of(c, start, end - 3 * STRIDE),
        endpoints=endpoints((names, T0, at, HERE), (names, at, end, kafka)),
    )
    gaps = [(n, at - 3 * STRIDE, at) for n in names]
    assert_same(run(cli, server, channels, T0, end), blocks(channels, T0, end, gaps=gaps), channels)


def test_a_channel_that_begins_with_the_broker(channels, cluster, kafka, double, cli):  # noqa: F811
    """The server has more of the others than a queue holds, and none of this one: that is no reason
    to wait."""
    names = names_of(channels)
    at, end = T0 + 80 * SECOND, T0 + 81 * SECOND
    cluster.send(records(channels, at - SECOND, end))
    server = double(endpoints=endpoints((names[:2], T0, at, HERE), (names, at, end, kafka)))
    few = channels[:2] + channels[3:4]
    got = run(cli, server, few, T0, end)
    # what the broker has of the second before the seam is not asked for
    wanted = blocks(few, T0, end, gaps=[(few[2].name, T0, at)])
    assert_same(got, wanted, few)


def test_a_channel_that_begins_with_another_server(channels, double, cli):  # noqa: F811
    names, at, end = names_of(channels), T0 + 80 * SECOND, T0 + 81 * SECOND
    server = double(endpoints=endpoints((names[:2], T0, at, HERE), (names, at, end, HERE)))
    few = channels[:2] + channels[3:4]
    wanted = blocks(few, T0, end, gaps=[(few[2].name, T0, at)])
    assert_same(run(cli, server, few, T0, end), wanted, few)


def test_a_broker_s_topic_that_ends_before_the_seam(channels, cluster, kafka, double, cli):  # noqa: F811
    """A server goes on with the other channels; no source is waited for without end."""
    names, at, end = names_of(channels), T0 + 2 * SECOND, T0 + 4 * SECOND
    short, rest = channels[3], [c for c in channels if c is not channels[3]]
    cluster.send(records(rest, T0, at) + records([short], T0, at - 4 * STRIDE))
    server = double(endpoints=endpoints((names, T0, at, kafka), (names, at, end, HERE)))
    wanted = blocks(channels, T0, end, gaps=[(short.name, at - 4 * STRIDE, at)])
    assert_same(run(cli, server, channels, T0, end), wanted, channels)


# ---------------------------------------------------------------- into the present


def follow(cli, server, cs, start, until):
    """An endless stream up to blocks of that time."""
    with cli.follow(*stream(server, cs, "--start", seconds(start))) as followed:
        got = followed.wait_for(lambda b: b and b[-1]["time_ns"] >= until)
        assert followed.interrupt() == 0
    assert not any("dropped" in line for line in followed.errors)
    return got


@pytest.mark.parametrize("end", [None, "at"])
def test_on_into_the_present(channels, cluster, kafka, double, cli, end):  # noqa: F811
    """With a slice that begins at the seam, or one without a time for the present."""
    names = names_of(channels)
    with LivePublisher(cluster, channels) as live:
        at = live.started_ns // SECOND * SECOND + SECOND
        start = at - 6 * SECOND
        last = (names, at if end is None else None, None, kafka)
        server = double(endpoints=endpoints((names, start, at, HERE), last))
        got = follow(cli, server, channels, start, gps_now_ns() + SECOND)
    end = start + len(got) * STRIDE
    assert_same(got, blocks(channels, start, end), channels)
    assert streamed(server) == [(start, at)]


def test_live_deadlines_pass_once_the_present_is_reached(cluster, kafka, double, cli):  # noqa: F811
    """A partition that falls silent is a gap, and the others go on."""
    for cs in known(make(max_latency=4 * SECOND)):
        cluster.create_for(cs)
        names, silent = names_of(cs), cs[3]
        stops = gps_now_ns() // SECOND * SECOND + 3 * SECOND
        skip = lambda partition, t: partition == silent.partition_id and t >= stops  # noqa: E731
        with LivePublisher(cluster, cs, skip=skip) as live:
            at = live.started_ns // SECOND * SECOND + SECOND
            start = at - 2 * SECOND
            server = double(endpoints=endpoints((names, start, at, HERE), (names, at, None, kafka)))
            got = follow(cli, server, cs, start, max(stops, gps_now_ns()) + SECOND)
        archived = [b for b in got if b["time_ns"] < at]
        assert_same(archived, blocks(cs, start, at), cs)
        assert_published(got[len(archived) :], cs, live)
        assert all(lacks(b, silent) for b in got if b["time_ns"] >= stops)


def test_a_recorder_that_has_caught_up_by_a_server_s_brokers(channels, cluster, kafka, double, cli, tmp_path):  # noqa: F811
    """It leaves the requests of a backlog, and has all of the past and of the present."""
    names = names_of(channels)
    live = LivePublisher(cluster, channels)
    at = live.started_ns // (2 * SECOND) * 2 * SECOND  # where a file begins
    cluster.send(records(channels, at, live.started_ns))
    with live:
        def who_has_it(server, request):
            start = request["args"]["start"]
            past = [(names, start, at, HERE)] if start < at else []
            return endpoints(*past, (names, at, None, kafka))(server, request)

        server = double(endpoints=who_has_it)
        with cli.follow("record", "--url", server.url, "--dir", tmp_path, "--name", "H-SEAM", "--length", 2,
                        "--start", at // SECOND - 20, *names) as recorder:  # fmt: skip
            until = int(recorder.wait_for_error("H-SEAM has caught up, at GPS").split()[-1]) + 2
            while not (found := sorted(tmp_path.glob("H-*"))) or int(found[-1].name.split("-")[2]) < until:
                assert gps_now_ns() < (until + 60) * SECOND
                time.sleep(0.05)
            assert recorder.interrupt() == 0
    times = [int(path.name.split("-")[2]) for path in found]
    assert times == list(range(at // SECOND - 20, times[-1] + 1, 2))
    for gps, path in zip(times, found):
        for c, (values, mask) in zip(channels, read_file(path, channels).values(), strict=True):
            assert not mask.any() and (values == samples(c, gps * SECOND, 2 * SECOND)).all(), (path, c.name)
    assert streamed(server)[0] == (at - 20 * SECOND, at)


def test_an_archive_a_broker_and_who_knows_of_both(tmp_path, bootstrap, cli):
    """Real servers: the archive has no partitions, the information server has no data."""
    x = unique("")
    live = [channel(f"K1:ENV-T{i}", f"k{x}_{i // 3}", i % 3, "float32", 256,
                    max_latency=20 * SECOND) for i in range(5)]  # fmt: skip
    names = names_of(live)
    archive, recent, info = (tmp_path / n for n in ("archive", "recent", "info"))
    for directory in (archive, recent, info):
        directory.mkdir()
    old_channels = [(c.name, "float32", 256, STRIDE) for c in live]
    with (
        Mock(archive, old_channels) as old,
        Server(bootstrap, recent, {f"T{x}": publisher_toml(f"T{x}", live, STRIDE, 20 * SECOND)}) as new,
    ):
        (info / "map.yaml").write_text(
            f"{old.url}:\n  scopes:\n    K1:\n      - all: true\n  retention:\n    newest: 4\n"
            f"{new.url}:\n  scopes:\n    K1:\n      - publisher: T{x}\n        subsystems: [ENV]\n"
            f"        direct_read: kafka://{bootstrap}\n  retention:\n    oldest: 10\n"
        )
        publisher = LivePublisher(Cluster(bootstrap), live)
        start = publisher.started_ns // SECOND * SECOND - 20 * SECOND
        Cluster(bootstrap).send(records(live, start + 8 * SECOND, publisher.started_ns))
        with Mock(info, options=["-s", str(info / "map.yaml")]) as s, publisher:
            got = follow(cli, s, live, start, gps_now_ns() + SECOND)
        from_broker = [b["data"] == expected_block(live, b["time_ns"], STRIDE)["data"] for b in got]
        seam = from_broker.index(True)
        at = start + seam * STRIDE
        archived = cli.blocks("--url", old.url, "stream", "--json", *span(start, at), *names)
    assert [b["time_ns"] for b in got] == [start + i * STRIDE for i in range(len(got))]
    assert seam >= 8 * 16 and all(from_broker[seam:])
    assert [b["data"] for b in got[:seam]] == [b["data"] for b in archived]


# ---------------------------------------------------------------- what goes wrong


def test_a_broker_where_nobody_answers_is_an_error_before_the_first_block(channels, double, cli):  # noqa: F811
    names, at = names_of(channels), T0 + 2 * SECOND
    server = double(endpoints=endpoints(
        (names, T0, at, HERE), (names, at, at + SECOND, "kafka://127.0.0.1:1")))  # fmt: skip
    done = cli.run(*stream(server, channels, *span(T0, at + SECOND)), "--timeout", "5", check=1)
    assert "127.0.0.1:1" in done.stderr and not done.stdout


def test_an_interrupt_while_a_broker_does_not_answer(channels, double, cli):  # noqa: F811
    """It is asked before the past is read: that can be ended, too."""
    names, at = names_of(channels), T0 + 2 * SECOND
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        broker = f"kafka://127.0.0.1:{silent.getsockname()[1]}"
        server = double(endpoints=endpoints((names, T0, at, HERE), (names, at, None, broker)))
        with cli.follow(*stream(server, channels, "--start", seconds(T0), "--timeout", "60")) as followed:
            connection, _ = silent.accept()
            with connection:
                assert followed.interrupt() == 0
                assert not followed.lines


def test_two_sources_for_one_time(channels, kafka, double, cli):  # noqa: F811
    names = names_of(channels)
    server = double(endpoints=endpoints(
        (names, T0, T0 + SECOND, HERE), (names[:1], T0, T0 + SECOND, kafka)))  # fmt: skip
    done = cli.run(*stream(server, channels, *span(T0, T0 + SECOND)), check=1)
    assert "two sources" in done.stderr and names[0] in done.stderr


def test_a_channel_that_is_another_now(channels, kafka, double, cli):  # noqa: F811
    names, at = names_of(channels), T0 + 2 * SECOND
    server = double(endpoints=endpoints((names, T0, at, HERE), (names, at, at + SECOND, kafka)))
    asked = server.do_get

    def do_get(context, ticket):
        request = json.loads(ticket.ticket)
        if request["request"] == "Describe" and request["args"]["time"] is None:
            BY_NAME[names[0]] = channel(names[0], "p", 0, "float64", 256)
        return asked(context, ticket)

    server.do_get = do_get
    done = cli.run(*stream(server, channels, *span(T0, at + SECOND)), check=1)
    assert f"'{names[0]}' is float32" in done.stderr and "float64" in done.stderr
