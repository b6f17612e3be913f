# SPDX-License-Identifier: Apache-2.0
"""Brokers that want passwords, certificates, tokens and permissions: who has them reads and publishes,
and what is refused is an error that tells its reason at once, and names the topic where it is about
one. Secrets are in no error and in no line of the log."""

import dataclasses
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from broker import Broker, certificates
from live import LivePublisher
from support import (
    LOADED_S, SECOND, STRIDE, T0, Cluster, assert_same, channel, channel_json, expected_block, gps_now_ns,
    librdkafka_version, records, samples, stream_arguments, topic_of, unique, write_metadata,
)  # fmt: skip
from tokens import Issuer, TokenServer

USERS = {"reader": "reader-secret"}
SECRETS = (USERS["reader"], "not-the-secret", "client-secret", "eyJ")  # the last: any token
# What is refused does not take as long as a request may.
PATIENT = ["--timeout", "60"]
# Which of librdkafka's builds can fetch tokens from an OIDC server. That of ThreadSanitizer, 2.12.1, is
# built without libcurl.
HAS_OIDC = librdkafka_version() >= (2, 8, 0) and librdkafka_version() != (2, 12, 1)


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture(scope="module")
def broker(issuer):
    with Broker(users=USERS, tls=True, issuer=issuer) as b:
        yield b.start()


@pytest.fixture(scope="module")
def admin(broker):
    return Cluster(broker.bootstrap)


def properties(**values):
    return [f"--property={k.replace('_', '.')}={v}" for k, v in values.items()]


def login(secret=USERS["reader"], mechanism="PLAIN", protocol="sasl_plaintext", **more):
    return properties(security_protocol=protocol, sasl_mechanism=mechanism, sasl_username="reader",
                      sasl_password=secret, **more)  # fmt: skip


def token_login(**more):
    return properties(security_protocol="sasl_plaintext", sasl_mechanism="OAUTHBEARER", **more)


def file_login(path):
    return [*token_login(), "--kafka-token-file", path]


def oidc_login(url):
    return token_login(sasl_oauthbearer_method="oidc", sasl_oauthbearer_client_id="reader",
                       sasl_oauthbearer_client_secret="client-secret",
                       sasl_oauthbearer_token_endpoint_url=url)  # fmt: skip


def trusting(broker, **more):
    return properties(security_protocol="ssl", ssl_ca_location=broker.certificates / "ca.pem", **more)


def certified(broker, who):
    return trusting(broker, ssl_certificate_location=broker.certificates / f"{who}.crt",
                    ssl_key_location=broker.certificates / f"{who}.key")  # fmt: skip


def put(path, text):
    """Replace a token as renewals do: readers see the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)
    return path


def topics(admin, *rights, max_latency=2 * SECOND):
    """A channel for each list of what the reader may do with its topic."""
    x = unique("")
    cs = [channel(f"H1:CAL-C{i}", f"p{i}{x}", 0, max_latency=max_latency) for i in range(len(rights))]
    admin.create_for(cs)
    for c, allowed in zip(cs, rights):
        if allowed:
            admin.allow("reader", topic_of(c.partition_id), *allowed)
    return cs


def span(channels, start, end, gaps=()):
    return [expected_block(channels, t, STRIDE, gaps) for t in range(start, end, STRIDE)]


@pytest.fixture(scope="module")
def readable(admin):
    cs = topics(admin, ["describe", "read"])
    admin.allow("CN=client", topic_of(cs[0].partition_id), "describe", "read")
    admin.send(records(cs, T0, T0 + SECOND))
    return cs


@pytest.fixture(autouse=True)
def oidc_under_asan(monkeypatch):
    """librdkafka 2.16 looks one byte beyond an OIDC server's answer (strlen)."""
    options = os.environ.get("ASAN_OPTIONS", "")
    monkeypatch.setenv("ASAN_OPTIONS", f"{options}:intercept_strlen=0")


class TlsServer:
    """Shows a certificate at `address`, on any address of this machine, and closes when greeted."""

    def __init__(self, certificate, host="127.0.0.1"):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server((host, 0))
        self.address = "%s:%d" % self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                plain, _ = self._listener.accept()
                self._context.wrap_socket(plain, server_side=True).close()
            except ssl.SSLError:
                pass
            except OSError:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()


