# SPDX-License-Identifier: Apache-2.0
"""Rows that need no broker: decode, observatory, export, site (a), publish (encode)."""

from measure import FUTURE, Line, interleave, program, reference, run

OBSERVATORY = {"partitions": 323, "channels": 80, "samples": 1, "prefix": "obs"}
SITE = {"partitions": 3900, "channels": 80, "samples": 1, "prefix": "site"}


def decode(bench):
    lines = []
    for channels, samples, strides, loops in ((80, 1, 64, 2000), (100, 1024, 16, 60), (1000, 16, 16, 250)):
        for dtype in ("float32", "float64"):
            work = {"channels": channels, "samples": samples, "dtype": dtype}
            name = f"dec-{channels}x{samples}-{dtype}"
            file = bench.messages(name, strides=strides, **work)
            for wanted in (channels, 3):
                meta = bench.metadata(f"{name}-{wanted}", wanted=wanted, **work)
                samples_of = interleave(bench.rounds, {
                    "ours": lambda: run(program("decode", file=file, wanted=wanted, loops=loops, **work)),
                    "reference": lambda: run(reference("decode", file=file, metadata=meta,
                                                       loops=max(2, loops // 100))),
                })  # fmt: skip
                for how in ("warm", "cold"):
                    lines.append(Line(
                        "decode", f"{channels} x {samples} {dtype}, {wanted} wanted, {how}", "us/message",
                        [s[how] / 1e3 for s in samples_of["ours"]],
                        [s[how] / 1e3 for s in samples_of["reference"]],
                        [s["limit"] / 1e3 for s in samples_of["ours"]],
                    ))  # fmt: skip
    return lines


def align(bench, work, wanted, strides, reference_strides, reference_rounds=None):
    file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
    meta = bench.metadata(f"{work['prefix']}-{wanted}", wanted=wanted, **work)
    sides = {
        "ours": lambda: run(program("align", file=file, wanted=wanted, strides=strides, start=FUTURE,
                                    **work)),
        "reference": lambda: run(reference("align", file=file, metadata=meta, strides=reference_strides,
                                           partitions=work["partitions"], prefix=work["prefix"])),
    }  # fmt: skip
    if not reference_rounds:
        return interleave(bench.rounds, sides)
    ask = sides.pop("reference")
    got = interleave(bench.rounds, sides)
    got["reference"] = [ask() for _ in range(reference_rounds)]
    return got


def observatory(bench):
    got = align(bench, OBSERVATORY, 767, 160, 160)
    return [Line("observatory", "767 channels of 323 partitions", "ms/stride",
                 [s["ours"] for s in got["ours"]], [s["reference"] for s in got["reference"]],
                 [s["limit"] for s in got["ours"]])]  # fmt: skip


EXPORTED = (
    ("767 channels of 323 partitions", OBSERVATORY, 767, 160),
    ("20 x 100 x 1", {"partitions": 20, "channels": 100, "samples": 1, "prefix": "exp20"}, 2000, 160),
    ("12 x 100 x 1024", {"partitions": 12, "channels": 100, "samples": 1024, "prefix": "exp12"}, 1200, 16),
)  # fmt: skip


def export(bench):
    """The limit is the same loop, in which every series of a block is looked at and none exported."""
    lines = []
    for case, work, wanted, strides in EXPORTED:
        file = bench.messages(f"{work['prefix']}-{strides}", strides=strides, **work)
        common = {"file": file, "wanted": wanted, "strides": strides, "start": FUTURE, "only_align": 1,
                  **work}  # fmt: skip
        got = interleave(bench.rounds, {
            how: lambda how=how: run(program("align", export=how, **common))
            for how in ("none", "row", "rows")
        })  # fmt: skip
        for how, what in (("row", "a row of columns"), ("rows", "rows")):
            lines.append(Line("export", f"{case}, as {what}", "ms/stride",
                              [s["ours"] for s in got[how]], None,
                              [s["ours"] for s in got["none"]]))  # fmt: skip
    return lines


def site_memory(bench):
    lines = []
    for wanted in (SITE["partitions"] * SITE["channels"], 767):
        got = align(bench, SITE, wanted, 32, 4, 1)
        messages = min(wanted, SITE["partitions"])
        lines.append(Line(
            "site", f"(a) from memory, {wanted:,} channels wanted of {messages:,} partitions",
            "% of a core",
            [s["ours"] / 62.5 * 100 for s in got["ours"]],
            [s["reference"] / 62.5 * 100 for s in got["reference"]],
            [s["limit"] / 62.5 * 100 for s in got["ours"]],
            note="reference: 4 strides, once",
        ))  # fmt: skip
    return lines


PUBLISHED = (
    ("100 x 1024 float32", {"channels": 100, "samples": 1024, "dtype": "float32"}, 20000, 20),
    ("1000 x 16 float64", {"channels": 1000, "samples": 16, "dtype": "float64"}, 20000, 20),
)


def encode(bench):
    lines = []
    for case, work, loops, reference_loops in PUBLISHED:
        file = bench.messages(f"pub-{case.replace(' ', '')}", strides=1, **work)
        meta = bench.metadata(f"pub-{case.replace(' ', '')}", **work)
        got = interleave(bench.rounds, {
            "ours": lambda: run(program("encode", loops=loops, **work)),
            "reference": lambda: run(reference("encode", file=file, metadata=meta,
                                               loops=reference_loops)),
        })  # fmt: skip
        lines.append(Line("publish", f"{case}, encode only", "us/block",
                          [s["ours"] / 1e3 for s in got["ours"]],
                          [s["reference"] / 1e3 for s in got["reference"]],
                          [s["limit"] / 1e3 for s in got["ours"]]))  # fmt: skip
    return lines
