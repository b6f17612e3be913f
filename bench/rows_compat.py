# SPDX-License-Identifier: Apache-2.0
"""Rows of libarrakis.compat under the reference's own classes: encode and relay from memory, drain and live from a
broker."""

from measure import (
    FUTURE, PAST, Line, in_python, interleave, interleave_short, program, reference, run,
)  # fmt: skip
from rows_kafka import DRAINS, REFERENCE_S, backlog_lines, backlog_sides, pick
from rows_live import SECONDS, WARM_UP, Live, added_latency, consume, drop_slow, read
from rows_memory import EXPORTED, PUBLISHED

SECOND = 1_000_000_000


def encode(bench):
    """The limit is the C program's encode."""
    lines = []
    for case, work, loops, reference_loops in PUBLISHED:
        name = f"pub-{case.replace(' ', '')}"
        given = {"file": bench.messages(name, strides=1, **work), "metadata": bench.metadata(name, **work)}
        sides = {"C": lambda: run(program("encode", loops=loops, **work))}
        for what in ("encode", "publish"):
            sides[what] = lambda what=what: run(in_python("compat", what, library=1, loops=loops // 10, **given))
            sides[f"their {what}"] = lambda what=what: run(in_python("compat", what, loops=reference_loops, **given))
        got = interleave(bench.rounds, sides)
        limit = [s["ours"] / 1e3 for s in got["C"]]
        for what, text in (("encode", "encode by compat"), ("publish", "publish() by compat, producer faked")):
            lines.append(Line("compat_publish", f"{case}, {text}", "us/block",
                              [s["us"] for s in got[what]], [s["us"] for s in got[f"their {what}"]],
                              limit if what == "encode" else None))  # fmt: skip
    return lines


def relay(bench):
    """The limit is the C program alone: every series of a block looked at, no batch made."""
    lines = []
    for case, work, wanted, strides in EXPORTED:
        file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
        meta = bench.metadata(f"{work['prefix']}-{wanted}", wanted=wanted, **work)
        given = {"file": file, "metadata": meta, "strides": strides, "partitions": work["partitions"],
                 "prefix": work["prefix"]}  # fmt: skip
        got = interleave(bench.rounds, {
            "ours": lambda: run(in_python("compat", "relay", start=FUTURE * SECOND, **given)),
            "C": lambda: run(program("align", export="none", only_align=1, file=file, wanted=wanted,
                                     strides=strides, start=FUTURE, **work)),
            "reference": lambda: run(reference("align", **given)),
        })  # fmt: skip
        lines.append(Line("relay", f"{case}, record batch in hand", "ms/stride",
                          [s["ms"] for s in got["ours"]], [s["reference"] for s in got["reference"]],
                          [s["ours"] for s in got["C"]]))  # fmt: skip
    return lines


def drain(bench):
    """As the row drain, whose C program is the limit."""
    case, work = DRAINS[0]
    strides = work["strides"] // 8
    sides = backlog_sides(bench, work, strides)
    sides["limit"] = sides.pop("ours")
    meta = bench.metadata(work["prefix"], **work)
    sides["ours"] = lambda: run(in_python("compat", "drain", url=bench.url, metadata=meta, start=PAST,
                                          strides=work["strides"], partitions=work["partitions"]), REFERENCE_S)  # fmt: skip
    got = interleave_short(bench.rounds, sides)
    return backlog_lines("compat_drain", case, got, f"limit: the C program; reference: {strides} strides")


def live(bench):
    """The limit is the C program, in the same place."""
    work = {"prefix": "compat20p", "partitions": 20, "channels": 100, "samples": 1}
    bench.topics(**work)
    meta = bench.metadata(work["prefix"], **work)
    given = {"url": bench.url, "metadata": meta, "seconds": SECONDS}
    sides = {
        "limit": lambda: added_latency(bench, work, read(bench, work)),
        "ours": lambda: added_latency(bench, work, in_python("compat", "live", **given)),
        "reference": lambda: added_latency(bench, work, reference("live", **given)),
    }
    note = "limit: the C program"
    with Live(bench, **work):
        run(consume(bench, work, WARM_UP))
        note += drop_slow(sides, "reference")
        got = interleave(bench.rounds, sides)
    return [
        Line("compat_live", f"2,000 channels of 20 partitions: {case}", unit,
             **{side: pick(got[side], what, factor) for side in got}, difference=what != "share", note=note)
        for what, case, factor, unit in (("median", "added latency, median", 1, "ms"), ("share", "CPU", 1, "% of a core"),
                                         ("peak_kb", "peak memory", 1e-3, "MB"))
    ]  # fmt: skip
