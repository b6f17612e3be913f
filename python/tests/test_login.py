# SPDX-License-Identifier: Apache-2.0
"""Logins at a broker with tokens of a Python function."""

import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest
from conftest import ROOT
from samples import LOADED_S, STRIDE, block, channels, now

import libarrakis
from libarrakis.kafka import KafkaReader

sys.path.append(str(ROOT / "tests" / "broker"))
from broker import Broker  # noqa: E402
from tokens import Issuer  # noqa: E402

PROPERTIES = {"security.protocol": "sasl_plaintext", "sasl.mechanism": "OAUTHBEARER"}


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture(scope="module")
def broker(issuer):
    try:
        b = Broker(issuer=issuer)
    except RuntimeError as error:  # such as for other versions of Python, where there is no Kafka
        pytest.skip(str(error))
    with b:
        yield b.start()


@pytest.fixture(scope="module")
def of():
    return channels(2)


@pytest.fixture
def metadata(of, tmp_path):
    path = tmp_path / "channels"
    path.write_text("".join(c.to_json() + "\n" for c in of))
    return str(path)


class Tokens:
    """Returns tokens; `seconds`: for which they are taken to be valid; `hold`: what later calls wait for."""

    def __init__(self, issuer, seconds=None, hold=None):
        self.text, self.seconds, self.hold = issuer.token("writer"), seconds, hold
        self.threads = []
        self.called = threading.Semaphore(0)

    def __call__(self):
        self.threads.append(threading.current_thread())
        self.called.release()
        if self.hold and len(self.threads) > 1:
            self.hold.wait(60)
        return self.text if self.seconds is None else (self.text, self.seconds)


def login(broker, function, **more):
    return {"kafka_url": broker.oauth, "properties": PROPERTIES, "kafka_token_fn": function, **more}


def test_a_function_s_tokens_publish_and_read(broker, issuer, of, metadata):
    tokens = Tokens(issuer, 3600)
    with libarrakis.Publisher(of[0].publisher, of, **login(broker, tokens)) as publisher:
        publisher.publish(block(of, now()), timeout=60)  # makes the topic
        read_what_comes(publisher, broker, tokens, of, metadata)
    assert len(tokens.threads) >= 3 and threading.main_thread() not in tokens.threads
    # What is closed has given it back.
    forgotten = weakref.ref(tokens)
    del tokens
    assert forgotten() is None


def read_what_comes(publisher, broker, tokens, of, metadata):
    with (
        libarrakis.stream([c.name for c in of], metadata=metadata, **login(broker, tokens)) as stream,
        KafkaReader(broker.oauth, {c.name: c for c in of}, properties=PROPERTIES, kafka_token_fn=tokens) as reader,
    ):
        sent = block(of, now() + STRIDE)
        publisher.publish(sent, timeout=60)
        while (got := stream.read(20)).time_ns < sent.time_ns:
            pass
        assert got.time_ns == sent.time_ns and not got.has_gaps
        end = time.monotonic() + 60
        while not (found := list(reader.read(convert_blocks=True))) and time.monotonic() < end:
            pass
        assert found[0][1].time_ns == sent.time_ns
class Nameless(type):
    __name__ = 5


def raise_nameless():
    raise Nameless("Error", (Exception,), {})("of a class without a name")


@pytest.mark.parametrize(
    "returns, text",
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: b"bytes", "TypeError: expected a str, found <class 'bytes'>"),
        (lambda: ("token",), r"TypeError: expected a str or \(str, seconds\), found a tuple of 1"),
        (lambda: ("token", time.time()), "seconds from now, expected more than 0 and at most 31536000"),
        (lambda: ("token", 0), "expected more than 0"),
        (lambda: "t" * 65536, "the token has 65536 bytes, expected less than 65536"),
        (lambda: "a\0b", "InvalidArgumentError: the token: embedded null character"),
        (sys.exit, "SystemExit"),
        (lambda: raise_nameless(), "5: of a class without a name"),
    ],
)
def test_what_is_wrong_with_an_answer_is_the_text_of_the_error(returns, text, broker, of, metadata):
    begun = time.monotonic()
    with pytest.raises(libarrakis.AuthError, match=f"kafka_token_fn: .*{text}"):
        libarrakis.stream([of[0].name], metadata=metadata, request_timeout=60, **login(broker, returns))
    assert time.monotonic() - begun < LOADED_S


def test_where_a_function_cannot_be_used_is_told_at_once(broker, of):
    with pytest.raises(TypeError, match="kafka_token_fn: expected a function, found <class 'str'>"):
        libarrakis.Client(**login(broker, "token"))
    with pytest.raises(libarrakis.InvalidArgumentError, match="sasl.mechanism|security.protocol"):
        libarrakis.Publisher("P", of, kafka_url=broker.oauth, kafka_token_fn=str)
    with pytest.raises(libarrakis.InvalidArgumentError, match="kafka_token_fn"):
        libarrakis.Publisher("P", of, kafka_url=broker.oauth, properties=PROPERTIES)


@pytest.mark.parametrize("how", ["close", "arrow"])
def test_what_asks_for_a_token_can_be_closed_meanwhile(how, broker, issuer, of, metadata):
    hold = threading.Event()
    tokens = Tokens(issuer, 2, hold)  # it is renewed within that
    stream = libarrakis.stream([of[0].name], metadata=metadata, **login(broker, tokens))
    if how == "arrow":
        pyarrow = pytest.importorskip("pyarrow")
        reader = pyarrow.RecordBatchReader.from_stream(stream)
    assert tokens.called.acquire(timeout=60) and tokens.called.acquire(timeout=60)
    begun = time.monotonic()
    threading.Timer(0.5, hold.set).start()
    if how == "arrow":
        del reader  # with the GIL
    else:
        stream.close()
    assert 0.3 < time.monotonic() - begun < LOADED_S


def test_an_interpreter_ends_while_a_function_is_at_work(broker, issuer, of, metadata):
    script = f"""
    import threading, time
    import libarrakis

    calls = threading.Semaphore(0)

    def token():
        calls.release()
        if not first.is_set():
            first.set()
            return {issuer.token("writer")!r}, 2
        threading.Event().wait()

    first = threading.Event()
    stream = libarrakis.stream([{of[0].name!r}], metadata={metadata!r}, kafka_url={broker.oauth!r},
                               properties={PROPERTIES!r}, kafka_token_fn=token)
    calls.acquire(), calls.acquire()
    print("ends", flush=True)
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, env=os.environ
    )
    assert (process.returncode, process.stdout, process.stderr) == (0, "ends\n", "")


def test_a_function_that_does_not_return_ends_the_call_within_its_limit(broker, of, metadata):
    begun = time.monotonic()
    end = threading.Event()
    with pytest.raises(libarrakis.AuthError, match="kafka_token_fn: nothing was returned within 10 s"):
        libarrakis.stream([of[0].name], metadata=metadata, request_timeout=15, **login(broker, end.wait))
    assert 9 < time.monotonic() - begun < 10 + LOADED_S
    end.set()
