# SPDX-License-Identifier: Apache-2.0
"""Row relay_server: arrakis-server with its Kafka backend relays live data, with libarrakis.compat and without; and what
pyarrow's Flight alone takes of that."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from measure import BUILD, FUTURE, ROOT, Line, in_python, interleave, run
from rows_kafka import names_of
from rows_live import WARM_UP, Live, TooSlow, consume
from rows_memory import OBSERVATORY

sys.path.append(str(ROOT / "tests" / "interop"))
from server import Server, publisher_toml  # noqa: E402

# Ten seconds: in that time each client looks once whether its channels have changed, and the server describes them.
WANTED, CLIENTS, STRIDES = 767, 8, 160
LIES_S = 0.05  # less than a stride
LIMIT = 60  # seconds that so many strides may take on a busy machine
STRIDE_NS, LATENCY_NS = 62_500_000, 30_000_000_000  # nothing is late, so that every stride is whole


def start_server(bench, directory, channels, with_library, fetch_wait):
    arrakis_server = str(Path(sys.executable).parent / "arrakis-server")
    directory.mkdir()
    how = {}
    if with_library:
        in_python("compat", "relay")  # NotRun where there is no package
        how = {"program": [sys.executable, "-m", "libarrakis.compat", arrakis_server],
               "environment": {"PYTHONPATH": str(BUILD / "python"), "LIBARRAKIS_COMPAT": "server",
                               "LIBARRAKIS_FETCH_WAIT": str(fetch_wait)}}  # fmt: skip
    return Server(bench.url, directory, {"BENCH": publisher_toml("BENCH", channels, STRIDE_NS, LATENCY_NS)}, **how)


def cpu_of(stat):
    ticks = stat.rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")


def cpu_s(process):
    """Of all threads, and of librdkafka's, which receive what the brokers send."""
    directory = Path(f"/proc/{process.pid}")
    threads = [path.read_text() for path in directory.glob("task/*/stat")]
    return cpu_of((directory / "stat").read_text()), sum(cpu_of(stat) for stat in threads if "(rdk:" in stat)


class Reading:
    """A client that reads live, and how many blocks it has; in none of them is anything missing."""

    def __init__(self, server, names):
        self.blocks = 0
        self.told = []
        self._process = subprocess.Popen(
            [str(BUILD / "arrakis-cli"), "stream", "-q", "--arrow", "--latency", "--on-gap", "raise",
             "--url", server.url, "-"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._process.stdin.write(names)
        self._process.stdin.close()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self._process.stderr:
            if "latency" in line:
                self.blocks += 1
            else:
                self.told.append(line)

    def close(self):
        self._process.terminate()
        self._thread.join()
        self._process.wait()


def wait_for(clients, count):
    """Until each has so many blocks more."""
    wanted = [(c, c.blocks + count) for c in clients]
    end = time.monotonic() + LIMIT
    while any(c.blocks < n for c, n in wanted):
        if time.monotonic() > end:
            told = "".join(line for c in clients for line in c.told[-1:])
            raise TooSlow(f"{count} whole strides took more than {LIMIT} s: {told}")
        time.sleep(0.01)


def served(server, names):
    """CPU of the whole process and of librdkafka's threads per stride, once all clients are at it."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(Reading(server, names))) for _ in range(CLIENTS)]
        wait_for(clients, 16)
        before, cpu = sum(c.blocks for c in clients), cpu_s(server.process)
        wait_for(clients, STRIDES)
        whole, receiving = (now - then for now, then in zip(cpu_s(server.process), cpu))
        strides = (sum(c.blocks for c in clients) - before) / CLIENTS
        return {"ms": whole * 1e3 / strides, "receiving": receiving * 1e3 / strides}


def relay_server(bench):
    work = {**OBSERVATORY, "prefix": "srv"}
    bench.topics(**work)
    meta = bench.metadata(f"srv-{WANTED}", wanted=WANTED, **work)
    channels, names = [SimpleNamespace(**json.loads(line)) for line in meta.read_text().splitlines()], names_of(meta)
    with contextlib.ExitStack() as stack:
        servers = {
            side: stack.enter_context(start_server(bench, bench.path(f"server-{side}"), channels, *how))
            for side, how in {"reference": (False, 0), "ours": (True, 0), "waiting": (True, LIES_S)}.items()
        }
        stack.enter_context(Live(bench, **work))
        run(consume(bench, work, WARM_UP))
        got = interleave(bench.rounds, {
            side: lambda server=server: served(server, names) for side, server in servers.items()
        })  # fmt: skip
    lines = []
    for side, how in (("ours", ""), ("waiting", f", data may lie at the broker for {LIES_S * 1e3:g} ms")):
        lines += [
            Line("relay_server", f"{WANTED} channels of 323 partitions, {CLIENTS} clients{how}: CPU",
                 "ms/stride", [s["ms"] for s in got[side]], [s["ms"] for s in got["reference"]],
                 note="reference: arrakis-server as it is"),
            Line("relay_server", "of that, librdkafka's threads", "ms/stride",
                 [s["receiving"] for s in got[side]], [s["receiving"] for s in got["reference"]]),
        ]  # fmt: skip
    return lines


def flight_alone(bench):
    """The same batch to as many clients, which no server of this kind sends with less."""
    file = bench.messages("obs-1", strides=1, **OBSERVATORY)
    meta = bench.metadata(f"obs-{WANTED}", wanted=WANTED, **OBSERVATORY)
    given = {"file": file, "metadata": meta, "strides": 1, "partitions": OBSERVATORY["partitions"],
             "prefix": OBSERVATORY["prefix"], "start": FUTURE * 1_000_000_000, "clients": CLIENTS}  # fmt: skip
    paces = {"over and over": {"loops": 200}, "16 strides per second": {"loops": 96, "pace": STRIDE_NS / 1e9}}
    lines = []
    for how, pace in paces.items():
        got = interleave(bench.rounds, {
            "ours": lambda pace=pace: run(in_python("compat", "flight", library=1, **pace, **given)),
            "reference": lambda pace=pace: run(in_python("compat", "flight", **pace, **given)),
        })  # fmt: skip
        lines.append(
            Line("relay_server", f"{WANTED} columns to {CLIENTS} clients, Flight alone, {how}: CPU", "ms/stride",
                 [s["ms"] for s in got["ours"]], [s["ms"] for s in got["reference"]],
                 note="reference: its batch, by the same pyarrow")
        )  # fmt: skip
    return lines
