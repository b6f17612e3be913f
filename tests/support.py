# SPDX-License-Identifier: Apache-2.0
"""What the broker and interop tests share: channels, messages made by hand, running arrakis-cli and
comparing its blocks. The reference is used as a peer, through its public classes."""

import contextlib
import dataclasses
import functools
import json
import math
import os
import shlex
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

import numpy
import pyarrow
from arrakis import Channel
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding, AclOperation, AclPermissionType, AdminClient, NewTopic, ResourcePatternType,
    ResourceType,
)  # fmt: skip
from frozen import freeze, thaw

ROOT = Path(__file__).resolve().parents[1]
SECOND = 1_000_000_000
STRIDE = 62_500_000
T0 = 1_400_000_000 * SECOND
DTYPES = ("int32", "int64", "uint32", "uint64", "float32", "float64")
# UTC - GPS at any time since 2017
UNIX_FROM_GPS = 315_964_800 * SECOND - 18 * SECOND
# How long after its end a block is stamped as published.
LATENCY_NS = 50_000_000
# What a loaded machine may add to the time that a program takes, from its start to the sanitizers' report at its
# end. Where a test judges that time, what must not be waited for would take longer by more than this.
LOADED_S = 15
# How late a channel's blocks may be: far more than a loaded machine delays them, since a test in which
# nothing is missing never waits for it. One that waits for gaps gives its own.
MAX_LATENCY = 5 * SECOND


def unique(stem):
    """A name no other test has: topics are never shared."""
    return f"{stem}_{uuid.uuid4().hex[:8]}"


