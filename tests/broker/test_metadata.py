# SPDX-License-Identifier: Apache-2.0
"""Metadata topics of a real broker: what a log ends and begins with beside records, and what one
publisher's topic is to those who ask for another's."""

import json

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from support import channel, channel_json, unique


def create(cluster, publisher, partitions=1):
    topic = f"arrakis-metadata-{publisher}"
    new = NewTopic(topic, partitions, 1, config={"cleanup.policy": "delete"})
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for future in admin.create_topics([new]).values():
        future.result(30)
    return topic


def records(publisher, count, first=0):
    for i in range(first, first + count):
        c = channel(f"T1:{publisher}-{i}", f"{publisher}_0", i)
        yield c.name, channel_json(c).replace('"TEST"', json.dumps(publisher))


def send(cluster, topic, some, transaction=None):
    """Records outside a transaction, or in one that is committed or aborted."""
    id_ = {"transactional.id": unique("t")} if transaction else {}
    producer = Producer({"bootstrap.servers": cluster.bootstrap, **id_})
    if transaction:
        producer.init_transactions(30)
        producer.begin_transaction()
    for key, value in some:
        producer.produce(topic, value, key, partition=0)
    assert producer.flush(30) == 0
    if transaction:
        getattr(producer, f"{transaction}_transaction")(30)


def trim(cluster, topic, before):
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, before)]).values():
        future.result(30)


def names(cluster, cli, *arguments):
    out = cli.run("find", "--kafka-url", cluster.bootstrap, "--json", ".", *arguments, check=0).stdout
    return sorted(json.loads(line)["name"] for line in out.splitlines())


def test_a_topic_is_read_to_its_end_whatever_its_log_ends_and_begins_with(cluster, cli):
    p = unique("M")
    topic = create(cluster, p)
    assert names(cluster, cli, "--publisher", p) == []  # empty
    send(cluster, topic, records(p, 2), "commit")
    first = [f"T1:{p}-0", f"T1:{p}-1"]
    assert names(cluster, cli, "--publisher", p) == first  # a marker is last
    send(cluster, topic, records(p, 3, first=5), "abort")
    assert names(cluster, cli, "--publisher", p) == first  # so are records that do not count
    trim(cluster, topic, 1)
    assert names(cluster, cli, "--publisher", p) == first[1:]  # offset 0 is gone
    trim(cluster, topic, -1)
    assert names(cluster, cli, "--publisher", p) == []  # everything is


def test_a_stray_topic_and_another_publisher_s_records_change_nothing(cluster, cli):
    p, junk, evil = unique("M"), unique("JUNK"), unique("EVIL")
    send(cluster, create(cluster, p), records(p, 1))
    create(cluster, junk, partitions=2)
    (name, value), = records(p, 1)
    taken = json.dumps({**json.loads(value), "partition_id": f"{evil}_0", "time": 4 * 10**18})
    send(cluster, create(cluster, evil), [(name, taken)])
    done = cli.run("describe", "--kafka-url", cluster.bootstrap, "--json", name, check=0)
    assert json.loads(done.stdout)["partition_id"] == f"{p}_0"
    assert f"ignoring metadata topic arrakis-metadata-{junk}: it has 2 partitions" in done.stderr
    assert f"arrakis-metadata-{evil} offset 0: record skipped: its publisher is not" in done.stderr
    done = cli.run("find", "--kafka-url", cluster.bootstrap, ".", "--publisher", junk, check=1)
    assert f"arrakis-metadata-{junk}: it has 2 partitions, expected 1" in done.stderr
    done = cli.run("describe", "--kafka-url", cluster.bootstrap, f"T1:{junk}-X", check=1)
    assert f"not found: 'T1:{junk}-X'" in done.stderr