# ---------------------------------------------------------------- coming in


def reads(cli, at, cs, tmp_path, how):
    metadata = write_metadata(tmp_path, cs)
    done = cli.run(*stream_arguments(at, metadata, cs, T0, T0 + SECOND, *how))
    assert_same([json.loads(line) for line in done.stdout.splitlines()], span(cs, T0, T0 + SECOND), cs)
    assert done.stderr == ""


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_with_a_password_reads(mechanism, broker, readable, cli, tmp_path):
    how = login(mechanism=mechanism)
    if mechanism != "PLAIN" and librdkafka_version() < (2, 6, 1):
        # It answers with a nonce that Apache Kafka refuses since 3.8.1.
        assert "authentication" in refused(cli, broker.sasl, readable, tmp_path, how)
        return
    reads(cli, broker.sasl, readable, tmp_path, how)


def test_a_user_with_a_password_reads_over_tls(broker, readable, cli, tmp_path):
    how = login(protocol="sasl_ssl", ssl_ca_location=broker.certificates / "ca.pem")
    reads(cli, broker.sasl_ssl, readable, tmp_path, how)


def test_a_client_with_a_certificate_reads(broker, readable, cli, tmp_path):
    reads(cli, broker.mtls, readable, tmp_path, certified(broker, "client"))


def test_a_user_with_a_token_of_a_file_reads(broker, issuer, readable, cli, tmp_path):
    path = put(tmp_path / "token", f"  {issuer.token('reader')}\n")
    reads(cli, broker.oauth, readable, tmp_path, file_login(path))


def test_a_user_with_a_token_of_an_oidc_server_reads(broker, issuer, readable, cli, tmp_path):
    with TokenServer(issuer) as server:
        if HAS_OIDC:
            reads(cli, broker.oauth, readable, tmp_path, oidc_login(server.url))
        else:
            text = refused(cli, broker.oauth, readable, tmp_path, oidc_login(server.url))
            assert "not supported" in text


# ---------------------------------------------------------------- not coming in


def refused(cli, at, cs, tmp_path, how, patience=PATIENT):
    """The text of a refusal that came at once; without patience, within the ten seconds of a request."""
    metadata = write_metadata(tmp_path, cs)
    return refused_command(cli, stream_arguments(at, metadata, cs, T0, T0 + SECOND, *how), patience)


def refused_command(cli, command, patience=PATIENT, stdin=None):
    began = time.monotonic()
    done = cli.run(*command, *patience, check=1, stdin=stdin)
    took = time.monotonic() - began
    assert took < LOADED_S + (0 if patience else 10), f"{took:.1f} s:\n{done.stderr}"
    assert done.stdout == ""
    assert not [secret for secret in SECRETS if secret in done.stderr], done.stderr
    return done.stderr.splitlines()[-1]  # what the program ended with


def block_line(cs):
    start = gps_now_ns() // STRIDE * STRIDE
    return json.dumps({
        "time_ns": start, "_duration_ns": STRIDE,
        "data": {c.name: samples(c, start).tolist() for c in cs},
    }) + "\n"  # fmt: skip


@pytest.mark.parametrize("command", ["live", "fetch", "find", "describe", "count", "publish"])
def test_whatever_is_asked_for_a_wrong_password_is_told_at_once(
    command, broker, readable, cli, tmp_path
):
    metadata = write_metadata(tmp_path, readable)
    at = ["--kafka-url", broker.sasl, *login("not-the-secret")]
    name = readable[0].name
    arguments = {
        "live": ["stream", "--metadata", metadata, name],
        "fetch": ["fetch", "--metadata", metadata, "--start", "1400000000", name],
        "find": ["find", "."], "describe": ["describe", name], "count": ["count"],
        "publish": ["publish", "--publisher", "TEST", "--metadata", metadata],
    }[command]  # fmt: skip
    stdin = block_line(readable) if command == "publish" else None
    text = refused_command(cli, [*arguments, *at], stdin=stdin)
    assert "uthentication" in text and broker.sasl in text
    assert command != "publish" or "1 of 1 messages were not delivered" in text


