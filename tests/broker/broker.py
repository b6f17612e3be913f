# SPDX-License-Identifier: Apache-2.0
"""One Apache Kafka node (KRaft) on free loopback ports, for tests and benchmarks.

As a module: Broker(). As a command:

    broker.py run -- COMMAND...      run a command with ARRAKIS_TEST_BROKER=host:port, then stop
    broker.py serve                  print "bootstrap host:port"; ends with its standard input;
                                     "stop", "kill", "start" and "restart" on it do as they say
    broker.py start --state FILE     leave one running, that ends with the calling process
    broker.py stop --state FILE      end that one

Needs Java and the jars of pom.xml in .deps/kafka (or in ARRAKIS_KAFKA_JARS). Only the standard
library is used. A broker dies with the process that started it, however that ends.
"""

import argparse
import ctypes
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTED = b"Kafka Server started"
START_TIMEOUT_S = 90
# Enough for a message of 10,000,000 bytes and the batch around it.
MESSAGE_MAX_BYTES = 10_485_760


def free_port():
    """A port nobody listens on, outside the range the system hands out to clients: it is still
    free when a broker comes back to it."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def die_with_parent():
    """Runs in the child: SIGKILL when the thread that made it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Broker:
    """A broker with a data directory of its own. start(), stop(), kill() and start() again come back
    to the same address with the same data; close() removes everything."""

    def __init__(self, properties=None, heap="512m", java_options=()):
        self.directory = Path(tempfile.mkdtemp(prefix="arrakis-broker-"))
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.log_path = self.directory / "log"
        self.process = None
        self._config = self.directory / "server.properties"
        self._properties = properties or {}
        jars = Path(os.environ.get("ARRAKIS_KAFKA_JARS", ROOT / ".deps" / "kafka"))
        if not any(jars.glob("kafka_*.jar")):
            raise RuntimeError(f"no Kafka in {jars}: run tools/setup.sh test")
        # One small node: a cheap collector and the quick compiler start in a third of the time.
        self._java = [
            "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            *java_options, "-cp", f"{jars}/*",
        ]  # fmt: skip
        self._format()

    def _format(self):
        controller = free_port()
        properties = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.directory / "data",
            "message.max.bytes": MESSAGE_MAX_BYTES,
            "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
            "num.partitions": 1,
            "auto.create.topics.enable": "true",
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Tests write records of years ago: nothing is deleted unless a topic asks for it, and
            # then soon.
            "log.retention.ms": -1,
            "log.retention.check.interval.ms": 500,
            "log.segment.delete.delay.ms": 100,
            "log.cleaner.backoff.ms": 500,
            "log.index.size.max.bytes": 1 << 20,
            # After a kill the node waits for its former self to be given up.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            **self._properties,
        }
        self._config.write_text("".join(f"{k}={v}\n" for k, v in properties.items()))
        subprocess.run(
            [*self._java, "kafka.tools.StorageTool", "format",
             "--cluster-id", "arrakisTestBroker00000", "--config", str(self._config)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start(self):
        """Returns when the broker serves."""
        self.process = subprocess.Popen(
            [*self._java, "kafka.Kafka", str(self._config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )  # fmt: skip
        up = threading.Event()
        threading.Thread(target=self._drain, args=(self.process, up), daemon=True).start()
        if not up.wait(START_TIMEOUT_S) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"Kafka did not start:\n{self.log_path.read_text()[-4000:]}")
        return self

    def _drain(self, process, up):
        with open(self.log_path, "ab") as log:
            for line in process.stdout:
                log.write(line)
                if STARTED in line:
                    log.flush()
                    up.set()
        up.set()  # it ended: nobody needs to wait any longer

    def _end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        """As a power cut: no goodbye to the clients, no clean shutdown of the logs."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def run(command):
    with Broker() as broker:
        broker.start()
        environment = {**os.environ, "ARRAKIS_TEST_BROKER": broker.bootstrap}
        return subprocess.run(command, env=environment).returncode


def serve():
    with Broker() as broker:
        broker.start()
        print("bootstrap", broker.bootstrap, flush=True)
        for line in sys.stdin:
            word = line.strip()
            if word not in ("stop", "kill", "start", "restart"):
                print("error: not one of stop, kill, start, restart:", word, flush=True)
                continue
            getattr(broker, word)()
            print("done", word, flush=True)


def start(state, owner):
    """Fork a keeper of the broker, that ends with the process `owner`."""
    watched = os.pidfd_open(owner)
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        message = os.read(ready, 4000).decode()
        if message != "up":
            raise SystemExit(message or "the broker's keeper ended")
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    ended, end = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(end, b"x"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Broker() as broker:
            broker.start()
            state.write_text(json.dumps({"bootstrap": broker.bootstrap, "keeper": os.getpid()}))
            os.write(tell, b"up")
            os.close(tell)
            select.select([watched, ended], [], [])
            state.unlink(missing_ok=True)
    except Exception as e:  # the parent says it
        try:
            os.write(tell, str(e)[-3900:].encode())
        except OSError:
            pass
    os._exit(0)


def stop(state):
    try:
        keeper = json.loads(state.read_text())["keeper"]
        fd = os.pidfd_open(keeper)
        os.kill(keeper, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    select.select([fd], [], [], 60)


def main():
    parser = argparse.ArgumentParser(prog="broker.py")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("argv", nargs=argparse.REMAINDER)
    commands.add_parser("serve")
    for name in ("start", "stop"):
        commands.add_parser(name).add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.command == "run":
        argv = arguments.argv
        return run(argv[1:] if argv[:1] == ["--"] else argv)
    if arguments.command == "serve":
        return serve()
    if arguments.command == "start":
        return start(arguments.state, os.getppid())
    return stop(arguments.state)


if __name__ == "__main__":
    sys.exit(main())
