# SPDX-License-Identifier: Apache-2.0
"""Peers that misbehave: a Flight server that sends whatever bytes a test gives, down to HTTP/2's, and
a proxy that cuts, stalls, slows or damages what passes through it; a Flight server with TLS."""

import json
import random
import socket
import struct
import subprocess
import threading
import time

import pyarrow
from pyarrow import flight
from support import receive

# ---------------------------------------------------------------- Flight's messages


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    """A protobuf field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def flight_info(*endpoints):
    """Of (ticket, locations)."""
    return b"".join(
        field(3, field(1, field(1, ticket)) + b"".join(field(2, field(1, u)) for u in uris))
        for ticket, uris in endpoints
    )


def flight_data(message):
    """A FlightData of an encapsulated IPC message of pyarrow's."""
    raw = bytes(message)
    size = struct.unpack_from("<i", raw, 4)[0]
    return field(2, raw[8 : 8 + size]) + field(1000, raw[8 + size :])


def table_data(batch):
    """The two messages of a batch."""
    return [flight_data(batch.schema.serialize()), flight_data(batch.serialize())]


def framed(message, flag=0, size=None):
    """As gRPC sends it; `size` is what is claimed."""
    return struct.pack(">BI", flag, len(message) if size is None else size) + message


# ---------------------------------------------------------------- a server that obeys

NAME = "H1:BAD-X"
RATE, STRIDE, STRIDES = 16, 62_500_000, 8


def ticket(kind, start, **more):
    args = {"channels": [NAME], "start": start, **more}
    return json.dumps({"request": kind, "args": args}).encode()


KINDS = "Count", "Describe", "Find", "Stream"
ACTIONS = {
    "server-info": {"version": "1", "domains": ["H1"]},
    "scope-map": {"endpoints": {"arrow-flight-reuse-connection://?": {"scopes": {"H1": [{"all": True}]}}}},
    "replays": {"R": {"start": 1, "end": 2.5}},
}  # fmt: skip


