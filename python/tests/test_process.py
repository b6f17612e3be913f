# SPDX-License-Identifier: Apache-2.0
"""Signals, forks and the end of the interpreter, each in a process of its own."""

import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest
from samples import LOADED_S

PRELUDE = """
import os, sys, threading, time
sys.path.insert(0, {tests!r})
import libarrakis
from libarrakis.mock import MockBroker
from samples import *

def open_all():
    global broker, of, publisher, client, stream
    broker = MockBroker()
    of = channels(2)
    broker.announce(of)
    publisher = libarrakis.Publisher(of[0].publisher, of, kafka_url=broker.url)
    client = libarrakis.Client(kafka_url=broker.url)
    stream = client.stream([c.name for c in of])
    publisher.publish(block(of, now()))
    return stream.read(10)
"""


def start(script):
    prelude = PRELUDE.format(tests=str(__file__).rsplit("/", 1)[0])
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", prelude + textwrap.dedent(script)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(script, timeout=60):
    process = start(script)
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out, err


def interrupt(script):
    """Send Ctrl-C once the script has printed a line; return its seconds from then on, and what it printed."""
    process = start(script)
    assert process.stdout.readline() == "waiting\n", process.stderr.read()
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return time.monotonic() - begun, out


CATCH = """
try:
    print("waiting", flush=True)
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("more", ["", "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"])
def test_ctrl_c_ends_a_wait_for_a_block_at_once(more):
    seconds, out = interrupt("open_all()\n" + more + CATCH.format(call="next(stream)"))
    assert out == "interrupted\n" and seconds < LOADED_S  # closing included


@pytest.mark.parametrize(
    "call", ["client.fetch([c.name for c in of], duration=60)", "asyncio.run(take())", "list(reader.read_raw(wait=60))"]
)
def test_ctrl_c_ends_every_other_wait_at_once(call):
    seconds, out = interrupt(
        """
import asyncio
open_all()
reader = libarrakis.KafkaReader(broker.url, {c.name: c for c in channels(1)})
reader.enter()

async def take():
    async for b in stream:
        pass
"""
        + CATCH.format(call=call)
    )
    assert out == "interrupted\n" and seconds < 20  # of 60; closing included


def test_ctrl_c_ends_a_question_and_the_client_goes_on():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        seconds, out = interrupt(
            f"client = libarrakis.Client(kafka_url='127.0.0.1:{silent.getsockname()[1]}', request_timeout=60)\n"
            + CATCH.format(call="client.describe(['H1:A-B'])")
            + "try:\n"
            "    libarrakis.Client(kafka_url='127.0.0.1:1', request_timeout=0.2).count()\n"
            "except libarrakis.Error as e:\n"
            "    print(type(e).__name__)\n"
        )
    assert out.startswith("interrupted\n") and seconds < LOADED_S


def test_ctrl_c_during_publish_ends_the_publisher_with_it():
    """Where it comes before publish() is under way, which nothing outside can tell, the publisher goes on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        seconds, out = interrupt(
            f"""
of = channels(1)
publisher = libarrakis.Publisher(of[0].publisher, of, kafka_url="127.0.0.1:{silent.getsockname()[1]}")
{CATCH.format(call="publisher.publish(block(of, now()))")}
try:
    publisher.publish(block(of, now() + STRIDE), timeout=2)
except libarrakis.Error as e:
    print(type(e).__name__)
publisher.close()
"""
        )
    assert out in ("interrupted\nCanceledError\n", "interrupted\nDeadlineError\n") and seconds < 30


def test_another_signal_s_handler_runs_and_the_wait_goes_on():
    out, _ = run(
        """
        import signal
        open_all()
        def handler(*_):
            print("handled")
            publisher.publish(block(of, now() + STRIDE))
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert stream.read(20)
        """
    )
    assert out == "handled\n"


def test_a_forked_child_gets_an_error():
    out, _ = run(
        """
        b = open_all()
        pid = os.fork()
        if pid == 0:
            for use in (lambda: next(stream), lambda: stream.read(0), lambda: stream.cancel(),
                        lambda: stream.stats, lambda: client.count(), lambda: publisher.publish(b),
                        lambda: broker.url, lambda: libarrakis.Client(kafka_url="127.0.0.1:1"),
                        lambda: MockBroker()):
                try:
                    use()
                    print("used")
                except RuntimeError as e:
                    assert "fork" in str(e), e
            stream.close()
            publisher.close()
            assert len(b[of[0].name]) == 4
            del b, stream, client, publisher
            sys.exit(0)  # the end of the interpreter too
        assert os.waitpid(pid, 0)[1] == 0
        publisher.publish(block(of, now() + STRIDE))
        assert stream.read(20)
        """
    )
    assert out == ""


