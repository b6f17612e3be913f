# SPDX-License-Identifier: Apache-2.0
"""Rows of the Python package: its blocks, its import, and a live reader in it."""

import os
import resource
import statistics
import struct
import subprocess
import sys

from measure import BUILD, FUTURE, Line, NotRun, in_python, interleave, program, reference, result, run, spawn
from rows_kafka import pick
from rows_live import WARM_UP, Live, consume, drop_slow, hand_over, read
from rows_memory import EXPORTED, OBSERVATORY

SECOND = 1_000_000_000


def blocks(bench):
    """The Python package against the reference's client path; the limit is the C program alone."""
    work, wanted, strides = OBSERVATORY, 767, 160
    file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
    meta = bench.metadata(f"{work['prefix']}-{wanted}", wanted=wanted, **work)
    given = {"file": file, "metadata": meta, "strides": strides, "partitions": work["partitions"],
             "prefix": work["prefix"]}  # fmt: skip
    got = interleave(bench.rounds, {
        "lazy": lambda: run(in_python("package", "lazy", **given, start=FUTURE * SECOND)),
        "arrays": lambda: run(in_python("package", "arrays", **given, start=FUTURE * SECOND)),
        "C": lambda: run(program("align", file=file, wanted=wanted, strides=strides, start=FUTURE, **work)),
        "reference": lambda: run(reference("blocks", **given)),
    })  # fmt: skip
    return [
        Line("package", f"767 channels of 323 partitions, {what}", "ms/stride",
             [s["ours"] for s in got[how]], [s["reference"] for s in got["reference"]],
             [s["ours"] for s in got["C"]])
        for how, what in (("lazy", "a block in hand"), ("arrays", "each of its arrays asked for"))
    ]  # fmt: skip


def compat(bench):
    """The reference's SeriesBlock by libarrakis.compat and by the reference; the limit is the C program alone."""
    lines = []
    for case, work, wanted, strides in EXPORTED:
        file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
        meta = bench.metadata(f"{work['prefix']}-{wanted}", wanted=wanted, **work)
        given = {"file": file, "metadata": meta, "strides": strides, "partitions": work["partitions"],
                 "prefix": work["prefix"]}  # fmt: skip
        ours = in_python("package", "compat", **given, start=FUTURE * SECOND)
        sides = {
            "ours": lambda: run(ours),
            "C": lambda: run(program("align", file=file, wanted=wanted, strides=strides, start=FUTURE,
                                     only_align=1, **work)),
            "reference": lambda: run(reference("blocks", **given)),
        }  # fmt: skip
        if work is OBSERVATORY:
            sides["masked"] = lambda: run([*ours, "only=0"])
            sides["gaps"] = lambda: run(reference("gaps", metadata=meta, strides=strides))
        got = interleave(bench.rounds, sides)
        lines.append(Line("compat", case, "ms/stride", [s["ours"] for s in got["ours"]],
                          [s["reference"] for s in got["reference"]], [s["ours"] for s in got["C"]]))  # fmt: skip
        if work is OBSERVATORY:
            lines.append(Line("compat", f"{case}, all but a partition masked", "us/channel",
                              [s["ours"] / wanted * 1e3 for s in got["masked"]],
                              [s["reference"] / wanted * 1e3 for s in got["gaps"]],
                              note="reference: the masked arrays alone"))  # fmt: skip
    return lines


# ---------------------------------------------------------------- import


