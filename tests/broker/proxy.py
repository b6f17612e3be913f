# SPDX-License-Identifier: Apache-2.0
"""Between a broker and its clients: holds answers back while others go through."""

import socket
import struct
import threading

from broker import free_port


def _exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data


def _frame(connection):
    """A request or an answer, without its length."""
    return _exactly(connection, struct.unpack(">i", _exactly(connection, 4))[0])


class Proxy:
    """Listens at `address`, which the broker must advertise (`properties`), and passes everything to
    `broker` on. After hold(kind, text) the answers to requests of that kind (their number in Kafka's
    protocol) that have the text in them stay here until release(); `held` is set once there is one."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.properties = {"advertised.listeners": f"PLAINTEXT://{self.address}"}
        self.broker = None
        self.held = threading.Event()
        self._lock = threading.Lock()
        self._wanted = None  # (kind, text) of the requests whose answers are held
        self._waiting = []  # (connection, answer)
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, kind, text):
        with self._lock:
            self._wanted = (kind, text.encode())

    def release(self):
        with self._lock:
            self._wanted = None
            for client, answer in self._waiting:
                self._send(client, answer)
            self._waiting = []

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                host, port = self.broker.rsplit(":", 1)
                server = socket.create_connection((host, int(port)))
            except OSError:
                return
            self._open += [client, server]
            chosen = set()  # numbers of requests whose answers are to be held
            for work in (self._requests, self._answers):
                threading.Thread(target=self._pump, args=(work, client, server, chosen),
                                 daemon=True).start()  # fmt: skip

    def _pump(self, work, client, server, chosen):
        try:
            while True:
                work(client, server, chosen)
        except OSError:
            for s in (client, server):
                s.close()

    def _requests(self, client, server, chosen):
        request = _frame(client)
        kind, _, number = struct.unpack(">hhi", request[:8])
        with self._lock:
            if self._wanted and kind == self._wanted[0] and self._wanted[1] in request:
                chosen.add(number)
        self._send(server, request)

    def _answers(self, client, server, chosen):
        answer = _frame(server)
        (number,) = struct.unpack(">i", answer[:4])
        with self._lock:
            if self._wanted and number in chosen:
                self._waiting.append((client, answer))
                self.held.set()
            else:
                self._send(client, answer)

    @staticmethod
    def _send(to, frame):
        try:
            to.sendall(struct.pack(">i", len(frame)) + frame)
        except OSError:
            pass  # it has gone: the other direction ends too

    def close(self):
        for s in [self._listener, *self._open]:
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
