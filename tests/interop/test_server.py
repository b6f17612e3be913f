# SPDX-License-Identifier: Apache-2.0
"""Both directions with the real thing: arrakis-server and the reference's Publisher on Kafka, read
by arrakis-cli from Kafka alone; and libarrakis publishing, read by the reference."""

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy
import pyarrow
import pytest
from arrakis import Client, SeriesBlock
from arrakis.format import formatter
from arrakis.publish import Publisher, serialize_batch
from broker import Broker
from confluent_kafka import Consumer, Producer, TopicPartition
from faulty import Unsteady
from live import LivePublisher
from oracle import reference_stream
from server import Server, publisher_toml
from support import (
    DTYPES, MAX_LATENCY, SECOND, STRIDE, Cluster, Follower, assert_same, channel, channel_json,
    expected_block, gps_now_ns, records, samples, seconds, tool, unique, write_metadata,
)  # fmt: skip

ARRAKIS = Path(sys.executable).parent / "arrakis"

# Every data type, two partitions of one of them, several rates.
TEST = [channel(f"H1:TYP-{d.upper()}", f"TEST_{d}", 0, d, 64) for d in DTYPES] + [
    channel("H1:TYP_FAST", "TEST_float32", 1, "float32", 1024),
    channel("H1:CAL-DELTA", "TEST_CAL", 4, "float64", 16384),
    channel("L1:CAL-DELTA", "TEST_CAL", 9, "float64", 16),
]
OTHER = [channel(f"V1:ENV-T{i}", "OTHER_ENV", i, "float32", 16, stride=250_000_000) for i in range(3)]
REPLAY = [channel(f"H1:RPL-C{i}", "REPLAY_A", i, "int32", 16, replay_id="GWTC") for i in range(2)]
REPLAY_SERVED = [dataclasses.replace(c, publisher="REPLAY") for c in REPLAY]


@pytest.fixture(scope="module")
def broker():
    # Not the shared broker: a search for channels here finds these publishers and no others.
    with Broker() as b:
        yield b.start()


@pytest.fixture(scope="module")
def server(broker, tmp_path_factory):
    configs = {
        "TEST": publisher_toml("TEST", TEST, STRIDE, MAX_LATENCY),
        "OTHER": publisher_toml("OTHER", OTHER, 250_000_000, 60 * SECOND),
        "REPLAY": publisher_toml("REPLAY", REPLAY, STRIDE, MAX_LATENCY, replay_id="GWTC"),
    }
    with Server(broker.bootstrap, tmp_path_factory.mktemp("server"), configs) as s:
        yield s


def masked_samples(c, t, i):
    """Samples, some of them missing in some blocks, as a masked array."""
    values = samples(c, t)
    mask = numpy.zeros(len(values), bool)
    if i % 4 == 1:
        mask[c.partition_index % len(mask) :: 3] = True
    elif i % 4 == 2 and c.partition_index == 0:
        mask[:] = True
    return numpy.ma.array(values, mask=mask) if mask.any() else values


def publish_by_reference(server, publisher_id, start, count):
    """`count` blocks of all its channels. Returns the blocks."""
    publisher = Publisher(publisher_id, server.url)
    publisher.register()
    blocks = []
    with publisher:
        for i in range(count):
            t = start + i * publisher.stride
            data = {n: masked_samples(c, t, i) for n, c in publisher.channels.items()}
            block = SeriesBlock(t, data, dict(publisher.channels))
            publisher.publish(block)
            blocks.append(block)
    return blocks


@pytest.fixture(scope="module")
def published(server):
    """Two seconds of everything of TEST, the latest of them about now."""
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    return start, publish_by_reference(server, "TEST", start, 32)


