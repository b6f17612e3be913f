# SPDX-License-Identifier: Apache-2.0
"""arrakis-cli record on a terminal: one line that is written anew every second, whatever the terminal's width."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest
from live import LivePublisher
from support import SECOND, channel, unique, write_metadata


class Terminal:
    """A program on a terminal of so many columns, and what stands there."""

    def __init__(self, command, columns, log):
        self.columns, self._text, self._news = columns, "", threading.Condition()
        self.log = log
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with log.open("w") as err:
            self.process = subprocess.Popen(list(map(str, command)), stdout=slave, stderr=err)
        os.close(slave)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            try:
                some = os.read(self._master, 4096)
            except OSError:  # the program has ended
                some = b""
            with self._news:
                self._text += some.decode()
                self._news.notify_all()
            if not some:
                return

    def text(self):
        with self._news:
            return self._text

    def draws(self):
        return self.text().count("\033[J")

    def lines(self):
        """What a terminal has on its screen after that text."""
        rows, y, x = [[]], 0, 0
        for token in re.findall(r"\033\[\??[0-9]*[A-Za-z]|[\s\S]", self.text()):
            number = int(re.sub(r"\D", "", token) or 1) if token[0] == "\033" else 0
            if token == "\r":
                x = 0
            elif number and token[-1] == "A":
                y -= number
                assert y >= 0
            elif number and token[-1] in "KJ":
                del rows[y][x:]
                if token[-1] == "J":
                    del rows[y + 1:]
            elif not number:
                if token == "\n" or x == self.columns:
                    y, x = y + 1, x if token == "\n" else 0
                    rows += [[] for _ in range(y + 1 - len(rows))]
                if token != "\n":
                    rows[y][x:x + 1] = token
                    x += 1
        return ["".join(row) for row in rows if row]

    def wait_for(self, enough):
        deadline = time.monotonic() + 60
        while not enough():
            with self._news:
                self._news.wait(1)
            assert self.process.poll() is None and time.monotonic() < deadline, (self.text(), self.log.read_text())

    def interrupt(self):
        """Returns when all that it has written is there."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0
        self._thread.join(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._thread.join()
        os.close(self._master)


@pytest.mark.parametrize(("columns", "group"), [(100, False), (30, False), (80, True)])
def test_a_line_on_a_terminal(cluster, cli, tmp_path, columns, group):
    x = unique("")
    cs = [channel(f"T1:TTY-{i}", f"t{i}{x}", max_latency=60 * SECOND) for i in range(3)]
    cluster.create_for(cs)
    (tmp_path / "files").mkdir()
    command = [cli.path, "record", "--kafka-url", cluster.bootstrap, "--metadata", write_metadata(tmp_path, cs),
               "--dir", tmp_path / "files", "--match", ".", "--length", "1"]  # fmt: skip
    if group:
        command += ["--group", unique("terminal"), "-X", "session.timeout.ms=6000"]
    line = r"3 of 3 partitions, [1-9]\d* files, .* % of the sam.*" if group else (
        r"GPS \d+, -?\d+\.\d s ago: [1-9]\d* files, [\d.]+ (bytes|kB), [\d.e-]+ % missing")  # fmt: skip
    if columns == 30:
        line = r"GPS \d+, -?\d+\.\d s ago: .*"
    began = time.monotonic()
    with LivePublisher(cluster, cs), Terminal(command, columns, tmp_path / "log") as terminal:
        terminal.wait_for(lambda: terminal.draws() > 3 and re.fullmatch(line, terminal.lines()[-1]))
        assert terminal.draws() <= time.monotonic() - began + 1
        terminal.interrupt()
        assert len(terminal.lines()) == 1 and len(terminal.lines()[0]) <= columns
        assert terminal.text().startswith("\033[?25l") and terminal.text().endswith("\033[?25h")
