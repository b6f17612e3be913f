# SPDX-License-Identifier: Apache-2.0
"""What a recorder writes, read back by others: h5py, gwpy, pyarrow, gwframe. No broker."""

import ctypes
import json
import os
import random
import re
import resource
import shlex
import signal
import subprocess
from pathlib import Path

import gwframe
import h5py
import numpy
import pyarrow
import pytest
from gwpy.timeseries import TimeSeries, TimeSeriesDict
from support import SECOND, STRIDE, tool

DTYPES = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
FORMATS = [("hdf5", 0), ("hdf5", 1), ("arrow", 0), ("gwf", 0), ("gwf", 1)]
EXTENSIONS = {"hdf5": "h5", "arrow": "arrow", "gwf": "gwf"}
START = 1_400_000_000


class Channels:
    """name -> (type, rate), all of one stride, and what they have: samples and mask of a span."""

    def __init__(self, kinds, stride):
        self.kinds, self.stride = kinds, stride
        self.names = sorted(kinds, key=str.encode)
        self.had = {}

    def write(self, path):
        path.write_text("".join(
            json.dumps({"name": n, "data_type": d, "sample_rate": r, "stride": self.stride}) + "\n"
            for n, (d, r) in self.kinds.items()
        ))  # fmt: skip
        return path

    def schema(self):
        return pyarrow.schema([("time", pyarrow.int64())] + [
            (n, pyarrow.list_(pyarrow.from_numpy_dtype(numpy.dtype(self.kinds[n][0]))))
            for n in self.names
        ])  # fmt: skip

    def batch(self, chance, time_ns, duration_ns):
        """A block of any bytes, some of it missing, which is kept for comparison."""
        columns = [pyarrow.array([time_ns])]
        for n in self.names:
            dtype, rate = self.kinds[n]
            count = round(rate * duration_ns / SECOND)
            values = chance.integers(0, 256, count * numpy.dtype(dtype).itemsize, numpy.uint8)
            mask = chance.random(count) < chance.choice([0, 0, 0.3, 1])
            self.had.setdefault(n, []).append((values.view(dtype), mask))
            items = pyarrow.array(values.view(dtype), mask=mask, from_pandas=False)
            offsets = pyarrow.array([0, count], pyarrow.int32())
            columns.append(pyarrow.ListArray.from_arrays(offsets, items))
        return pyarrow.record_batch(columns, schema=self.schema())

    def had_in(self, n, file, files):
        """Samples and mask of one file of several."""
        each = len(self.had[n]) // files
        parts = self.had[n][each * file : each * (file + 1)]
        return [numpy.concatenate(part) for part in zip(*parts)]


class Recorder:
    def __init__(self, channels, directory, form, length, program=None, **how):
        directory.mkdir(exist_ok=True)
        command = [program or tool("record_tool"), channels.write(directory.parent / "channels.jsonl"),
                   directory, form[0], length, form[1], "X-TEST", START]  # fmt: skip
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **how,
        )  # fmt: skip
        self.stride = int(self.process.stdout.readline())
        self.start = START // length * length

    def send(self, channels, seed, seconds):
        chance = numpy.random.default_rng(seed)
        with pyarrow.ipc.new_stream(self.process.stdin, channels.schema()) as writer:
            for t in range(self.start * SECOND, (self.start + seconds) * SECOND, self.stride):
                writer.write_batch(channels.batch(chance, t, self.stride))

    def counts(self):
        out, err = self.process.communicate(timeout=100)
        assert self.process.returncode == 0, err
        return json.loads(out)


def recorded(channels, tmp_path, form, length, files, seed=0, program=None):
    """The files, which have all that was sent."""
    directory = tmp_path / "files"
    recorder = Recorder(channels, directory, form, length, program)
    recorder.send(channels, seed, files * length)
    counts = recorder.counts()
    samples = [part for n in channels.names for part in channels.had[n]]
    assert counts == {
        "files": files, "failed": 0, "empty": 0, "samples": sum(len(v) for v, _ in samples),
        "missing": sum(int(m.sum()) for _, m in samples),
    }  # fmt: skip
    names = [f"X-TEST-{recorder.start + i * length}-{length}.{EXTENSIONS[form[0]]}"
             for i in range(files)]  # fmt: skip
    assert sorted(p.name for p in directory.iterdir() if p.name[0] != ".") == names
    return [directory / name for name in names]


