# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka (KRaft) on free loopback ports, for tests and benchmarks.

As a module: Broker(), one node, with users, access rules and TLS where asked for; Nodes(), several
that replicate. As a command, one node:

    broker.py run -- COMMAND...      run a command with ARRAKIS_TEST_BROKER=host:port, then stop
    broker.py serve                  print "bootstrap host:port"; ends with its standard input;
                                     "stop", "kill", "start" and "restart" on it do as they say
    broker.py start --state FILE     leave one running, that ends with the calling process
    broker.py stop --state FILE      end that one
    broker.py archive DIRECTORY      keep there what Java made of the classes, see CLASSES

Needs Java and the jars of pom.xml in .deps/kafka (or in ARRAKIS_KAFKA_JARS), and openssl for TLS. Only
the standard library is used. A broker dies with the process that started it, however that ends.
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

from frozen import freeze, thaw

ROOT = Path(__file__).resolve().parents[2]
STARTED = b"Kafka Server started"
START_TIMEOUT_S = 180
# Beside the jars: their classes as Java has read and verified them once, from which a node starts in less than half of
# the time. Java goes without where they are of another release than its own, or of other jars.
CLASSES = Path("classes/classes.jsa")
# Enough for a message of 10,000,000 bytes and the batch around it.
MESSAGE_MAX_BYTES = 10_485_760


_reserved = []


def free_port():
    """A port nobody listens on, outside the range the system hands out to clients: it is still
    free when a broker comes back to it. As long as this process lives, a socket of the port's name
    keeps the tests beside it from choosing the same one, also before the broker listens and while it
    is away."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        reserved = socket.socket(socket.AF_UNIX)
        with socket.socket() as s:
            try:
                reserved.bind(f"\0arrakis-test-port-{port}")
                s.bind(("127.0.0.1", port))
            except OSError:
                reserved.close()
                continue
        _reserved.append(reserved)
        return port


def die_with_parent():
    """Runs in the child: SIGKILL when the thread that made it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def kafka_jars():
    jars = Path(os.environ.get("ARRAKIS_KAFKA_JARS", ROOT / ".deps" / "kafka")).resolve()
    if not any(jars.glob("kafka_*.jar")):
        raise RuntimeError(f"no Kafka in {jars}: run tools/setup.sh test")
    return jars


