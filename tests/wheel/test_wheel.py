# SPDX-License-Identifier: Apache-2.0
"""The wheel, in a Debian in which none of our packages is installed. `tools/ci.sh wheel` makes both: ARRAKIS_WHEEL is
the wheel, ARRAKIS_CLEAN the directory of that Debian, where Python and venv are, and numpy in /numpy."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("interop", "broker", "")]
from broker import certificates  # noqa: E402
from test_flight import Mock  # noqa: E402

WHEEL = Path(os.environ["ARRAKIS_WHEEL"]).resolve()
CLEAN = Path(os.environ["ARRAKIS_CLEAN"])
# What every Linux has on which Python runs: the C and C++ libraries, and zlib.
SYSTEM = re.compile(r"(libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s|libz|ld-linux.*)\.so\.\d+")


def clean(*command, mounts="true"):
    """Run a command there; what is mounted besides goes with it."""
    script = f'mount -t proc proc "$0/proc" && {mounts} && exec chroot "$0" "$@"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, CLEAN, *command], capture_output=True, text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def run(*command, **how):
    done = clean(*command, **how)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def installed():
    """The wheel and numpy in an empty venv, without a network."""
    shutil.rmtree(CLEAN / "venv", ignore_errors=True)
    shutil.copy(WHEEL, CLEAN)
    shutil.copy(Path(__file__).with_name("check.py"), CLEAN)
    (CLEAN / "etc/hosts").write_text("127.0.0.1 localhost\n")
    run("python3", "-m", "venv", "/venv")
    run("/venv/bin/pip", "install", "-q", "--no-index", "--find-links", "/numpy", f"/{WHEEL.name}")
    yield
    (CLEAN / WHEEL.name).unlink()


def check(*arguments, **how):
    return run("/venv/bin/python", "/check.py", *arguments, **how)


def test_no_library_of_ours_is_in_that_debian():
    check("alone")


def test_it_publishes_and_streams():
    check("broker")


def test_it_lists_and_fetches_from_a_server(tmp_path):
    channels = [("H1:WHL-A", "float64", 16, 62_500_000), ("H1:WHL-B", "int32", 16, 1_000_000_000)]
    with Mock(tmp_path, channels) as server:
        got = eval(check("server", server.url, *(c[0] for c in channels)))
    for i, c in enumerate(channels):
        # as its mock backend makes them: 1024 * (t - 16 * floor(t / 16)) + i
        wanted = [1024 * (1_400_000_000 % 16 + k / 16) + i for k in range(16)]
        assert got[c[0]] == wanted


def test_a_variable_puts_it_under_the_reference_when_python_starts():
    loaded = "import sys; print([m for m in ('libarrakis', 'libarrakis.compat') if m in sys.modules])"
    python = ["/venv/bin/python", "-c", loaded]
    assert run(*python) == "[]\n"
    assert run("/usr/bin/env", "LIBARRAKIS_COMPAT=0", *python) == "[]\n"
    assert run("/usr/bin/env", "LIBARRAKIS_COMPAT=1", *python) == "['libarrakis', 'libarrakis.compat']\n"


def test_its_librdkafka_knows_logins_and_compressions():
    check("features")


def test_everything_that_its_libraries_need_is_inside(tmp_path):
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(tmp_path)
    found = {path.name: path for path in tmp_path.rglob("*.so*")}
    assert {"_core.abi3.so"} <= set(found)
    for part in ("libarrakis.so", "libarrakis-grpc.so", "librdkafka-", "libgrpc-", "libssl-", "libjansson-"):
        assert any(name.startswith(part) for name in found), part
    for path in found.values():
        dynamic = subprocess.run(
            ["readelf", "-d", path], capture_output=True, text=True, check=True
        ).stdout
        for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
            assert needed in found or SYSTEM.fullmatch(needed), f"{path.name} needs {needed}"
        for where in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", dynamic):
            assert all(part.startswith("$ORIGIN") for part in where.split(":")), f"{path.name}: {where}"


def test_each_library_inside_has_its_license_there():
    with zipfile.ZipFile(WHEEL) as wheel:
        names = [name for name in wheel.namelist() if not name.endswith("/")]
        libraries = [name.split("/")[1] for name in names if name.startswith("libarrakis.libs/")]
        notice = next(name for name in names if name.endswith(".dist-info/licenses/NOTICE"))
        directory = notice.removesuffix("NOTICE")
        listed = dict(re.findall(r"^(\S+\.so\S*?)(?: \(.*\))?: (\S+)$", wheel.read(notice).decode(), re.M))
        assert set(listed) == {re.sub(r"-[0-9a-f]{8}(\.so)", r"\1", name) for name in libraries}
        for file in ("LICENSE", *listed.values()):
            assert len(wheel.read(directory + file)) > 500, file


# ------------------------------------------------------------------ certificates


class Handshake:
    """A server that takes one TLS connection and ends it. `done`: the other side trusted the certificate."""

    def __init__(self, directory):
        certificates(directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "node.pem")
        context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self._listener.getsockname()[1]}"
        self.done = None
        self._thread = threading.Thread(target=self._take, args=(context,), daemon=True)
        self._thread.start()

    def _take(self, context):
        while self.done is None:
            connection, _ = self._listener.accept()
            connection.settimeout(30)
            try:
                context.wrap_socket(connection, server_side=True).close()
                self.done = True
            except ssl.SSLError as e:
                if "ALERT" in str(e):
                    self.done = False
            except OSError:
                pass  # gone again before it began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._thread.join(1)
        self._listener.close()


@pytest.mark.parametrize("kind", ["kafka", "flight"])
@pytest.mark.parametrize(
    "place", ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", None]
)
def test_the_certificates_are_those_that_the_system_has(tmp_path, kind, place):
    """In the place that Debian has for them, in Fedora's; and nobody else's."""
    with Handshake(tmp_path / "tls") as server:
        mounts = 'mount -t tmpfs none "$0/etc/ssl/certs"'
        if place:
            mounts += f' && mkdir -p "$0{Path(place).parent}" && cp {tmp_path}/tls/ca.pem "$0{place}"'
        if place and "/pki/" in place:
            mounts = f'mkdir -p "$0/etc/pki" && mount -t tmpfs none "$0/etc/pki" && {mounts}'
        said = check("trust", kind, server.address, mounts=mounts)
    assert bool(server.done) is (place is not None), said
