# SPDX-License-Identifier: Apache-2.0
"""Three nodes that replicate: what one of them held, the others go on with."""

import pytest
from broker import Nodes
from live import LivePublisher
from support import (
    SECOND, STRIDE, Cluster, assert_same, channel, expected_block, stream_arguments, topic_of, unique,
    write_metadata,
)  # fmt: skip


@pytest.fixture(scope="module")
def nodes():
    with Nodes() as three:
        yield three.start()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_the_loss_of_the_leader_costs_nothing_that_comes_within_the_latency(
    how, nodes, cli, tmp_path
):
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0, max_latency=60 * SECOND) for i in range(3)]
    cluster = Cluster(nodes.bootstrap)
    for i, c in enumerate(cs):
        cluster.create([topic_of(c.partition_id)], replicas=[1 + (i + k) % 3 for k in range(3)])
    metadata = write_metadata(tmp_path, cs)
    lost = nodes[0]
    with LivePublisher(cluster, cs) as publisher:
        with cli.follow(*stream_arguments(nodes.bootstrap, metadata, cs)) as stream:
            stream.wait_for(lambda b: len(b) >= 16)
            assert cluster.leader(topic_of(cs[0].partition_id)) == lost.node_id
            getattr(lost, how)()
            gone = publisher.reached_ns
            stream.wait_for(lambda b: b[-1]["time_ns"] >= gone + 2 * SECOND, timeout=60)
            lost.start()
            assert stream.interrupt() == 0
            blocks = stream.blocks()
    first = blocks[0]["time_ns"]
    assert_same(blocks, [expected_block(cs, first + i * STRIDE, STRIDE) for i in range(len(blocks))],
                cs)  # fmt: skip
