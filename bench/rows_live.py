# SPDX-License-Identifier: Apache-2.0
"""Rows of live data, which a publisher sends 16 times per second: live, fast channels, start, and the
site's (c)."""

import bisect
import json
import os
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from measure import BUILD, ROOT, Line, NotRun, interleave, program, reference, result, run, spawn
from rows_kafka import SITE, names_of, pick

SECONDS = 4
WARM_UP = 8  # the broker is compiled as it works


class Live:
    """A publisher at work."""

    def __init__(self, bench, seconds=3600, **work):
        self.command = program("fill", make="live", url=bench.url, seconds=seconds, **work)

    def __enter__(self):
        self.process = spawn(self.command)
        time.sleep(1)
        if self.process.poll() is not None:
            raise NotRun(f"the publisher ended: {self.process.stderr.read()}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def consume(bench, work, seconds=SECONDS):
    return program("bare_consume", mode="live", url=bench.url, seconds=seconds, **work)


def read(bench, work, seconds=SECONDS):
    return program("read", mode="live", url=bench.url, seconds=seconds, **work)


def share(sample):
    return {"share": 100 * sample["cpu"] / sample["wall"], **sample}


def late(sample):
    """Strides handed out with gaps, or not at all, after the first second."""
    whole, broken = len(sample["strides"]), sample["broken"]
    return broken + max(0, int((sample["wall"] - 1) * 16) - whole - broken)


# ---------------------------------------------------------------- live


def added_latency(bench, work, command):
    """The bare loop and another program at once. When that had each stride after the bare loop, ms."""
    bare = spawn(consume(bench, work, SECONDS + 1))
    reader = spawn(command)
    strides = result(reader)
    limit = result(bare)["strides"]
    after = sorted((at - limit[k]) / 1e6 for k, at in strides["strides"].items() if k in limit)
    if len(after) < SECONDS * 8:
        raise TooSlow(f"{len(after)} whole strides of {SECONDS * 16}")
    return {"median": statistics.median(after), "p99": after[int(0.99 * (len(after) - 1))],
            "worst": after[-1], **share(strides)}  # fmt: skip


def hand_over(bench, command):
    """When the program had each whole stride after the last piece of it came out of its socket, ms. The order in which a
    broker answers its readers is no part of this."""
    arrivals = bench.path("arrivals")
    arrivals.unlink(missing_ok=True)
    strides = result(spawn(command, env={**os.environ, "LD_PRELOAD": str(BUILD / "bench" / "bench_arrival.so"),
                                         "BENCH_ARRIVALS": str(arrivals)}))  # fmt: skip
    came = sorted(at for (at,) in struct.iter_unpack("<q", arrivals.read_bytes()) if at)
    in_hand = [at for _, at in sorted(strides["strides"].items())]
    took = sorted((at - came[bisect.bisect(came, at) - 1]) / 1e6 for at in in_hand[16:])
    if len(took) < SECONDS * 8:
        raise TooSlow(f"{len(took)} whole strides of {SECONDS * 16}")
    return {"median": statistics.median(took), "p99": took[int(0.99 * (len(took) - 1))], **share(strides)}


class TooSlow(NotRun):
    """A program that does not keep up with what is published."""


def drop_slow(sides, name):
    """Leave out a side that does not keep up. Returns what the note of the lines tells of it."""
    try:
        sides[name]()
    except TooSlow as e:
        del sides[name]
        return f"; the {name}: {e}"
    return ""


def live(bench):
    return live_of(bench, 20, 100)


def live_observatory(bench):
    return live_of(bench, 323, 80)


def live_of(bench, partitions, channels):
    lines, note = [], "limit: another bare loop"
    work = {"prefix": f"live{partitions}p", "partitions": partitions, "channels": channels,
            "samples": 1}  # fmt: skip
    bench.topics(**work)
    meta = bench.metadata(work["prefix"], **work)
    ask = reference("live", url=bench.url, metadata=meta, seconds=SECONDS)
    with Live(bench, **work):
        run(consume(bench, work, WARM_UP))
        sides = {
            "ours": lambda: added_latency(bench, work, read(bench, work)),
            "reference": lambda: added_latency(bench, work, ask),
            "limit": lambda: added_latency(bench, work, consume(bench, work)),
        }
        note += drop_slow(sides, "reference")
        got = interleave(bench.rounds, sides)
    for what, factor, unit in (("median", 1, "ms"), ("p99", 1, "ms"), ("worst", 1, "ms"),
                               ("share", 1, "% of a core"), ("peak_kb", 1e-3, "MB")):  # fmt: skip
        case = {"share": "CPU", "peak_kb": "peak memory"}.get(what, f"added latency, {what}")
        lines.append(Line("live", f"{partitions} partitions: {case}", unit,
                          **{side: pick(got[side], what, factor) for side in got},
                          difference=what != "share", note=note))  # fmt: skip
    return lines


# ---------------------------------------------------------------- fast channels


def fast(bench):
    work = {"prefix": "fast", "partitions": 12, "channels": 100, "samples": 1024}
    bench.topics(**work)
    meta = bench.metadata("fast-24", wanted=24, **work)
    with Live(bench, **work):
        got = interleave(bench.rounds, {
            "limit": lambda: share(run(consume(bench, work))),
            "ours": lambda: share(run(read(bench, {**work, "wanted": 24}))),
            "reference": lambda: share(run(reference("live", url=bench.url, metadata=meta,
                                                     seconds=SECONDS))),
        })  # fmt: skip
    case = "12 x 100 x 1024 float32, 24 wanted"
    return [
        Line("fast", f"{case}: late strides of {SECONDS * 16}", "strides",
             [late(s) for s in got["ours"]], [late(s) for s in got["reference"]],
             [0] * bench.rounds,
             difference=True),
        Line("fast", f"{case}: CPU", "% of a core", **{s: pick(got[s], "share") for s in got}),
    ]  # fmt: skip


# ---------------------------------------------------------------- site (c)


def try_partitions(bench, partitions, seconds):
    """Whether broker, publisher and reader keep up together; what each of them takes."""
    work = {**SITE, "partitions": partitions}
    publisher = spawn(Live(bench, seconds=seconds + 3, **work).command)
    time.sleep(1)
    broker = bench.broker_cpu_s()
    ours = share(run(read(bench, work, seconds), seconds + 60))
    broker = 100 * (bench.broker_cpu_s() - broker) / ours["wall"]
    sent = result(publisher, seconds + 60)
    return {"partitions": partitions, "late": late(ours), "share": ours["share"],
            "peak_kb": ours["peak_kb"], "blocks": len(ours["strides"]), "broker": broker,
            "publisher": 100 * sent["cpu"], "publisher_worst_ms": sent["worst_ms"]}  # fmt: skip


def site_live(bench):
    best = None
    try_partitions(bench, 480, 10)  # the broker warms up
    for partitions in (480, 640, 800, 1000):
        tried = try_partitions(bench, partitions, 7)
        if tried["late"] or tried["blocks"] < 5 * 16 or tried["publisher_worst_ms"] > 62.5:
            best = best or tried
            break
        best = tried
    stopped = tried if tried is not best else None
    got = try_partitions(bench, best["partitions"], 60)
    note = f"broker {got['broker']:.0f} %, publisher {got['publisher']:.0f} % of a core"
    if stopped:
        note += (f"; at {stopped['partitions']}: {stopped['late']} late, broker "
                 f"{stopped['broker']:.0f} %, the publisher up to "
                 f"{stopped['publisher_worst_ms']:.0f} ms behind")  # fmt: skip
    case = f"(c) live, {got['partitions']} partitions x 80, 60 s"
    return [
        Line("site", f"{case}: late strides", "strides", [got["late"]], None, [0], note, True),
        Line("site", f"{case}: CPU", "% of a core", [got["share"]]),
        Line("site", f"{case}: peak memory", "MB", [got["peak_kb"] / 1e3]),
    ]


# ---------------------------------------------------------------- start


def first_line_s(command, phase, stdin=None):
    """Seconds from exec, at that part of a stride, to the first line of output."""
    now = time.time()
    time.sleep((phase - now * 16) % 1 / 16)
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if stdin:
        stdin.close()
    line = process.stdout.readline()
    took = time.monotonic() - began
    process.kill()
    process.communicate()
    if not line:
        raise NotRun(f"{command[0]} printed nothing")
    return took


def until_exit_s(command):
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise NotRun(f"{command[0]}: exit {done.returncode}: {done.stderr[-300:]}")
    return time.monotonic() - began


def start(bench):
    work = {"prefix": "start", "partitions": 20, "channels": 100, "samples": 1}
    bench.topics(**work)
    meta = bench.metadata("start-20", wanted=20, **work)
    names = names_of(meta).split()
    cli = [str(BUILD / "arrakis-cli"), "stream", "--json", "--kafka-url", bench.url, "--metadata",
           str(meta), "--on-gap", "skip", *names]  # fmt: skip
    rounds = max(bench.rounds, 8)
    phases = iter([(i // 3 * 3 + 0.5) / rounds / 3 for i in range(3 * rounds)])
    with Live(bench, **work):
        got = interleave(rounds, {
            "limit": lambda: first_line_s(program("bare_consume", mode="first", url=bench.url, **work),
                                          next(phases)),
            "ours": lambda: first_line_s(cli, next(phases)),
            "reference": lambda: first_line_s(
                reference("live", url=bench.url, metadata=meta, mode="first", seconds=20),
                next(phases)),
        })  # fmt: skip
    lines = [Line("start", "exec to first live block, 20 partitions", "ms",
                  **{side: [1e3 * s for s in got[side]] for side in got}, difference=True,
                  note="every phase of a stride")]  # fmt: skip
    describe = [str(BUILD / "arrakis-cli"), "describe", "--json", "--kafka-url", bench.url, names[0]]
    with server_of(bench, work) as server:
        arrakis = [str(Path(sys.executable).parent / "arrakis"), "--url", server.url, "describe",
                   names[0]]  # fmt: skip
        got = interleave(rounds, {
            "limit": lambda: until_exit_s(program("bare_describe", url=bench.url)),
            "ours": lambda: until_exit_s(describe),
            "reference": lambda: until_exit_s(arrakis),
        })  # fmt: skip
    lines.append(Line("start", "exec to exit, describe of 2,000 channels' broker", "ms",
                      **{side: [1e3 * s for s in got[side]] for side in got}, difference=True,
                      note="reference: by its server"))
    return lines


def server_of(bench, work):
    """The reference's server: it writes the metadata topic that we read, and is what the reference
    asks."""
    sys.path.insert(0, str(ROOT / "tests" / "interop"))
    from server import Server, publisher_toml

    lines = bench.metadata(work["prefix"], **work).read_text().splitlines()
    channels = [SimpleNamespace(**json.loads(line)) for line in lines]
    directory = bench.path("server")
    directory.mkdir()
    toml = publisher_toml("BENCH", channels, channels[0].stride, channels[0].max_latency)
    return Server(bench.url, directory, {"BENCH": toml})
