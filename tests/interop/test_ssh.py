# SPDX-License-Identifier: Apache-2.0
"""Servers behind the real ssh and sshd: the user's own sshd on a free port, with keys of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from broker import free_port
from support import Cli, environment_cli
from test_flight import CHANNELS, Mock

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
if not SSHD or not shutil.which("ssh"):
    pytest.skip("there is no ssh and sshd", allow_module_level=True)


class Sshd:
    """On the far side, ARRAKIS_SERVER is `server`."""

    def __init__(self, directory, server):
        self.directory = directory
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key], check=True)
        self.port = free_port()
        (directory / "conf").write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {directory}/host\nPidFile none\n"
            f"AuthorizedKeysFile {directory}/user.pub\nStrictModes no\nUsePAM no\nLogLevel DEBUG1\n"
            f"SetEnv ARRAKIS_SERVER={server}\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # it insists, and has it only as a service
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", directory / "conf"], text=True,
                                        stderr=subprocess.PIPE)  # fmt: skip
        self.log = []
        self._said = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for("Server listening")

    def _read(self):
        for line in self.process.stderr:
            with self._said:
                self.log.append(line)
                self._said.notify_all()

    def wait_for(self, text, since=0):
        with self._said:
            if not self._said.wait_for(lambda: any(text in line for line in self.log[since:]), 30):
                raise AssertionError(f"sshd did not print {text!r}:\n" + "".join(self.log[since:]))

    def url(self, remote=""):
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{remote}"

    def client(self, directory):
        """A directory with an ssh that uses the keys, to be first in PATH."""
        script = directory / "ssh"
        script.write_text(
            f'#!/bin/sh\nexec {shutil.which("ssh")} -F none -i {self.directory}/user -o IdentitiesOnly=yes '
            f'-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile={self.directory}/known "$@"\n'
        )
        script.chmod(0o755)
        return directory

    def close(self):
        self.process.terminate()
        self.process.wait(40)


@pytest.fixture(scope="module")
def mock(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), CHANNELS) as s:
        yield s


@pytest.fixture(scope="module")
def sshd(mock, tmp_path_factory):
    s = Sshd(tmp_path_factory.mktemp("sshd"), mock.url)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{s.client(tmp_path_factory.mktemp('bin'))}:{before}"
    yield s
    os.environ["PATH"] = before
    s.close()


@pytest.fixture(scope="module")
def cli(sshd):
    return Cli(environment_cli())


QUESTIONS = (
    ["find", ".", "--json"], ["count"], ["describe", CHANNELS[0][0], "--json"], ["scope-map"], ["domains"],
    ["fetch", CHANNELS[0][0], "--start", "1000000000", "--duration", "1", "--json"],
)  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q[0])
def test_what_is_answered_through_ssh_is_what_the_server_answers(cli, mock, sshd, question):
    direct = cli.run("-q", "-u", mock.url, *question).stdout
    assert direct
    wanted = sorted(direct.splitlines())
    for url in (sshd.url(), sshd.url("::" + mock.url.removeprefix("grpc://"))):
        assert sorted(cli.run("-q", "-u", url, *question).stdout.splitlines()) == wanted


def test_the_reference_uses_a_server_that_exec_forwards(cli, sshd, mock):
    arrakis = Path(sys.executable).parent / "arrakis"
    direct = cli.run("-q", "-u", mock.url, "count").stdout
    done = cli.run("-q", "-u", sshd.url(), "exec", "--bind", "localhost:0", "--", arrakis, "-q", "count")
    assert done.stdout == direct


def test_a_port_that_is_taken_and_a_host_that_refuses_are_errors(cli, sshd):
    done = cli.run("-u", sshd.url(), "exec", "--bind", f"127.0.0.1:{sshd.port}", check=1)
    assert "Address already in use" in done.stderr and "arrakis-cli: ssh to " in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as s:
        closed = s.getsockname()[1]
    done = cli.run("-u", f"ssh://127.0.0.1:{closed}", "count", check=1)
    assert "Connection refused" in done.stderr and "arrakis-cli: ssh to 127.0.0.1 failed" in done.stderr


def test_a_host_that_accepts_and_says_nothing_is_given_up(cli, sshd):
    with socket.create_server(("127.0.0.1", 0)) as s:
        url = f"ssh://127.0.0.1:{s.getsockname()[1]}::localhost"
        done = cli.run("-u", url, "count", "--timeout", "1", check=1, timeout=20)
    assert "arrakis-cli: ssh to 127.0.0.1 " in done.stderr


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
def test_the_connection_ends_with_exec_however_that_ends(cli, sshd, number):
    since = len(sshd.log)
    command = [cli.path, "-q", "-u", sshd.url("::localhost:1"), "exec", "--bind", "localhost:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline().startswith("ARRAKIS_SERVER=grpc://localhost:")
        p.send_signal(number)
        assert p.wait(40) == (-number if number == signal.SIGKILL else 0)
    sshd.wait_for("Disconnected from user", since)


def test_exec_notices_that_the_connection_is_lost(cli, sshd):
    command = [cli.path, "-q", "-u", sshd.url("::localhost:1"), "exec", "--bind", "localhost:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline().startswith("ARRAKIS_SERVER=")
        children = Path(f"/proc/{p.pid}/task/{p.pid}/children").read_text().split()
        assert len(children) == 1
        os.kill(int(children[0]), signal.SIGTERM)
        assert p.wait(40) == 1
        assert "arrakis-cli: ssh exited" in p.stderr.read()


@pytest.mark.parametrize("remote", ("", "::localhost:{port}"))
def test_one_login_is_enough(cli, sshd, mock, remote):
    since = len(sshd.log)
    port = mock.url.rsplit(":", 1)[1]
    cli.run("-q", "-u", sshd.url(remote.format(port=port)), "count")
    sshd.wait_for("Disconnected from user", since)
    assert sum("Accepted publickey" in line for line in sshd.log[since:]) == 1
