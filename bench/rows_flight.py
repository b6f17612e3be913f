# SPDX-License-Identifier: Apache-2.0
"""Rows of a Flight server that is in this machine's memory: doget, catalog and server_info."""

import json
import subprocess
import sys
from pathlib import Path

from measure import (
    BUILD, PAST, ROOT, Line, NotRun, arguments, in_python, interleave, program, run,
)  # fmt: skip
from rows_kafka import pick
from rows_live import until_exit_s

STRIDE = 62_500_000
SECOND = 1_000_000_000
SHAPES = (
    ("wide, 1000 x 16 float64", 100,
     {"channels": 1000, "samples": 16, "stride": STRIDE, "blocks": 1000}),
    ("long, 10 x 16384 float64", 500,
     {"channels": 10, "samples": 16384, "stride": SECOND, "blocks": 1000}),
)  # fmt: skip
CATALOG = {"channels": 200_000, "stride": STRIDE}


class Server:
    """flight_server.py, until its standard input is closed."""

    def __init__(self, **work):
        if not (BUILD / "bench" / "bench_doget").exists():
            raise NotRun("built without Flight")
        command = [sys.executable, str(ROOT / "bench" / "flight_server.py"), *arguments(work)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise NotRun("bench/flight_server.py did not begin")
        self.url = f"127.0.0.1:{json.loads(line)['port']}"
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def other(what, **values):
    return [sys.executable, str(ROOT / "bench" / "reference_flight.py"), what, *arguments(values)]


# ---------------------------------------------------------------- doget


def doget(bench):
    """Throughput of one DoGet, by CPU of the client's process and by the clock. pyarrow.flight only
    decodes; the others hand out blocks."""
    lines = []
    for case, reference_blocks, work in SHAPES:
        with Server(**work) as server:
            common = {**work, "url": server.url, "start": PAST}
            few = {**common, "blocks": reference_blocks}
            got = interleave(bench.rounds, {
                "limit": lambda: run(program("bare_doget", **common)),
                "ours": lambda: run(program("doget", **common)),
                "pyarrow": lambda: run(other("batches", **common)),
                "reference": lambda: run(other("stream", **few)),
            })  # fmt: skip
        lines += doget_lines(case, work, reference_blocks, got)
    return lines


def doget_lines(case, work, reference_blocks, got):
    size = work["channels"] * work["samples"] * 8e-6

    def rates(side, name):
        return [s["blocks"] * size / s[name] for s in got[side]]

    expected = {"limit": work["blocks"], "ours": work["blocks"], "pyarrow": work["blocks"],
                "reference": reference_blocks}  # fmt: skip
    for side, blocks in expected.items():
        if any(s["blocks"] != blocks for s in got[side]):
            raise NotRun(f"{side}: {got[side][0]['blocks']} blocks, wanted {blocks}")
    lines = []
    for what, name, unit in (("CPU", "cpu", "MB/CPU s"), ("wall", "wall", "MB/s")):
        ours, limit = rates("ours", name), rates("limit", name)
        lines += [
            Line("doget", f"{case}: {what}", unit, ours, rates("reference", name), limit,
                 f"reference: {reference_blocks} blocks", higher=True),
            Line("doget", f"{case}: {what}, pyarrow", unit, ours, rates("pyarrow", name), limit,
                 "reference: pyarrow.flight alone", higher=True),
        ]  # fmt: skip
    lines.append(Line("doget", f"{case}: peak memory", "MB", pick(got["ours"], "peak_kb", 1e-3),
                      pick(got["reference"], "peak_kb", 1e-3), pick(got["limit"], "peak_kb", 1e-3),
                      difference=True))  # fmt: skip
    return lines


def compat_doget(bench):
    """The same read in Python: by the reference's Client.stream() with the library below it and without, and by the
    package's own interface. The limit is the C program."""
    lines = []
    for case, reference_blocks, work in SHAPES:
        size = work["channels"] * work["samples"] * 8e-6
        with Server(**work) as server:
            common = {**work, "url": server.url, "start": PAST}
            few = {**common, "blocks": reference_blocks}
            got = interleave(bench.rounds, {
                "limit": lambda: run(program("doget", **common)),
                "compat": lambda: run(in_python("compat", "doget", **common)),
                "own": lambda: run(in_python("compat", "own_doget", **common)),
                "reference": lambda: run(other("stream", **few)),
            })  # fmt: skip
        rates = {side: [s["blocks"] * size / s["cpu"] for s in runs] for side, runs in got.items()}
        lines += [
            Line("compat_doget", f"{case}, {what}: CPU", "MB/CPU s", rates[side], rates["reference"], rates["limit"],
                 f"limit: the C program; reference: {reference_blocks} blocks", higher=True)
            for side, what in (("compat", "by compat"), ("own", "own interface"))
        ]  # fmt: skip
    return lines


# ---------------------------------------------------------------- catalog


def catalog(bench):
    """All of 200,000 channels. The limit is a DoGet of the same table that is thrown away."""
    lines = []
    with Server(**CATALOG) as server:
        for request in ("Find", "Describe"):
            common = {**CATALOG, "url": server.url, "request": request}
            got = interleave(bench.rounds, {
                "limit": lambda: run(program("bare_doget", **common)),
                "ours": lambda: run(program("catalog", **common)),
                "reference": lambda: run(other("catalog", **common)),
            })  # fmt: skip
            case = f"{request.lower()} 200,000 channels"
            for what, name, unit, factor in (
                ("CPU", "cpu", "ms", 1e3), ("wall", "wall", "ms", 1e3),
                ("peak memory", "peak_kb", "MB", 1e-3),
            ):  # fmt: skip
                lines.append(Line("catalog", f"{case}: {what}", unit,
                                  **{side: pick(got[side], name, factor) for side in got},
                                  difference=True))  # fmt: skip
    return lines


# ---------------------------------------------------------------- server_info


def server_info(bench):
    ours = [str(BUILD / "arrakis-cli"), "--url"]
    theirs = [str(Path(sys.executable).parent / "arrakis"), "--url"]
    with Server(channels=10, stride=STRIDE) as server:
        got = interleave(max(bench.rounds, 8), {
            "ours": lambda: until_exit_s([*ours, server.url, "server-info"]),
            "reference": lambda: until_exit_s([*theirs, server.url, "server-info"]),
        })  # fmt: skip
    return [Line("server_info", "exec to exit", "ms",
                 **{side: [1e3 * s for s in got[side]] for side in got})]  # fmt: skip
