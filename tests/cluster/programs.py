# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli while it runs: each line of its output with the time at which it came."""

import fcntl
import json
import os
import signal
import subprocess
import threading
import time

from support import SECOND, STRIDE, gps_now_ns, samples, seconds

_TICKS = os.sysconf("SC_CLK_TCK")


def _environment():
    """A connection that a silent node keeps open at the end is left to itself, which is no leak."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {**os.environ, "ASAN_OPTIONS": f"{options}:detect_leaks=0"}


class Program:
    def __init__(self, kind, version, command, directory, stdin=None):
        self.kind, self.version = kind, version
        self.begun_ns = gps_now_ns()
        self.interrupted_ns = self.ended_ns = self.status = None
        self.cpu_s = 0.0
        self._killed = False
        self._errors = directory / f"{kind}@{version}.stderr"
        with open(self._errors, "wb") as errors:
            self.process = subprocess.Popen([*map(str, command)], stdin=stdin, stdout=subprocess.PIPE,
                                            stderr=errors, env=_environment())  # fmt: skip
        self.lines = []  # (when, text)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((gps_now_ns(), line))
        status = self.process.wait()
        self.status, self.ended_ns = None if self._killed else status, gps_now_ns()

    @property
    def errors(self):
        return self._errors.read_text(errors="replace")

    def interrupt(self):
        self._note_cpu()
        self.interrupted_ns = gps_now_ns()
        self.process.send_signal(signal.SIGINT)

    def _note_cpu(self):
        try:
            with open(f"/proc/{self.process.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            self.cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        except (FileNotFoundError, ProcessLookupError):
            pass

    def wait(self, timeout):
        """Until it has ended; `status` is None then if it had to be killed."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._killed = True
            self.process.kill()
            self._thread.join()

    @property
    def took_to_end_s(self):
        return (self.ended_ns - self.interrupted_ns) / SECOND if self.interrupted_ns else None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Reader(Program):
    """`stream --json` of all channels. start_ns: None is live."""

    def __init__(self, kind, version, program, bootstrap, metadata, channels, directory, start_ns=None,
                 end_ns=None, more=()):  # fmt: skip
        self.start_ns, self.end_ns = start_ns, end_ns
        command = [program, "stream", "--json", "--kafka-url", bootstrap, "--metadata", metadata, *more]
        if start_ns is not None:
            command += ["--start", seconds(start_ns)]
        if end_ns is not None:
            command += ["--end", seconds(end_ns)]
        super().__init__(kind, version, [*command, *(c.name for c in channels)], directory)

    def blocks(self):
        """(when it was printed, block), in order."""
        return [(when, json.loads(line)) for when, line in self.lines]


class Publishing(Program):
    """`publish`, whose input is a block of all channels every stride, until finish()."""

    def __init__(self, kind, version, program, bootstrap, metadata, channels, directory):
        super().__init__(
            kind, version,
            [program, "publish", "--kafka-url", bootstrap, "--metadata", metadata], directory,
            stdin=subprocess.PIPE,
        )  # fmt: skip
        self.channels = channels
        self.times = []  # of the blocks put in
        # what is not taken for a minute waits in the pipe
        fcntl.fcntl(self.process.stdin, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._stop = threading.Event()
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def _feed(self):
        t = self.begun_ns // STRIDE * STRIDE
        try:
            while not self._stop.wait(max(0, (t + STRIDE - gps_now_ns()) / SECOND)):
                data = {c.name: samples(c, t).tolist() for c in self.channels}
                line = json.dumps({"time_ns": t, "data": data, "_duration_ns": STRIDE})
                self.process.stdin.write(line.encode() + b"\n")
                self.process.stdin.flush()
                self.times.append(t)
                t += STRIDE
        except BrokenPipeError:
            pass

    def finish(self):
        """No more blocks: it ends when the last one is confirmed."""
        self._note_cpu()
        self._stop.set()
        self._feeder.join()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass

    def interrupt(self):
        super().interrupt()
        self._stop.set()

    def close(self):
        self._stop.set()
        super().close()
        self._feeder.join()


def wait_until(condition, timeout, what):
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, f"not within {timeout} s: {what()}"
        time.sleep(0.05)
