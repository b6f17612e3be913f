# SPDX-License-Identifier: Apache-2.0
"""The real arrakis-server, with its Kafka backend on the test broker."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

# It loads several large packages, and makes its topics one by one.
START_TIMEOUT_S = 120


class Server:
    _environment = {}  # what the server sees besides

    def __init__(self, bootstrap, directory, configs, options=(), backend="kafka", program=None, environment=None,
                 backend_options=()):
        """`configs`: publisher id -> text of its TOML file; `options`, `backend_options`: more of the command line;
        `program`: the beginning of it; `environment`: what the server sees besides."""
        self.directory = Path(directory)
        self._config = self.directory / "publishers"
        self._config.mkdir()
        for publisher, text in configs.items():
            (self._config / f"{publisher}.toml").write_text(text)
        self._command = [
            *(program or [str(Path(sys.executable).parent / "arrakis-server")]), "-u", "0", *map(str, options), backend,
            "--kafka-url", bootstrap, "--publisher-config", str(self._config), *map(str, backend_options),
        ]  # fmt: skip
        self._environment = environment or {}
        self.log = []
        self.url = None

    def start(self):
        # Its cache of metadata is its own, not the user's. It finds the leap seconds there.
        cache = self.directory / "cache"
        (cache / "gpstime").mkdir(parents=True)
        leaps = Path(__file__).resolve().parents[1] / "leap-seconds.list"
        (cache / "gpstime" / leaps.name).write_text(leaps.read_text())
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(cache), "HOME": str(cache), **self._environment},
        )  # fmt: skip
        self._said = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.wait_for(r"serving\.\.\.", timeout=START_TIMEOUT_S)
            self.url = self.wait_for(r"INFO : URL: (\S+)")[1]
        except BaseException:
            self.close()
            raise
        return self

    def _read(self):
        for line in self.process.stderr:
            with self._said:
                self.log.append(line.rstrip("\n"))
                self._said.notify_all()

    def wait_for(self, pattern, since=0, timeout=90):
        def found():
            return next((m for m in map(re.compile(pattern).search, self.log[since:]) if m), None)

        with self._said:
            if not self._said.wait_for(found, timeout):
                raise AssertionError(f"arrakis-server did not print {pattern!r}:\n" + "\n".join(self.log))
            return found()

    def reload(self, publisher, text):
        """Give a publisher another configuration."""
        (self._config / f"{publisher}.toml").write_text(text)
        self.process.send_signal(signal.SIGHUP)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def publisher_toml(publisher, channels, stride, max_latency, replay_id=None, dynamic=False):
    lines = [
        "[publisher]", f'publisher_id = "{publisher}"', f"stride = {stride}",
        f"max_latency = {max_latency}",
    ]  # fmt: skip
    if replay_id:
        lines.append(f'replay_id = "{replay_id}"')
    if dynamic:
        lines.append("dynamic = true")
    for c in channels:
        lines += [
            "", f'["{c.name}"]', f'partition_id = "{c.partition_id}"',
            f"partition_index = {c.partition_index}", f"sample_rate = {c.sample_rate}",
            f'data_type = "{c.data_type}"',
        ]  # fmt: skip
    return "\n".join(lines) + "\n"