def link(name):
    return name.replace("%", "%25").replace("/", "%2F")


def read_hdf5(path, channels):
    start = float(path.name.split("-")[2])
    with h5py.File(path) as f:
        assert len(f) == len(channels.names) + 1 and len(f["masks"]) == len(channels.names)
        for n in channels.names:
            data, mask, (dtype, rate) = f[link(n)], f["masks"][link(n)], channels.kinds[n]
            assert data.dtype == dtype and mask.dtype == bool and mask.shape == data.shape
            assert dict(data.attrs) == {
                "name": n, "channel": n, "unit": "", "x0": start, "dx": 1 / rate, "xunit": "s",
            }  # fmt: skip
            yield n, data[:], mask[:]


def missing_value(dtype):
    kind = numpy.dtype(dtype).kind
    if kind == "f":
        return numpy.nan
    return numpy.iinfo(dtype).max if kind == "u" else numpy.iinfo(dtype).min


def read_arrow(path, channels):
    with pyarrow.memory_map(str(path)) as f:
        table = pyarrow.ipc.open_file(f).read_all()
    table.validate(full=True)
    assert table.column_names == ["time", *channels.names]
    length = int(path.stem.split("-")[3])
    for n in channels.names:
        dtype, rate = channels.kinds[n]
        assert float(table.schema.field(n).metadata[b"rate"]) == rate
        data, mask = numpy.zeros(round(rate * length), dtype), numpy.ones(round(rate * length), bool)
        for t, row in zip(table["time"].to_pylist(), table[n]):
            at = round((t / SECOND - int(path.name.split("-")[2])) * rate)
            values = row.values
            mask[at : at + len(values)] = values.is_null().to_numpy(zero_copy_only=False)
            data[at : at + len(values)] = values.fill_null(0).to_numpy(zero_copy_only=False)
        yield n, data, mask


def read_gwf(path, channels):
    start, length = (int(part) for part in path.stem.split("-")[2:])
    series = gwframe.read(path, start=start, end=start + length, allow_invalid=True, aux_mask=True)
    assert sorted(series, key=str.encode) == channels.names
    for n in channels.names:
        one, (dtype, rate) = series[n], channels.kinds[n]
        assert one.array.dtype == dtype and one.start == start
        assert one.sample_rate == pytest.approx(rate, rel=1e-12)
        assert len(one.array) == round(rate * length)
        yield n, one.array, numpy.zeros(len(one.array), bool) if one.mask is None else one.mask


READ = {"hdf5": read_hdf5, "arrow": read_arrow, "gwf": read_gwf}


def assert_same_bytes(found, wanted):
    """Not a number is not itself: bytes are compared."""
    assert found.tobytes() == wanted.tobytes()


def our_reader(channels, *paths):
    """name -> samples and mask by the library's own reader; what it has to say where it fails."""
    known = channels.write(paths[0].parent.parent / "known.jsonl")
    done = subprocess.run([tool("files_tool"), known, *paths], capture_output=True, timeout=100)
    if done.returncode:
        assert done.returncode == 1, done.stderr
        return done.stderr.decode()
    table = pyarrow.ipc.open_stream(done.stdout).read_all()
    times = table["time"].to_pylist()
    assert times == sorted(times)
    out = {}
    for n in table.column_names[1:]:
        rows = table[n].combine_chunks().flatten()
        mask = rows.is_null().to_numpy(zero_copy_only=False)
        out[n] = rows.fill_null(0).to_numpy(zero_copy_only=False), mask
    return out


def assert_we_read_back(paths, channels, form):
    """An Arrow file has no row of a block without a sample."""
    ours = our_reader(channels, *paths)
    assert set(ours) == set(channels.names), ours
    for n, (data, mask) in ours.items():
        values, missing = channels.had_in(n, 0, 1)
        if form[0] != "arrow":
            assert (mask == missing).all(), n
        assert_same_bytes(data[~mask], values[~missing])


