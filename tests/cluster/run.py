# SPDX-License-Identifier: Apache-2.0
"""One scene played: all programs on all librdkafkas beside each other, and what came of it."""

import contextlib
import tempfile
import threading
import time
from pathlib import Path

from figures import judge_publishing, judge_reader
from scenes import Scene
from programs import Publishing, Reader, wait_until
from support import SECOND, STRIDE, channel, gps_now_ns, topic_of, unique, write_metadata
from truth import Feed, Watch, dump, time_of

LATENCY_NS = 2 * SECOND
PATIENCE_NS = 90 * SECOND
PATIENT = ("--latency-tolerance", "90", "--no-fast-forward")
# A request with a start begins so long before the present.
PAST_NS = 3 * SECOND


class Run:
    def __init__(self, scene, nodes, cables, cluster, programs, directory, long):
        self.scene, self.nodes, self.cables, self.cluster = scene, nodes, cables, cluster
        self.programs, self.long = programs, long
        self.directory = Path(tempfile.mkdtemp(dir=directory))
        self.bootstrap = nodes.cabled if scene.cabled else nodes.bootstrap
        self.readers, self.publishings = [], []
        self.channels = self._make_topics("C", scene.replicas)
        self.metadata = write_metadata(self.directory, self.channels)
        self._error = None

    # ---- for scenes

    def hold(self):
        time.sleep(self.scene.hold[self.long])

    def every_channel(self):
        return [*self.channels, *(c for p in self.publishings for c in p.channels)]

    # ---- programs

    def _make_topics(self, stem, replicas):
        x = unique("")
        channels = [
            channel(f"H1:CAL-{stem}{i}", f"{stem}{i}{x}", 0, "int32", 32, max_latency=LATENCY_NS)
            for i in range(len(replicas))
        ]
        for c, on in zip(channels, replicas):
            self.cluster.create([topic_of(c.partition_id)], replicas=on)
        return channels

    def _read(self, kind, start=False, end_ns=None, more=()):
        start_ns = (gps_now_ns() - PAST_NS) // STRIDE * STRIDE if start else None
        for version, program in self.programs.items():
            self.readers.append(Reader(kind, version, program, self.bootstrap, self.metadata,
                                       self.channels, self.directory, start_ns, end_ns, more))  # fmt: skip

    def _publish(self, kind, topics):
        for version, program in self.programs.items() if topics else ():
            channels = self._make_topics("P", Scene.replicas[:topics])
            directory = self.directory / f"{kind}@{version}"
            directory.mkdir()
            self.publishings.append(Publishing(kind, version, program, self.bootstrap,
                                               write_metadata(directory, channels), channels,
                                               directory))  # fmt: skip

    def _begin(self):
        lasts = 4 + self.scene.lasts_s(self.long) + self.scene.after[self.long] / 2
        self.end_ns = gps_now_ns() // STRIDE * STRIDE + int(lasts) * SECOND
        self._publish("publish", self.scene.published)
        self._publish("int publish", self.scene.cut_published)
        for prefix in ("", "int "):
            self._read(prefix + "live")
            self._read(prefix + "hist", True, self.end_ns)
            self._read(prefix + "endless", True)
        self._read("patient", more=PATIENT)
        for r in self.readers:
            wait_until(lambda r=r: len(r.lines) >= 8, 60, lambda r=r: f"{r.kind}: {r.errors}")
        for p in self.publishings:
            wait_until(lambda p=p: len(p.times) >= 8, 60, lambda p=p: p.errors)

    def _in_the_fault(self):
        """Beside it: some are begun, and some interrupted."""
        try:
            time.sleep(self.scene.late_s)
            self._read("late live")
            self._read("late hist", True, self.end_ns)
            self._read("late endless", True)
            time.sleep(self.scene.interrupt_s - self.scene.late_s)
            waited = [p for p in [*self.readers, *self.publishings] if p.kind.startswith("int ")]
            for program in waited:
                program.interrupt()
            for program in waited:
                program.wait(20)
        except BaseException as e:
            self._error = e

    def _play(self):
        side = threading.Thread(target=self._in_the_fault)
        side.start()
        self.scene.fault(self)
        time.sleep(self.scene.after[self.long])
        side.join()
        if self._error:
            raise self._error

    def _end(self):
        for p in self.publishings:
            if not p.interrupted_ns:
                p.finish()
        for r in self.readers:
            if r.end_ns is None and not r.interrupted_ns:
                r.interrupt()
        for r in self.readers:
            r.wait(20 if r.interrupted_ns else 60)
        for p in self.publishings:
            p.wait(40)

    # ---- all of it

    def __call__(self):
        """Returns a Row for each program."""
        try:
            return self._run()
        finally:
            for program in [*self.readers, *self.publishings]:
                program.close()

    def _run(self):
        with contextlib.ExitStack() as stack:
            watch = stack.enter_context(Watch(self.bootstrap, self.channels))
            feed = stack.enter_context(Feed(self.nodes.bootstrap, self.channels, self.scene.in_order))
            time.sleep((PAST_NS + SECOND // 2 - (gps_now_ns() - feed.started_ns)) / SECOND)
            self._begin()
            self.scene.prepare(self)
            self._play()
            self._end()
        rows = self._judge(watch.seen)
        self.cluster.delete_for(self.every_channel())
        return rows

    def _patience_ns(self, reader):
        if reader.start_ns is not None:
            return None
        return PATIENCE_NS if reader.kind == "patient" else LATENCY_NS

    def _judge(self, seen):
        held = dump(self.nodes.bootstrap, [topic_of(c.partition_id) for c in self.every_channel()])
        data = [topic_of(c.partition_id) for c in self.channels]
        logged = {(t, time_of(m)) for t in data for m in held[t]}
        scene = self.scene
        return [
            *(judge_reader(scene, r, self.channels, seen, logged, self._patience_ns(r))
              for r in self.readers),
            *(judge_publishing(scene, p, held) for p in self.publishings),
        ]  # fmt: skip
