# SPDX-License-Identifier: Apache-2.0
"""The row of a metadata topic as large as a real publisher's, in a real broker: catalog."""

from measure import Line, interleave, program, reference, run
from rows_kafka import pick

CHANNELS = 370_000
PUBLISHER = "BENCH"
# What is asked for, and how many channels that gives.
CASES = (
    ("find, all of them", {"request": "Find", "channels": CHANNELS}),
    ("find, 80 that match", {"request": "Find", "channels": 80, "pattern": "H1:BEN-CATALOG_P0042_"}),
    ("count", {"request": "Count", "channels": CHANNELS}),
    ("describe, 1,000 by name", {"request": "Describe", "channels": 1000}),
)


def catalog_topic(bench):
    """The reference's server code writes the topic; its client does not read one. The limit reads the
    topic and throws it away."""
    bench.fresh_broker()
    names = bench.path("catalog.names")
    run(reference("metadata_topic", url=bench.url, channels=CHANNELS, publisher=PUBLISHER, names=names),
        timeout=300)  # fmt: skip
    lines = []
    for case, request in CASES:
        got = interleave(bench.rounds, {
            "limit": lambda: run(program("bare_describe", url=bench.url)),
            "ours": lambda: run(program("catalog", kafka=bench.url, names=names, **request)),
        })  # fmt: skip
        for what, name, unit, factor in (
            ("CPU", "cpu", "ms", 1e3), ("wall", "wall", "ms", 1e3),
            ("peak memory", "peak_kb", "MB", 1e-3),
        ):  # fmt: skip
            lines.append(Line("catalog", f"topic of {CHANNELS:,}, {case}: {what}", unit,
                              **{side: pick(got[side], name, factor) for side in got},
                              difference=True))  # fmt: skip
    return lines