def handles(pid, number):
    """Whether a program has come so far that it handles a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(line for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def channel(name, partition, index=0, dtype="float32", rate=16, stride=STRIDE,
            max_latency=MAX_LATENCY, replay_id=None):  # fmt: skip
    return Channel(
        name=name, data_type=dtype, sample_rate=rate, publisher="TEST", partition_id=partition,
        partition_index=index, stride=stride, max_latency=max_latency, replay_id=replay_id,
    )  # fmt: skip


def channel_json(c):
    fields = dataclasses.asdict(c)
    return json.dumps({k: v for k, v in fields.items() if v is not None})


def topic_of(partition, replay_id=None):
    return f"arrakis-replay-{replay_id}-{partition}" if replay_id else f"arrakis-{partition}"


# ---------------------------------------------------------------- programs


def _built():
    """The program under test."""
    path = os.environ.get("ARRAKIS_CLI")
    if path:
        return Path(path).resolve()
    for build in ("build-asan", "build"):
        if (ROOT / build / "arrakis-cli").exists():
            return ROOT / build / "arrakis-cli"
    raise RuntimeError("no arrakis-cli: set ARRAKIS_CLI or build")


_scripts = tempfile.TemporaryDirectory(prefix="arrakis-programs-")


def program(path, version=None):
    """What to run for the program at `path`, of the build under test: the program on the librdkafka
    of this version, else of the one that ARRAKIS_LIBRDKAFKA names (both in .deps), else on the
    system's, and under the command that ARRAKIS_UNDER has, if any. It is a script that becomes the
    program, so that this process and the reference in it keep their own librdkafka."""
    directories = [_built().parent]  # where the Flight module is
    version = version or os.environ.get("ARRAKIS_LIBRDKAFKA")
    if version:
        directories.insert(0, ROOT / ".deps" / f"librdkafka-{version}" / "lib")
        if not (directories[0] / "librdkafka.so.1").exists():
            raise RuntimeError(f"no librdkafka in {directories[0]}: run tools/setup.sh test")
    script = Path(_scripts.name) / (version or "system") / Path(path).name
    if not script.exists():
        script.parent.mkdir(exist_ok=True)
        libraries = shlex.quote(":".join(map(str, directories)))
        script.write_text(
            f"#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {os.environ.get('ARRAKIS_UNDER', '')} "
            f"{shlex.quote(str(path))} \"$@\"\n"
        )
        script.chmod(0o755)
    return script


def environment_cli(version=None):
    return program(_built(), version)


def tool(name):
    """A program of tests/interop/*_tool.c."""
    return program(Path(os.environ.get("ARRAKIS_TOOLS", _built().parent / "tests")) / name)


@functools.cache
def librdkafka_version():
    """Of the programs under test, as (2, 8, 0)."""
    done = subprocess.run([tool("librdkafka_tool")], capture_output=True, text=True, check=True)
    return tuple(int(number) for number in done.stdout.split("-")[0].split("."))


# What `version` is to a test that reads the same with the programs on each librdkafka, where only one of the answers
# that they are compared to takes long: "" is the one of program(). ctest names the others.
LIBRDKAFKAS = ("", *filter(None, os.environ.get("ARRAKIS_OTHER_LIBRDKAFKAS", "").split(",")))


def librdkafka_programs():
    """arrakis-cli on every librdkafka that tests run on: version -> program."""
    system = ".".join(map(str, librdkafka_version()))
    programs = {system: environment_cli()}
    for lock in sorted((ROOT / "tests" / "librdkafka").glob("*.lock")):
        version = lock.name.removesuffix(".lock")
        if version not in programs:
            programs[version] = environment_cli(version)
    return programs


# ---------------------------------------------------------------- samples and messages


def samples(c, start_ns, duration_ns=None):
    """Values that tell every sample of every channel from any other, over the type's whole range.
    They depend on the sample's time alone, so a block cut otherwise carries the same values."""
    if duration_ns is None:
        duration_ns = c.stride
    first = round(start_ns * c.sample_rate / SECOND)
    count = round(duration_ns * c.sample_rate / SECOND)
    n = numpy.arange(first, first + count, dtype=numpy.uint64)
    mixed = (n + numpy.uint64(1)) * numpy.uint64(0x9E3779B97F4A7C15)
    mixed ^= numpy.uint64(c.partition_index * 0x2545F4914F6CDD1D % 2**64)
    dtype = numpy.dtype(c.data_type)
    if dtype.kind == "f":
        return ((mixed >> numpy.uint64(40)).astype(dtype) - dtype.type(2**23)) / dtype.type(64)
    return mixed.view(numpy.int64).astype(dtype) if dtype.kind == "i" else mixed.astype(dtype)


def masked(values, *missing):
    """`values` with nulls at these places, as a list."""
    out = values.tolist()
    for i in missing:
        out[i] = None
    return out


def batch(dtype, rows, id_type="uint32"):
    """A row batch of (time_ns, id, samples) with samples an array, a list with None, or None."""
    schema = pyarrow.schema([
        ("time", pyarrow.int64()),
        ("id", getattr(pyarrow, id_type)()),
        ("data", pyarrow.list_(pyarrow.from_numpy_dtype(numpy.dtype(dtype)))),
    ])  # fmt: skip
    times, ids, data = zip(*rows) if rows else ((), (), ())
    return pyarrow.record_batch(
        [pyarrow.array(times, schema.field(0).type), pyarrow.array(ids, schema.field(1).type),
         pyarrow.array(list(data), schema.field(2).type)], schema=schema,
    )  # fmt: skip


def payload(*batches):
    """One Kafka message."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batches[0].schema) as writer:
        for b in batches:
            writer.write_batch(b)
    return sink.getvalue().to_pybytes()


@dataclasses.dataclass
class Record:
    """A Kafka record: at `stamp_ns` (GPS) on the topic of a partition."""

    partition: str
    stamp_ns: int
    value: bytes | None
    replay_id: str | None = None


def block_record(channels, start_ns, duration_ns=None, stamp_ns=None, id_type="uint32"):
    """What a publisher sends for one block of the channels of one partition."""
    if duration_ns is None:
        duration_ns = channels[0].stride
    rows = [(start_ns, c.partition_index, samples(c, start_ns, duration_ns)) for c in channels]
    if stamp_ns is None:
        stamp_ns = start_ns + duration_ns + LATENCY_NS
    return Record(channels[0].partition_id, stamp_ns,
                  payload(batch(channels[0].data_type, rows, id_type)),
                  channels[0].replay_id)  # fmt: skip


def records(channels, start_ns, end_ns, skip=(), duration_ns=None):
    """Whole blocks of all partitions over a span, partition by partition; `skip` holds
    (partition, start) of blocks that do not exist."""
    out = []
    for part in by_partition(channels).values():
        step = duration_ns or math.lcm(*(c.stride for c in part))
        first = start_ns // step * step
        for t in range(first, end_ns, step):
            if (part[0].partition_id, t) not in skip:
                out.append(block_record(part, t, step))
    return out


def by_partition(channels):
    out = {}
    for c in channels:
        out.setdefault(c.partition_id, []).append(c)
    return out


# ---------------------------------------------------------------- Kafka


class Cluster:
    """Producing and administering on a broker, or several; `how`: the producer's properties."""

    def __init__(self, bootstrap, **how):
        self.bootstrap = bootstrap
        quiet = {"bootstrap.servers": bootstrap, "log_level": 2, "log.connection.close": False}
        self.admin = AdminClient(quiet)
        self._producer = Producer({
            **quiet, "message.max.bytes": 10_400_000, "enable.idempotence": True, "linger.ms": 1,
            **{k.replace("_", "."): v for k, v in how.items()},
        })  # fmt: skip

    def create(self, topics, partitions=1, replicas=None, wait=True, **config):
        """`replicas`: the nodes of each, the preferred leader first; `wait`: until the broker tells of them."""
        if not topics:
            return
        config = {k.replace("_", "."): str(v) for k, v in config.items()}
        where = {"replica_assignment": [replicas]} if replicas else {"replication_factor": -1}
        new = [NewTopic(t, num_partitions=partitions, config=config, **where) for t in topics]
        for future in self.admin.create_topics(new).values():
            future.result(60)
        while wait and not all(self._is_there(topic) for topic in topics):
            time.sleep(0.02)

    def _is_there(self, topic):
        found = self.admin.list_topics(topic, timeout=60).topics[topic]
        return found.error is None and all(p.leader >= 0 for p in found.partitions.values())

    def create_for(self, channels, **config):
        self.create(sorted({topic_of(c.partition_id, c.replay_id) for c in channels}), **config)

    def leader(self, topic):
        """The node that leads the topic's partition; -1 when none does."""
        return self.admin.list_topics(topic, timeout=20).topics[topic].partitions[0].leader

    def allow(self, user, topic, *operations):
        """Let a user of Broker(users=...) `describe`, `read`, `write`, `create`... a topic ("*": all)."""
        self._rule(user, topic, operations, AclPermissionType.ALLOW)

    def deny(self, user, topic, *operations):
        self._rule(user, topic, operations, AclPermissionType.DENY)

    def allow_group(self, user, group):
        """Let a user be in a group."""
        self._rule(user, group, ["read"], AclPermissionType.ALLOW, ResourceType.GROUP)

    def _rule(self, user, name, operations, permission, kind=ResourceType.TOPIC):
        rules = [
            AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*",
                       AclOperation[operation.upper()], permission)
            for operation in operations
        ]  # fmt: skip
        for future in self.admin.create_acls(rules).values():
            future.result(30)

    def delete_for(self, channels):
        """Returns when the broker has no such topics any more."""
        topics = {topic_of(c.partition_id, c.replay_id) for c in channels}
        for future in self.admin.delete_topics(sorted(topics)).values():
            future.result(30)
        while topics & set(self.admin.list_topics(timeout=30).topics):
            time.sleep(0.02)  # the answer has all topics of all tests

    def purge(self, c, offset):
        """What retention does: nothing before this offset is left."""
        partition = TopicPartition(topic_of(c.partition_id, c.replay_id), 0, offset)
        for future in self.admin.delete_records([partition]).values():
            assert future.result(30).low_watermark == offset

    def send(self, sent):
        """Produce records in this order; returns when all are delivered."""
        produce(self._producer, sent)

    def put(self, topic, key, value):
        """One record that has a key; returns when it is delivered."""
        self._producer.produce(topic, value, key, partition=0)
        assert self._producer.flush(60) == 0


def produce(producer, sent):
    errors = []

    def delivered(error, _message):
        if error:
            errors.append(error)

    for r in sent:
        producer.produce(
            topic_of(r.partition, r.replay_id), r.value, partition=0,
            timestamp=(r.stamp_ns + UNIX_FROM_GPS) // 1_000_000, on_delivery=delivered,
        )  # fmt: skip
        producer.poll(0)
    left = producer.flush(200)  # a broker that a test starts again takes a minute on a loaded machine
    assert not errors and not left, (errors, left)


class Transaction:
    """Records that are sent within one transaction. Left without an end it is aborted."""

    def __init__(self, cluster):
        self._producer = Producer({
            "bootstrap.servers": cluster.bootstrap, "log_level": 2,
            "transactional.id": unique("transaction"), "linger.ms": 1,
        })  # fmt: skip
        self._open = False

    def __enter__(self):
        self._producer.init_transactions(30)
        self._producer.begin_transaction()
        self._open = True
        return self

    def send(self, sent):
        produce(self._producer, sent)

    def commit(self):
        self._producer.commit_transaction(30)
        self._open = False

    def abort(self):
        self._producer.abort_transaction(30)
        self._open = False

    def __exit__(self, *_):
        if self._open:
            self.abort()


# ---------------------------------------------------------------- arrakis-cli


def seconds(ns):
    """GPS nanoseconds as the decimal seconds of the command line, exactly."""
    sign = "-" if ns < 0 else ""
    return f"{sign}{abs(ns) // SECOND}.{abs(ns) % SECOND:09d}"


def write_metadata(directory, channels):
    path = Path(directory) / "channels.jsonl"
    path.write_text("".join(channel_json(c) + "\n" for c in channels))
    return path


class Cli:
    """The program under test."""

    def __init__(self, path):
        self.path = str(path)

    def run(self, *arguments, timeout=90, check=0, stdin=None):
        """Run to the end. `check`: the exit status wanted; None: any."""
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True,
                              timeout=timeout, text=True, input=stdin)  # fmt: skip
        if check is not None and done.returncode != check:
            raise AssertionError(
                f"exit {done.returncode}, wanted {check}: {arguments}\n"
                f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
            )
        return done

    def blocks(self, *arguments, **how):
        """The blocks a `--json` command printed."""
        return [json.loads(line) for line in self.run(*arguments, **how).stdout.splitlines()]

    def follow(self, *arguments):
        return Follower([self.path, *map(str, arguments)])


def unread(pid):
    """Bytes that lie in one TCP connection of a process, received and not read: the most of all its connections."""
    inodes = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    lying = (int(row[4].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in inodes)
    return max(lying, default=0)


class Follower:
    """A program that prints a JSON object a line, while it runs."""

    def __init__(self, command, stdin=None):
        self.process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.lines = []
        self.errors = []
        self._parsed = []  # each line once: a test that parses all of them for each takes the CPU that it judges
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors)),
        ]
        for t in self._threads:
            t.daemon = True
            t.start()

    def _read(self, pipe, into):
        for line in pipe:
            with self._news:
                into.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_for(self, predicate, timeout=90):
        """Wait until predicate(blocks so far) holds."""
        with self._news:
            if not self._news.wait_for(lambda: predicate(self.blocks()), timeout):
                raise AssertionError(
                    f"not seen within {timeout} s; {len(self.lines)} lines, last "
                    f"{self.lines[-1:]}; stderr:\n" + "\n".join(self.errors[-40:])
                )
        return self.blocks()

    def wait_for_error(self, text, timeout=90):
        """Wait for a line on stderr with this text, and return it."""
        with self._news:
            if not self._news.wait_for(lambda: any(text in e for e in self.errors), timeout):
                raise AssertionError(f"no {text!r} on stderr:\n" + "\n".join(self.errors[-40:]))
            return next(e for e in self.errors if text in e)

    def blocks(self):
        with self._news:
            self._parsed += [json.loads(line) for line in self.lines[len(self._parsed) :]]
            return list(self._parsed)

    def error(self):
        """The error that ended it. That librdkafka has not closed in time may be logged after it."""
        (line,) = [line for line in self.errors if line.startswith("arrakis-cli: ")]
        return line

    def wait_until_it_handles(self, number, timeout=60):
        """Until it has come so far that a signal does not just end it."""
        deadline = time.monotonic() + timeout
        while not handles(self.process.pid, number):
            assert time.monotonic() < deadline and self.process.poll() is None, self.errors
            time.sleep(0.01)

    def interrupt(self, timeout=40):
        """Ctrl-C; returns the exit status."""
        self.process.send_signal(2)
        return self.finish(timeout)

    @contextlib.contextmanager
    def stopped(self):
        """SIGSTOP, then SIGCONT."""
        freeze(self.process)
        yield
        thaw(self.process)

    def wait_for_unread(self, records, settled_s=5):
        """Wait until no fetch of the program, which is stopped, is under way any more: the last one has been answered,
        with these records; or without them, just before the program was stopped. The broker answers a fetch within
        half a second, so what lies unread in the program has not changed for a longer time: with the records twice as
        long, as other answers may be as large, without them ten times."""
        wanted = sum(len(r.value) for r in records)
        lying, since = 0, time.monotonic()
        while time.monotonic() < since + (1 if lying >= wanted else settled_s):
            before, lying = lying, unread(self.process.pid)
            since = time.monotonic() if lying != before else since
            time.sleep(0.01)
        assert lying, "nothing that was sent to the program lies unread"

    def finish(self, timeout=90):
        status = self.process.wait(timeout)
        for t in self._threads:
            t.join(10)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.finish()


class Loop(Follower):
    """tests/interop/loop_tool.c while it runs: wait_for() and `lines` give its lines as they are."""

    def __init__(self, *arguments):
        super().__init__([tool("loop_tool"), *map(str, arguments)], stdin=subprocess.PIPE)

    def blocks(self):
        return list(self.lines)

    def command(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def end(self, timeout=90):
        """Let it close; returns what it says of its run."""
        self.process.stdin.close()
        assert self.finish(timeout) == 0, self.errors[-40:]
        words = self.lines[-1].split()
        return dict(zip(words[::2], map(int, words[1::2])))


def stream_arguments(bootstrap, metadata, channels, start=None, end=None, *more):
    out = ["stream", "--json", "--kafka-url", bootstrap, "--metadata", metadata]
    if start is not None:
        out += ["--start", seconds(start)]
    if end is not None:
        out += ["--end", seconds(end)]
    return [*out, *more, *(c.name for c in channels)]


# ---------------------------------------------------------------- comparing blocks


def expected_block(channels, start_ns, duration_ns, gaps=()):
    """The JSON of a block. `gaps`: names of channels that are wholly missing, or (name, from, to)."""
    data = {}
    for c in channels:
        values = samples(c, start_ns, duration_ns).tolist()
        for gap in gaps:
            if gap == c.name:
                values = [None] * len(values)
            elif gap[0] == c.name and not isinstance(gap, str):
                for i in range(len(values)):
                    at = start_ns + round(i * SECOND / c.sample_rate)
                    if gap[1] <= at < gap[2]:
                        values[i] = None
        data[c.name] = values
    return {
        "time_ns": start_ns,
        "data": data,
        "channels": {c.name: json.loads(channel_json(c)) for c in channels},
        "_duration_ns": duration_ns,
    }


def typed(value, dtype):
    """A JSON sample as its type has it: decimal digits beyond a float32's do not count."""
    return None if value is None else numpy.dtype(dtype).type(value)


def same_sample(a, b):
    if a is None or b is None:
        return a is b
    return a == b or (a != a and b != b)


def fill_absent(block, channels):
    """The reference leaves a channel out of a block whose stream came without its row; here it is
    a channel of nulls. The one difference that is meant."""
    for c in channels:
        if c.name not in block["data"]:
            count = round(block["_duration_ns"] * c.sample_rate / SECOND)
            block["data"][c.name] = [None] * count
            block["channels"][c.name] = json.loads(channel_json(c))
    return block


def difference(got, wanted, channels):
    """None, or words for the first difference between two lists of blocks."""
    dtypes = {c.name: c.data_type for c in channels}
    for i, (g, w) in enumerate(zip(got, wanted)):
        for key in ("time_ns", "_duration_ns"):
            if g[key] != w[key]:
                return f"block {i}: {key} is {g[key]}, wanted {w[key]} (T0 + {(w[key] - T0) / 1e9} s)"
        if set(g["data"]) != set(w["data"]):
            return f"block {i}: channels {sorted(g['data'])}, wanted {sorted(w['data'])}"
        for name, wanted_samples in w["data"].items():
            have = g["data"][name]
            if len(have) != len(wanted_samples):
                return f"block {i}: {name} has {len(have)} samples, wanted {len(wanted_samples)}"
            for k, (x, y) in enumerate(zip(have, wanted_samples)):
                if not same_sample(typed(x, dtypes[name]), typed(y, dtypes[name])):
                    return f"block {i} at T0 + {(g['time_ns'] - T0) / 1e9} s: {name}[{k}] is {x}, wanted {y}"
        for name, fields in w["channels"].items():
            fields = {k: v for k, v in fields.items() if v is not None}
            have = {k: v for k, v in g["channels"].get(name, {}).items() if v is not None}
            if have != fields:
                return f"block {i}: channel {have}, wanted {fields}"
    if len(got) != len(wanted):
        times = [(b["time_ns"] - T0) / 1e9 for b in got], [(b["time_ns"] - T0) / 1e9 for b in wanted]
        return f"{len(got)} blocks, wanted {len(wanted)}: from T0 {times[0]}, wanted {times[1]}"
    return None


def assert_same(got, wanted, channels):
    words = difference(got, wanted, channels)
    assert words is None, words


def wait_for(condition, seconds=60):
    """Until the condition is true; it must become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def receive(connection, size):
    """So many bytes of a socket. ConnectionError: it ends before."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def gps_now_ns():
    return time.time_ns() - UNIX_FROM_GPS
