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
from support import Cluster, librdkafka_programs

LONG = bool(os.environ.get("ARRAKIS_CLUSTER_LONG"))
# When a node is given up: in short after 3 s.
KAFKA_S_OWN = {"broker.session.timeout.ms": 9000, "broker.heartbeat.interval.ms": 2000}
VERSIONS = os.environ.get("ARRAKIS_CLUSTER_VERSIONS")

# Live, the consumer and we find a new leader at moments of our own: three seconds of two topics apart.
MOST_READABLE_LIVE = 96
# A reader ends in a second, `publish` in the two that a block has to become whole; and the machine is slow.
READER_ENDS_S, PUBLISH_ENDS_S = 3, 5
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
    # what is gone for long is looked for every two seconds, also for a request that has caught up
    live = "live" in row.kind or ("endless" in row.kind and scene.alone())
    waits = row.kind in ("hist", "endless", "patient")
    silence_s = scene.silence_s or row.lived_s
    ends_believed = scene.alone() or (scene.hangs and row.kind == "late hist")
    checks = {
        f"exit {row.status}": row.status == 0 or (publish and row.kind != "publish" and row.status == 1),
        f"{row.readable} blocks masked that could be read in time":
            row.readable <= (MOST_READABLE_LIVE if live else 0),
        # the first "this is the end" of a new leader is none
        f"{row.logged} blocks masked that the log holds":
            "hist" not in row.kind or ends_believed or not row.logged,
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