def assert_read_back(paths, channels, form):
    assert_we_read_back(paths, channels, form)
    for i, path in enumerate(paths):
        seen = 0
        for n, data, mask in READ[form[0]](path, channels):
            values, missing = channels.had_in(n, i, len(paths))
            assert (mask == missing).all(), n
            assert_same_bytes(data[~mask], values[~missing])
            if form[0] != "arrow":
                filled = numpy.full(int(mask.sum()), missing_value(data.dtype), data.dtype)
                assert numpy.array_equal(data[mask], filled, equal_nan=data.dtype.kind == "f")
            seen += 1
        assert seen == len(channels.names)


def of_every_type(rates, stride):
    return Channels({f"H1:T-{d}_{r:g}": (d, r) for d in DTYPES for r in rates}, stride)


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("rates, stride, length", [
    ((1 / 16, 1, 16), 16 * SECOND, 64), ((256, 3000, 16384, 65536), STRIDE * 2, 2),
], ids=["slow", "fast"])  # fmt: skip
def test_every_type_and_rate_is_read_back(tmp_path, form, rates, stride, length):
    channels = of_every_type(rates, stride)
    paths = recorded(channels, tmp_path, form, length, 2)
    assert_read_back(paths, channels, form)


@pytest.mark.parametrize("form", FORMATS[:2], ids=str)
def test_gwpy_reads_the_files_as_they_are(tmp_path, form):
    channels = of_every_type((16, 1024), SECOND)
    paths = recorded(channels, tmp_path, form, 8, 2)
    for i, path in enumerate(paths):
        series = TimeSeriesDict.read(path, format="hdf5")
        assert sorted(series) == channels.names
        for n, s in series.items():
            values, missing = channels.had_in(n, i, 2)
            assert s.sample_rate.value == channels.kinds[n][1] and s.t0.value == START + 8 * i
            assert s.name == n and str(s.channel) == n and s.dtype == channels.kinds[n][0]
            assert_same_bytes(s.value[~missing], values[~missing])
    # two files follow each other
    both = TimeSeriesDict.read(paths, ["H1:T-int32_16"], format="hdf5")
    assert both["H1:T-int32_16"].span == (START, START + 16)


def recorder_with_the_libhdf5_of_h5py(directory):
    """The program finds that one, of another release, under the name of the one it was built with."""
    text = tool("record_tool").read_text()
    build = shlex.split(text)[1].split("=")[1].split(":")[-1]
    (module,) = Path(build).glob("libarrakis-hdf5.so.*")
    about = subprocess.run(["objdump", "-p", module], capture_output=True, text=True, check=True).stdout
    (needed,) = re.findall(r"NEEDED +(libhdf5\S*)", about)
    libraries = Path(h5py.__file__).parent.parent / "h5py.libs"
    (theirs,) = libraries.glob("libhdf5-*")
    directory.mkdir()
    (directory / needed).symlink_to(theirs)
    program = directory / "record_tool"
    program.write_text(text.replace("LD_LIBRARY_PATH=", f"LD_LIBRARY_PATH='{directory}:{libraries}':"))
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("form", FORMATS[:2], ids=str)
def test_libhdf5_may_be_a_newer_one(tmp_path, form):
    channels = of_every_type((16, 1024), SECOND)
    program = recorder_with_the_libhdf5_of_h5py(tmp_path / "libraries")
    assert_read_back(recorded(channels, tmp_path, form, 8, 1, program=program), channels, form)


def any_name(chance, i):
    letters = "AZaz09-_./\\%%//\"' :;*?[]{}()#+=~$&|<>@^,\t\u00e9\u4e2d\U0001f600"
    return f"H1:{i}" + "".join(chance.choices(letters, k=chance.randrange(1, 60)))


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_channels_may_have_any_name(tmp_path, form):
    chance = random.Random(11)
    names = ["H1:a/b", "H1:a%2Fb", "H1:a", "H1:a/", "H1:./..", "/H1:x", "masks:x", "H1:" + "n" * 2000,
             *(any_name(chance, i) for i in range(300))]  # fmt: skip
    channels = Channels({n: ("float32", 16) for n in names}, SECOND)
    assert_read_back(recorded(channels, tmp_path, form, 4, 1), channels, form)


