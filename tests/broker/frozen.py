# SPDX-License-Identifier: Apache-2.0
"""Processes that hang: SIGSTOP, when it has taken effect."""

import contextlib
import signal
import time
from pathlib import Path


def freeze(process, timeout=30):
    """SIGSTOP, and wait until each thread has stopped: the signal is sent to one of them, and the others run until
    that one has had a processor."""
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + timeout
    while not all(state in "TtZX" for state in thread_states(process.pid)):
        assert time.monotonic() < deadline, f"process {process.pid} does not stop"
        time.sleep(0.001)


def thread_states(pid):
    """The letter of /proc for each thread of a process."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            yield (task / "stat").read_text().rpartition(")")[2].split()[0]


def thaw(process):
    process.send_signal(signal.SIGCONT)
