# SPDX-License-Identifier: Apache-2.0
"""What a program printed or published, compared with the log and with the independent consumer."""

import dataclasses

import numpy
from support import SECOND, STRIDE, samples, topic_of
from truth import block_of

# The consumer's times are those of one process, ours those of another, on a machine with other things
# to do: what lay there by less than this before it was too late is not counted as readable in time.
MARGIN_NS = SECOND // 2


@dataclasses.dataclass
class Row:
    """Of one program in one scene; "blocks" are those of one channel."""

    scene: str
    kind: str
    version: str
    status: int | None = None
    blocks: int = 0
    masked: int = 0
    logged: int = 0  # masked, and in the log in the end
    readable: int = 0  # masked, and the independent consumer had them in time
    silence_s: float = 0.0  # the longest time between two lines
    first_s: float = 0.0  # from its start to the first line
    ended_s: float | None = None  # after SIGINT
    cpu_s: float = 0.0  # 0: it ended by itself, and was not asked in time
    lived_s: float = 0.0
    faults: list = dataclasses.field(default_factory=list)
    error: str = ""  # the last line of its log


def row_of(scene, program):
    took = program.took_to_end_s
    row = Row(scene, program.kind, program.version, program.status, ended_s=took)
    row.error = program.errors.rstrip().rpartition("\n")[2][-300:]
    row.cpu_s, row.lived_s = program.cpu_s, (program.ended_ns - program.begun_ns) / SECOND
    if program.status is None:
        row.faults.append("had to be killed")
    return row


def judge_reader(scene, reader, channels, seen, logged, patience_ns):
    """`patience_ns`: how long after its end a block is waited for, live; None: with a start, where what
    was there when the block was printed was in time."""
    row = row_of(scene.name, reader)
    alone = [channels[i] for i in scene.alone()]
    blocks = reader.blocks()
    if not blocks:
        row.faults.append("no block at all")
        return row
    whens = [when for when, _ in blocks]
    row.first_s = (whens[0] - reader.begun_ns) / SECOND
    row.silence_s = max(numpy.diff(whens), default=0) / SECOND
    times = [block["time_ns"] for _, block in blocks]
    if times != list(range(times[0], times[0] + len(times) * STRIDE, STRIDE)):
        row.faults.append("the time line has holes or repeats")
    if reader.start_ns is not None and times[0] != reader.start_ns:
        row.faults.append("it does not begin at its start")
    if reader.end_ns is not None and not reader.interrupted_ns and times[-1] != reader.end_ns - STRIDE:
        row.faults.append("it does not end at its end")
    for when, block in blocks:
        t = block["time_ns"]
        for c in channels:
            row.blocks += 1
            key = (topic_of(c.partition_id), t)
            values = block["data"][c.name]
            if values == samples(c, t).tolist():
                if key not in seen and key not in logged and c not in alone:
                    row.faults.append(f"{key} was never in the log")
                continue
            if any(v is not None for v in values):
                row.faults.append(f"{key} has {values}")
                continue
            row.masked += 1
            row.logged += key in logged
            until = when if patience_ns is None else min(when, t + STRIDE + patience_ns)
            there = seen.get(key)
            # what came before was not there for it: live, or on a node that was away when it began
            before = there is not None and there < reader.begun_ns + SECOND
            if before and (patience_ns is not None or (c in alone and reader.kind.startswith("late"))):
                continue
            row.readable += there is not None and there <= until - MARGIN_NS
    return row


def judge_publishing(scene, program, held):
    """`held`: topic -> messages that the log holds."""
    row = row_of(scene.name, program)
    sent = program.times
    row.blocks = len(sent) * len(program.channels)
    lengths = set()
    for c in program.channels:
        read = [block_of(m) for m in held[topic_of(c.partition_id)]]
        if [t for t, _ in read] != sent[: len(read)]:
            row.faults.append(f"{c.name}: blocks that are doubled, lost or out of order")
        elif any(rows != [samples(c, t).tolist()] for t, rows in read):
            row.faults.append(f"{c.name}: wrong samples in the log")
        lengths.add(len(read))
        row.masked += len(sent) - len(read)
    if program.status == 0:
        if len(lengths) > 1:
            row.faults.append(f"exit 0, and the last block is cut: {sorted(lengths)} of the topics' blocks")
        if not program.interrupted_ns and lengths != {len(sent)}:
            row.faults.append(f"exit 0, and {len(sent)} blocks are {sorted(lengths)} in the topics")
    if program.interrupted_ns:
        row.masked = 0  # what was not asked for any more
    return row


HEADER = ("scene", "program", "librdkafka", "blocks", "masked", "of these logged", "readable in time",
          "longest silence s", "first line s", "SIGINT to end s", "CPU s", "exit")  # fmt: skip


def table(rows):
    """In Markdown."""
    lines = [HEADER, ["---"] * len(HEADER)]
    for r in rows:
        ended = "" if r.ended_s is None else f"{r.ended_s:.1f}"
        lines.append((r.scene, r.kind, r.version, r.blocks, r.masked, r.logged, r.readable,
                      f"{r.silence_s:.1f}", f"{r.first_s:.1f}", ended, f"{r.cpu_s:.1f}",
                      r.status))  # fmt: skip
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
