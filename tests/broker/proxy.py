# SPDX-License-Identifier: Apache-2.0
"""Between a broker and its clients: Proxy holds answers back while others go through, Cable can be cut."""

import selectors
import socket
import struct
import threading

from broker import free_port
from support import receive


def _frame(connection):
    """A request or an answer, without its length."""
    return receive(connection, struct.unpack(">i", receive(connection, 4))[0])


class Proxy:
    """Listens at `address`, which the broker must advertise (`properties`), and passes everything to
    `broker` on. After hold(kind, text) the answers to requests of that kind (their number in Kafka's
    protocol) that have the text in them stay here until release(); `held` is set once there is one. After
    hang_up(kind) a request of that kind ends its connection, until release(); `hung_up` counts them."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.properties = {"advertised.listeners": f"PLAINTEXT://{self.address}"}
        self.broker = None
        self.held = threading.Event()
        self._lock = threading.Lock()
        self._wanted = None  # (kind, text) of the requests whose answers are held
        self._unwanted = None  # the kind of the requests that end their connection
        self.hung_up = 0
        self._waiting = []  # (connection, answer)
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, kind, text):
        with self._lock:
            self._wanted = (kind, text.encode())

    def hang_up(self, kind):
        with self._lock:
            self._unwanted = kind

    def release(self):
        with self._lock:
            self._wanted = self._unwanted = None
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
            if kind == self._unwanted:
                self.hung_up += 1
                raise ConnectionError
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


class Cable:
    """What clients come to a node through, for Nodes(cables=...): passes bytes on, in one thread for
    however many connections. After cut() nothing goes through, in either direction, and nobody is told:
    what is sent is not answered, new connections are not taken. After tear() open connections are reset
    and new ones refused. mend() ends either."""

    def __init__(self):
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self.broker = None
        self._poll = selectors.DefaultSelector()
        self._other = {}  # each end of an open connection -> the other
        self._orders, self._orders_in = socket.socketpair()
        self._poll.register(self._orders, selectors.EVENT_READ)
        self._listener = None
        self._filler = []
        self._done = threading.Event()
        self._listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self._order(b"c")

    def tear(self):
        self._order(b"t")

    def mend(self):
        self._order(b"m")

    def close(self):
        self._order(b"q")
        self._thread.join()

    def _order(self, order):
        self._done.clear()
        self._orders_in.send(order)
        self._done.wait()

    # ---- in the thread

    def _run(self):
        order = None
        while order != b"q":
            for key, _ in self._poll.select():
                if key.fileobj is self._orders:
                    order = self._orders.recv(1)
                    {b"c": self._cut, b"t": self._tear, b"m": self._mend, b"q": self._tear}[order]()
                    self._done.set()
                    break  # the rest of what select() found may be of another time
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj in self._other:
                    self._pass(key.fileobj)

    def _listen(self):
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._listener.setblocking(False)
        self._poll.register(self._listener, selectors.EVENT_READ)

    def _accept(self):
        client = server = None
        try:
            client, _ = self._listener.accept()
            host, port = self.broker.rsplit(":", 1)
            server = socket.create_connection((host, int(port)), 1)
        except OSError:
            if client:
                self._reset(client)
            return
        for one, other in ((client, server), (server, client)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(5)
            self._other[one] = other
            self._poll.register(one, selectors.EVENT_READ)

    def _pass(self, end):
        other = self._other[end]
        try:
            data = end.recv(1 << 18)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        for s in (end, other):
            del self._other[s]
            self._poll.unregister(s)
            s.close()

    def _cut(self):
        for end in self._other:
            self._poll.unregister(end)
        self._poll.unregister(self._listener)
        # a connection or two are taken and left alone: with them there is no room for others
        self._listener.listen(0)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
            self._filler.append(filler)

    def _tear(self):
        for end in list(self._other):
            if end.fileno() in self._poll.get_map():
                self._poll.unregister(end)
            self._reset(end)
        self._other.clear()
        if self._listener.fileno() in self._poll.get_map():
            self._poll.unregister(self._listener)
        self._listener.close()

    def _mend(self):
        for filler in self._filler:
            filler.close()
        self._filler = []
        if self._listener.fileno() < 0:
            self._listen()
            return
        self._listener.listen(128)
        self._poll.register(self._listener, selectors.EVENT_READ)
        for end in self._other:
            self._poll.register(end, selectors.EVENT_READ)

    @staticmethod
    def _reset(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