def test_a_wrong_password_is_in_no_line_of_the_log(broker, readable, cli, tmp_path):
    how = [*login("not-the-secret"), "-v", *properties(debug="security,broker,conf")]
    assert "uthentication" in refused(cli, broker.sasl, readable, tmp_path, how)


def test_a_mechanism_that_the_broker_does_not_have_is_told_at_once(broker, readable, cli, tmp_path):
    text = refused(cli, broker.oauth, readable, tmp_path, login())
    assert "PLAIN" in text and "OAUTHBEARER" in text


TOKENS = {
    "not the issuer's": ("e30.e30.e30", "invalid_token"),
    "nothing": ("", "expected a file with a token"),
    "two lines": ("a\nb", "characters that no token has"),
}


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_that_is_none_is_told_at_once(what, broker, readable, cli, tmp_path):
    token, reason = TOKENS[what]
    how = file_login(put(tmp_path / "token", token))
    assert reason in refused(cli, broker.oauth, readable, tmp_path, how)


def test_a_token_that_has_expired_is_told_at_once(broker, issuer, readable, cli, tmp_path):
    path = put(tmp_path / "token", issuer.token("reader", -60))
    how = [*file_login(path), "-v", *properties(debug="security,broker,conf")]
    assert "has expired, at 20" in refused(cli, broker.oauth, readable, tmp_path, how)


def test_a_token_file_that_is_not_there_is_told_at_once(broker, readable, cli, tmp_path):
    text = refused(cli, broker.oauth, readable, tmp_path, file_login(tmp_path / "none"))
    assert f"{tmp_path}/none" in text and "No such file" in text
    command = ["publish", "--publisher", "TEST", "--metadata", write_metadata(tmp_path, readable),
               "--kafka-url", broker.oauth, *file_login(tmp_path / "none")]  # fmt: skip
    assert "No such file" in refused_command(cli, command, stdin=block_line(readable))


