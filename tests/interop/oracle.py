# SPDX-License-Identifier: Apache-2.0
"""The reference's direct Kafka stream as an oracle, in a process of its own: it waits for ever for
data that does not exist, so it is ended after a time."""

import json
import multiprocessing
import os
import time

from arrakis.format import formatter
from arrakis.kafka import KafkaReader
from arrakis.mux import BlockMuxStream

# The message pump has printed nothing for this long: it waits for data that will not come.
SILENCE_S = 2.5
# Forked off a process that has this module loaded and no threads: quick, and safe beside gRPC.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["oracle"])


def _stream(pipe, url, channels, start_ns, end_ns, options):
    try:
        reader = KafkaReader(url, {c.name: c for c in channels}, start_ns)
        mux = BlockMuxStream(reader, start=start_ns, **options)
        for block in mux.stream(end_ns):
            pipe.send(("block", formatter(block, "json")))
        pipe.send(("end", "end"))
    except BaseException as e:
        pipe.send(("end", f"{type(e).__name__}: {e}"))
    finally:
        pipe.close()
        os._exit(0)


def reference_stream(url, channels, start_ns, end_ns, silence_s=SILENCE_S, **options):
    """Returns (blocks, how it ended): "end", "waits", or the exception's text."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(
        target=_stream, args=(theirs, url, channels, start_ns, end_ns, options), daemon=True
    )
    process.start()
    theirs.close()
    blocks, how = [], "waits"
    limit = time.monotonic() + 60
    try:
        while time.monotonic() < limit and ours.poll(silence_s):
            kind, text = ours.recv()
            if kind == "end":
                how = text
                break
            blocks.append(json.loads(text))
    except EOFError:
        how = "died"
    finally:
        process.kill()
        process.join()
    return blocks, how
