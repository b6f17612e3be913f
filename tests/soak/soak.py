# SPDX-License-Identifier: Apache-2.0
"""A soak: a live reader of 100 partitions, one of 60 that waits for long, a reader of what
arrakis-server relays and a publisher, all ours, on three nodes that are restarted, killed and frozen,
over connections that are cut, with 1 % hostile messages among the good ones. Ends with a table of what
held, and with status 1 if something did not.

    soak.py [--minutes N] [--partitions N] [--stride SECONDS] [--latency SECONDS] [--quiet SECONDS]
            [--faults NAME,...] [--build DIRECTORY] [--sanitized] [--logs DIRECTORY] [--seed N]

Judged are: every good block that an independent consumer had in time was handed out, right and once,
and what the publisher was told to be confirmed is in the log once; memory does not grow, descriptors and
threads come back to their number after each fault, no program waits in a loop, ends by itself or has to
be killed.
Ctrl-C ends it, with the table of what was seen so far."""

import argparse
import dataclasses
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "broker"), str(HERE.parent / "interop")]
os.environ["XDG_CACHE_HOME"] = str(ROOT / ".deps" / "cache")  # where the reference finds leap seconds
for variable in ("ARRAKIS_SERVER", "ARRAKIS_TOKEN"):
    os.environ.pop(variable, None)

import numpy  # noqa: E402
import sources  # noqa: E402
from broker import Nodes, die_with_parent  # noqa: E402
from faults import Faults  # noqa: E402
from programs import Publisher, Reader  # noqa: E402
from proxy import Cable  # noqa: E402
from server import Server, publisher_toml  # noqa: E402
from verdict import MEGABYTE, Verdict  # noqa: E402

from support import (  # noqa: E402
    SECOND, Cluster, channel, gps_now_ns, program, topic_of, write_metadata,
)  # fmt: skip

CHANNELS = 10  # of a partition
SAMPLES = 4  # of a channel in a block
# The patient reader's are the last ones: few enough that it asks the brokers as readers of few do.
PATIENT = 60
RELAYED = 4  # partitions that the server relays; the last ones
HOSTILE_SHARE = 0.01  # of all messages
PATIENT_S = 20  # the latency of a reader that no fault here outlasts
# What an independent consumer had this long before the deadline a reader must have had too: each finds a
# new leader in its own time. Of the latency of a live reader, and of the patient one:
LIVE_MARGIN, PATIENT_MARGIN_S = 0.5, 8
NODES = {"auto.leader.rebalance.enable": "false"}  # leaders move by faults alone


# ---------------------------------------------------------------- what is read and published


class Plan:
    """Partitions 0 to `foreign` are the independent producer's, with hostile messages among theirs; the
    others are our publisher's, the last of them the server relays."""

    def __init__(self, count, stride_s, latency_s):
        self.stride, self.latency = round(stride_s * SECOND), round(latency_s * SECOND)
        self.parts = [
            [dataclasses.replace(
                channel(f"H1:SOAK-P{p}_C{i}", f"SOAK_{p:03}", CHANNELS * p + i, "int32",
                        SAMPLES / stride_s, stride=self.stride, max_latency=self.latency),
                publisher="SOAK")
             for i in range(CHANNELS)]
            for p in range(count)
        ]  # fmt: skip
        self.foreign = count * 6 // 10
        self.relayed = self.parts[-RELAYED:]
        self.topics = [topic_of(part[0].partition_id) for part in self.parts]
        self.origin_ns = gps_now_ns() // self.stride * self.stride

    def stride_of(self, time_ns):
        return (time_ns - self.origin_ns) // self.stride


def flat(parts):
    return [c for part in parts for c in part]


# ---------------------------------------------------------------- the run


