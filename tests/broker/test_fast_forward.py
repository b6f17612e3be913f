# SPDX-License-Identifier: Apache-2.0
"""A live reader that is held up for long skips to the present, on the real broker."""

import fcntl
import json
import os
import subprocess
import threading
import time

from live import LivePublisher
from support import (
    SECOND, assert_same, channel, expected_block, gps_now_ns, stream_arguments, unique, write_metadata,
)  # fmt: skip

BUDGET_S = 0.5
GRACE_S = 10


class Held:
    """The program with a pipe so small that a block fills it: it goes on as its blocks are read."""

    def __init__(self, *command):
        ours, theirs = os.pipe()
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
        self.process = subprocess.Popen([*map(str, command)], stdout=theirs, stderr=subprocess.PIPE,
                                        text=True)  # fmt: skip
        os.close(theirs)
        # what is read ahead here is beyond a block by no more than the pipe holds
        self._blocks = open(ours, "rb", buffering=4096)
        self.errors = []
        self._thread = threading.Thread(target=lambda: self.errors.extend(self.process.stderr))
        self._thread.start()

    def read(self, count):
        return [json.loads(self._blocks.readline()) for _ in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._thread.join()
        self._blocks.close()


def test_a_reader_that_is_held_up_skips_to_the_present(cluster, cli, tmp_path):
    """Three seconds make it late; still late ten seconds after, it gives up what it has missed."""
    c = channel("H1:FFW-LONG", unique("FFW"), 0, "float64", 16384, max_latency=int(BUDGET_S * SECOND))
    cluster.create_for([c])
    # every message becomes a block, however late, and so few are fetched ahead that the next are late
    more = ["--latency-tolerance", "60"]
    more += ["-X", "queued.max.messages.kbytes=64", "-X", "fetch.message.max.bytes=65536"]
    metadata = write_metadata(tmp_path, [c])
    arguments = stream_arguments(cluster.bootstrap, metadata, [c], None, None, *more)
    with LivePublisher(cluster, [c]), Held(cli.path, *arguments) as held:
        held.read(4)
        time.sleep(3)
        late = held.read(12)
        assert gps_now_ns() - late[-1]["time_ns"] > BUDGET_S * SECOND + c.stride
        time.sleep(GRACE_S + 0.5)
        skipped = late[-1]["time_ns"] + GRACE_S * SECOND
        blocks = late
        while blocks[-1]["time_ns"] < skipped or blocks[-1]["data"][c.name][0] is None:
            blocks += held.read(1)
    (said,) = [line for line in held.errors if "skipped 1 partition(s)" in line]
    assert c.partition_id in said
    # the time goes on without a break, what was skipped is missing, and nothing is wrong
    times = [b["time_ns"] for b in blocks]
    assert times == list(range(times[0], times[-1] + 1, c.stride))
    missing = [b for b in blocks if b["data"][c.name][0] is None]
    assert len(missing) * c.stride > (GRACE_S - 2) * SECOND
    there = [b for b in blocks if b["data"][c.name][0] is not None]
    assert_same(there, [expected_block([c], b["time_ns"], c.stride) for b in there], [c])