def answers(start, end, **described_as):
    """What a decent server with one channel sends: (kind, step) -> messages. Its step "info" is
    GetFlightInfo, "get" the DoGet that follows, "action" DoAction."""
    described = pyarrow.record_batch({
        "channel": [NAME], "data_type": ["float32"],
        "sample_rate": pyarrow.array([RATE], "int32"), "publisher": ["BAD"],
        "stride": pyarrow.array([described_as.get("stride", STRIDE)], "uint64"),
        "max_latency": pyarrow.array([described_as.get("max_latency", 100_000_000)], "uint64"),
    })  # fmt: skip
    column = pyarrow.field(NAME, pyarrow.list_(pyarrow.float32()), metadata={"rate": str(RATE)})
    schema = pyarrow.schema([pyarrow.field("time", "int64"), column])
    blocks = [
        pyarrow.record_batch([[t], pyarrow.array([[1.0] * (RATE * STRIDE // 10**9)],
                                                 column.type)], schema=schema)
        for t in range(start, end, STRIDE)
    ]  # fmt: skip
    out = {
        **{(name, "action"): [field(1, json.dumps(value).encode())] for name, value in ACTIONS.items()},
        ("Count", "get"): table_data(pyarrow.record_batch({"count": pyarrow.array([7], "int64")})),
        ("Describe", "get"): table_data(described),
        ("Find", "get"): table_data(described),
        ("Stream", "get"): table_data(blocks[0]) + [table_data(b)[1] for b in blocks[1:]],
    }
    for kind in KINDS:
        place = (ticket(kind, start, end=end), [b"arrow-flight-reuse-connection://?"])
        out[kind, "info"] = [flight_info(place)]
    return out


DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
OK_HEADERS = b"\x88" + b"\0\x0ccontent-type\x10application/grpc"


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Gone(Exception):
    """The peer has closed the connection."""


class Reply:
    """What is sent for one request."""

    def __init__(self, connection, stream):
        self.connection = connection
        self._stream = stream
        self._started = False

    def frame(self, kind, flags, payload):
        self.connection.send_frame(kind, flags, self._stream, payload)

    def headers(self, block=OK_HEADERS, flags=END_HEADERS):
        self._started = True
        self.frame(HEADERS, flags, block)

    def data(self, payload, flags=0):
        if not self._started:
            self.headers()
        for at in range(0, len(payload), 16384):
            piece = payload[at : at + 16384]
            self.connection.take_window(self._stream, len(piece))
            self.frame(DATA, flags if at + 16384 >= len(payload) else 0, piece)

    def message(self, payload):
        self.data(framed(payload))

    def end(self, status=b"0", text=b""):
        if not self._started:
            self.headers()
        trailers = literal(b"grpc-status", status) + literal(b"grpc-message", text)
        self.frame(HEADERS, END_HEADERS | END_STREAM, trailers)


class Connection:
    def __init__(self, server, peer):
        self._server, self._peer = server, peer
        self._lock = threading.Lock()
        self._windows = threading.Condition()
        self._credit = {0: 65535}
        self._initial = 65535
        self._gone = False
        self.received = b""

    def send(self, raw):
        with self._lock:
            try:
                self._peer.sendall(raw)
            except OSError:
                raise Gone from None

    def send_frame(self, kind, flags, stream, payload):
        head = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
        self.send(head + struct.pack(">I", stream) + payload)

    def take_window(self, stream, size):
        def room():
            return self._gone or min(self._credit[0], self._credit[stream]) >= size

        with self._windows:
            self._windows.wait_for(room, 60)
            if self._gone:
                raise Gone
            self._credit[0] -= size
            self._credit[stream] -= size

    def _give_window(self, stream, size):
        with self._windows:
            self._credit[stream] = self._credit.get(stream, self._initial) + size
            self._windows.notify_all()

    def _set_initial(self, size):
        """Of the streams that there are, too (RFC 9113, 6.9.2)."""
        with self._windows:
            for stream in self._credit:
                if stream:
                    self._credit[stream] += size - self._initial
            self._initial = size
            self._windows.notify_all()

    def cut(self):
        try:
            self._peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _read(self, size):
        out = b""
        while len(out) < size:
            try:
                more = self._peer.recv(size - len(out))
            except OSError:
                more = b""
            if not more:
                raise Gone
            self.received += more
            out += more
        return out

    def run(self):
        try:
            self._read(24)
            self.send_frame(SETTINGS, 0, 0, b"")
            requests = {}
            while True:
                size, kind, flags = struct.unpack(">IBB", b"\0" + self._read(5))
                stream = struct.unpack(">I", self._read(4))[0]
                self._take_frame(requests, kind, flags, stream, self._read(size))
        except Gone:
            with self._windows:
                self._gone = True
                self._windows.notify_all()

    def _take_frame(self, requests, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack_from(">HI", payload, at)
                if key == 4:
                    self._set_initial(value)
            self.send_frame(SETTINGS, ACK, 0, b"")
        elif kind == PING and not flags & ACK:
            self.send_frame(PING, ACK, 0, payload)
        elif kind == WINDOW:
            self._give_window(stream, struct.unpack(">I", payload)[0])
        elif kind == HEADERS:
            self._give_window(stream, 0)
            requests[stream] = b""
        elif kind == DATA:
            requests[stream] += payload
            if flags & END_STREAM:
                reply = Reply(self, stream)
                threading.Thread(target=self._answer, args=(reply, requests.pop(stream)[5:]),
                                 daemon=True).start()  # fmt: skip

    def _answer(self, reply, request):
        try:
            self._server.answer(reply, request)
        except Gone:
            pass


class FlightServer:
    """Answers as `answers` does, but for the steps that `bad` has a function for: it is given the
    Reply and the messages that a decent server would send."""

    def __init__(self, start=0, end=STRIDES * STRIDE, bad=(), host="127.0.0.1", **described_as):
        self._good, self._bad = answers(start, end, **described_as), dict(bad)
        self.connections = []
        self.requests = []
        self._listener = socket.socket()
        self._listener.bind((host, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"grpc://127.0.0.1:{self.port}"

    def received(self):
        return b"".join(c.received for c in self.connections)

    def answer(self, reply, request):
        kinds = [k for k in (*KINDS, *ACTIONS) if k.encode() in request]
        if not kinds:
            reply.end(b"3", b"unknown request")
            return
        kind = kinds[0]
        step = "action" if kind in ACTIONS else "info" if request[:1] == b"\x08" else "get"
        self.requests.append((kind, step))
        good = self._good[kind, step]
        if (kind, step) in self._bad:
            self._bad[kind, step](reply, good)
            return
        for message in good:
            reply.message(message)
        reply.end()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            connection = Connection(self, peer)
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def __enter__(self):
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.cut()


# ---------------------------------------------------------------- a proxy


class Proxy:
    """Forwards to a server. Of what the server sends: `limit` bytes pass, then nothing does (or, with
    `cut`, the connection is closed); `rate` bytes per second; through `change` (offset, bytes)."""

    def __init__(self, url, *, limit=None, cut=False, rate=None, change=None):
        host, port = url.rpartition("/")[2].split(":")
        self._target = host, int(port)
        self._limit, self._cut, self._rate, self._change = limit, cut, rate, change
        self._sockets = []
        self._over = threading.Event()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"grpc://127.0.0.1:{self.port}"
        self.stalled = threading.Event()
        self.connections = 0
        self.passed_at = None  # when something of the server's was passed last; monotonic

    def stall(self):
        """From now on nothing passes, either way, and nothing is closed."""
        self.stalled.set()

    def drop(self):
        """Close what there is, and take nothing new."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._close(*self._sockets)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client):
        self._sockets.append(client)
        try:
            server = socket.create_connection(self._target)
        except OSError:
            self._close(client)
            return
        self._sockets.append(server)
        self.connections += 1
        for pump, a, b in ((self._up, client, server), (self._down, server, client)):
            threading.Thread(target=pump, args=(a, b), daemon=True).start()

    def _close(self, *sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _up(self, client, server):
        try:
            while data := client.recv(65536):
                if self.stalled.is_set():
                    self._over.wait()
                server.sendall(data)
        except OSError:
            pass
        self._close(client, server)

    def _down(self, server, client):
        passed = 0
        try:
            while data := server.recv(65536 if not self._rate else max(1, self._rate // 20)):
                if self._limit is not None:
                    data = data[: max(0, self._limit - passed)]
                if self._change:
                    data = self._change(passed, data)
                if not self.stalled.is_set():
                    self.passed_at = time.monotonic()
                    client.sendall(data)
                passed += len(data)
                if self._limit is not None and passed >= self._limit:
                    if self._cut:
                        break
                    self.stall()
                if self.stalled.is_set():
                    self._over.wait()
                if self._rate:
                    self._over.wait(len(data) / self._rate)
        except OSError:
            pass
        self._close(client, server)

    def __enter__(self):
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._over.set()
        try:
            self.drop()
        except OSError:
            pass  # it was dropped before
        self._listener.close()


class Unsteady:
    """Forwards to a server, which may be another one later. While it is shaken, connections are cut, reset, stalled,
    slowed down and refused at random."""

    def __init__(self, url, seed):
        self._random = random.Random(seed)
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.url = f"grpc://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lead_to(url)
        self._sockets = set()
        self._over, self._flows = threading.Event(), threading.Event()
        self._flows.set()
        self._rate, self._refuses = None, False
        self.faults = []
        self._shaken = threading.Event()
        self._shaker = None

    def lead_to(self, url):
        host, port = url.rpartition("/")[2].split(":")
        self._target = host, int(port)

    def shake(self):
        self._shaken.set()
        self._shaker = threading.Thread(target=self._shake, daemon=True)
        self._shaker.start()

    def calm(self):
        self._shaken.clear()
        self._shaker.join()

    def cut(self, reset=False):
        for s in list(self._sockets):
            self._close(s, reset)

    def _shake(self):
        while self._shaken.is_set():
            self._over.wait(self._random.uniform(0.2, 1.5))
            fault = self._random.choice(["cut", "reset", "stall", "slow", "refuse"])
            self.faults.append(fault)
            span = self._random.uniform(0.2, 4)
            if fault in ("cut", "reset"):
                self.cut(fault == "reset")
            elif fault == "stall":
                self._flows.clear()
                self._over.wait(span)
                self._flows.set()
            elif fault == "slow":
                self._rate = 4000
                self._over.wait(span / 2)
                self._rate = None
            else:
                self._refuses = True
                self.cut()
                self._over.wait(span / 2)
                self._refuses = False

    def _close(self, s, reset=False):
        self._sockets.discard(s)
        try:
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR) if not reset else s.close()
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._refuses:
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            self._sockets |= {client, server}
            self._join(client, server)

    def _join(self, client, server):
        for a, b in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    def _pump(self, a, b):
        try:
            while data := a.recv(65536):
                self._flows.wait()
                if self._rate:
                    self._over.wait(len(data) / self._rate)
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            self._close(s)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._shaken.clear()
        self._flows.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


class _Link:
    """A connection of Retiring's, HTTP/2 frame by frame."""

    PING = b"retiring"  # what is in the one that is sent with GOAWAY

    def __init__(self, client, server):
        self._client, self._server = client, server
        self._lock = threading.Lock()  # of what the client is sent
        self.newest = 0  # stream that the client has opened
        self.noticed = threading.Event()  # that it is to open no other one here
        self.passed = 0  # bytes of streams since then

    def send(self, kind, payload):
        """A frame of the connection's own: none begins within another one."""
        with self._lock:
            self._client.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, 0]) + bytes(4) + payload)

    def requests(self):
        self._server.sendall(receive(self._client, 24))
        while True:
            kind, stream, frame = _http_frame(self._client)
            if kind == PING and frame[9:] == self.PING:
                self.noticed.set()
                continue
            if kind == HEADERS:
                self.newest = max(self.newest, stream)
            self._server.sendall(frame)

    def answers(self):
        while True:
            kind, _, frame = _http_frame(self._server)
            with self._lock:
                self._client.sendall(frame)
            if kind == DATA and self.noticed.is_set():
                self.passed += len(frame)


def _http_frame(s):
    """(kind, stream, all of the frame)"""
    head = receive(s, 9)
    size, kind, _, stream = struct.unpack(">IBBI", b"\0" + head)
    return kind, stream, head + receive(s, size)


class Retiring(Unsteady):
    """Forwards to a server, and tells clients to go, as a gRPC server does whose connections may only become so old, or a
    proxy that is given another configuration."""

    def __init__(self, url):
        super().__init__(url, 0)
        self.links = []

    def _join(self, client, server):
        link = _Link(client, server)
        self.links.append(link)
        for work in (link.requests, link.answers):
            threading.Thread(target=self._pass, args=(work, client, server), daemon=True).start()

    def _pass(self, work, *sockets):
        try:
            work()
        except OSError:
            pass
        for s in sockets:
            self._close(s)

    def go_away(self, may_go_on):
        """As gRPC tells it on the last connection: no new streams, and those that there are `may_go_on`. Returns all
        connections so far, once the client has noticed."""
        link = self.links[-1]
        link.send(GOAWAY, struct.pack(">II", 2**31 - 1, 0))
        link.send(PING, link.PING)
        assert link.noticed.wait(60)
        link.send(GOAWAY, struct.pack(">II", link.newest if may_go_on else 0, 0))
        return list(self.links)


# ---------------------------------------------------------------- certificates


class Authority:
    """Who signs certificates, in a directory."""

    def __init__(self, directory):
        self._directory = directory
        self.ca = directory / "ca.pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-subj", "/CN=test authority", "-days", "2",
                      "-keyout", directory / "ca.key", "-out", self.ca)  # fmt: skip

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def certificate(self, name):
        """(certificate, key) of a host."""
        stem = self._directory / name
        names = self._directory / f"{name}.names"
        names.write_text(f"subjectAltName=DNS:{name}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{stem}.key", "-out", f"{stem}.csr")  # fmt: skip
        self._openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", self.ca,
                      "-CAkey", self._directory / "ca.key", "-CAcreateserial", "-days", "2",
                      "-extfile", names, "-out", f"{stem}.pem")  # fmt: skip
        return f"{stem}.pem", f"{stem}.key"


class _Seen(flight.ServerMiddlewareFactory):
    def __init__(self):
        self.tokens = []

    def start_call(self, info, headers):
        self.tokens += headers.get("authorization", [])


class TlsServer(flight.FlightServerBase):
    """pyarrow's server, which counts 7 channels. `client_ca`: it asks for certificates of its clients."""

    def __init__(self, certificate, key, client_ca=None):
        self._seen = _Seen()
        super().__init__(
            "grpc+tls://127.0.0.1:0", middleware={"seen": self._seen},
            tls_certificates=[(read(certificate), read(key))],
            verify_client=client_ca is not None,
            root_certificates=read(client_ca) if client_ca else None,
        )  # fmt: skip
        self.url = f"grpc+tls://localhost:{self.port}"
        self.tokens = self._seen.tokens

    def get_flight_info(self, context, descriptor):
        endpoint = flight.FlightEndpoint(ticket("Count", None), [])
        return flight.FlightInfo(pyarrow.schema([]), descriptor, [endpoint], -1, -1)

    def do_get(self, context, request):
        return flight.RecordBatchStream(pyarrow.table({"count": pyarrow.array([7], "int64")}))


def read(path):
    with open(path, "rb") as file:
        return file.read()
