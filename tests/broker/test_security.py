# SPDX-License-Identifier: Apache-2.0
"""A broker that wants passwords, certificates and permissions."""

import pytest
from broker import Broker, certificates
from support import (
    SECOND, STRIDE, T0, Cluster, assert_same, channel, expected_block, librdkafka_version, records,
    stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip

USERS = {"reader": "reader-secret", "stranger": "stranger-secret"}
# for what is refused each time that it is tried
BRIEF = ("--timeout", "2")


@pytest.fixture(scope="module")
def broker():
    with Broker(users=USERS, tls=True) as b:
        yield b.start()


@pytest.fixture(scope="module")
def readable(broker):
    """(channels, what a reader of their first second gets): `reader` may read them."""
    cluster = Cluster(broker.bootstrap)
    cs = [channel(f"H1:CAL-C{i}", unique(f"p{i}"), 0) for i in range(2)]
    cluster.create_for(cs)
    for c in cs:
        cluster.allow("reader", topic_of(c.partition_id), "describe", "read")
    cluster.send(records(cs, T0, T0 + SECOND))
    return cs, [expected_block(cs, t, STRIDE) for t in range(T0, T0 + SECOND, STRIDE)]


def properties(**values):
    return [f"--property={k.replace('_', '.')}={v}" for k, v in values.items()]


def password(user, secret, mechanism="PLAIN", protocol="sasl_plaintext", **more):
    return properties(security_protocol=protocol, sasl_mechanism=mechanism, sasl_username=user,
                      sasl_password=secret, **more)  # fmt: skip


def arguments(at, cs, tmp_path, more):
    metadata = write_metadata(tmp_path, cs)
    return stream_arguments(at, metadata, cs, T0, T0 + SECOND, *more)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_reads_what_it_may_read(mechanism, broker, readable, cli, tmp_path):
    cs, wanted = readable
    how = password("reader", USERS["reader"], mechanism)
    if mechanism != "PLAIN" and librdkafka_version() < (2, 6, 1):
        # It answers with a nonce that Apache Kafka refuses since 4.0.
        done = cli.run(*arguments(broker.sasl, cs, tmp_path, how), *BRIEF, check=1)
        assert "SASL authentication error" in done.stderr
        return
    assert_same(cli.blocks(*arguments(broker.sasl, cs, tmp_path, how)), wanted, cs)


def test_a_user_reads_over_tls(broker, readable, cli, tmp_path):
    cs, wanted = readable
    how = password("reader", USERS["reader"], protocol="sasl_ssl",
                   ssl_ca_location=broker.certificates / "ca.pem")  # fmt: skip
    assert_same(cli.blocks(*arguments(broker.sasl_ssl, cs, tmp_path, how)), wanted, cs)


def test_a_certificate_is_a_user_too(broker, readable, cli, tmp_path):
    cs, wanted = readable
    cluster = Cluster(broker.bootstrap)
    for c in cs:
        cluster.allow("CN=client", topic_of(c.partition_id), "read")
    where = broker.certificates
    how = properties(security_protocol="ssl", ssl_ca_location=where / "ca.pem",
                     ssl_certificate_location=where / "client.crt",
                     ssl_key_location=where / "client.key")  # fmt: skip
    assert_same(cli.blocks(*arguments(broker.ssl, cs, tmp_path, how)), wanted, cs)


def test_a_wrong_password_is_an_error_that_holds_no_password(broker, readable, cli, tmp_path):
    how = password("reader", "not-the-secret")
    done = cli.run(*arguments(broker.sasl, readable[0], tmp_path, how), *BRIEF, check=1)
    assert "uthentication" in done.stderr
    assert "not-the-secret" not in done.stderr
    assert done.stdout == ""


def test_a_certificate_of_another_authority_is_refused(broker, readable, cli, tmp_path):
    certificates(tmp_path / "other")
    how = properties(security_protocol="ssl", ssl_ca_location=tmp_path / "other" / "ca.pem")
    done = cli.run(*arguments(broker.ssl, readable[0], tmp_path, how), *BRIEF, check=1)
    assert "certificate" in done.stderr.lower()
    assert done.stdout == ""