class Soak:
    def __init__(self, arguments):
        self.arguments = arguments
        self.seconds = arguments.minutes * 60
        self.plan = Plan(arguments.partitions, arguments.stride, arguments.latency)
        self.strides = round((self.seconds + 900) / arguments.stride)  # with time for all around it
        self.logs = Path(arguments.logs or tempfile.mkdtemp(prefix="arrakis-soak-"))
        self.logs.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.logs / "server", ignore_errors=True)
        self.stop = threading.Event()
        self.programs = []
        self._others = []
        self.dead = []  # what ended by itself
        self._told = set()  # of what was lost

    def tool(self):
        return program(Path(self.arguments.build) / "tests" / "soak" / "soak_tool")

    def run(self):
        signal.signal(signal.SIGINT, lambda *_: self.stop.set())
        signal.signal(signal.SIGTERM, lambda *_: self.stop.set())
        self.cables = [Cable() for _ in range(3)]
        # Compiled to the last what works for long; a short run ends before that is done.
        how = ("-XX:TieredStopAtLevel=4",) if self.arguments.minutes >= 5 else ()
        with Nodes(cables=self.cables, properties=NODES, java_options=how) as nodes:
            try:
                self._set_up(nodes)
                self._work(nodes)
            finally:
                self._tear_down()
        self.tell_lost()
        return Verdict(self).print()

    # ---- set-up

    def _set_up(self, nodes):
        plan, parts = self.plan, self.plan.parts
        print(f"three nodes, {len(parts)} partitions; logs in {self.logs}", flush=True)
        nodes.start()
        Cluster(nodes.bootstrap).create(plan.topics, segment_bytes=1 << 20, retention_bytes=2 << 20)
        shared = sources.CONTEXT
        self.halt, self.hostile = shared.Event(), shared.Event()
        self.arrivals = shared.RawArray("q", len(parts) * self.strides)
        self.times = shared.RawArray("B", len(parts) * self.strides)
        self.counts = shared.RawArray("q", 3)
        self.reference_had = shared.RawArray("B", RELAYED * self.strides)
        self.reference_restarts = shared.RawValue("q", 0)
        self.witnessed_again = shared.RawValue("q", 0)
        ready = shared.Event()
        self._begin(sources.witness, nodes.cabled, plan.topics, plan.origin_ns, plan.stride,
                    self.strides, self.halt, ready, self.arrivals, self.times,
                    self.witnessed_again)  # fmt: skip
        share = HOSTILE_SHARE * len(parts) / plan.foreign
        self._begin(sources.produce, nodes.bootstrap, parts[: plan.foreign], self.arguments.seed, share,
                    self.hostile, self.halt, self.counts)  # fmt: skip
        ready.wait(60)
        directory = self.logs / "server"
        directory.mkdir()
        toml = publisher_toml("SOAK", flat(plan.relayed), plan.stride, plan.latency)
        self.server = Server(nodes.bootstrap, directory, {"SOAK": toml}).start()
        self._begin(sources.reference, self.server.url, plan.relayed, plan.origin_ns, self.strides,
                    self.halt, self.reference_had, self.reference_restarts,
                    str(self.logs / "reference.log"))  # fmt: skip

        tool, kafka = self.tool(), f"kafka={nodes.cabled}"
        everything = self._metadata("all", parts)
        self.publisher = Publisher(plan, self.strides, "publisher", tool, self.logs, "publish", kafka,
                                   self._metadata("published", parts[plan.foreign :]))  # fmt: skip
        self.programs.append(self.publisher)
        self.publisher.opened.wait(30)
        in_time = LIVE_MARGIN * self.arguments.latency
        self.live = Reader(plan, parts, self.strides, in_time, "live", tool, self.logs, "read", kafka,
                           everything)  # fmt: skip
        patient = parts[-PATIENT:]
        self.patient = Reader(plan, patient, self.strides, PATIENT_S - PATIENT_MARGIN_S, "patient", tool,
                              self.logs, "read", kafka, f"tolerance={PATIENT_S}", "forward=0",
                              self._metadata("patient", patient))  # fmt: skip
        self.relay = Reader(plan, plan.relayed, self.strides, in_time, "relay", tool, self.logs,
                            "read", f"server={self.server.url}",
                            self._metadata("relayed", plan.relayed))  # fmt: skip
        self.readers = [self.live, self.patient, self.relay]
        self.programs += self.readers
        for reader in self.readers:
            reader.opened.wait(30)
        self.hostile.set()

    def _begin(self, target, *arguments):
        process = sources.CONTEXT.Process(target=target, args=arguments, daemon=True)
        process.start()
        self._others.append((target.__name__, process))

    def _metadata(self, name, parts):
        directory = self.logs / name
        directory.mkdir(exist_ok=True)
        return write_metadata(directory, flat(parts))

    # ---- work

    def _work(self, nodes):
        self.faults = Faults(nodes, self.cables, self.arguments.quiet, self.arguments.faults, self.plan)
        self.faults.start()
        self.began = time.monotonic()
        next_line = self.began + 60
        while not self.stop.wait(1) and time.monotonic() - self.began < self.seconds:
            now = time.monotonic()
            for p in self.programs:
                p.sample(now)
            self._look()
            if now >= next_line:
                next_line += 60
                self._progress()
        self.ended = time.monotonic()
        self.interrupted = self.stop.is_set()
        self.faults.stop()

    def _look(self):
        """For what should not have ended."""
        found = [p.name for p in self.programs if p.ended_by_itself()]
        found += [name for name, process in self._others if not process.is_alive()]
        if self.server.process.poll() is not None:
            found.append("arrakis-server")
        for name in found:
            if name not in self.dead:
                self.dead.append(name)
                print(f"{name} has ended", flush=True)

    def tell_lost(self):
        """Write what was lost since to a file, with what may show the reason."""
        arrivals, _ = self.log()
        with open(self.logs / "lost", "a") as file:
            for r in self.readers:
                for p, k in zip(*numpy.nonzero(self.lost(r)[0])):
                    if (r.name, p, k) in self._told:
                        continue
                    self._told.add((r.name, p, k))
                    end = self.plan.origin_ns + (k + 1) * self.plan.stride
                    after = (arrivals[r.first_part + p, k] - end) / SECOND
                    faults = [name for name, begin, until in self.faults.done if begin <= k < until]
                    print(f"{r.name} partition {r.first_part + p}: the block up to {end} ns was there "
                          f"{after:.2f} s later and not handed out; fault: {faults or 'none'}; out were "
                          f"{r.handed[p, max(0, k - 4) : k + 5].astype(int)}", file=file)  # fmt: skip

    def _progress(self):
        self.tell_lost()
        minutes = (time.monotonic() - self.began) / 60
        words = [f"minute {minutes:.0f}"]
        for r in self.readers:
            lost, judged = self.lost(r)
            words.append(f"{r.name} {int(judged.sum()):,} in time, {int(lost.sum())} of them not out")
        words.append("MB " + " ".join(f"{p.rss[-1][1] / MEGABYTE:.2f}" for p in self.programs if p.rss))
        took = self.publisher.took_ns
        if took:
            words.append(f"publishing {statistics.median(took) / 1e6:.0f} ms after a block's end")
        words.append(f"{len(self.faults.done)} faults")
        print("; ".join(words), flush=True)

    def _tear_down(self):
        for p in self.programs:
            if p is not getattr(self, "relay", None):
                p.end()
        if hasattr(self, "relay"):
            self.relay.end()
        if hasattr(self, "halt"):
            self._wait_for_witness()
            self.halt.set()
        for _, process in self._others:
            process.join(10)
            process.kill()
        if hasattr(self, "server"):
            self.server.close()
        if hasattr(self, "faults"):
            self.faults.close()

    def _wait_for_witness(self):
        """What was published last is still to be read."""
        limit = time.monotonic() + 30
        while self.unread() and time.monotonic() < limit:
            time.sleep(0.1)

    # ---- judging

    def unread(self):
        """How many messages that were confirmed to the publisher were not read by any consumer."""
        publisher = getattr(self, "publisher", None)
        if publisher is None:
            return 0
        return int((self.log()[1][self.plan.foreign :, publisher.confirmed] == 0).sum())

    def log(self):
        """arrivals[p, k] and times[p, k] as of now."""
        shape = (len(self.plan.parts), self.strides)
        return (numpy.frombuffer(self.arrivals, numpy.int64).reshape(shape),
                numpy.frombuffer(self.times, numpy.uint8).reshape(shape))  # fmt: skip

    def lost(self, reader):
        """[p, k]: what was not handed out, of what was there in time; and the latter."""
        arrivals, _ = self.log()
        part = arrivals[reader.first_part : reader.first_part + len(reader.handed)]
        ends = self.plan.origin_ns + numpy.arange(1, self.strides + 1) * self.plan.stride
        due = ends + round(reader.in_time_s * SECOND)
        judged = (part > 0) & (part <= due)
        if reader.first is None:
            judged[:] = False
            return judged & ~reader.handed, judged
        judged[:, : reader.first] = False
        judged[:, reader.last + 1 :] = False
        return judged & ~reader.handed, judged

    def in_faults(self):
        """[k]: whether a fault was under way."""
        out = numpy.zeros(self.strides, bool)
        for _, begin, end in self.faults.done:
            out[max(0, begin - SECOND // self.plan.stride) : end] = True
        return out


def alone(work):
    """Run work() in a session of its own: Ctrl-C at a terminal is then for this process, which hands it
    on, and not for the nodes. Returns the status."""
    child = os.fork()
    if not child:
        os.setsid()
        die_with_parent()
        return work()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGINT))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main():
    parser = argparse.ArgumentParser(prog="soak.py")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--partitions", type=int, default=100)
    parser.add_argument("--stride", type=float, default=0.5, help="of all channels, in seconds")
    parser.add_argument("--latency", type=float, default=2, help="that they declare, in seconds")
    parser.add_argument("--quiet", type=float, default=20, help="seconds before each fault")
    parser.add_argument("--faults", help="those of tear_all, kill, tear_one, restart_all, freeze, cut")
    parser.add_argument("--build", default=ROOT / "build", type=Path)
    parser.add_argument("--sanitized", action="store_true", help="memory and CPU are not judged")
    parser.add_argument("--logs", help="a directory, for what the programs log")
    parser.add_argument("--seed", type=int, default=1, help="of the hostile messages")
    arguments = parser.parse_args()
    os.environ.setdefault("ARRAKIS_CLI", str(arguments.build / "arrakis-cli"))
    return alone(lambda: Soak(arguments).run())


if __name__ == "__main__":
    sys.exit(main())
