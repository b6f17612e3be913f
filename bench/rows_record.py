# SPDX-License-Identifier: Apache-2.0
"""Rows record, record_live and group: topics of a real broker to files; a backlog, live data, and a backlog by the
members of a group."""

import os
import shutil
import signal
import subprocess
import time

from measure import BUILD, PAST, Line, NotRun, interleave, program, reference, run
from rows_kafka import whole
from rows_live import WARM_UP, Live, consume, share
from rows_memory import OBSERVATORY

CASES = (
    ("767 channels of 323 partitions", {**OBSERVATORY, "prefix": "reca", "strides": 256}, 767, 16, 32),
    ("640 x 80 x 1, all 51,200 channels",
     {"prefix": "recb", "partitions": 640, "channels": 80, "samples": 1, "strides": 128}, 51200, 2, 0),
    ("12 x 100 x 1024",
     {"prefix": "recc", "partitions": 12, "channels": 100, "samples": 1024, "strides": 64}, 1200, 4, 64),
)  # fmt: skip
FORMATS = (("arrow",), ("hdf5",), ("gwf",), ("hdf5", "--deflate", "1"))


def written(path, size):
    """The same number of bytes by write(2), to the disk."""
    piece = os.urandom(min(size, 1 << 20))
    began, cpu = time.monotonic(), time.process_time()
    with open(path, "wb", buffering=0) as file:
        for at in range(0, size, len(piece)):
            file.write(piece[: size - at])
        os.fsync(file.fileno())
    took = {"wall": time.monotonic() - began, "cpu": time.process_time() - cpu}
    os.unlink(path)
    return took


def known(form):
    """Whether the program under test has the format."""
    done = subprocess.run([BUILD / "arrakis-cli", "record", "--help"], capture_output=True, text=True)
    return form[0] in done.stdout