def test_a_child_that_was_forked_before_anything_was_open_uses_the_library():
    run(
        """
        c = channels(1)[0]
        pid = os.fork()
        if pid == 0:
            open_all()
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """
    )


def test_a_spawned_worker_takes_blocks_and_channels():
    run(
        """
        import multiprocessing, operator
        if __name__ == "__main__":
            b = open_all()
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                again = pool.apply(operator.pos if False else libarrakis.Channels, (b.channels,))
            assert list(again) == list(b)
        """
    )


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "del broker"])
def test_an_interpreter_ends_with_open_streams(end):
    _, err = run(
        "open_all()\nthreading.Thread(target=lambda: list(stream), daemon=True).start()\n" + end
    )
    assert "Traceback" not in err and "Fatal" not in err


@pytest.mark.parametrize(
    "call",
    [
        "libarrakis.Publisher(of[0].publisher, of, kafka_url=silent).publish(block(of, now()))",
        "libarrakis.find(url='grpc://' + silent, request_timeout=60)",
        "list(reader.read_raw(wait=60))",
        "pyarrow.RecordBatchReader.from_stream(stream).read_next_batch()",
    ],
)
def test_an_interpreter_ends_while_another_thread_is_inside_the_package(call):
    if "pyarrow" in call:
        pytest.importorskip("pyarrow")
    _, err = run(
        f"""
        import socket
        {"import pyarrow" if "pyarrow" in call else ""}
        open_all()
        reader = libarrakis.KafkaReader(broker.url, {{c.name: c for c in channels(1)}})
        reader.enter()
        listening = socket.create_server(("127.0.0.1", 0))
        silent = "127.0.0.1:%d" % listening.getsockname()[1]
        begun = threading.Event()

        def inside():
            begun.set()
            {call}

        threading.Thread(target=inside, daemon=True).start()
        begun.wait()
        time.sleep(0.1)  # most likely it is inside by now; the end is the same before
        """
    )
    assert "Traceback" not in err and "Fatal" not in err


def test_an_interpreter_ends_with_an_open_arrow_stream():
    pytest.importorskip("pyarrow")
    _, err = run(
        """
        import pyarrow
        open_all()
        reader = pyarrow.RecordBatchReader.from_stream(stream)
        """
    )
    assert err == ""


def test_a_stream_that_an_arrow_consumer_has_is_refused_in_a_forked_child():
    pytest.importorskip("pyarrow")
    out, err = run(
        """
        import pyarrow
        from libarrakis.mock import MemoryReader
        reader = pyarrow.RecordBatchReader.from_stream(MemoryReader(channels(1)).stream(now()))
        pid = os.fork()
        if pid == 0:
            for use in (reader.read_next_batch, lambda: libarrakis.Client(kafka_url="127.0.0.1:1")):
                try:
                    use()
                    print("used")
                except (OSError, RuntimeError) as e:
                    assert "fork" in str(e), e
            del reader
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        del reader
        pid = os.fork()
        if pid == 0:
            libarrakis.Client(kafka_url="127.0.0.1:1")
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """
    )
    assert out == "" and err == ""


def test_what_is_being_opened_at_a_fork_is_open():
    run(
        """
        import socket
        silent = socket.create_server(("127.0.0.1", 0))

        def open_it():
            try:
                libarrakis.Publisher("P", url=f"grpc://127.0.0.1:{silent.getsockname()[1]}", request_timeout=60)
            except libarrakis.Error:
                pass

        threading.Thread(target=open_it, daemon=True).start()
        connection, _ = silent.accept()  # the call is under way, and stays so
        pid = os.fork()
        if pid == 0:
            try:
                libarrakis.Client(kafka_url="127.0.0.1:1")
            except RuntimeError as e:
                os._exit(0 if "fork" in str(e) else 1)
            os._exit(2)
        assert os.waitpid(pid, 0)[1] == 0
        os._exit(0)
        """
    )


def test_handlers_of_signals_run_with_the_mask_of_the_caller():
    out, _ = run(
        """
        import signal
        open_all()
        masks = set()
        signal.signal(signal.SIGALRM, lambda *_: masks.add(frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, []))))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.00005)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            try:
                stream.read(0.05)
            except TimeoutError:
                pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(sorted(map(len, masks)))
        """
    )
    assert out == "[0]\n"


def test_a_handler_may_take_a_lock_that_the_program_holds_when_a_line_comes():
    run(
        """
        import logging

        lock, seen = threading.Lock(), []

        class Handler(logging.Handler):
            def emit(self, record):
                with lock:
                    seen.append(threading.current_thread())

        logging.getLogger("libarrakis").addHandler(Handler())
        logging.getLogger("libarrakis").setLevel("DEBUG")
        open_all()
        broker.close()  # what is open notices that, each in its own time
        seen.clear()
        while not seen:
            with lock:
                sum(range(1000))
        """
    )