@pytest.mark.parametrize("form", FORMATS[:2], ids=str)
def test_a_file_is_changed_by_h5py(tmp_path, form):
    """What is made here is as libhdf5 would have made it: links are added and removed, texts replaced. One channel
    of four has no sample: what is removed or written of it is in no other channel's place."""
    channels = Channels({f"H1:{i:03}": ("float32", 16) for i in range(600)}, 4 * SECOND)
    (path,) = recorded(channels, tmp_path, form, 4, 1)
    had = {n: channels.had_in(n, 0, 1) for n in channels.names}
    empty = [n for n in channels.names if had[n][1].all()]
    assert len(empty) > 100
    with h5py.File(path, "r+") as f:
        for n in channels.names[::3]:
            del f[n], f["masks"][n]
        for n in channels.names[1::3]:
            del f[n].attrs["unit"]
            f[n].attrs["unit"] = "m"
        for i, n in enumerate(n for n in empty if n in f):
            f[n][i % 64], f["masks"][n][i % 64] = had[n][0][i % 64], False
            had[n][1][i % 64] = False
        for i in range(600):
            f[f"H1:NEW-{i}"] = numpy.arange(i + 1)
    with h5py.File(path) as f:
        assert len(f) == 400 + 600 + 1 and len(f["masks"]) == 400
        assert all(f[n].attrs["unit"] == "m" and f[n].attrs["name"] == n for n in channels.names[1::3])
        assert all(f[n].attrs["unit"] == "" and f[n].attrs["name"] == n for n in channels.names[2::3])
        assert all(f[f"H1:NEW-{i}"][i] == i for i in range(600))
        for n in channels.names[1::3] + channels.names[2::3]:
            values, missing = had[n]
            assert (f["masks"][n][:] == missing).all(), n
            assert_same_bytes(f[n][:][~missing], values[~missing])
            assert numpy.isnan(f[n][:][missing]).all()


@pytest.mark.parametrize("form", FORMATS[::2], ids=str)
def test_four_thousand_channels_are_one_file(tmp_path, form):
    kinds = {f"H1:DAQ-{i:04}_OUT": (DTYPES[i % 10], 4 * 2 ** (i % 4)) for i in range(4000)}
    channels = Channels(kinds, SECOND)
    paths = recorded(channels, tmp_path, form, 2, 1)
    assert_read_back(paths, channels, form)


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_the_same_blocks_make_the_same_bytes(tmp_path, form):
    contents = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        channels = of_every_type((16, 256), SECOND)
        paths = recorded(channels, tmp_path / run, form, 4, 2)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def small_files():
    """Writing behind 200,000 bytes fails, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def give_up(recorder, channels):
    """Send what it cannot write until it ends; returns what it logged."""
    try:
        recorder.send(channels, 0, 60)
    except BrokenPipeError:  # it has ended
        pass
    _, err = recorder.process.communicate(timeout=60)
    assert recorder.process.returncode == 1
    assert b"10 files in a row could not be written" in err
    return err


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_a_file_that_does_not_fit_leaves_nothing_behind(tmp_path, form):
    channels = Channels({"H1:LARGE": ("float64", 65536)}, SECOND)
    recorder = Recorder(channels, tmp_path / "files", form, 4, preexec_fn=small_files)
    err = give_up(recorder, channels)
    assert b"File too large" in err
    assert f"Nothing is kept of GPS {START} to {START + 40}".encode() in err
    assert {p.name for p in Path(tmp_path / "files").iterdir()} <= {".X-TEST.lock", ".X-TEST.next"}


def as_others():
    """Modes hold for root, too: without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    if os.getuid() == 0:
        for capability in (1, 2):
            assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP


def test_a_directory_that_may_not_be_written_to_costs_its_files(tmp_path):
    """It is so in the middle of recording, and when a recorder begins."""
    channels = Channels({"H1:SMALL": ("float64", 16)}, SECOND)
    directory = tmp_path / "files"
    recorder = Recorder(channels, directory, ("arrow", 0), 4, preexec_fn=as_others)
    directory.chmod(0o555)
    err = give_up(recorder, channels)
    assert b"Permission denied" in err
    assert not list(directory.glob("X-*"))
    (directory / ".X-TEST.lock").unlink()
    command = list(map(str, recorder.process.args))
    done = subprocess.run(command, capture_output=True, input=b"", timeout=60, preexec_fn=as_others)
    assert done.returncode == 1 and b"Permission denied" in done.stderr, done.stderr
    directory.chmod(0o755)


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022], ids=oct)
def test_modes_follow_the_umask(tmp_path, umask):
    channels = Channels({"H1:SMALL": ("float64", 16)}, SECOND)
    recorder = Recorder(channels, tmp_path / "files", ("arrow", 0), 4, preexec_fn=lambda: os.umask(umask))
    recorder.send(channels, 0, 4)
    recorder.counts()
    (path,) = (tmp_path / "files").glob("X-*")
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_recorder_of_another_format_goes_on_under_the_name(tmp_path):
    channels = Channels({"H1:SMALL": ("float64", 16)}, SECOND)
    for i, form in enumerate(FORMATS[::2]):
        recorder = Recorder(channels, tmp_path / "files", form, 4)
        recorder.start += 4 * i
        recorder.send(channels, i, 4)
        assert recorder.counts()["files"] == 1
    paths = sorted(tmp_path.joinpath("files").glob("X-*"))
    assert [p.name for p in paths] == [
        f"X-TEST-{START + 4 * i}-4.{EXTENSIONS[form[0]]}" for i, form in enumerate(FORMATS[::2])
    ]  # fmt: skip
    data, mask = our_reader(channels, *paths)["H1:SMALL"]
    values, missing = channels.had_in("H1:SMALL", 0, 1)
    assert_same_bytes(data[~mask], values[~missing])


# ---------------------------------------------------------------- HDF5 files of others

SMALL = Channels({"H1:A": ("float32", 16), "H1:B": ("int16", 256)}, SECOND)
MORE = {"chunks": (16,), "compression": "gzip", "shuffle": True}


def of_others(tmp_path, change=None, libver=None, **how):
    """A file of 8 s by h5py, of SMALL; what it has, and its path."""
    (tmp_path / "files").mkdir(exist_ok=True)
    path = tmp_path / "files" / "H-H1_THEIRS-1400000001-8.h5"
    has = {"H1:A": numpy.arange(128, dtype="f4"), "H1:B": numpy.arange(2048, dtype="i2") - 1000}
    with h5py.File(path, "w", libver=libver) as f:
        for n, values in has.items():
            data = f.create_dataset(n, data=values.astype(how.pop("as_type", values.dtype)), **how)
            data.attrs["x0"], data.attrs["dx"] = 1400000001, 8 / len(values)
            data.attrs["unit"] = "m"
        f["H1:OTHER"] = numpy.zeros((3, 3))
        if change:
            change(f)
    return has, path


@pytest.mark.parametrize("how", [{}, MORE, {"chunks": (100,)}, {"chunks": (7,), "compression": "gzip"},
                                 {"maxshape": (None,), **MORE}, {"as_type": ">f4"}], ids=str)  # fmt: skip
def test_files_by_h5py_are_read(tmp_path, how):
    has, path = of_others(tmp_path, **how)
    ours = our_reader(SMALL, path)
    for n, values in has.items():
        data, mask = ours[n]
        assert not mask.any() and data.dtype == values.dtype and (data == values).all()


def test_a_step_that_is_rounded_makes_a_file_no_longer(tmp_path):
    def change(f):
        for n in SMALL.names:
            f[n].attrs["dx"] *= 1 + 5e-10

    has, path = of_others(tmp_path, change)
    ours = our_reader(SMALL, path)
    assert all((ours[n][0] == values).all() and not ours[n][1].any() for n, values in has.items())


def test_files_by_gwpy_are_read(tmp_path):
    (tmp_path / "files").mkdir()
    path = tmp_path / "files" / "theirs.hdf5"
    chance = numpy.random.default_rng(1)
    has = {n: chance.normal(size=64 * rate).astype(d) for n, (d, rate) in SMALL.kinds.items()}
    TimeSeriesDict({
        n: TimeSeries(v, t0=START, sample_rate=SMALL.kinds[n][1], name=n, channel=n)
        for n, v in has.items()
    }).write(str(path), format="hdf5")  # fmt: skip
    ours = our_reader(SMALL, path)
    for n, values in has.items():
        assert not ours[n][1].any() and (ours[n][0] == values).all()