def recorded(bench, command, directory):
    """ours, and the size of the files."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    took = whole([*command, "--dir", str(directory)])
    took["size"] = sum(path.stat().st_size for path in directory.glob("X-*"))
    if not took["size"]:
        raise NotRun("nothing was recorded")
    return took


def sides(bench, work, wanted, length, few, form):
    common = {**work, "wanted": wanted}
    meta = bench.metadata(work["prefix"], **common)
    command = ["env", "ARRAKIS_LOG_LEVEL=ERROR", str(BUILD / "arrakis-cli"), "record", "--kafka-url", bench.url, "--metadata", str(meta),
               "--match", ".", "--start", str(PAST), "--end", str(PAST + work["strides"] // 16),
               "--length", str(length), "--name", "X-BENCH", "--format", *form]  # fmt: skip
    size = recorded(bench, command, bench.path("files"))["size"]

    # On a virtual machine, memory that has been free for a while may be the host's, and a file that needs
    # it is written much more slowly. So both sides begin when as much of it has just been in use.
    def limit():
        written(bench.path("written"), size)
        drained = whole(program("read", mode="drain", url=bench.url, start=PAST, log=0, **common),
                        output=subprocess.PIPE)  # fmt: skip
        also = written(bench.path("written"), size)
        return {name: drained[name] + also[name] for name in ("wall", "cpu")} | {"size": size, "write": also["wall"]}

    def recorded_there():
        written(bench.path("written"), size)
        return recorded(bench, command, bench.path("files"))

    out = {"limit": limit, "ours": recorded_there}
    if few and form in (("hdf5",), ("gwf",)):
        out["reference"] = lambda: run(reference(
            "drain", url=bench.url, metadata=meta, start=PAST, strides=few,
            partitions=work["partitions"], **{form[0]: bench.path("reference")}), 240)  # fmt: skip
    return out


def record(bench):
    """The limit is a drain without files, and write(2) of as many bytes. The reference feeds h5py and gwframe."""
    lines = []
    for case, work, wanted, length, few in CASES:
        bench.fresh_broker()
        bench.backlog(**work)
        for form in FORMATS:
            if not known(form):
                continue
            got = interleave(bench.rounds, sides(bench, work, wanted, length, few, form))
            megabytes = got["limit"][0]["size"] / 1e6
            share = few / work["strides"]
            for name in ("cpu", "wall"):
                per = {side: [s[name] / (share if side == "reference" else 1) for s in got[side]]
                       for side in got}  # fmt: skip
                lines.append(Line("record", f"{case}, {' '.join(form)}, {megabytes:.1f} MB: {name}", "s",
                                  **per, note=f"reference: {few} strides" if "reference" in per else ""))
            lines.append(Line("record", f"{case}, {' '.join(form)}: bytes of files in time", "MB/s",
                              ours=[megabytes / s["wall"] for s in got["ours"]],
                              limit=[megabytes / s["write"] for s in got["limit"]],
                              note="limit: write(2) and fsync(2) alone", higher=True))  # fmt: skip
            lines.append(Line("record", f"{case}, {' '.join(form)}: most memory", "MB",
                              ours=[s["peak"] for s in got["ours"]]))  # fmt: skip
    return lines


# ---------------------------------------------------------------- live

LIVE_LENGTH, LIVE_S = 4, 16
# Of the bare loop, as src/kafka/fetch_size.c has them for data that may lie at the broker for half a second.
LIES = "fetch.wait.max.ms=500,fetch.min.bytes=8388608,fetch.message.max.bytes=8388608"


def recorder_at_work(process, directory):
    """CPU share and peak memory of a recorder that writes file after file."""
    began = time.monotonic()
    while not list(directory.glob("X-*")):
        if process.poll() is not None or time.monotonic() - began > 60:
            raise NotRun("no file in 60 s")
        time.sleep(0.1)
    began, (before, _) = time.monotonic(), used(process)
    time.sleep(LIVE_S)
    cpu, peak = used(process)
    return {"share": 100 * (cpu - before) / (time.monotonic() - began), "peak": peak}


def recorded_live(bench, meta, form):
    """A recorder as it is run for a year, which removes as many files as it writes, and write(2) of as many bytes. What
    comes late is not recorded: then there is nothing to measure."""
    directory = bench.path("live")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    command = [str(BUILD / "arrakis-cli"), "record", "--kafka-url", bench.url, "--metadata", str(meta), "--match", ".",
               "--dir", str(directory), "--length", str(LIVE_LENGTH), "--name", "X-BENCH", "--keep-files", "2",
               "--format", form]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        took = recorder_at_work(process, directory)
    finally:
        process.send_signal(signal.SIGINT)
        log = process.communicate(timeout=60)[1]
        summary = next((line for line in log.splitlines() if " in all: " in line), "").partition(" in all: ")[2]
        print(f"  {form}: {summary}", flush=True)
    if " 0 blocks came late" not in summary:
        raise NotRun(f"broker and publisher do not keep up: {summary}")
    sizes = [path.stat().st_size for path in directory.glob("X-*")]
    shutil.rmtree(directory)
    a_second = sum(sizes) // (len(sizes) * LIVE_LENGTH)
    also = written(bench.path("written"), a_second * LIVE_S)
    return {**took, "write": 100 * also["cpu"] / LIVE_S}


LIVE_CASES = (
    ("767 channels of 323 partitions", {**OBSERVATORY, "prefix": "recl"}, 767),
    ("12 x 100 x 1024", {"prefix": "recn", "partitions": 12, "channels": 100, "samples": 1024}, 1200),
    ("640 x 80 x 1, all 51,200 channels", {"prefix": "recm", "partitions": 640, "channels": 80, "samples": 1}, 51200),
)  # fmt: skip


def record_live(bench):
    """Each shape live, against write(2) and the bare loop, which only reads all messages; with a recorder's requests,
    and with those of a stream. A shape with which broker and publisher do not keep up is left out, with its reason."""
    lines = []
    for case, work, wanted in LIVE_CASES:
        bench.fresh_broker()
        try:
            lines += recorded_shape(bench, case, work, wanted)
        except NotRun as why:
            print(f"  live, {case}: {why}", flush=True)
    if not lines:
        raise NotRun("broker and publisher kept up with no shape")
    return lines


def recorded_shape(bench, case, work, wanted):
    lines = []
    bench.topics(**work)
    meta = bench.metadata(f"{work['prefix']}-{wanted}", wanted=wanted, **work)
    with Live(bench, **work):
        run(program("bare_consume", mode="first", url=bench.url, seconds=120, **work))
        run(consume(bench, work, WARM_UP))
        for form in ("arrow", "hdf5", "gwf"):
            got = interleave(bench.rounds, {
                "stream": lambda: share(run(consume(bench, work, LIVE_S))),
                "limit": lambda: share(run(consume(bench, {**work, "set": LIES}, LIVE_S))),
                "ours": lambda form=form: recorded_live(bench, meta, form),
            })  # fmt: skip
            name = f"live, {case}, {form}"
            limit = [s["share"] + also["write"] for s, also in zip(got["limit"], got["ours"])]
            lines.append(Line("record_live", f"{name}: CPU", "% of a core", [s["share"] for s in got["ours"]],
                              limit=limit))  # fmt: skip
            lines.append(Line("record_live", f"{name}: CPU of the bare loop with a stream's requests", "% of a core",
                              [s["share"] for s in got["stream"]]))  # fmt: skip
            lines.append(Line("record_live", f"{name}: most memory", "MB", [s["peak"] for s in got["ours"]]))
    return lines


# ---------------------------------------------------------------- group

# A tenth of a site for 10 s, whose messages cost most; a whole site for a second, whose partitions do. The
# last span is not complete without what follows it.
GROUPS = (
    ({"prefix": "grpa", "partitions": 390, "channels": 80, "samples": 1, "strides": 160}, 2, 4),
    ({"prefix": "grpb", "partitions": 3900, "channels": 80, "samples": 1, "strides": 18}, 1, 1),
)  # fmt: skip
GROUP_S = 120


def used(process):
    """CPU seconds, and the peak of the memory in MB, of a process that runs."""
    with open(f"/proc/{process.pid}/stat") as file:
        ticks = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{process.pid}/status") as file:
        peak = next(line for line in file if line.startswith("VmHWM"))
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1e3


def files_in(directory):
    return sum(not name.name.startswith(".") for at in os.scandir(directory) for name in os.scandir(at.path))


def shared_out(bench, work, length, files, members, name):
    """All files of the backlog by so many members: wall, CPU of all, and the peak of one."""
    directory = bench.path(name)
    directory.mkdir()
    meta = bench.metadata(work["prefix"], **work)
    command = ["env", "ARRAKIS_LOG_LEVEL=ERROR", str(BUILD / "arrakis-cli"), "record", "--group", name,
               "--kafka-url", bench.url, "--metadata", str(meta), "--match", ".", "--dir", str(directory),
               "--length", str(length), "--format", "arrow", "--start", str(PAST)]  # fmt: skip
    began, running = time.monotonic(), [subprocess.Popen(command) for _ in range(members)]
    try:
        while files_in(directory) < files:
            if any(process.poll() is not None for process in running):
                raise NotRun("a member has ended")
            if time.monotonic() - began > GROUP_S:
                raise NotRun(f"{files_in(directory)} of {files} files after {GROUP_S} s")
            time.sleep(0.1)
        took = {"wall": time.monotonic() - began}
        each = [used(process) for process in running]
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    shutil.rmtree(directory)
    return took | {"cpu": sum(cpu for cpu, _ in each), "peak": max(peak for _, peak in each)}


def group(bench):
    """Nothing to compare with: the reference has no recorder."""
    lines = []
    for work, length, spans in GROUPS:
        bench.fresh_broker()
        bench.backlog(**work)
        files = spans * work["partitions"]
        for members in (1, 3):
            got = [shared_out(bench, work, length, files, members, f"g{members}r{i}") for i in range(bench.rounds)]
            case = (f"{work['partitions']:,} x 80 x 1, {work['strides']} strides to {files:,} files, "
                    f"{members} member{'s' * (members > 1)}")  # fmt: skip
            for what, name, unit in (("CPU of all", "cpu", "s"), ("wall", "wall", "s"), ("peak of one", "peak", "MB")):
                lines.append(Line("group", f"{case}: {what}", unit, [g[name] for g in got]))
    return lines
