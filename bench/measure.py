# SPDX-License-Identifier: Apache-2.0
"""Interleaved rounds, ratios, and the table they end in."""

import dataclasses
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("ARRAKIS_BUILD", ROOT / "build")).resolve()
PAST = 1_400_000_000  # GPS seconds of the data in backlogs
FUTURE = 1_900_000_000  # of messages in memory that are read as if they were live: never late


class NotRun(Exception):
    """A row that cannot be run here, and why."""


def arguments(values):
    return [f"{name}={value}" for name, value in values.items()]


def spawn(command, **how):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


def result(process, timeout=180):
    """The JSON object that a program printed."""
    try:
        out, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise NotRun(f"{process.args[0]} did not end within {timeout} s") from None
    if process.returncode:
        raise NotRun(f"{' '.join(map(str, process.args))[:300]}: exit {process.returncode}: {errors[-500:]}")
    return json.loads(out) if out.strip() else None


def program(name, **values):
    """The command of one of the C programs."""
    return [str(BUILD / "bench" / f"bench_{name}"), *arguments(values)]


def reference(what, **values):
    return [sys.executable, str(ROOT / "bench" / "reference.py"), what, *arguments(values)]


def in_python(script, what, **values):
    """The command of a program that runs on the Python package of the build: bench/package.py or bench/compat.py."""
    if not (BUILD / "python" / "libarrakis").exists():
        raise NotRun("the build has no Python package: cmake --preset release -DARRAKIS_PYTHON=ON")
    return [sys.executable, str(ROOT / "bench" / f"{script}.py"), what, *arguments(values)]


def run(command, timeout=180):
    return result(spawn(command), timeout)


# ---------------------------------------------------------------- rounds


def interleave(rounds, sides):
    """Each round runs every side once, each round in another order. Returns lists by name."""
    samples = {name: [] for name in sides}
    names = list(sides)
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            samples[name].append(sides[name]())
    return samples


def interleave_short(rounds, sides):
    """Where ours and the limit take less than a second: three times the rounds for these two."""
    sides = dict(sides)
    ask = sides.pop("reference")
    samples = interleave(3 * rounds, sides)
    samples["reference"] = [ask() for _ in range(rounds)]
    return samples


@dataclasses.dataclass
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values)) if values else None


@dataclasses.dataclass
class Line:
    """One line of the table. Ratios are made round by round."""

    row: str
    case: str
    unit: str
    ours: list
    reference: list | None = None
    limit: list | None = None
    note: str = ""
    difference: bool = False  # what matters is ours - limit
    higher: bool = False  # more is better: ratios say how much worse than the limit all the same

    def spread(self, name):
        values = getattr(self, name)
        return Spread.of(values) if values else None

    def over_limit(self):
        if not self.limit or (not self.difference and not all(self.limit)):
            return None
        if self.difference:
            return Spread.of([o - x for o, x in zip(self.ours, self.limit)])
        return Spread.of([x / o if self.higher else o / x for o, x in zip(self.ours, self.limit)])

    def under_reference(self):
        if not self.reference or not all(self.ours) or not all(self.reference):
            return None
        return Spread.of([o / r if self.higher else r / o for o, r in zip(self.ours, self.reference)])

    def as_json(self):
        spread = {name: s and dataclasses.asdict(s) for name, s in (
            ("ours", self.spread("ours")), ("reference", self.spread("reference")),
            ("limit", self.spread("limit")),
            ("ours - limit" if self.difference else "ours / limit", self.over_limit()),
            ("reference / ours", self.under_reference()),
        )}  # fmt: skip
        return {"row": self.row, "case": self.case, "unit": self.unit, "note": self.note,
                **spread, "rounds": len(self.ours)}  # fmt: skip


def number(value):
    if value == 0:
        return "0"
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{value:,.{digits}f}"


def cells(line):
    def one(spread):
        return number(spread.median) if spread else "-"

    def ratio(spread, sign):
        if not spread:
            return "-"
        return f"{sign}{number(spread.median)} ({number(spread.low)}..{number(spread.high)})"

    return [line.row, line.case, line.unit, one(line.spread("ours")), one(line.spread("reference")),
            one(line.spread("limit")), ratio(line.over_limit(), "+" if line.difference else ""),
            ratio(line.under_reference(), ""), line.note]  # fmt: skip


HEADS = ["row", "case", "unit", "ours", "reference", "limit", "ours/limit (or +)",
         "reference/ours", "note"]  # fmt: skip


def table(lines):
    rows = [HEADS, *map(cells, lines)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEADS))]
    out = []
    for i, r in enumerate(rows):
        out.append("| " + " | ".join(c.ljust(w) for c, w in zip(r, widths)) + " |")
        if i == 0:
            out.append("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(out)


# ---------------------------------------------------------------- what rows share


class Bench:
    """A scratch directory, a broker when one is asked for, the number of rounds."""

    def __init__(self, rounds):
        self.rounds = rounds
        self._directory = tempfile.TemporaryDirectory(prefix="arrakis-bench-")
        self.directory = Path(self._directory.name)
        self._broker = None
        self._filled = set()

    def path(self, name):
        return self.directory / name

    def metadata(self, name, **work):
        path = self.path(f"{name}.channels")
        if not path.exists():
            done = spawn(program("fill", make="channels", **work)).communicate()
            path.write_text(done[0])
        return path

    def messages(self, name, **work):
        path = self.path(f"{name}.messages")
        if not path.exists():
            run(program("fill", make="file", file=path, start=FUTURE, **work))
        return path

    @property
    def url(self):
        if not self._broker:
            sys.path.insert(0, str(ROOT / "tests" / "broker"))
            try:
                from broker import Broker

                # compiled to the last: it works harder here than in a test
                self._broker = Broker(heap="2g", java_options=("-XX:TieredStopAtLevel=4",)).start()
            except (RuntimeError, OSError) as e:
                raise NotRun(f"no broker: {e}") from None
        return self._broker.bootstrap

    def topics(self, **work):
        """Make a workload's topics, once."""
        if work["prefix"] not in self._filled:
            run(program("fill", make="topics", url=self.url, **work))
            self._filled.add(work["prefix"])

    def backlog(self, **work):
        if work["prefix"] not in self._filled:
            self.topics(**work)
            run(program("fill", make="backlog", url=self.url, start=PAST, **work))

    def fresh_broker(self):
        if self._broker:
            self._broker.close()
        self._broker = None
        self._filled.clear()

    def broker_cpu_s(self):
        ticks = Path(f"/proc/{self._broker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.fresh_broker()
        self._directory.cleanup()


def end(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
