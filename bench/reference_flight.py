# SPDX-License-Identifier: Apache-2.0
"""The other sides of the Flight rows: pyarrow.flight alone, and the reference's client. In a process of
its own; `reference_flight.py WHAT name=value...` prints one JSON object."""

import json

from arrakis.client import Client
from pyarrow import flight
from reference import SECOND, main, peak_kb, span


def names(a):
    return [f"X1:BENCH-FLIGHT_CHANNEL_{i:06}" for i in range(int(a["channels"]))]


def extent(a):
    start = int(a["start"]) * SECOND
    return start, start + int(a["blocks"]) * int(a["stride"])


def batches(a):
    """GetFlightInfo, and every batch of its endpoints; the samples are not looked at."""
    start, end = extent(a)
    request = {"request": "Stream", "version": "0.5.0", "args": {
        "channels": names(a), "start": start, "end": end, "replay_start": None, "replay_end": None,
        "replay_id": None}}  # fmt: skip
    descriptor = flight.FlightDescriptor.for_command(json.dumps(request).encode())
    began = span()
    blocks = 0
    with flight.connect(f"grpc://{a['url']}") as client:
        for endpoint in client.get_flight_info(descriptor).endpoints:
            for chunk in client.do_get(endpoint.ticket):
                blocks += chunk.data.num_rows
    return took(began, blocks=blocks)


def stream(a):
    """Client.stream, block by block, as its fetch reads too before it joins them."""
    start, end = extent(a)
    began = span()
    blocks = samples = 0
    for block in Client(a["url"], token=False).stream(names(a), start / SECOND, end / SECOND):
        blocks += 1
        samples += sum(len(series) for series in block.values())
    return took(began, blocks=blocks, samples=samples)


def catalog(a):
    client = Client(a["url"], token=False)
    wanted = names(a)
    began = span()
    if a["request"] == "Find":
        count = sum(1 for _ in client.find())
    else:
        count = len(client.describe(wanted))
    assert count == len(wanted), count
    return took(began)


def took(began, **values):
    wall, cpu = span()
    return {"wall": wall - began[0], "cpu": cpu - began[1], "peak_kb": peak_kb(), **values}


if __name__ == "__main__":
    main(globals())
