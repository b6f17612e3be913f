# SPDX-License-Identifier: Apache-2.0
"""The package against a real server, whose mock backend's samples are a function of time."""

import subprocess
import sys

import numpy
import pytest
from conftest import ROOT
from samples import SECOND, T0

import libarrakis

sys.path.append(str(ROOT / "tests" / "broker"))
sys.path.append(str(ROOT / "tests" / "interop"))
sys.path.append(str(ROOT / "tests"))
pytest.importorskip("arrakis_server")
from test_flight import Mock  # noqa: E402

FAST, SLOW = "H1:MIX-FAST", "H1:MIX-SLOW"
CHANNELS = [(FAST, "float64", 256, SECOND // 16), (SLOW, "int32", 16, SECOND)]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with Mock(tmp_path_factory.mktemp("mock"), CHANNELS) as server:
        yield server.url


def expected(name, time_ns, count):
    index, rate = [(i, c[2]) for i, c in enumerate(CHANNELS) if c[0] == name][0]
    t = time_ns / SECOND + numpy.arange(count) / rate
    return 1024 * (t - 16 * numpy.floor(t / 16)) + index


def test_channels_are_found_and_described(url):
    assert sorted(map(str, libarrakis.find(url=url))) == [FAST, SLOW]
    assert libarrakis.count("H1:MIX-F", url=url) == 1
    assert libarrakis.describe([SLOW], url=url)[SLOW].data_type == "int32"
    with pytest.raises(libarrakis.NotFoundError, match="H1:NO-NE"):
        libarrakis.describe(["H1:NO-NE"], url=url)


def test_a_past_span_is_streamed_and_fetched(url):
    with libarrakis.Client(url) as client:
        blocks = list(client.stream([FAST, SLOW], T0 // SECOND, T0 // SECOND + 3))
        assert [b.time_ns for b in blocks] == [T0 + k * SECOND for k in range(3)]
        for b in blocks:
            assert not b.has_gaps
            numpy.testing.assert_allclose(b[FAST], expected(FAST, b.time_ns, 256))
            numpy.testing.assert_allclose(b[SLOW], expected(SLOW, b.time_ns, 16))
        whole = client.fetch([FAST], T0 // SECOND, duration=2)
        numpy.testing.assert_allclose(whole[FAST], expected(FAST, T0, 512))


def test_a_live_stream_follows_the_present(url):
    with libarrakis.stream([FAST], url=url) as stream:
        first, second = next(stream), next(stream)
        assert second.time_ns - first.time_ns == SECOND // 16
        assert abs(first.time_ns - libarrakis.gps_now_ns()) < 60 * SECOND


def test_a_server_tells_of_itself(url):
    with libarrakis.Client(url) as client:
        assert isinstance(client.server_info(), dict)
        assert "endpoints" in client.scope_map()
        assert isinstance(client.domains(), list) and isinstance(client.endpoints(), list)


CLIENT = """
import arrakis, libarrakis.compat
libarrakis.compat.install(["stream"])
blocks = list(arrakis.stream([{name!r}], {start}, {start} + 2))
print(libarrakis.compat.installed()["stream"].split()[0], [b.time_ns for b in blocks])
"""


def test_the_client_under_compat_has_its_server_from_the_environment(url, monkeypatch):
    monkeypatch.setenv("ARRAKIS_SERVER", url)
    done = subprocess.run(
        [sys.executable, "-c", CLIENT.format(name=FAST, start=T0 // SECOND)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    word, times = done.stdout.split(maxsplit=1)
    times = eval(times)
    assert word == "replaced" and (times[0], len(times)) == (T0, 32)


def test_where_nobody_listens_is_a_connect_error():
    with pytest.raises(libarrakis.ConnectError) as found:
        libarrakis.count(url="grpc://127.0.0.1:1", request_timeout=2)
    assert isinstance(found.value, ConnectionError)