def reference(server, *arguments):
    """The reference's own command line."""
    done = subprocess.run([ARRAKIS, "-q", "--url", server.url, *map(str, arguments)],
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# ---------------------------------------------------------------- a server that is killed

@contextlib.contextmanager
def published_all_the_time(bootstrap, channels):
    """A stride each time that it is over, whichever server there is."""
    over, cluster = threading.Event(), Cluster(bootstrap)

    def publish():
        t = gps_now_ns() // STRIDE * STRIDE
        while not over.wait(max(0, (t + STRIDE - gps_now_ns()) / SECOND)):
            cluster.send(records(channels, t, t + STRIDE))
            t += STRIDE

    publishing = threading.Thread(target=publish)
    publishing.start()
    yield
    over.set()
    publishing.join()


def test_a_stream_outlives_its_connection_and_its_server(bootstrap, tmp_path, cli):
    """What was published meanwhile is in Kafka, so the server has it, or the next one: nothing is missing, nothing
    comes twice. A break of a second is so short that the server takes the start for the present."""
    publisher = unique("BACK")
    one = channel("H1:BCK-A", f"{publisher}_int32", 0, "int32", 16, max_latency=60 * SECOND)
    cs, name = [dataclasses.replace(one, publisher=publisher)], one.name
    configs = {publisher: publisher_toml(publisher, cs, STRIDE, 60 * SECOND)}
    for run in ("first", "second"):
        (tmp_path / run).mkdir()

    def there(block):
        return None not in block["data"][name]

    def goes_on(stream):
        """A block of now: within the latency that the channel has, only the server can have sent it."""
        now = gps_now_ns()
        stream.wait_for(lambda blocks: blocks[-1]["time_ns"] >= now, timeout=50)

    with Server(bootstrap, tmp_path / "first", configs) as first, Unsteady(first.url, 1) as network:
        arguments = "--url", network.url, "stream", "--json", "--no-fast-forward", name
        with published_all_the_time(bootstrap, cs), cli.follow(*arguments) as live:
            live.wait_for(lambda blocks: blocks and there(blocks[-1]))
            network.cut()
            goes_on(live)
            first.process.kill()
            with Server(bootstrap, tmp_path / "second", configs) as second:
                network.lead_to(second.url)
                network.cut()
                goes_on(live)
                assert live.interrupt() == 0
    assert any("has broken and is taken up again" in e for e in live.errors)
    blocks = live.blocks()
    whole = blocks[next(i for i, b in enumerate(blocks) if there(b)) :]
    assert [b["time_ns"] for b in whole] == [whole[0]["time_ns"] + i * STRIDE for i in range(len(whole))]
    assert_same(whole, [expected_block(cs, b["time_ns"], STRIDE) for b in whole], cs)


# ---------------------------------------------------------------- the main job


def test_published_blocks_come_out_equal(broker, server, published, cli):
    start, blocks = published
    names = [c.name for c in TEST]
    span = ["--start", seconds(start), "--end", seconds(start + 2 * SECOND)]
    common = ["stream", "--json", "--kafka-url", broker.bootstrap, *span]
    theirs = [json.loads(line) for line in reference(server, *common, *names)]
    ours = cli.blocks(*common, *names)
    assert len(theirs) == 32
    assert_same(ours, theirs, TEST)
    assert_same(ours, [json.loads(formatter(b, "json")) for b in blocks], TEST)


def test_one_channel_alone(broker, server, published, cli):
    start, _ = published
    for c in TEST:
        arguments = ["stream", "--json", "--kafka-url", broker.bootstrap, "--start",
                     seconds(start + STRIDE), "--end", seconds(start + SECOND), c.name]  # fmt: skip
        theirs = [json.loads(line) for line in reference(server, *arguments)]
        assert_same(cli.blocks(*arguments), theirs, [c])


def test_a_fetch_is_one_block(broker, server, published, cli):
    start, _ = published
    names = [c.name for c in TEST]
    span = ["--start", seconds(start), "--end", seconds(start + SECOND)]
    blocks, _ = reference_stream(broker.bootstrap, kafka_channels(server), start, start + SECOND,
                                 silence_s=25, stride=SECOND)  # fmt: skip
    ours = cli.blocks("fetch", "--json", "--kafka-url", broker.bootstrap, *span, *names)
    assert_same(ours, blocks, TEST)


def kafka_channels(server, names=None, replay_id=None):
    names = names or [c.name for c in TEST]
    return list(Client(server.url).describe(names, replay_id=replay_id).values())


def test_a_replay_is_read_by_its_id(broker, server, cli):
    # Without a scope map the server routes nothing to a replay; its metadata topic is there.
    start = gps_now_ns() // SECOND * SECOND - SECOND
    cluster = Cluster(broker.bootstrap)
    cluster.send(records(REPLAY_SERVED, start, start + SECOND))
    ours = cli.blocks(
        "stream", "--json", "--kafka-url", broker.bootstrap, "--replay-id", "GWTC",
        "--start", seconds(start), "--end", seconds(start + SECOND), *[c.name for c in REPLAY],
    )  # fmt: skip
    wanted = [expected_block(REPLAY_SERVED, start + i * STRIDE, STRIDE) for i in range(16)]
    assert_same(ours, wanted, REPLAY_SERVED)


def test_arrow_output_is_read_by_pyarrow(broker, published, cli, tmp_path):
    start, blocks = published
    names = [c.name for c in TEST]
    with open(tmp_path / "out.arrow", "wb") as out:
        subprocess.run(
            [cli.path, "stream", "--arrow", "--kafka-url", broker.bootstrap, "--start",
             seconds(start), "--end", seconds(start + 2 * SECOND), *names],
            stdout=out, check=True, timeout=40,
        )  # fmt: skip
    with pyarrow.ipc.open_stream(tmp_path / "out.arrow") as stream:
        schema = stream.schema
        batches = list(stream)
    assert schema.names == ["time", *sorted(names)]
    for c in TEST:
        field = schema.field(c.name)
        assert field.type == pyarrow.list_(pyarrow.from_numpy_dtype(numpy.dtype(c.data_type)))
        assert float(field.metadata[b"rate"]) == c.sample_rate
    for b in batches:
        b.validate(full=True)
    rows = [(b, i) for b in batches for i in range(b.num_rows)]
    assert len(rows) == 32
    assert len(batches) < 32, "blocks that were there already have batches of their own"
    for (b, i), block in zip(rows, blocks):
        assert b.column("time")[i].as_py() == block.time_ns
        for c in TEST:
            assert b.column(c.name)[i].as_py() == block.data[c.name].tolist()


@pytest.mark.parametrize("source", ["kafka", "file"])
def test_live_blocks_come_out_equal(broker, server, cli, tmp_path, source):
    """Ours and the reference beside each other on a live stream, from the same publisher."""
    names = [c.name for c in OTHER]
    common = ["stream", "--json", "--kafka-url", broker.bootstrap, *names]
    ours_arguments = list(common)
    if source == "file":
        channels = kafka_channels(server, names)
        ours_arguments[2:2] = ["--metadata", write_metadata(tmp_path, channels)]
    publisher = Publisher("OTHER", server.url)
    publisher.register()
    sent = {}
    stop = threading.Event()

    def publish():
        step = publisher.stride
        with publisher:
            t = gps_now_ns() // step * step
            while not stop.wait(max(0, (t + step - gps_now_ns()) / SECOND)):
                data = {n: samples(c, t) for n, c in publisher.channels.items()}
                publisher.publish(SeriesBlock(t, data, dict(publisher.channels)))
                sent[t] = data
                t += step

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        with Follower([str(ARRAKIS), "-q", "--url", server.url, *common]) as theirs:
            with cli.follow(*ours_arguments) as ours:
                first = theirs.wait_for(lambda b: b)[0]["time_ns"]
                first = max(first, ours.wait_for(lambda b: b)[0]["time_ns"])
                until = first + 7 * publisher.stride
                other = theirs.wait_for(lambda b: b[-1]["time_ns"] >= until)
                mine = ours.wait_for(lambda b: b[-1]["time_ns"] >= until)
                assert ours.interrupt() == 0
    finally:
        stop.set()
        thread.join()

    def common_part(blocks):
        return [b for b in blocks if first <= b["time_ns"] <= until]

    assert len(common_part(mine)) == 8
    assert_same(common_part(mine), common_part(other), OTHER)
    for b in mine:
        for c in OTHER:
            assert b["data"][c.name] == sent[b["time_ns"]][c.name].tolist()


# ---------------------------------------------------------------- finding channels


QUERIES = {
    "everything": ["."],
    "a prefix": ["H1:TYP"],
    "from the first character": ["CAL"],
    "an alternative": ["(H1|L1):CAL-.*"],
    "an anchor": [".*CAL-DELTA$"],
    "a class and a count": ["V1:ENV-T[0-1]{1}"],
    "nothing": ["X1:NONE"],
    "a data type": [".", "--data-type", "float64"],
    "two data types": [".", "--data-type", "int32", "--data-type", "uint64"],
    "a numpy alias": [".", "--dtype", "float32"],
    "rates": [".", "--min-rate", "64", "--max-rate", "1024"],
    "a rate, inclusive": [".", "--min-rate", "16384"],
    "a publisher": [".", "--publisher", "OTHER"],
    "two publishers": [".", "--publisher", "OTHER", "--publisher", "TEST"],
    "an unknown publisher": [".", "--publisher", "NOBODY"],
    "all conditions": ["H1:", "--dtype", "float32", "--max-rate", "64", "--publisher", "TEST"],
    "a replay": [".", "--replay-id", "GWTC"],
}  # fmt: skip


def by_name(lines):
    """Channels in JSON, in no order. (A rate of 16 and one of 16.0 are the same number.)"""
    return sorted((json.loads(line) for line in lines), key=lambda c: c["name"])


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_find_and_count(broker, server, cli, query):
    if "--replay-id" in query:
        theirs = [channel_json(c) for c in REPLAY_SERVED]
    else:
        theirs = reference(server, "find", "--json", *query)
        assert cli.run("count", "--kafka-url", broker.bootstrap, *query).stdout == (
            "\n".join(reference(server, "count", *query)) + "\n"
        )
    ours = cli.run("find", "--json", "--kafka-url", broker.bootstrap, *query).stdout.splitlines()
    assert by_name(ours) == by_name(theirs)


def test_describe(broker, server, cli):
    names = ["H1:TYP_FAST", "V1:ENV-T2", "H1:TYP-UINT64"]
    ours = cli.run("describe", "--json", "--kafka-url", broker.bootstrap, *names).stdout
    assert by_name(ours.splitlines()) == by_name(
        reference(server, "describe", "--json", *names)
    )


def test_describing_what_does_not_exist_fails_and_names_it(broker, server, cli):
    done = cli.run("describe", "--json", "--kafka-url", broker.bootstrap, "H1:TYP_FAST", "H1:NO-SUCH",
                   check=1)  # fmt: skip
    assert "H1:NO-SUCH" in done.stderr and "H1:TYP_FAST" not in done.stderr


def test_describe_output_is_a_metadata_file(broker, server, published, cli, tmp_path):
    start, _ = published
    lines = cli.run("describe", "--json", "--kafka-url", broker.bootstrap, "H1:TYP_FAST").stdout
    path = tmp_path / "m.jsonl"
    path.write_text(lines)
    blocks = cli.blocks("fetch", "--json", "--metadata", path, "--kafka-url", broker.bootstrap,
                        "--start", seconds(start), "H1:TYP_FAST")  # fmt: skip
    assert blocks[0]["data"]["H1:TYP_FAST"] == samples(TEST[6], start).tolist()


def test_a_channel_that_was_removed_is_not_found(broker, cli, tmp_path):
    cs = [channel(f"K1:GRD-C{i}", "GONE_A", i, "int32", 16) for i in range(4)]
    with Server(broker.bootstrap, tmp_path, {"GONE": publisher_toml("GONE", cs, STRIDE, SECOND)}) as s:
        find = ["find", "--json", "--kafka-url", broker.bootstrap, ".", "--publisher", "GONE"]
        before = cli.run(*find)
        assert len(before.stdout.splitlines()) == 4
        assert "digest" not in before.stderr
        mark = len(s.log)
        s.reload("GONE", publisher_toml("GONE", cs[:1] + cs[2:], STRIDE, SECOND))
        s.wait_for("reload applied", since=mark)
        after = cli.run(*find)
        assert by_name(after.stdout.splitlines()) == by_name(
            reference(s, "find", "--json", ".", "--publisher", "GONE")
        )
        assert len(after.stdout.splitlines()) == 3
        assert "digest" not in after.stderr


def test_a_digest_that_does_not_match_is_a_warning(broker, server, cli):
    c = dataclasses.replace(channel("K1:BAD-C0", "BAD_A", 0), publisher="BAD")
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce("arrakis-metadata-BAD", key=c.name, value=channel_json(c))
    digest = {"version": 1, "digest": "0" * 64, "count": 1}
    producer.produce("arrakis-metadata-BAD", key="__digest__", value=json.dumps(digest))
    producer.flush()
    try:
        done = cli.run("find", "--json", "--kafka-url", broker.bootstrap, "K1:BAD")
        assert len(done.stdout.splitlines()) == 1
        assert "BAD" in done.stderr and "digest" in done.stderr
    finally:
        admin = Cluster(broker.bootstrap).admin
        admin.delete_topics(["arrakis-metadata-BAD"])["arrakis-metadata-BAD"].result(20)


# ---------------------------------------------------------------- ours publishes


def tool_line(block):
    data = {}
    for name, values in block.data.items():
        entry = {"hex": numpy.asarray(values).tobytes().hex()}
        if numpy.ma.is_masked(values):
            mask = numpy.ma.getmaskarray(values)
            entry["valid"] = "".join("0" if m else "1" for m in mask)
        data[name] = entry
    return json.dumps({"time_ns": block.time_ns, "duration_ns": block.duration_ns, "data": data})


def publish_by_ours(broker, publisher, channels, blocks, tmp_path):
    done = subprocess.run(
        [tool("publish_tool"), broker.bootstrap, publisher, write_metadata(tmp_path, channels)],
        capture_output=True, text=True, timeout=60,
        input="".join(tool_line(b) + "\n" for b in blocks),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def messages(broker, topic, count):
    """The last `count` values of a topic."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "bytes"})
    try:
        high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
        consumer.assign([TopicPartition(topic, 0, high - count)])
        out = consumer.consume(count, 20)
        assert len(out) == count, f"{len(out)} of {count} messages in {topic}"
        return [m.value() for m in out]
    finally:
        consumer.close()


@pytest.fixture(scope="module")
def published_by_ours(broker, server, tmp_path_factory):
    """Two seconds through libarrakis, later than what the reference published."""
    start = gps_now_ns() // SECOND * SECOND + 10 * SECOND
    channels = kafka_channels(server)
    blocks = []
    for i in range(32):
        t = start + i * STRIDE
        data = {c.name: masked_samples(c, t, i) for c in channels}
        blocks.append(SeriesBlock(t, data, {c.name: c for c in channels}))
    answers = publish_by_ours(broker, "TEST", channels, blocks, tmp_path_factory.mktemp("p"))
    assert answers == ["ARRAKIS_OK"] * 32
    return start, channels, blocks


def test_the_reference_reads_what_we_publish(broker, published_by_ours):
    start, channels, blocks = published_by_ours
    theirs, how = reference_stream(broker.bootstrap, channels, gps_now_ns() - 60 * SECOND,
                                   start + 2 * SECOND, silence_s=25, on_gap="skip")  # fmt: skip
    assert how == "end"
    theirs = [b for b in theirs if b["time_ns"] >= start]
    assert_same(theirs, [json.loads(formatter(b, "json")) for b in blocks], TEST)


def test_our_bytes_are_the_reference_s(broker, published_by_ours):
    start, channels, blocks = published_by_ours
    by_name = {c.name: c for c in channels}
    wanted = {}
    for block in blocks:
        for partition, b in block.to_row_batches(by_name):
            wanted.setdefault(partition, []).append(serialize_batch(b).to_pybytes())
    for partition, values in wanted.items():
        ours = messages(broker, f"arrakis-{partition}", len(values))
        for i, (a, b) in enumerate(zip(ours, values)):
            assert a == b, f"{partition}, block {i}: {len(a)} bytes, wanted {len(b)}"


def test_what_must_not_be_published_is_refused(broker, server, tmp_path):
    channels = kafka_channels(server)
    t = gps_now_ns() // SECOND * SECOND + 100 * SECOND
    by_name = {c.name: c for c in channels}

    def block(t, duration=STRIDE):
        data = {c.name: samples(c, t, duration) for c in channels}
        return SeriesBlock(t, data, by_name)

    blocks = [block(t), block(t), block(t - STRIDE), block(t + STRIDE, 2 * STRIDE), block(t + STRIDE)]
    answers = publish_by_ours(broker, "TEST", channels, blocks, tmp_path)
    words = [a.split(":")[0] for a in answers]
    assert words[0] == words[4] == "ARRAKIS_OK", answers
    # twice, earlier, and twice the stride
    assert set(words[1:4]) <= {"ARRAKIS_EINVAL", "ARRAKIS_EMISMATCH"}, answers
    assert "stride" in answers[3] or "duration" in answers[3], answers


def test_a_whole_block_of_the_largest_size_travels_both_ways(broker, cli, tmp_path):
    """A message just under 10,000,000 bytes."""
    c = channel("H1:BIG-ONE", "BIG_A", 0, "float64", 19_990_000, max_latency=5 * SECOND)
    start = gps_now_ns() // SECOND * SECOND - 2 * SECOND
    block = SeriesBlock(start, {c.name: samples(c, start)}, {c.name: c})
    assert publish_by_ours(broker, "TEST", [c], [block], tmp_path) == ["ARRAKIS_OK"]
    size = len(messages(broker, "arrakis-BIG_A", 1)[0])
    assert 9_990_000 < size < 10_000_000
    theirs, _ = reference_stream(broker.bootstrap, [c], start, start + STRIDE, silence_s=25)
    ours = cli.blocks("stream", "--json", "--kafka-url", broker.bootstrap, "--metadata",
                      tmp_path / "channels.jsonl", "--start", seconds(start), "--end",
                      seconds(start + STRIDE), c.name, timeout=120)  # fmt: skip
    assert_same(ours, theirs, [c])


def test_streams_of_channels_that_change(broker, tmp_path, cli):
    """Their publisher has another configuration: one stream ends and names what has changed, one follows."""
    old = channel("H1:NEW-A", "NEW_f32", 0, "float32", 16, max_latency=2 * SECOND)
    old = dataclasses.replace(old, publisher="NEW")
    new = dataclasses.replace(old, partition_id="NEW_f64", data_type="float64", sample_rate=64)
    cluster = Cluster(broker.bootstrap)

    def whole(blocks, rate, since):
        return any(b["time_ns"] >= since and b["channels"][old.name]["sample_rate"] == rate
                   and None not in b["data"][old.name] for b in blocks)  # fmt: skip

    with Server(broker.bootstrap, tmp_path, {"NEW": publisher_toml("NEW", [old], STRIDE, 2 * SECOND)}) as s:
        arguments = ("--url", s.url, "stream", "--json")
        with cli.follow(*arguments, old.name) as ends, cli.follow(*arguments, "--follow", old.name) as follows:
            with LivePublisher(cluster, [old]) as publisher:
                for follower in (ends, follows):
                    follower.wait_for(lambda blocks: whole(blocks, 16, publisher.started_ns), timeout=60)
            s.reload("NEW", publisher_toml("NEW", [new], STRIDE, 2 * SECOND))
            with LivePublisher(cluster, [new]) as publisher:
                assert ends.finish(60) == 1
                follows.wait_for(lambda blocks: whole(blocks, 64, publisher.started_ns), timeout=90)
            assert follows.interrupt() == 0
    assert all(text in ends.error() for text in (old.name, "float32", "float64")), ends.errors
    blocks = follows.blocks()
    assert [b["time_ns"] for b in blocks] == list(range(blocks[0]["time_ns"], blocks[-1]["time_ns"] + 1, STRIDE))
    for b in blocks:
        if None not in b["data"][old.name]:
            c = old if b["channels"][old.name]["sample_rate"] == 16 else new
            assert_same([b], [expected_block([c], b["time_ns"], STRIDE)], [c])
