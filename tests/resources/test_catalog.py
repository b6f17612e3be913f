# SPDX-License-Identifier: Apache-2.0
"""What finding channels in a large metadata topic takes. Measures the release build, prints the figures,
and fails past the limits."""

import os
import subprocess
from pathlib import Path

import pytest
from arrakis_backend_kafka.metadata import channel_set_digest
from confluent_kafka import Producer
from support import channel, channel_json, unique

FEW = 2_000
CHANNELS = 50_000
# Of a channel that is not asked for there are its name (50 bytes) and 40 bytes; a channel and the text of
# its digest would take 300. The rest is what librdkafka has of its last answer.
KEPT_LIMIT_KB = 11_000
# The records are 16 MB, and would take 45 if all of them waited to be read.
LIMIT_KB = 30_000


@pytest.fixture(scope="module")
def topics(cluster):
    """Publishers of some channels and of very many."""
    sent = []
    for count in (FEW, CHANNELS):
        publisher = unique("LARGE")
        topic = f"arrakis-metadata-{publisher}"
        channels = [
            channel(f"T1:{publisher}-CHANNEL_NUMBER_{i:06}_OF_MANY", f"{publisher}_{i // 80:04}", i % 80)
            for i in range(count)
        ]
        cluster.create([topic])
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 50})
        for c in channels:
            producer.produce(topic, channel_json(c).replace('"TEST"', f'"{publisher}"'), c.name)
        producer.produce(
            topic,
            f'{{"version": 1, "digest": "{channel_set_digest(channels)}", "count": {count}}}',
            "__digest__",
        )
        assert producer.flush(60) == 0
        sent.append((publisher, topic))
    yield [publisher for publisher, _ in sent]
    # others read all metadata topics there are
    for future in cluster.admin.delete_topics([topic for _, topic in sent]).values():
        future.result(30)


def peak_kb(cluster, publisher, pattern, *more):
    """While it waits for the rest of what it has found to be read: the topic is read then."""
    release = os.environ.get("ARRAKIS_RELEASE_CLI") or os.environ["ARRAKIS_CLI"]
    command = [release, "find", "--kafka-url", cluster.bootstrap, "--publisher", publisher, pattern, *more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    status = Path(f"/proc/{process.pid}/status").read_text()
    lines = 1 + sum(1 for _ in process.stdout)
    _, errors = process.communicate()
    assert process.returncode == 0 and not errors, errors
    return int(status.split("VmHWM:")[1].split()[0]), lines


def test_memory_catalog(cluster, topics):
    """What the channels of a large topic take beside those of a small one, with little in librdkafka's
    queue, and what finding them takes as it is."""
    little = ("-X", "queued.max.messages.kbytes=512", "-X", "fetch.message.max.bytes=262144", "--json")
    (small, few), (large, all_) = (peak_kb(cluster, p, ".", *little) for p in topics)
    whole, _ = peak_kb(cluster, topics[1], ".", "--json")
    print(f"\nmemory.catalog, {CHANNELS} channels: {large - small} kB kept of them, {whole} kB at most")
    assert (few, all_) == (FEW, CHANNELS)
    assert large - small < KEPT_LIMIT_KB
    assert whole < LIMIT_KB