def cpu_ms(script):
    """User and system time of a Python that runs this script, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise NotRun(f"{script}: {done.stderr[-300:]}")
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


ARRAY = (
    "import libarrakis as l; c = l.Channel('H1:A-B', 'float32', 16)\n"
    "l.Block(0, {'H1:A-B': [1.0]}, [c])['H1:A-B']"
)


def imports(bench):
    in_python("package", "import")  # NotRun where there is no package
    got = interleave(4 * bench.rounds, {
        "bare": lambda: cpu_ms("pass"),
        "import": lambda: cpu_ms("import libarrakis"),
        "numpy": lambda: cpu_ms("import numpy"),
        "array": lambda: cpu_ms(ARRAY),
        "reference": lambda: cpu_ms("import arrakis"),
    })  # fmt: skip
    return [
        Line("package_import", "import libarrakis", "ms CPU", got["import"], got["reference"], got["bare"],
             "limit: Python alone", difference=True),
        Line("package_import", "import libarrakis, and an array", "ms CPU", got["array"], got["reference"],
             got["numpy"], "limit: import numpy"),
    ]  # fmt: skip


# ---------------------------------------------------------------- live


def live(bench):
    """The limit is the C program, in the same place."""
    lines = []
    for partitions in (1, 20):
        work = {"prefix": f"pkg{partitions}p", "partitions": partitions, "channels": 100, "samples": 1}
        bench.topics(**work)
        meta = bench.metadata(work["prefix"], **work)
        given = {"url": bench.url, "metadata": meta, "seconds": 4}
        sides = {
            "C": lambda: hand_over(bench, read(bench, work)),
            "live": lambda: hand_over(bench, in_python("package", "live", **given)),
            "live_async": lambda: hand_over(bench, in_python("package", "live_async", **given)),
            "arrays": lambda: hand_over(bench, in_python("package", "live", ask=1, **given)),
            "reference": lambda: hand_over(bench, reference("live", **given)),
        }
        note = "limit: the C program"
        with Live(bench, **work):
            run(consume(bench, work, WARM_UP))
            note += drop_slow(sides, "reference")
            got = interleave(bench.rounds, sides)
        if any(s["pyarrow"] for s in got["arrays"]):
            raise NotRun("the package imported pyarrow")

        def line(how, case, unit, what, factor=1.0, difference=True):
            of_reference = pick(got["reference"], what, factor) if "reference" in got else None
            lines.append(Line("package_live", case, unit, pick(got[how], what, factor), of_reference,
                              pick(got["C"], what, factor), note, difference=difference))  # fmt: skip

        case = f"{100 * partitions:,} channels of {partitions} partition{'s' * (partitions > 1)}"
        line("live", f"{case}: socket to block in hand, median", "ms", "median")
        line("live_async", f"{case}: the same by asyncio", "ms", "median")
        line("arrays", f"{case}: CPU, each array asked for", "% of a core", "share", difference=False)
        line("arrays", f"{case}: peak memory, each array asked for", "MB", "peak_kb", 1e-3)
    return [*lines, *wake_ups(bench), loop_alone(bench)]


def wake_ups(bench):
    """From a message that another thread pushes to the block in hand, without a broker. What is waited for briefly finds
    the caches as it left them; what is waited for as long as for live data does not."""
    work = {"prefix": "wake", "partitions": 1, "channels": 100, "samples": 1}
    lines = []
    for every, pause_ns, strides in (("millisecond", 1_000_000, 1600), ("62.5 ms", 62_500_000, 96)):
        file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
        meta = bench.metadata(work["prefix"], **work)
        given = {"file": file, "metadata": meta, "strides": strides, "partitions": 1, "prefix": work["prefix"],
                 "start": FUTURE * SECOND}  # fmt: skip
        in_c = program("wake", file=file, strides=strides, start=FUTURE, **work)
        got = interleave(bench.rounds, {
            "C": lambda: after_push(bench, in_c, pause_ns),
            "next": lambda: after_push(bench, in_python("package", "wake", how="next", **given), pause_ns),
            "asyncio": lambda: after_push(bench, in_python("package", "wake", how="asyncio", **given), pause_ns),
        })  # fmt: skip
        lines += [
            Line("package_live", f"100 channels pushed every {every}, {what}: median", "ms", got[how], None, got["C"],
                 "limit: the C program", difference=True)
            for how, what in (("next", "next()"), ("asyncio", "asyncio"))
        ]  # fmt: skip
    return lines


def after_push(bench, command, pause_ns):
    """The median time from a push to the block in hand, ms."""
    times = bench.path("pushed")
    times.unlink(missing_ok=True)
    in_hand = result(spawn(command, env={**os.environ, "LD_PRELOAD": str(BUILD / "bench" / "bench_push.so"),
                                         "BENCH_PUSHED": str(times), "BENCH_PUSH_NS": str(pause_ns)}))["in_hand"]  # fmt: skip
    pushed = [at for (at,) in struct.iter_unpack("<q", times.read_bytes()) if at]
    return statistics.median((at - begun) / 1e6 for begun, at in list(zip(pushed, in_hand, strict=True))[16:])


def loop_alone(bench):
    """What asyncio adds without a stream, where a stream's blocks come as seldom."""
    got = interleave(bench.rounds, {how: lambda how=how: run(in_python("package", "pipe", how=how, count=80))
                                    for how in ("asyncio", "poll")})  # fmt: skip
    return Line("package_live", "no stream, a pipe at 16 Hz: asyncio's callback, median", "ms",
                [s["median"] for s in got["asyncio"]], None, [s["median"] for s in got["poll"]],
                "limit: poll()", difference=True)  # fmt: skip
