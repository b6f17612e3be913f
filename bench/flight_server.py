# SPDX-License-Identifier: Apache-2.0
"""A Flight server that does as little as it can: record batches made before the first call, handed to
Arrow's C++ side, which streams them without the interpreter. `flight_server.py shape=... channels=...`
prints its port and serves until its standard input ends."""

import json
import sys
import threading

import numpy
import pyarrow
from pyarrow import flight

HERE = "arrow-flight-reuse-connection://?"
SECOND = 1_000_000_000
PAST = 1_400_000_000 * SECOND
PORTION = 10_000  # channels in a batch of the catalog

META = pyarrow.schema([
    pyarrow.field("channel", pyarrow.string(), nullable=False),
    pyarrow.field("data_type", pyarrow.string(), nullable=False),
    pyarrow.field("sample_rate", pyarrow.int32(), nullable=False),
    ("partition_id", pyarrow.string()), ("partition_index", pyarrow.uint32()),
    ("publisher", pyarrow.string()), ("stride", pyarrow.uint64()),
    ("max_latency", pyarrow.uint64()), ("replay_id", pyarrow.string()),
])  # fmt: skip


def names(channels):
    return [f"X1:BENCH-FLIGHT_CHANNEL_{i:06}" for i in range(channels)]


def table(channels, samples, stride):
    """The channels as Find and Describe give them."""
    batches = []
    every = names(channels)
    rate = samples * SECOND // stride
    for first in range(0, channels, PORTION):
        part = every[first : first + PORTION]
        at = range(first, first + len(part))
        columns = [
            part, ["float64"] * len(part), [rate] * len(part),
            [f"BENCH_{i // 100:05}" for i in at], [i % 100 for i in at],
            ["BENCH"] * len(part), [stride] * len(part), [SECOND] * len(part), [None] * len(part),
        ]  # fmt: skip
        arrays = [pyarrow.array(c, field.type) for c, field in zip(columns, META)]
        batches.append(pyarrow.record_batch(arrays, schema=META))
    return batches


def blocks(channels, samples, stride, count):
    """One row per block, as the reference's servers send them; the samples of all blocks are the same
    memory, the times are not."""
    rate = str(samples * SECOND // stride)
    kind = pyarrow.list_(pyarrow.float64())
    fields = [pyarrow.field("time", pyarrow.int64(), nullable=False)]
    fields += [pyarrow.field(n, kind, metadata={"rate": rate}) for n in names(channels)]
    schema = pyarrow.schema(fields)
    offsets = pyarrow.array([0, samples], pyarrow.int32())
    values = numpy.random.default_rng(1).normal(size=(channels, samples))
    lists = [pyarrow.ListArray.from_arrays(offsets, pyarrow.array(v), type=kind) for v in values]
    return schema, [
        pyarrow.record_batch([pyarrow.array([PAST + i * stride]), *lists], schema=schema)
        for i in range(count)
    ]


class Server(flight.FlightServerBase):
    def __init__(self, channels, samples, stride, count):
        super().__init__("grpc://127.0.0.1:0")
        self._stride = stride
        self._table = table(channels, samples, stride)
        self._schema, self._blocks = blocks(channels, samples, stride, count) if count else (None, [])

    def get_flight_info(self, context, descriptor):
        """The request itself is the ticket, but that a question about names is asked without them:
        the answer is always all of the channels."""
        request = json.loads(descriptor.command)
        if request["request"] == "Describe":
            request["args"]["channels"] = []
        ticket = json.dumps(request).encode()
        ends = [flight.FlightEndpoint(ticket, [HERE])]
        return flight.FlightInfo(
            pyarrow.schema([]), flight.FlightDescriptor.for_command(ticket), ends, -1, -1
        )

    def do_get(self, context, ticket):
        request = json.loads(ticket.ticket)
        schema, batches = META, self._table
        if request["request"] == "Stream":
            count = -(-(request["args"]["end"] - PAST) // self._stride)
            schema, batches = self._schema, self._blocks[:count]
        return flight.RecordBatchStream(pyarrow.RecordBatchReader.from_batches(schema, batches))

    def do_action(self, context, action):
        versions = {"version": "0", "backend": "bench", "domains": ["X1"]}
        scopes = {"endpoints": {HERE: {"scopes": {"X1": []}}}}
        yield json.dumps(versions if action.type == "server-info" else scopes).encode()


def main():
    a = {name: int(value) for name, value in (w.split("=", 1) for w in sys.argv[1:])}
    server = Server(a["channels"], a.get("samples", 16), a["stride"], a.get("blocks", 0))
    print(json.dumps({"port": server.port}), flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
    server.serve()


if __name__ == "__main__":
    main()
