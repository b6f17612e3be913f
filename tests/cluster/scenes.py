# SPDX-License-Identifier: Apache-2.0
"""What is done to three nodes while programs read and publish."""

import json

from confluent_kafka import ElectionType, TopicPartition
from support import topic_of


class Scene:
    """One fault, and the programs that run meanwhile. Times in seconds: (in short, in the long form)."""

    name = ""
    hold = (8, 20)  # how long the fault lasts
    restarts = 0  # and how many nodes have to start in it
    after = (5, 20)  # how long the programs go on when it is over
    # the nodes of each topic that is read, the preferred leader first
    replicas = ([1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 3, 2], [2, 1, 3], [3, 2, 1])
    # how many of these topics lose their leader at once
    hit = 2
    # how many topics `publish` has, to its end and with SIGINT in the fault; the first ones' leader is
    # the first node
    published, cut_published = 4, 2
    # The feed's producer keeps the order of a topic where its leader changes. Where a log is cut back such a
    # producer gives up.
    in_order = True
    # a node does not answer: the producers leave it after 6 s, and a program that has begun to read since cannot find out
    # that they are still to come
    hangs = False
    cabled = False  # the clients come through cables
    # how long at most nothing is handed out where nothing is masked: the node is given up after 3 s, or
    # after 6 s (socket.timeout.ms) where it is silent; then 3 s until the next leader's end is believed
    silence_s = 15
    late_s, interrupt_s = 1.0, 2.0  # after the beginning of the fault

    def prepare(self, run):
        """Before the fault, when all programs are there."""

    def fault(self, run):
        """Returns when it is over."""

    def alone(self):
        """The topics, by number, that one node has alone."""
        return [i for i, nodes in enumerate(self.replicas) if len(nodes) == 1]

    def lasts_s(self, long):
        """What it takes in all, about."""
        return self.hold[long] + 7 * self.restarts


class Kill(Scene):
    name = "1 kill -9"
    restarts = 1
    hold = (6, 10)

    def fault(self, run):
        run.nodes[0].kill()
        run.hold()
        run.nodes[0].start()


class Rolling(Scene):
    name = "2 rolling restart"
    hold = (0, 0)
    restarts = 3

    def fault(self, run):
        for node in run.nodes:
            node.restart()


class Freeze(Scene):
    name = "3 frozen node"
    hold = (14, 75)
    hangs = True

    def fault(self, run):
        run.nodes[0].freeze()
        run.hold()
        run.nodes[0].proceed()


class Reassign(Scene):
    """All topics get other leaders, then leave the first node."""

    name = "4 reassignment"
    hold = (3, 10)

    def fault(self, run):
        topics = [topic_of(c.partition_id) for c in run.every_channel()]
        self._assign(run, {t: [2, 3, 1] for t in topics})
        elected = run.cluster.admin.elect_leaders(
            ElectionType.PREFERRED, [TopicPartition(t, 0) for t in topics]
        )
        elected.result(30)
        run.hold()
        self._assign(run, {t: [3, 2] for t in topics})

    @staticmethod
    def _assign(run, replicas):
        plan = run.directory / "plan.json"
        plan.write_text(json.dumps({
            "version": 1,
            "partitions": [{"topic": t, "partition": 0, "replicas": r} for t, r in replicas.items()],
        }))  # fmt: skip
        run.nodes.run("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "--bootstrap-server",
                      run.nodes.bootstrap, "--reassignment-json-file", plan, "--execute")  # fmt: skip


class Leaderless(Scene):
    """One topic has no other node than the one that goes, for longer than it is waited for."""

    name = "5 leaderless topic"
    hold = (14, 40)
    restarts = 1
    silence_s = None  # `patient` waits for all of it
    hit = 1
    replicas = ([1], [2, 3], [3, 2], [3, 2])
    published, cut_published = 0, 2

    def fault(self, run):
        run.nodes[0].stop()
        run.hold()
        run.nodes[0].start()


class Cut(Scene):
    name = "6 cut, silent"
    hold = (12, 20)
    cabled = True
    silence_s = None  # as long as the cut

    def fault(self, run):
        run.cables[0].cut()
        run.hold()
        run.cables[0].mend()


class Torn(Scene):
    name = "6r cut, reset"
    hold = (8, 20)
    cabled = True
    silence_s = None

    def fault(self, run):
        run.cables[0].tear()
        run.hold()
        run.cables[0].mend()


class Controller(Scene):
    """kill -9 of the active controller, twice."""

    name = "7 controller, twice"
    hold = (4, 10)
    restarts = 2
    hit = 4  # two each time

    def fault(self, run):
        for _ in range(2):
            node = run.nodes[self._active(run) - 1]
            node.kill()
            run.hold()
            node.start()

    @staticmethod
    def _active(run):
        """As the nodes themselves write it down: Kafka's tool for it takes seconds to start."""
        states = [
            json.loads((node.directory / "data/__cluster_metadata-0/quorum-state").read_text())
            for node in run.nodes
        ]
        return max(states, key=lambda state: state["leaderEpoch"])["leaderId"]


class Truncate(Scene):
    """A node that some topics have alone comes back without the last second of them."""

    name = "8 log cut back"
    hold = (4, 10)
    restarts = 1
    replicas = ([1], [1], [2, 3], [3, 2])
    published, cut_published = 0, 2
    lost_records = 16
    in_order = False
    silence_s = None

    def fault(self, run):
        node = run.nodes[0]
        node.kill()
        for c in run.channels[:2]:
            (log,) = node.directory.glob(f"data/{topic_of(c.partition_id)}-0/*.log")
            self._shorten(log)
        run.hold()
        node.start()

    def _shorten(self, log):
        data, batches, at = log.read_bytes(), [], 0
        while at + 12 <= len(data) and int.from_bytes(data[at + 8 : at + 12], "big"):
            batches.append(at)
            at += 12 + int.from_bytes(data[at + 8 : at + 12], "big")
        log.write_bytes(data[: batches[-self.lost_records]])
        for index in log.parent.glob("*index"):
            index.unlink()


class NoQuorum(Scene):
    """Two of three nodes hang, so that no majority can choose other leaders."""

    name = "no quorum"
    hold = (10, 20)
    # a program that began in it makes its connections anew 1, 3, 7 and 15 s after that: 6 s after the end
    after = (12, 20)
    silence_s = None
    hangs = True
    hit = 4
    published, cut_published = 2, 2

    def fault(self, run):
        for node in run.nodes[:2]:
            node.freeze()
        run.hold()
        for node in run.nodes[:2]:
            node.proceed()


ALL = (Kill, Rolling, Freeze, Reassign, Leaderless, Cut, Torn, Controller, Truncate, NoQuorum)
