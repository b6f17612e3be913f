# SPDX-License-Identifier: Apache-2.0
"""Rows of backlogs in a real broker's topics: drain, publish (through the broker), arrow, and the
site's (b)."""

import json
import os
import subprocess
import time

from measure import (
    BUILD, PAST, Line, NotRun, interleave, interleave_short, program, reference, run,
)  # fmt: skip
from rows_memory import PUBLISHED

DRAINS = (
    ("20 x 100 x 1, 40,000 messages",
     {"prefix": "dra", "partitions": 20, "channels": 100, "samples": 1, "strides": 2000}),
    ("4 x 100 x 1024, 800 messages",
     {"prefix": "drb", "partitions": 4, "channels": 100, "samples": 1024, "strides": 200}),
    ("1 x 1000 x 16, 1,000 messages",
     {"prefix": "drc", "partitions": 1, "channels": 1000, "samples": 16, "dtype": "float64",
      "strides": 1000}),
)  # fmt: skip
REFERENCE_S = 240  # that it may take: opening thousands of partitions alone takes it minutes
SITE = {"prefix": "site", "partitions": 3900, "channels": 80, "samples": 1, "strides": 160}


def pick(samples, name, factor=1.0, per=None):
    return [s[name] * factor / (s[per] if per else 1) for s in samples]


def backlog_sides(bench, work, reference_strides):
    """Three programs that read the same topics from their beginning to their end."""
    bench.backlog(**work)
    meta = bench.metadata(work["prefix"], **work)
    size = 8 if work.get("dtype") == "float64" else 4
    return {
        "limit": lambda: run(program("bare_consume", mode="drain", url=bench.url, sample_size=size,
                                     **work)),
        "ours": lambda: run(program("read", mode="drain", url=bench.url, start=PAST, **work)),
        "reference": lambda: run(reference("drain", url=bench.url, metadata=meta, start=PAST,
                                           strides=reference_strides,
                                           partitions=work["partitions"]), REFERENCE_S),
    }  # fmt: skip


def backlog_lines(row, case, got, note):
    def sides(name, factor, per=None):
        return {side: pick(got[side], name, factor, per) for side in got}

    return [
        Line(row, f"{case}: CPU", "us/message", **sides("cpu", 1e6, "messages"), note=note),
        Line(row, f"{case}: wall", "us/message", **sides("wall", 1e6, "messages"), note=note),
        Line(row, f"{case}: peak memory", "MB", **sides("peak_kb", 1e-3), note=note, difference=True),
    ]


def drain(bench):
    """The reference reads an eighth: all of it would take it minutes."""
    lines = []
    for case, work in DRAINS:
        got = interleave_short(bench.rounds, backlog_sides(bench, work, work["strides"] // 8))
        lines += backlog_lines("drain", case, got, f"reference: {work['strides'] // 8} strides")
    return lines


def site_backlog(bench):
    bench.fresh_broker()
    sides = backlog_sides(bench, SITE, 8)
    ask = sides.pop("reference")
    got = interleave(bench.rounds, sides)
    note = "reference: 8 strides, once"
    try:
        got["reference"] = [ask()]
    except NotRun:
        note = f"reference: 8 strides were not read in {REFERENCE_S} s"
    return backlog_lines("site", "(b) backlog of 160 strides, 3,900 topics", got, note)


# ---------------------------------------------------------------- publish


def publish(bench):
    lines = []
    for i, (case, work, _, _) in enumerate(PUBLISHED):
        work = {**work, "prefix": f"pub{i}", "partitions": 1}
        bench.topics(**work)
        file = bench.messages(f"pub{i}", strides=1, **work)
        meta = bench.metadata(f"pub{i}", **work)
        common = {"url": bench.url, "strides": 803, "start": PAST}
        got = interleave_short(bench.rounds, {
            "limit": lambda: run(program("bare_produce", file=file, prefix=work["prefix"],
                                         partitions=1, **common)),
            "ours": lambda: run(program("publish", **work, **common)),
            "reference": lambda: run(reference("publish", file=file, metadata=meta,
                                               **{**common, "strides": 53})),
        })  # fmt: skip
        for what, name in (("CPU", "cpu"), ("wall", "wall")):
            lines.append(Line("publish", f"{case}, through the broker: {what}", "us/block",
                              **{side: pick(got[side], name, 1e6, "blocks") for side in got}))
    return lines


# ---------------------------------------------------------------- arrow


def whole(command, stdin=None, output=subprocess.DEVNULL):
    """Run it: wall and CPU seconds of the whole process, its start and its end too."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=stdin and subprocess.PIPE, stdout=output, text=True)
    if stdin:
        process.stdin.write(stdin)
        process.stdin.close()
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]}: exit {process.returncode}")
    found = json.loads(printed) if printed else {}
    return {**found, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1000}


def names_of(metadata):
    return "".join(json.loads(line)["name"] + "\n" for line in metadata.read_text().splitlines())


def arrow_wide(bench):
    return arrow(bench, *DRAINS[1], program("read", mode="drain", url=bench.url, start=PAST, **DRAINS[1][1]),
                 "limit: drain")  # fmt: skip


def arrow_narrow(bench):
    return arrow(bench, *DRAINS[0], program("bare_consume", mode="drain", url=bench.url, sample_size=4,
                                            **DRAINS[0][1]), "limit: bare loop")  # fmt: skip


def arrow(bench, case, work, limit, note):
    """Whole processes, but for the reference: it would take a second to be imported."""
    bench.backlog(**work)
    meta = bench.metadata(work["prefix"], **work)
    names, end = names_of(meta), PAST + work["strides"] * 0.0625
    command = [str(BUILD / "arrakis-cli"), "stream", "--arrow", "--kafka-url", bench.url, "--metadata",
               str(meta), "--start", str(PAST), "--end", str(end), "-"]  # fmt: skip
    few = max(1, work["strides"] // 8) if work["samples"] == 1 else work["strides"]
    got = interleave_short(bench.rounds, {
        "limit": lambda: whole(limit, output=subprocess.PIPE),
        "ours": lambda: whole(command, names),
        "reference": lambda: run(reference("drain", url=bench.url, metadata=meta, start=PAST, arrow=1,
                                           strides=few, partitions=work["partitions"])),
    })  # fmt: skip
    megabytes = {side: got["limit"][0]["bytes"] / 1e6 for side in got}
    megabytes["reference"] *= few / work["strides"]
    if few != work["strides"]:
        note += f"; reference: {few} strides"
    return [
        Line("arrow", f"{case}, stream --arrow >/dev/null: {what}", "MB/s",
             **{side: [megabytes[side] / s[name] for s in got[side]] for side in got}, higher=True,
             note=note)
        for what, name in (("CPU", "cpu"), ("wall", "wall"))
    ]  # fmt: skip
