# SPDX-License-Identifier: Apache-2.0
"""What a broker refuses is an error that tells its reason at once, and names the topic where it is
about one."""

import time

import pytest
from broker import Broker
from live import LivePublisher
from support import (
    SECOND, STRIDE, T0, Cluster, assert_same, channel, expected_block, records, stream_arguments, topic_of,
    unique, write_metadata,
)  # fmt: skip

USERS = {"reader": "reader-secret"}
# A request waits ten seconds for an answer: what is refused does not take as long.
AT_ONCE_S = 6


@pytest.fixture(scope="module")
def broker():
    with Broker(users=USERS, tls=True) as b:
        yield b.start()


@pytest.fixture(scope="module")
def admin(broker):
    return Cluster(broker.bootstrap)


def properties(**values):
    return [f"--property={k.replace('_', '.')}={v}" for k, v in values.items()]


def login(secret=USERS["reader"], mechanism="PLAIN", protocol="sasl_plaintext", **more):
    return properties(security_protocol=protocol, sasl_mechanism=mechanism, sasl_username="reader",
                      sasl_password=secret, **more)  # fmt: skip


def topics(admin, *rights):
    """A channel for each list of what the reader may do with its topic."""
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0, max_latency=2 * SECOND) for i in range(len(rights))]
    admin.create_for(cs)
    for c, allowed in zip(cs, rights):
        if allowed:
            admin.allow("reader", topic_of(c.partition_id), *allowed)
    return cs


def span(channels, start, end, gaps=()):
    return [expected_block(channels, t, STRIDE, gaps) for t in range(start, end, STRIDE)]


# ---------------------------------------------------------------- coming in


@pytest.fixture(scope="module")
def readable(admin):
    cs = topics(admin, ["describe", "read"])
    admin.send(records(cs, T0, T0 + SECOND))
    return cs


def refused(cli, at, cs, tmp_path, how, within_s):
    """The text of a refusal that came within so many seconds."""
    metadata = write_metadata(tmp_path, cs)
    began = time.monotonic()
    done = cli.run(*stream_arguments(at, metadata, cs, T0, T0 + SECOND, *how), check=1)
    took = time.monotonic() - began
    assert took < within_s, f"{took:.1f} s:\n{done.stderr}"
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]  # what the program ended with


def test_a_wrong_password_is_told_at_once(broker, readable, cli, tmp_path):
    how = login("not-the-secret")
    text = refused(cli, broker.sasl, readable, tmp_path, how, AT_ONCE_S)
    assert "uthentication" in text and broker.sasl in text
    assert "not-the-secret" not in text


def test_a_mechanism_that_the_broker_does_not_have_is_told_at_once(broker, readable, cli, tmp_path):
    how = properties(security_protocol="sasl_plaintext", sasl_mechanism="OAUTHBEARER",
                     enable_sasl_oauthbearer_unsecure_jwt="true",
                     sasl_oauthbearer_config="principal=reader")  # fmt: skip
    text = refused(cli, broker.sasl, readable, tmp_path, how, AT_ONCE_S)
    assert "OAUTHBEARER" in text or "mechanism" in text


def test_a_certificate_that_nobody_vouches_for_is_told_at_once(broker, readable, cli, tmp_path):
    how = properties(security_protocol="ssl")
    text = refused(cli, broker.ssl, readable, tmp_path, how, AT_ONCE_S)
    assert "certificate" in text


def test_a_password_where_none_is_taken_ends_with_the_reason(broker, readable, cli, tmp_path):
    text = refused(cli, broker.bootstrap, readable, tmp_path, login(), 20)
    assert "SASL" in text or "uthentication" in text


@pytest.mark.parametrize("protocol", ["sasl", "ssl"])
def test_a_connection_of_the_wrong_kind_ends_with_the_reason(
    protocol, broker, readable, cli, tmp_path
):
    """The broker closes it without a word, and might yet take it when it has started."""
    text = refused(cli, getattr(broker, protocol), readable, tmp_path, [], 20)
    assert "isconnected" in text, text


# ---------------------------------------------------------------- permissions


@pytest.mark.parametrize("allowed", [["describe"], []], ids=["describe", "nothing"])
def test_a_topic_that_may_not_be_read_is_an_error_that_names_it(allowed, broker, admin, cli, tmp_path):
    cs = topics(admin, allowed)
    admin.send(records(cs, T0, T0 + SECOND))
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments(broker.sasl, metadata, cs, T0, T0 + SECOND, *login()), check=1)
    text = done.stderr.splitlines()[-1]
    assert topic_of(cs[0].partition_id) in text and "uthoriz" in text
    assert "exist" not in done.stderr


@pytest.mark.parametrize("allowed", [["describe"], []], ids=["describe", "nothing"])
def test_a_topic_that_may_not_be_read_is_named_live(allowed, broker, admin, cli, tmp_path):
    """Also beside one that may."""
    cs = topics(admin, ["describe", "read"], allowed)
    metadata = write_metadata(tmp_path, cs)
    name = topic_of(cs[1].partition_id)
    with LivePublisher(admin, cs):
        with cli.follow(*stream_arguments(broker.sasl, metadata, cs, None, None, *login())) as stream:
            stream.wait_for_error(name)
            stream.interrupt()
    (told, *_) = [line for line in stream.errors if name in line]
    assert "uthoriz" in told and "exist" not in told


def test_a_right_that_is_taken_away_in_mid_request_ends_it_by_name(broker, admin, cli, tmp_path):
    cs = topics(admin, ["describe", "read"], ["describe", "read"])
    metadata = write_metadata(tmp_path, cs)
    name = topic_of(cs[1].partition_id)
    with LivePublisher(admin, cs) as live:
        start = live.started_ns
        arguments = stream_arguments(broker.sasl, metadata, cs, start, start + 300 * SECOND, *login())
        with cli.follow(*arguments) as stream:
            stream.wait_for(lambda blocks: len(blocks) >= 16)
            admin.deny("reader", name, "read")
            stream.wait_for_error(name)
            assert stream.finish() == 1
    assert "uthoriz" in stream.errors[-1] and name in stream.errors[-1]
    assert_same(stream.blocks()[:16], span(cs, start, start + SECOND), cs)


def test_a_user_without_rights_to_groups_reads_without_a_warning(broker, admin, cli, tmp_path):
    """No group is used: what is forbidden about them is nobody's trouble."""
    cs = topics(admin, ["describe", "read"])
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(admin, cs):
        with cli.follow(*stream_arguments(broker.sasl, metadata, cs, None, None, *login())) as stream:
            stream.wait_for(lambda blocks: len(blocks) >= 64)
            assert stream.interrupt() == 0
    assert not [line for line in stream.errors if line], stream.errors
