# SPDX-License-Identifier: Apache-2.0
"""Rows that read and write a real broker's topics."""

from measure import PAST, Line, interleave, program, reference, run

DRAINS = (
    ("20 x 100 x 1, 40,000 messages", "us/message", 1e6,
     {"prefix": "dra", "partitions": 20, "channels": 100, "samples": 1, "strides": 2000}),
    ("4 x 100 x 1024, 800 messages", "us/message", 1e6,
     {"prefix": "drb", "partitions": 4, "channels": 100, "samples": 1024, "strides": 200}),
    ("1 x 1000 x 16, 1,000 messages", "us/message", 1e6,
     {"prefix": "drc", "partitions": 1, "channels": 1000, "samples": 16, "dtype": "float64", "strides": 1000}),
)  # fmt: skip


def pick(samples, name, factor=1.0, per=None):
    return [s[name] * factor / (s[per] if per else 1) for s in samples]


def drain_lines(row, case, got):
    """CPU a message, wall, peak memory; by round."""
    def sides(name, factor, per=None):
        return {side: pick(got[side], name, factor, per) for side in got}

    return [
        Line(row, f"{case}: CPU", "us/message", **sides("cpu", 1e6, "messages")),
        Line(row, f"{case}: wall", "us/message", **sides("wall", 1e6, "messages")),
        Line(row, f"{case}: peak memory", "MB", **sides("peak_kb", 1e-3), difference=True),
    ]


def drain(bench):
    lines = []
    for case, _, _, work in DRAINS:
        bench.backlog(**work)
        meta = bench.metadata(work["prefix"], **work)
        url, part = bench.url, work["partitions"]
        got = interleave(bench.rounds, {
            "limit": lambda: run(program("bare_consume", mode="drain", url=url, prefix=work["prefix"],
                                         partitions=part, strides=work["strides"])),
            "ours": lambda: run(program("read", mode="drain", url=url, start=PAST, **work)),
            "reference": lambda: run(reference("drain", url=url, metadata=meta, start=PAST,
                                               strides=work["strides"], partitions=part)),
        })  # fmt: skip
        lines += drain_lines("drain", case, got)
    return lines
