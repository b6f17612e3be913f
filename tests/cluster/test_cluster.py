# SPDX-License-Identifier: Apache-2.0
"""Three nodes that replicate, and what can happen to them (scenes.py). The nodes start once for all scenes;
the programs of all librdkafkas read and publish beside each other. Goal: what an independent consumer could
read in time is handed out.

ARRAKIS_CLUSTER_LONG=1 gives the long form, ARRAKIS_CLUSTER_VERSIONS=2.0.2,2.16.0 some librdkafkas."""

import os

import pytest
import scenes
from broker import Nodes
from figures import table
from proxy import Cable
from run import Run
from support import SECOND, STRIDE, Cluster, librdkafka_programs

LONG = bool(os.environ.get("ARRAKIS_CLUSTER_LONG"))
# When a node is given up: in short after 3 s.
KAFKA_S_OWN = {"broker.session.timeout.ms": 9000, "broker.heartbeat.interval.ms": 2000}
VERSIONS = os.environ.get("ARRAKIS_CLUSTER_VERSIONS")

# What the independent consumer has in time, a live reader may lack for so many blocks of each topic that loses
# its leader: each finds the next one at a moment of its own. A silent connection is given up 6 to 6.5 s after
# its last request, and leaders are then asked for every 0.1 to 1 s. A reader that is begun in the fault asks
# every second, for up to 2 s each time, for what it could not find: in all that is 3 s, and 2 s more are for what
# follows, on a machine where three nodes catch up.
MOST_BEHIND = 5 * SECOND // STRIDE
# A request with an end takes nothing for a gap that was due less than 3 s ago, and as long after each question
# that failed. Data that comes later still was held up by the machine, which starts a node meanwhile; a rule
# that believes a new leader's first answer costs hundreds of blocks.
MOST_HELD_UP = 3 * SECOND // STRIDE
# What closes is waited for 2 s, and at exit for 2 s more; `publish` gives a block 2 s to become whole. And three
# seconds for the machine, whose nodes start or catch up beside that.
READER_ENDS_S, PUBLISH_ENDS_S = 7, 9
# No spinning while nodes are away: a tenth of a core, and the start of a program with sanitizers.
MOST_CPU = 0.1
START_CPU_S = 2


@pytest.fixture(scope="module")
def cables():
    three = [Cable() for _ in range(3)]
    yield three
    for cable in three:
        cable.close()


@pytest.fixture(scope="module")
def nodes(cables):
    with Nodes(cables=cables, properties=KAFKA_S_OWN if LONG else None) as three:
        yield three.start()


@pytest.fixture(scope="module")
def programs():
    found = librdkafka_programs()
    return {v: found[v] for v in VERSIONS.split(",")} if VERSIONS else found


def faults_of(row, scene):
    """What is not as it should be, as texts."""
    publish = "publish" in row.kind
    # what is gone for long is looked for every second, also for a request with a start
    behind = MOST_BEHIND * scene.hit if "live" in row.kind or scene.alone() else 0
    waits = row.kind in ("hist", "endless", "patient")
    silence_s = scene.silence_s or row.lived_s
    ends_believed = scene.alone() or (scene.hangs and row.kind == "late hist")
    checks = {
        f"exit {row.status}: {row.error}": row.status == 0 or (publish and row.kind != "publish" and row.status == 1),
        f"{row.readable} blocks masked that could be read in time":
            row.readable <= behind,
        f"{row.logged} blocks masked that the log holds":
            "hist" not in row.kind or ends_believed or row.logged <= MOST_HELD_UP,
        f"{row.silence_s:.1f} s of silence": not waits or row.silence_s <= silence_s,
        f"{row.masked} blocks not in the log": not publish or not row.masked,
        f"{row.ended_s} s to its end after SIGINT":
            row.ended_s is None or row.ended_s <= (PUBLISH_ENDS_S if publish else READER_ENDS_S),
        f"{row.cpu_s} s of CPU in {row.lived_s:.0f} s": row.cpu_s <= START_CPU_S + MOST_CPU * row.lived_s,
    }  # fmt: skip
    return row.faults[:3] + [text for text, holds in checks.items() if not holds]


@pytest.mark.parametrize("scene", scenes.ALL, ids=lambda s: s.__name__)
def test_scene(scene, nodes, cables, programs, tmp_path):
    scene = scene()
    cluster = Cluster(nodes.bootstrap, socket_timeout_ms=6000)
    rows = Run(scene, nodes, cables, cluster, programs, tmp_path, LONG)()
    print("\n" + table(rows))
    faults = [f"{row.kind}@{row.version}: {text}" for row in rows for text in faults_of(row, scene)]
    assert not faults, faults
