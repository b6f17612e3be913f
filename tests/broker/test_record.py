# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli record: what was published is in the files, and after any end recording goes on without
a seam."""

import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import time

import numpy
import pytest
from live import LivePublisher, lacks
from recorded import read_file
from support import (
    SECOND, STRIDE, T0, by_partition, channel, expected_block, gps_now_ns, handles, records, samples,
    seconds, stream_arguments, unique, wait_for, write_metadata,
)  # fmt: skip

LENGTH = 2


def channels(max_latency=60 * SECOND):
    x = unique("")
    more = {"max_latency": max_latency}
    return [
        channel("H1:CAL-FAST", f"a{x}", 0, "float32", 256, **more),
        channel("H1:CAL-COUNT", f"a{x}", 1, "float32", 16, **more),
        channel("L1:GRD-STATE", f"b{x}", 3, "int32", 16, **more),
    ]


def record_arguments(cluster, tmp_path, cs, *more):
    (tmp_path / "files").mkdir(exist_ok=True)
    return [
        "record", "--kafka-url", cluster.bootstrap, "--metadata", write_metadata(tmp_path, cs),
        "--dir", tmp_path / "files", "--match", ".", "--length", LENGTH, "--name", "HL-TEST",
        *more,
    ]  # fmt: skip


def read_files(directory, cs):
    """GPS second -> what that file has. There is nothing else in the directory that a user sees."""
    out = {}
    for path in sorted(directory.iterdir()):
        if path.name.startswith("."):
            assert path.name in (".HL-TEST.lock", ".HL-TEST.next"), path
            continue
        name = re.fullmatch(rf"HL-TEST-(\d+)-{LENGTH}\.(h5|arrow|gwf)", path.name)
        assert name, path
        out[int(name[1])] = read_file(path, cs)
    return out


def assert_published(files, cs, first, end, missing=()):
    """Every sample of [first, end) once and as it was published; `missing`: (partition, start) of blocks
    that were not."""
    assert sorted(files) == list(range(first, end, LENGTH))
    for gps, file in files.items():
        for c in cs:
            wanted = samples(c, gps * SECOND, LENGTH * SECOND)
            mask = numpy.zeros(len(wanted), bool)
            for partition, t in missing:
                if partition == c.partition_id and gps * SECOND <= t < (gps + LENGTH) * SECOND:
                    at = round((t - gps * SECOND) * c.sample_rate / SECOND)
                    mask[at:at + round(STRIDE * c.sample_rate / SECOND)] = True
            values, found = file[c.name]
            assert (found == mask).all(), (gps, c.name)
            assert (values[~mask] == wanted[~mask]).all(), (gps, c.name)


@pytest.mark.parametrize("form", [("hdf5",), ("hdf5", "--deflate", "1"), ("arrow",)], ids="-".join)
def test_files_have_what_was_published(cluster, cli, tmp_path, form):
    cs = channels()
    cluster.create_for(cs)
    first = T0 // SECOND
    missing = {(cs[0].partition_id, T0 + i * STRIDE) for i in (3, 4, 40, 64, 65)}
    missing |= {(cs[2].partition_id, T0 + i * STRIDE) for i in range(64, 80)}
    missing |= {(c.partition_id, T0 + i * STRIDE) for c in cs for i in range(96, 128)}  # a whole file
    cluster.send(records(cs, T0, T0 + 10 * SECOND, skip=missing))
    arguments = record_arguments(cluster, tmp_path, cs, "--format", *form, "--start", first,
                                 "--end", first + 10)  # fmt: skip
    cli.run(*arguments)
    files = read_files(tmp_path / "files", cs)
    assert first + 6 not in files
    files[first + 6] = {
        c.name: (numpy.zeros(LENGTH * c.sample_rate), numpy.ones(LENGTH * c.sample_rate, bool))
        for c in cs
    }
    assert_published(files, cs, first, first + 10, missing)
    assert "all before GPS" in cli.run(*arguments).stderr


def test_kills_leave_no_seam(cluster, cli, tmp_path):
    """Killed twenty times at random moments of its work; where a run gets to depends on the machine, so
    that a run that is never killed completes what is left."""
    cs = channels()
    cluster.create_for(cs)
    spans, first = 80, T0 // SECOND
    end = first + spans * LENGTH
    cluster.send(records(cs, T0, end * SECOND))
    arguments = record_arguments(cluster, tmp_path, cs, "--start", first, "--end", end)
    directory, chance = tmp_path / "files", random.Random(20)
    for _ in range(20):
        before = len(list(directory.glob("HL-*")))
        process = subprocess.Popen([cli.path, *map(str, arguments)], stderr=subprocess.DEVNULL)
        enough = before + chance.randrange(5)  # files, at least; then any moment
        while process.poll() is None and len(list(directory.glob("HL-*"))) < enough:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        files = read_files_of_a_crash(directory, cs)
        assert sorted(files) == list(range(first, first + len(files) * LENGTH, LENGTH))
    cli.run(*arguments)
    assert_published(read_files(directory, cs), cs, first, end)


def test_a_state_goes_on_in_another_directory(cluster, cli, tmp_path):
    """Files that are moved away with all that is hidden beside them are not recorded again; those that are there count
    as they do with --start."""
    cs = channels()
    cluster.create_for(cs)
    first, state = T0 // SECOND, tmp_path / "position"
    cluster.send(records(cs, T0, T0 + 10 * SECOND))

    def record_to(end, **more):
        return cli.run(*record_arguments(cluster, tmp_path, cs, "--state", state, "--start", first, "--end", end), **more)

    record_to(first + 4)
    assert state.read_text() == f"arrakis-state 1 {(first + 4) * SECOND}\n"
    (tmp_path / "files").rename(tmp_path / "moved")
    record_to(first + 8)
    assert_published(read_files(tmp_path / "files", cs), cs, first + 4, first + 8)
    state.write_text(f"arrakis-state 1 {first * SECOND}\n")
    record_to(first + 10)
    assert_published(read_files(tmp_path / "files", cs), cs, first + 4, first + 10)
    assert state.read_text() == f"arrakis-state 1 {(first + 10) * SECOND}\n"
    state.write_text("another file\n")
    assert "is no state file" in record_to(first + 10, check=1).stderr
    assert state.read_text() == "another file\n"
    state.unlink()
    state.mkdir()
    assert "no state file" in record_to(first + 10, check=1).stderr
    assert "--duration" in cli.run("record", "--dir", tmp_path, "--state", state, "--duration", 2, check=2).stderr


@pytest.mark.parametrize("form", ["arrow", "gwf"])
def test_kills_of_live_recorders_leave_no_seam(cluster, cli, tmp_path, form):
    """The same while the data comes."""
    cs = channels()
    cluster.create_for(cs)
    live = LivePublisher(cluster, cs)
    first = live.started_ns // SECOND // LENGTH * LENGTH
    cluster.send(records(cs, first * SECOND, live.started_ns))
    arguments = record_arguments(cluster, tmp_path, cs, "--start", first, "--format", form)
    directory, chance = tmp_path / "files", random.Random(form)
    with live:
        for _ in range(4):
            enough = len(files_of(tmp_path)) + chance.randrange(2)
            process = subprocess.Popen([cli.path, *map(str, arguments)], stderr=subprocess.DEVNULL)
            wait_for(lambda: handles(process.pid, signal.SIGINT) and len(files_of(tmp_path)) >= enough)
            time.sleep(chance.uniform(0, 1))
            process.kill()
            process.wait()
            files = read_files_of_a_crash(directory, cs)
            assert sorted(files) == list(range(first, first + len(files) * LENGTH, LENGTH))
        enough = len(files) + 2
        process = subprocess.Popen([cli.path, *map(str, arguments)])
        wait_for(lambda: len(files_of(tmp_path)) >= enough)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    files = read_files(directory, cs)
    assert_published(files, cs, first, max(files) + LENGTH)


def read_files_of_a_crash(directory, cs):
    """What has its name is whole, whatever else lies there."""
    return {
        int(path.name.split("-")[2]): read_file(path, cs)
        for path in directory.glob("HL-*")
    }


def test_an_interrupted_span_is_recorded_by_the_next_run(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    arguments = record_arguments(cluster, tmp_path, cs)
    directory = tmp_path / "files"
    with LivePublisher(cluster, cs):
        for files in (1, 3):
            process = subprocess.Popen([cli.path, *map(str, arguments)])
            deadline = time.monotonic() + 60
            while len(list(directory.glob("HL-*"))) < files and time.monotonic() < deadline:
                time.sleep(0.02)
            wait_for(lambda: handles(process.pid, signal.SIGINT))  # its files may be there already
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    files = read_files(directory, cs)
    assert len(files) >= 3
    assert sorted(files) == list(range(min(files), max(files) + 1, LENGTH))
    for gps, file in sorted(files.items())[1:]:
        for c in cs:
            values, mask = file[c.name]
            assert not mask.any() and (values == samples(c, gps * SECOND, LENGTH * SECOND)).all()
    assert not [p for p in os.listdir(directory) if p.endswith(".part")]


def recording(cli, arguments, tmp_path):
    """A recorder, and what it tells."""
    told = tmp_path / "told"
    with told.open("w") as err:
        return subprocess.Popen([cli.path, *map(str, arguments)], stderr=err), told


def files_of(tmp_path):
    return sorted((tmp_path / "files").glob("HL-*"))


def test_what_comes_late_is_missing_and_counted(cluster, cli, tmp_path):
    cs = channels(SECOND)
    cluster.create_for(cs)
    late = by_partition(cs)[cs[2].partition_id]
    process, told = recording(cli, record_arguments(cluster, tmp_path, cs, "--summary", 1), tmp_path)
    with LivePublisher(cluster, cs, skip=lambda p, t: p == cs[2].partition_id) as live:
        wait_for(lambda: files_of(tmp_path))
        first = int(files_of(tmp_path)[-1].name.split("-")[2]) * SECOND
        cluster.send(records(late, first, first + LENGTH * SECOND))
        wait_for(lambda: len(files_of(tmp_path)) > 1)
        # each has what came about since the one before it
        some_late = "in 1 s: .* [1-9][0-9]* blocks came late(?s:.*in 1 s:.*in 1 s:)"
        wait_for(lambda: re.search(some_late, told.read_text()))
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert live.started_ns < first + LENGTH * SECOND
    [(files, late)], some = (
        [tuple(map(int, found)) for found in
         re.findall(rf"{when}: ([0-9]+) files, .* ([0-9]+) blocks came late", told.read_text())]
        for when in ("in all", "in 1 s")
    )  # fmt: skip
    assert late > 0, told.read_text()
    assert sum(x for x, _ in some) <= files and sum(x for _, x in some) <= late, told.read_text()
    _, mask = read_file(tmp_path / "files" / f"HL-TEST-{first // SECOND}-{LENGTH}.h5", cs)[cs[2].name]
    assert mask.all()


def test_data_that_lies_at_the_broker_is_not_late(cluster, cli, tmp_path):
    """Messages lie there for half a second, which is more than their latency. What was published in time, with some
    of that latency left to the reader, is recorded: it is so little that on a loaded machine it may take four times."""
    missing = None
    for i in range(4):
        if missing != []:
            (tmp_path / str(i)).mkdir()
            missing = what_was_in_time_and_is_missing(cluster, cli, tmp_path / str(i))
    assert missing == []


def what_was_in_time_and_is_missing(cluster, cli, tmp_path):
    latency = SECOND * 2 // 5
    cs = channels(latency)
    cluster.create_for(cs)
    process, _ = recording(cli, record_arguments(cluster, tmp_path, cs), tmp_path)
    with LivePublisher(cluster, cs) as live:
        wait_for(lambda: len(files_of(tmp_path)) > 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    files, missing = read_files(tmp_path / "files", cs), []
    strides = [{"time_ns": t} for gps in files
               for t in range(gps * SECOND, (gps + LENGTH) * SECOND, STRIDE) if t >= live.started_ns]  # fmt: skip
    for t in (b["time_ns"] for b in live.in_time(strides[16:], latency // 2)):
        gps = t // SECOND // LENGTH * LENGTH
        for c in cs:
            at, n = (round(x * c.sample_rate / SECOND) for x in (t - gps * SECOND, STRIDE))
            values, mask = (x[at:at + n] for x in files[gps][c.name])
            assert (values[~mask] == samples(c, t, STRIDE)[~mask]).all(), (t, c.name)
            if mask.any():
                missing.append((t, c.name))
    return missing


def end_three_files_after(text, process, told, tmp_path, timeout=60):
    wait_for(lambda: text in told.read_text())
    enough = len(files_of(tmp_path)) + 3
    wait_for(lambda: len(files_of(tmp_path)) >= enough)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout) == 0


def test_a_recorder_that_has_caught_up_goes_on_without_a_seam(cluster, cli, tmp_path):
    """A backlog is read by a stream of its own."""
    cs = channels()
    cluster.create_for(cs)
    live = LivePublisher(cluster, cs)
    first = (live.started_ns // SECOND - 30) // LENGTH * LENGTH
    cluster.send(records(cs, first * SECOND, live.started_ns))
    process, told = recording(cli, record_arguments(cluster, tmp_path, cs, "--start", first), tmp_path)
    with live:
        end_three_files_after("has caught up", process, told, tmp_path)
    assert told.read_text().count("has caught up") == 1
    files = read_files(tmp_path / "files", cs)
    assert_published(files, cs, first, max(files) + LENGTH)


def test_a_channel_that_changes_just_before_a_recorder_has_caught_up(cluster, cli, tmp_path):
    """It is recorded as it was for as long as there is data of that: the stream that has read the backlog goes on."""
    lag = 20 * SECOND
    cs = channels()
    cluster.create_for(cs)
    old = LivePublisher(cluster, cs, lag_ns=lag)
    first = (old.started_ns // SECOND - 40) // LENGTH * LENGTH
    cluster.send(records(cs, first * SECOND, old.started_ns - lag))
    process, told = recording(cli, record_arguments(cluster, tmp_path, cs, "--start", first), tmp_path)
    with old:
        wait_for(lambda: int(files_of(tmp_path)[-1].name.split("-")[2]) * SECOND > old.started_ns - lag
                 if files_of(tmp_path) else False)  # fmt: skip
        assert "has caught up" not in told.read_text()
        moved = dataclasses.replace(cs[0], partition_id=unique("moved"))
        cluster.create_for([moved])
        write_metadata(tmp_path, [moved, *cs[1:]])
    live = LivePublisher(cluster, cs)
    cluster.send(records(cs, old.reached_ns - lag, live.started_ns))
    with live:
        end_three_files_after("where channels have changed", process, told, tmp_path, 20)
    files = read_files(tmp_path / "files", cs)
    assert_published(files, cs, first, max(files) + LENGTH)


def test_a_channel_that_changes_is_told_and_missing(cluster, cli, tmp_path):
    """Another rate in the messages of a partition: the others are recorded as before."""
    cs = channels()
    cluster.create_for(cs)
    first = T0 // SECOND
    cluster.send(records(cs, T0, T0 + 2 * SECOND))
    changed = [dataclasses.replace(cs[0], sample_rate=512), *cs[1:]]
    cluster.send(records(changed, T0 + 2 * SECOND, T0 + 4 * SECOND))
    done = cli.run(*record_arguments(cluster, tmp_path, cs, "--start", first, "--end", first + 4))
    assert cs[0].name in done.stderr or cs[0].partition_id in done.stderr, done.stderr
    files = read_files(tmp_path / "files", cs)
    assert not files[first][cs[0].name][1].any()
    assert files[first + 2][cs[0].name][1].all(), done.stderr
    assert not files[first + 2][cs[2].name][1].any()


def recorded(cluster, cli, run, cs, form, first, end):
    """Record a span; the files, by name."""
    cli.run(*record_arguments(cluster, run, cs, "--format", *form, "--start", first, "--end", end))
    return {p.name: p.read_bytes() for p in (run / "files").glob("HL-*")}


@pytest.mark.parametrize("form", [("hdf5",), ("hdf5", "--deflate", "1"), ("arrow",), ("gwf", "--deflate", "1")],
                         ids="-".join)  # fmt: skip
def test_files_are_published_again(cluster, cli, tmp_path, form):
    """What is recorded of that is the same files: gaps are gaps, and a file that was left out is left
    out."""
    cs = channels()
    again = [dataclasses.replace(c, partition_id=c.partition_id + "r") for c in cs]
    first = T0 // SECOND
    missing = {(cs[0].partition_id, T0 + i * STRIDE) for i in range(3, 40)}
    missing |= {(cs[2].partition_id, T0 + i * STRIDE) for i in range(32, 64)}
    missing |= {(c.partition_id, T0 + i * STRIDE) for c in cs for i in range(64, 96)}
    for some in (cs, again):
        cluster.create_for(some)
        (tmp_path / some[0].partition_id).mkdir()
    cluster.send(records(cs, T0, T0 + 8 * SECOND, skip=missing))
    there = recorded(cluster, cli, tmp_path / cs[0].partition_id, cs, form, first, first + 8)
    assert len(there) == 3
    run = tmp_path / again[0].partition_id
    cli.run("publish", "--kafka-url", cluster.bootstrap, "--metadata", write_metadata(run, again),
            tmp_path / cs[0].partition_id / "files")  # fmt: skip
    assert recorded(cluster, cli, run, again, form, first, first + 8) == there


@pytest.mark.skipif("ARRAKIS_LIBRDKAFKA" in os.environ, reason="times of files are the same on any librdkafka")
@pytest.mark.parametrize("form", ["hdf5", "arrow", "gwf"])
def test_files_are_played_at_other_times(cluster, cli, tmp_path, form):
    """What is recorded of that has the same samples and the same gaps, also where a recorded span begins and ends."""
    first, span = T0 // SECOND, 2 * LENGTH
    cs = channels()
    cluster.create_for(cs)
    missing = {(c.partition_id, T0 + i * STRIDE) for c in cs for i in (*range(17), 40, *range(45, 64))}
    cluster.send(records(cs, T0, T0 + span * SECOND, skip=missing | {(cs[2].partition_id, T0 + 35 * STRIDE)}))
    recorded(cluster, cli, tmp_path, cs, (form,), first, first + span)
    wanted, now = read_files(tmp_path / "files", cs), gps_now_ns() // SECOND // LENGTH * LENGTH
    for option, start, rounds in (("--pace", now - LENGTH, 1), ("--loop", now - 3 * span, 2), (None, first + 1000, 1)):
        run = tmp_path / str(option)
        run.mkdir()
        again = [dataclasses.replace(c, partition_id=c.partition_id + str(option)) for c in cs]
        cluster.create_for(again)
        command = ["publish", "--kafka-url", cluster.bootstrap, "--metadata", write_metadata(run, again), "--start", start,
                   *([option] if option else []), tmp_path / "files"]  # fmt: skip
        player = subprocess.Popen([cli.path, *map(str, command)])
        try:
            if option != "--loop":
                assert player.wait(60) == 0
                assert option is None or gps_now_ns() >= (start + span - 1) * SECOND  # of which there is nothing
            patience = 60 if option == "--loop" else 1  # all is there, and nothing at the end
            recorded(cluster, cli, run, again, (form, "--latency-tolerance", patience), start, start + rounds * span)
        finally:
            player.send_signal(signal.SIGINT)
            assert player.wait(60) == 0
        found = read_files(run / "files", again)
        assert sorted(found) == list(range(start, start + rounds * span, LENGTH)), option
        for gps, file in found.items():
            for name, (values, mask) in wanted[first + (gps - start) % span].items():
                assert (file[name][1] == mask).all(), (option, gps, name)
                assert (file[name][0] == values)[~mask].all(), (option, gps, name)


def test_arrow_files_are_published_from_stdin(cluster, cli, tmp_path):
    cs = channels()
    cluster.create_for(cs)
    first = T0 // SECOND
    cluster.send(records(cs, T0, T0 + 2 * SECOND))
    files = recorded(cluster, cli, tmp_path, cs, ("arrow",), first, first + 2)
    command = [cli.path, "publish", "--kafka-url", cluster.bootstrap, "--arrow", "--start", str(first + 2),
               "--metadata", write_metadata(tmp_path, cs)]  # fmt: skip
    subprocess.run(command, input=b"".join(files.values()), check=True, timeout=40)
    found = recorded(cluster, cli, tmp_path, cs, ("arrow",), first, first + 4)
    assert len(found) == 2


def test_files_are_played_for_ever(cluster, cli, tmp_path):
    """A recorded span is a detector: its blocks come again and again, each when its span is over."""
    cs = channels(SECOND)
    cluster.create_for(cs)
    first = T0 // SECOND
    cluster.send(records(cs, T0, T0 + 4 * SECOND, skip={(cs[2].partition_id, T0 + 5 * STRIDE)}))
    recorded(cluster, cli, tmp_path, cs, ("hdf5",), first, first + 4)
    metadata = write_metadata(tmp_path, cs)
    before = gps_now_ns()
    command = [cli.path, "publish", "--kafka-url", cluster.bootstrap, "--metadata", metadata, "--loop",
               *sorted((tmp_path / "files").glob("HL-*"), reverse=True)]  # fmt: skip
    player = subprocess.Popen(list(map(str, command)))
    span = stream_arguments(cluster.bootstrap, metadata, cs, before // STRIDE * STRIDE)
    try:
        with cli.follow(*span) as stream:
            stream.wait_for(lambda blocks: sum(not lacks(b, cs[0]) for b in blocks) > 80, timeout=60)
    finally:
        player.send_signal(signal.SIGINT)
        assert player.wait(60) == 0
    # What came too late for that stream is there by now.
    found = cli.blocks(*span, "--end", seconds(stream.blocks()[-1]["time_ns"]))
    played = [expected_block(cs, T0 + i * STRIDE, STRIDE) for i in range(64)]
    played[5]["data"][cs[2].name] = [None]
    found = [b["data"] for b in found if b["data"][cs[0].name][0] is not None]
    assert len(found) > 64  # more than once
    assert found == [played[i % 64]["data"] for i in range(len(found))]


def test_files_are_played_as_if_they_were_new(cluster, cli, tmp_path):
    cs = channels(SECOND)
    cluster.create_for(cs)
    metadata = write_metadata(tmp_path, cs)
    played = [expected_block(cs, T0 + i * STRIDE, STRIDE) for i in range(8)]
    before = gps_now_ns()
    cli.run("publish", "--kafka-url", cluster.bootstrap, "--metadata", metadata, "--pace",
            stdin="".join(json.dumps(b) + "\n" for b in played))  # fmt: skip
    after = gps_now_ns()
    assert after - before >= 7 * STRIDE
    found = cli.blocks(*stream_arguments(cluster.bootstrap, metadata, cs, before, after))
    found = [b for b in found if b["data"][cs[0].name][0] is not None]
    assert [b["data"] for b in found] == [b["data"] for b in played]
    assert before - STRIDE <= found[0]["time_ns"] <= after - 8 * STRIDE