def test_masks_and_holes_by_h5py_are_gaps(tmp_path):
    wanted = numpy.arange(2048) % 5 == 0

    def change(f):
        f.create_dataset("masks/H1:B", data=wanted, **MORE)
        del f["H1:A"]
        hole = f.create_dataset("H1:A", (128,), "f4", chunks=(32,))
        hole.attrs["x0"], hole.attrs["dx"] = 1400000001.0, 1 / 16
        hole[40:50] = 1
        f.create_dataset("masks/H1:A", (128,), bool, chunks=(16,), fillvalue=True)[:48] = False

    has, path = of_others(tmp_path, change)
    ours = our_reader(SMALL, path)
    assert (ours["H1:B"][1] == wanted).all()
    assert (ours["H1:B"][0][~wanted] == has["H1:B"][~wanted]).all()
    assert (ours["H1:A"][1] == (numpy.arange(128) // 16 != 2)).all()


def replaced(name, make):
    def change(f):
        del f[name]
        make(f)
        if isinstance(f.get(name, getlink=True), h5py.HardLink) and isinstance(f[name], h5py.Dataset):
            f[name].attrs["x0"], f[name].attrs["dx"] = 1400000001, 1 / 16

    return change


def virtual(f):
    layout = h5py.VirtualLayout((128,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (128,))
    f.create_virtual_dataset("H1:A", layout)


def external(f):
    f.create_dataset("H1:A", (128,), "f4", external=[("/etc/passwd", 0, 512)])


ELSEWHERE = {
    "external link": (lambda f: f.__setitem__("H1:A", h5py.ExternalLink("other.h5", "/secret")), ""),
    "soft link": (lambda f: f.__setitem__("H1:A", h5py.SoftLink("/H1:B")), "a link to another place"),
    "external samples": (external, "in another file"),
    "virtual": (virtual, ""),
}


@pytest.mark.parametrize("how", ELSEWHERE)
def test_an_hdf5_file_leads_to_no_other_file(tmp_path, how):
    make, text = ELSEWHERE[how]
    _, path = of_others(tmp_path, replaced("H1:A", make))
    told = our_reader(SMALL, path)
    assert isinstance(told, str) and told.startswith("ARRAKIS_EUNSUPPORTED: "), told
    assert path.name in told and text in told


UNREAD = {
    "two dimensions": (lambda f: f.create_dataset("H1:A", (2, 64), "f4"), "one dimension"),
    "complex": (lambda f: f.create_dataset("H1:A", (128,), "c8"), "expected integers"),
    "half": (lambda f: f.create_dataset("H1:A", (128,), "f2"), "expected integers"),
    "filter": (lambda f: f.create_dataset("H1:A", (128,), "f4", chunks=(16,), fletcher32=True), "no filters but"),
    "group": (lambda f: f.create_group("H1:A"), "expected a data set"),
    "length": (lambda f: f.create_dataset("H1:A", (64,), "f4"), "as other channels have"),
    "type": (lambda f: f.create_dataset("H1:A", (128,), "f8"), "float64 at 16 Hz in the file, expected float32"),
    "long": (lambda f: f.create_dataset("H1:A", (16 * 90000,), "f4"), "up to a day"),
    "huge": (lambda f: f.create_dataset("H1:A", (2**60,), "f4"), "up to a day"),
    "chunks": (lambda f: f.create_dataset("H1:A", (2**50,), "f4", chunks=(2,)), "chunks, expected at most"),
    "large chunk": (lambda f: f.create_dataset("H1:A", (128,), "f4", chunks=(2**29,), maxshape=(None,)),
                    "expected at most 1073741824 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("how", UNREAD)
def test_what_is_not_read_of_hdf5_is_named(tmp_path, how):
    make, text = UNREAD[how]
    _, path = of_others(tmp_path, replaced("H1:A", make))
    told = our_reader(SMALL, path)
    assert isinstance(told, str) and path.name in told and "channel 'H1:" in told and text in told, told


def test_a_newer_version_of_hdf5_is_named(tmp_path):
    _, path = of_others(tmp_path, libver="latest")
    assert "superblock of version" in our_reader(SMALL, path)