def test_a_login_by_token_without_one_is_refused_before_anything_is_asked(readable, cli, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        at = "%s:%d" % nobody.getsockname()
        text = refused(cli, at, readable, tmp_path, token_login())
        assert "--kafka-token-file" in text and "sasl.oauthbearer.method" in text
        how = [*login(), "--kafka-token-file", tmp_path / "none"]
        text = refused(cli, at, readable, tmp_path, how)
        assert "sasl.mechanism is not OAUTHBEARER" in text
        assert not select.select([nobody], [], [], 0)[0], "the broker has been dialed"


@pytest.mark.skipif(not HAS_OIDC, reason="this librdkafka fetches no tokens")
def test_an_oidc_server_that_gives_no_token_is_told_at_once(broker, issuer, readable, cli, tmp_path):
    with TokenServer(issuer) as server:
        server.refuses = True
        text = refused(cli, broker.oauth, readable, tmp_path, oidc_login(server.url))
        assert "OAUTHBEARER token" in text


def test_a_certificate_that_nobody_vouches_for_is_told_at_once(broker, readable, cli, tmp_path):
    assert "certificate" in refused(cli, broker.ssl, readable, tmp_path, properties(security_protocol="ssl"))


def test_a_certificate_of_another_authority_is_told_at_once(broker, readable, cli, tmp_path):
    certificates(tmp_path / "other")
    how = properties(security_protocol="ssl", ssl_ca_location=tmp_path / "other" / "ca.pem")
    assert "certificate" in refused(cli, broker.ssl, readable, tmp_path, how)


@pytest.mark.parametrize("who, host", [("expired", "127.0.0.1"), ("node", "127.0.0.2")])
def test_a_broker_s_certificate_that_is_over_or_another_s_is_told_at_once(
    who, host, broker, readable, cli, tmp_path
):
    with TlsServer(broker.certificates / f"{who}.pem", host) as server:
        text = refused(cli, server.address, readable, tmp_path, trusting(broker))
        assert "certificate" in text and server.address in text


@pytest.mark.parametrize("who", [None, "expired"])
def test_a_client_without_a_good_certificate_is_told_at_once(who, broker, readable, cli, tmp_path):
    how = certified(broker, who) if who else trusting(broker)
    text = refused(cli, broker.mtls, readable, tmp_path, how)
    assert "alert" in text and "certificate" in text
    command = ["publish", "--publisher", "TEST", "--metadata", write_metadata(tmp_path, readable),
               "--kafka-url", broker.mtls, *how]  # fmt: skip
    assert "certificate" in refused_command(cli, command, stdin=block_line(readable))


def test_a_password_where_none_is_taken_ends_with_the_reason(broker, readable, cli, tmp_path):
    text = refused(cli, broker.bootstrap, readable, tmp_path, login(), [])
    assert "SASL" in text or "uthentication" in text


@pytest.mark.parametrize("protocol", ["sasl", "ssl"])
def test_a_connection_of_the_wrong_kind_ends_with_the_reason(
    protocol, broker, readable, cli, tmp_path
):
    """The broker closes it without a word, and might yet take it when it has started. Whether the next
    send or the next read finds it closed is a matter of moments."""
    at = getattr(broker, protocol)
    text = refused(cli, at, readable, tmp_path, [], [])
    assert f"{at}: the broker does not take this security.protocol: {at}" in text, text


# ---------------------------------------------------------------- later


class Renewal:
    """Puts a new token into a file all the time, each good for LIFETIME_S, until the end of the block;
    then what is no token."""

    LIFETIME_S = 6

    def __init__(self, issuer, path):
        self._issuer, self.path, self._ended = issuer, path, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.wait(0.5):
            put(self.path, self._issuer.token("reader", self.LIFETIME_S))

    def __enter__(self):
        put(self.path, self._issuer.token("reader", self.LIFETIME_S))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        put(self.path, "e30.e30.e30")


def test_tokens_are_renewed_and_a_login_that_is_refused_later_ends_what_runs(
    broker, issuer, admin, cli, tmp_path
):
    """The broker ends a connection whose token has expired. Refused tokens are tried for ten seconds,
    since brokers that have just started may not have loaded their users yet."""
    cs = topics(admin, ["describe", "read"], max_latency=60 * SECOND)
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(admin, cs) as live:
        start = live.started_ns
        how = file_login(tmp_path / "token")
        spans = [(None, None), (start, start + 300 * SECOND)]
        commands = [stream_arguments(broker.oauth, metadata, cs, *when, *how) for when in spans]
        with Renewal(issuer, tmp_path / "token") as renewal:
            streams = [cli.follow(*command) for command in commands]
            for stream in streams:
                enough = (renewal.LIFETIME_S + 2) * SECOND // STRIDE
                whole = stream.wait_for(lambda blocks: len(blocks) >= enough, 60)
                first = whole[0]["time_ns"]
                assert_same(whole, span(cs, first, first + len(whole) * STRIDE), cs)
        for stream in streams:
            assert stream.finish(60) == 1
            text = stream.error()
            assert "uthentication" in text and "invalid_token" in text, stream.errors
            assert not [s for s in SECRETS for line in stream.errors if s in line]


def wait_until(condition, what, timeout):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_recorder_of_a_group_goes_on_after_a_token_that_was_missing_once(
    broker, issuer, admin, cli, tmp_path
):
    """It is tried for ten seconds, as by a reader."""
    cs, group, directory = topics(admin, ["describe", "read"]), unique("recorders"), tmp_path / "files"
    admin.allow_group("reader", group)
    directory.mkdir()
    token, log = put(tmp_path / "token", issuer.token("reader", 15)), tmp_path / "log"
    command = [cli.path, "record", "--group", group, "--kafka-url", broker.oauth, "--metadata",
               write_metadata(tmp_path, cs), "--dir", str(directory), "--match", ".", "--length", "1",
               "--format", "arrow", *map(str, file_login(token))]  # fmt: skip

    def newest():
        return max((p.name for p in directory.glob("*/*.arrow")), default="")

    with LivePublisher(admin, cs):
        recorder = subprocess.Popen(command, stderr=log.open("w"))
        try:
            wait_until(newest, "no file", 60)
            put(token, "")
            wait_until(lambda: "OAUTHBEARER token" in log.read_text(), "the token is not asked for", 60)
            put(token, issuer.token("reader", 600))
            time.sleep(12)  # longer than a refusal is tried
            last = newest()
            wait_until(lambda: newest() > last, log.read_text(), 60)
            recorder.send_signal(signal.SIGINT)
            assert recorder.wait(60) == 0, log.read_text()
        finally:
            recorder.kill()
            recorder.wait()


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


def test_a_topic_that_is_missing_and_may_not_be_looked_for_any_more_is_named(
    broker, admin, cli, tmp_path
):
    (there,) = topics(admin, ["describe", "read"])
    missing = channel("H1:CAL-MISSING", f"m{unique('')}", 0, max_latency=2 * SECOND)
    name = topic_of(missing.partition_id)
    admin.allow("reader", name, "describe", "read")
    cs = [there, missing]
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(admin, [there]):
        with cli.follow(*stream_arguments(broker.sasl, metadata, cs, None, None, *login())) as stream:
            stream.wait_for_error(name)
            admin.deny("reader", name, "describe")
            assert stream.finish(60) == 1
    assert "uthoriz" in stream.error() and name in stream.error(), stream.errors


def test_a_right_that_is_taken_away_in_mid_request_ends_it_by_name(broker, admin, cli, tmp_path):
    cs = topics(admin, ["describe", "read"], ["describe", "read"], max_latency=60 * SECOND)
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
    assert "uthoriz" in stream.error() and name in stream.error()
    assert_same(stream.blocks()[:16], span(cs, start, start + SECOND), cs)


def test_a_user_without_rights_to_groups_reads_without_a_warning(broker, admin, cli, tmp_path):
    """No consumer group is used, so rights to groups do not matter."""
    cs = topics(admin, ["describe", "read"])
    metadata = write_metadata(tmp_path, cs)
    with LivePublisher(admin, cs):
        with cli.follow(*stream_arguments(broker.sasl, metadata, cs, None, None, *login())) as stream:
            stream.wait_for(lambda blocks: len(blocks) >= 64)
            assert stream.interrupt() == 0
    assert not [line for line in stream.errors if line], stream.errors


def test_a_metadata_topic_that_may_not_be_read_is_named(broker, admin, cli):
    """A forbidden metadata topic beside a permitted one is a warning, and an error where its publisher is asked for."""
    good, bad = unique("GOOD"), unique("BAD")
    for publisher, rights in ((good, ["describe", "read"]), (bad, ["describe"])):
        topic = f"arrakis-metadata-{publisher}"
        admin.create([topic], cleanup_policy="compact")
        admin.allow("reader", topic, *rights)
        c = dataclasses.replace(channel(f"H1:{publisher}-A", "p", 0), publisher=publisher)
        admin.put(topic, c.name, channel_json(c))
    how = ["--kafka-url", broker.sasl, *login()]
    done = cli.run("find", ".", *how)
    assert f"H1:{good}-A" in done.stdout and f"H1:{bad}-A" not in done.stdout
    assert f"arrakis-metadata-{bad}" in done.stderr and "uthoriz" in done.stderr
    text = refused_command(cli, ["find", "--publisher", bad, ".", *how])
    assert f"arrakis-metadata-{bad}" in text and "uthoriz" in text
    text = refused_command(cli, ["describe", f"H1:{bad}-A", *how])
    assert f"arrakis-metadata-{bad}" in text and "uthoriz" in text


@pytest.mark.parametrize("allowed", [["describe"], []], ids=["describe", "nothing"])
def test_publishing_without_the_right_to_is_told_at_once(allowed, broker, admin, cli, tmp_path):
    cs = topics(admin, allowed)
    command = ["publish", "--publisher", "TEST", "--metadata", write_metadata(tmp_path, cs),
               "--kafka-url", broker.sasl, *login()]  # fmt: skip
    assert "uthoriz" in refused_command(cli, command, stdin=block_line(cs))