def certificates(directory):
    """Make ca.pem, an authority of this call's own; node.pem, key and certificate of 127.0.0.1 and
    localhost signed by it; client.pem, the same for a client of the name `client`; expired.pem, the
    same as node.pem and over since yesterday."""
    directory.mkdir(parents=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=directory, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip

    new_key = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    openssl(*new_key, "-x509", "-days", 2, "-subj", "/CN=authority of a test", "-keyout", "ca.key",
            "-out", "ca.pem", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    node = "IP:127.0.0.1,DNS:localhost"
    for who, names, days in (("node", node, 2), ("client", "DNS:client", 2), ("expired", node, -1)):
        openssl(*new_key, "-subj", f"/CN={who}", "-addext", f"subjectAltName={names}", "-keyout",
                f"{who}.key", "-out", f"{who}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", days,
                "-copy_extensions", "copy", "-out", f"{who}.crt")  # fmt: skip
        (directory / f"{who}.pem").write_text(
            (directory / f"{who}.key").read_text() + (directory / f"{who}.crt").read_text()
        )


class Broker:
    """A broker with a data directory of its own. start(), stop(), kill() and start() again come back
    to the same address with the same data; freeze() until proceed() leaves its connections open and
    nothing answered; close() removes everything.

    `bootstrap` needs no password and may do everything: it is the tests' own. With `users` (name ->
    password) there are also `sasl`, where each of them comes in by PLAIN, SCRAM-SHA-256 or
    SCRAM-SHA-512, and access rules: a user may do nothing that support.Cluster.allow() has not
    allowed. With `tls` there is `ssl`, whose certificate the authority in `certificates`/ca.pem has
    signed (a client's name, if it shows a certificate, is `CN=client`), `mtls`, where a client has to
    show one, and with both `sasl_ssl`. With `issuer` (tokens.Issuer) there is `oauth`, where whoever
    has a token of the issuer's is the user whom the token names, as long as it is good. With `cable`
    (proxy.Cable) a client that begins at that cable's address is kept on it."""

    def __init__(self, properties=None, heap="512m", java_options=(), users=None, tls=False,
                 issuer=None, node_id=1, voters=None, cable=None):  # fmt: skip
        self.directory = Path(tempfile.mkdtemp(prefix="arrakis-broker-"))
        self.node_id = node_id
        self.certificates = self.directory / "certificates"
        self._listeners = {"PLAINTEXT": "PLAINTEXT"}  # name -> protocol
        if users:
            self._listeners |= {"SASL": "SASL_PLAINTEXT"}
        if tls:
            self._listeners |= {"SSL": "SSL", "MTLS": "SSL"}
        if users and tls:
            self._listeners |= {"SASL_SSL": "SASL_SSL"}
        if issuer:
            self._listeners |= {"OAUTH": "SASL_PLAINTEXT"}
        if cable:
            self._listeners |= {"CABLE": "PLAINTEXT"}
        self._addresses = {name: f"127.0.0.1:{free_port()}" for name in self._listeners}
        self.bootstrap = self._addresses["PLAINTEXT"]
        self.port = int(self.bootstrap.rpartition(":")[2])
        self.sasl = self._addresses.get("SASL")
        self.ssl = self._addresses.get("SSL")
        self.mtls = self._addresses.get("MTLS")
        self.sasl_ssl = self._addresses.get("SASL_SSL")
        self.oauth = self._addresses.get("OAUTH")
        self._advertised = dict(self._addresses)
        if cable:
            cable.broker = self._addresses["CABLE"]
            self._advertised["CABLE"] = cable.address
        self.log_path = self.directory / "log"
        self.process = None
        self._config = self.directory / "server.properties"
        jars = kafka_jars()
        # One small node: a cheap collector and the quick compiler start in a third of the time.
        self.java = [
            "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            *java_options, "-cp", ":".join(map(str, sorted(jars.glob("*.jar")))),
        ]  # fmt: skip
        if (jars / CLASSES).exists():
            self.java.insert(1, f"-XX:SharedArchiveFile={jars / CLASSES}")
        if issuer:
            self.java.insert(
                1, f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={issuer.jwks.as_uri()}"
            )
        self._format(users or {}, tls, issuer, voters or {node_id: free_port()}, properties or {})

    def _format(self, users, tls, issuer, voters, more):
        self._addresses["CONTROLLER"] = f"127.0.0.1:{voters[self.node_id]}"
        replicas = len(voters)
        properties = {
            "process.roles": "broker,controller",
            "node.id": self.node_id,
            "controller.quorum.voters": ",".join(f"{i}@127.0.0.1:{p}" for i, p in voters.items()),
            "listeners": ",".join(f"{name}://{at}" for name, at in self._addresses.items()),
            "advertised.listeners": ",".join(f"{n}://{at}" for n, at in self._advertised.items()),
            "listener.security.protocol.map": ",".join(
                f"{name}:{self._listeners.get(name, 'PLAINTEXT')}" for name in self._addresses
            ),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.directory / "data",
            "message.max.bytes": MESSAGE_MAX_BYTES,
            "replica.fetch.max.bytes": MESSAGE_MAX_BYTES,
            "num.partitions": 1,
            "auto.create.topics.enable": "true",
            "default.replication.factor": replicas,
            "min.insync.replicas": replicas // 2 + 1,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Tests write records of years ago: nothing is deleted unless a topic asks for it, and
            # then soon.
            "log.retention.ms": -1,
            "log.retention.check.interval.ms": 500,
            "log.segment.delete.delay.ms": 100,
            "log.cleaner.backoff.ms": 500,
            "log.index.size.max.bytes": 1 << 20,
            # After a kill the node waits for its former self to be given up. A node whose heartbeats come late has
            # no topics meanwhile, so the broker that all tests share has more time for them on a loaded machine;
            # and one that is not registered within a heartbeat's interval tries again for ever.
            "broker.session.timeout.ms": 3000 if replicas > 1 else 6000,
            "broker.heartbeat.interval.ms": 1000 if replicas > 1 else 2000,
            **(self._tls() if tls else {}),
            **(self._access(users) if users else {}),
            **(self._oauth(issuer) if issuer else {}),
            **more,
        }
        self._config.write_text("".join(f"{k}={v}\n" for k, v in properties.items()))
        scram = [
            word
            for name, password in users.items()
            for bits in (256, 512)
            for word in ("--add-scram", f"SCRAM-SHA-{bits}=[name={name},password={password}]")
        ]
        subprocess.run(
            [*self.java, "kafka.tools.StorageTool", "format",
             "--cluster-id", "arrakisTestBroker00000", "--config", str(self._config), *scram],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def _tls(self):
        certificates(self.certificates)
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.certificates / "node.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.certificates / "ca.pem",
            "ssl.client.auth": "requested",
            "listener.name.mtls.ssl.client.auth": "required",
        }

    def _access(self, users):
        security = "org.apache.kafka.common.security"
        plain = " ".join(f'user_{name}="{password}"' for name, password in users.items())
        properties = {
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # clients without a password: the tests, and the nodes among themselves
            "super.users": "User:ANONYMOUS",
        }
        for name, protocol in self._listeners.items():
            if protocol.startswith("SASL") and name != "OAUTH":
                prefix = f"listener.name.{name.lower()}"
                properties[f"{prefix}.plain.sasl.jaas.config"] = (
                    f"{security}.plain.PlainLoginModule required {plain};"
                )
                for bits in (256, 512):
                    properties[f"{prefix}.scram-sha-{bits}.sasl.jaas.config"] = (
                        f"{security}.scram.ScramLoginModule required;"
                    )
        return properties

    def _oauth(self, issuer):
        security = "org.apache.kafka.common.security.oauthbearer"
        return {
            "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
            "listener.name.oauth.oauthbearer.sasl.jaas.config":
                f"{security}.OAuthBearerLoginModule required;",
            "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class":
                f"{security}.OAuthBearerValidatorCallbackHandler",
            "sasl.oauthbearer.jwks.endpoint.url": issuer.jwks.as_uri(),
            "sasl.oauthbearer.expected.audience": issuer.audience,
            # the broker ends a connection whose token has expired
            "listener.name.oauth.oauthbearer.connections.max.reauth.ms": 3600000,
        }  # fmt: skip

    def start(self):
        """Returns when the broker serves."""
        self.begin()
        return self.wait()

    def begin(self):
        self.process = subprocess.Popen(
            [*self.java, "kafka.Kafka", str(self._config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
        )  # fmt: skip
        self._up = threading.Event()
        threading.Thread(target=self._drain, args=(self.process, self._up), daemon=True).start()

    def wait(self):
        if not self._up.wait(START_TIMEOUT_S) or self.process.poll() is not None:
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

    def freeze(self):
        """As a host that hangs: connections stay open and nothing is answered."""
        freeze(self.process)

    def proceed(self):
        thaw(self.process)

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


class Nodes:
    """Several nodes, each broker and controller: nodes[i] is a Broker whose node_id is i + 1. A topic
    has a replica on each. A node that is killed or frozen is given up after 3 s. With `cables`, one
    proxy.Cable for each node, clients that begin at `cabled` come to the nodes through them."""

    def __init__(self, count=3, cables=None, **how):
        voters = {i + 1: free_port() for i in range(count)}
        self.nodes = [
            Broker(node_id=i, voters=voters, cable=cables and cables[i - 1], **how) for i in voters
        ]
        self.bootstrap = ",".join(node.bootstrap for node in self.nodes)
        self.cabled = ",".join(cable.address for cable in cables or ())

    def start(self):
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait()
        return self

    def __getitem__(self, i):
        return self.nodes[i]

    def run(self, tool, *arguments):
        """Run a class of Kafka's tools to its end."""
        return subprocess.run([*self.nodes[0].java, tool, *map(str, arguments)], check=True,
                              capture_output=True, text=True, timeout=60).stdout  # fmt: skip

    def close(self):
        for node in self.nodes:
            node.close()

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


def archive(directory):
    """Have a node write down its classes as it ends, those of logins and TLS too."""
    directory.mkdir(parents=True)
    path = directory / CLASSES.name
    with Broker(users={"user": "password"}, tls=True) as broker:
        broker.java.insert(1, f"-XX:ArchiveClassesAtExit={path}")
        broker.start()
        broker.process.terminate()
        broker.process.wait()  # it writes for seconds
        if not path.exists():
            raise SystemExit(f"Java did not write {path}:\n{broker.log_path.read_text()[-4000:]}")


def main():
    parser = argparse.ArgumentParser(prog="broker.py")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("argv", nargs=argparse.REMAINDER)
    commands.add_parser("serve")
    for name in ("start", "stop"):
        commands.add_parser(name).add_argument("--state", type=Path, required=True)
    commands.add_parser("archive").add_argument("directory", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "archive":
        return archive(arguments.directory)
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
