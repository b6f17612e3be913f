# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli publish: what it takes from JSON arrives at the reference's reader, sample for sample."""

import json
import subprocess

import numpy
import pytest
from arrakis import SeriesBlock
from arrakis.format import formatter
from oracle import reference_stream
from support import (
    DTYPES, SECOND, STRIDE, assert_same, channel, gps_now_ns, samples, seconds, unique,
    write_metadata,
)  # fmt: skip


@pytest.fixture
def registered(tmp_path):
    """Every type, in topics of their own, and a second channel in one of them."""
    stem = unique("CLI")
    channels = [channel(f"H1:PUB-{d.upper()}", f"{stem}_{d}", 0, d, 64) for d in DTYPES]
    channels.append(channel("H1:PUB-FAST", f"{stem}_float32", 3, "float32", 1024))
    return channels, write_metadata(tmp_path, channels)


def extremes(c, length):
    """Both ends of the type's range, in turn, and what has no number."""
    dtype = numpy.dtype(c.data_type)
    if dtype.kind == "f":
        info = numpy.finfo(dtype)
        values = [info.max, info.min, info.tiny, info.smallest_subnormal, -0.0, 1 / 3,
                  numpy.nan, numpy.inf, -numpy.inf]  # fmt: skip
    else:
        values = [numpy.iinfo(dtype).max, numpy.iinfo(dtype).min, 0]
    return numpy.resize(numpy.array(values, dtype), length)


def made_blocks(channels, start, count):
    """The kinds of blocks there are, as the reference's objects."""
    blocks = []
    for i in range(count):
        t, data = start + i * STRIDE, {}
        for c in channels:
            values = samples(c, t)
            mask = numpy.zeros(len(values), bool)
            if i % 4 == 1:
                values = extremes(c, len(values))
            elif i % 4 == 2:
                mask[c.partition_index :: 3] = True
            elif i % 4 == 3 and c.partition_index == 0:
                mask[:] = True
            data[c.name] = numpy.ma.array(values, mask=mask) if mask.any() else values
        blocks.append(SeriesBlock(t, data, {c.name: c for c in channels}))
    return blocks


def publish(cli, bootstrap, metadata, lines, *arguments, check=0):
    return cli.run("publish", "--kafka-url", bootstrap, "--metadata", metadata, *arguments,
                   stdin="".join(line + "\n" for line in lines), check=check)  # fmt: skip


def read_by_reference(bootstrap, channels, start, end):
    blocks, how = reference_stream(bootstrap, channels, start, end, silence_s=25)
    assert how == "end", how
    return blocks


def test_the_reference_reads_what_its_own_json_said(cli, bootstrap, cluster, registered):
    channels, metadata = registered
    cluster.create_for(channels)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    lines = [formatter(b, "json") for b in made_blocks(channels, start, 16)]
    publish(cli, bootstrap, metadata, lines)
    got = read_by_reference(bootstrap, channels, start, start + SECOND)
    assert_same(got, [json.loads(line) for line in lines], channels)


@pytest.mark.parametrize("form", ["--json", "--arrow"])
def test_a_stream_piped_into_publish_is_a_copy(cli, bootstrap, cluster, registered, tmp_path, form):
    channels, metadata = registered
    (tmp_path / "copy").mkdir()
    stem = unique("COPY")
    copies = [channel(c.name, f"{stem}_{c.data_type}", c.partition_index, c.data_type,
                      c.sample_rate) for c in channels]  # fmt: skip
    copied = write_metadata(tmp_path / "copy", copies)
    cluster.create_for([*channels, *copies])
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    blocks = made_blocks(channels, start, 16)
    publish(cli, bootstrap, metadata, [formatter(b, "json") for b in blocks])
    span = ["--start", seconds(start), "--duration", "1", *(c.name for c in channels)]
    stream = subprocess.Popen(
        [cli.path, "stream", form, "--kafka-url", bootstrap, "--metadata", metadata, *span],
        stdout=subprocess.PIPE,
    )
    subprocess.run([cli.path, "publish", form, "--kafka-url", bootstrap, "--metadata", copied],
                   stdin=stream.stdout, check=True, timeout=60)  # fmt: skip
    assert stream.wait(60) == 0
    got = read_by_reference(bootstrap, copies, start, start + SECOND)
    by_name = {c.name: c for c in copies}
    wanted = [SeriesBlock(b.time_ns, dict(b.data), by_name) for b in blocks]
    assert_same(got, [json.loads(formatter(b, "json")) for b in wanted], copies)


def test_a_fetched_block_is_published_in_strides(cli, bootstrap, cluster, registered):
    channels, metadata = registered
    cluster.create_for(channels)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    data = {c.name: samples(c, start, SECOND).tolist() for c in channels}
    data["H1:PUB-FAST"][100:300] = [None] * 200
    line = json.dumps({"time_ns": start, "data": data, "_duration_ns": SECOND})
    publish(cli, bootstrap, metadata, [line])
    got = read_by_reference(bootstrap, channels, start, start + SECOND)
    assert len(got) == 16
    for c in channels:
        joined = [v for b in got for v in b["data"][c.name]]
        assert joined == data[c.name], c.name


def test_a_replay_goes_to_its_own_topics(cli, bootstrap, cluster, tmp_path):
    c = channel("H1:PUB-REPLAY", unique("CLIR"), 0, "int32", 16, replay_id="GWTC")
    metadata = write_metadata(tmp_path, [c])
    cluster.create_for([c])
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    lines = [json.dumps({"time_ns": start + i * STRIDE, "data": {c.name: [i]}}) for i in range(16)]
    done = publish(cli, bootstrap, metadata, lines, check=1)
    assert "no live channel" in done.stderr
    publish(cli, bootstrap, metadata, lines, "--replay-id", "GWTC")
    got = cli.blocks("stream", "--json", "--kafka-url", bootstrap, "--metadata", metadata,
                     "--replay-id", "GWTC", "--start", seconds(start), "--duration", "1", c.name)  # fmt: skip
    assert [b["data"][c.name] for b in got] == [[i] for i in range(16)]


def test_a_broker_that_is_not_there_is_told_within_the_time_allowed(cli, registered):
    channels, metadata = registered
    c = channels[0]
    line = json.dumps({"time_ns": SECOND, "data": {c.name: [0, 0, 0, 0]}})
    done = publish(cli, "127.0.0.1:1", metadata, [line], "--timeout", "1", check=1)
    assert "line 1" in done.stderr


