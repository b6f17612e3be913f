# SPDX-License-Identifier: Apache-2.0
"""Frame files (docs/frames.md), with gwframe (frameCPP) as the judge: it reads what src/gwf writes, and
src/gwf reads what it writes, in all compressions and types that both have, and in either byte order."""

import os
import random
import struct
import subprocess
import warnings
from pathlib import Path

import gwframe
import numpy
import pytest
from gwframe.read import FrameReader
from gwframe.types import Compression
from gwframe.write import Frame, FrameWriter
from gwpy.timeseries import TimeSeriesDict
from support import ROOT, SECOND

DTYPES = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
RATES = [0.0625, 0.5, 1, 3, 16, 49, 100, 256, 16384, 65536]
START = 1_400_000_000 * SECOND + 62_500_000
LENGTH = 16
TOOL = Path(os.environ.get("ARRAKIS_TOOLS") or ROOT / "build-asan" / "tests") / "gwf_tool"


def samples_of(dtype, count, seed=0):
    """Random bits but for floating point, where a NaN would equal nothing."""
    rng = numpy.random.default_rng([seed, count])
    if dtype.startswith("float"):
        return rng.normal(size=count).astype(dtype)
    return numpy.frombuffer(rng.bytes(count * numpy.dtype(dtype).itemsize), dtype).copy()


def masks_of(count, rate):
    """None, all, one sample, a random half, and what a missing stride of 1/16 s leaves."""
    rng = numpy.random.default_rng(count)
    yield None
    yield numpy.ones(count, bool)
    yield numpy.arange(count) == count // 2
    yield rng.integers(0, 2, count).astype(bool)
    block = max(int(rate) // 16, 1)
    yield numpy.arange(count) // block % 3 == 1


def write(path, channels, frames, level=0, experiment="H1"):
    """A file by src/gwf: channels (name, dtype, rate); frames (start_ns, duration_ns, the samples of each
    channel, plain or masked arrays)."""
    parts = [f"channel {name.encode().hex()} {dtype} {rate!r}\n".encode() for name, dtype, rate in channels]
    for start, duration, arrays in frames:
        parts.append(f"frame {start} {duration}\n".encode())
        for array in arrays:
            masked = isinstance(array, numpy.ma.MaskedArray)
            parts.append(f"add {len(array)} {int(masked)}\n".encode())
            parts.append(numpy.ma.getdata(array).tobytes())
            if masked:
                valid = ~numpy.ma.getmaskarray(array)
                parts.append(numpy.packbits(valid, bitorder="little").tobytes())
    run = subprocess.run([TOOL, "write", path, str(level), experiment], input=b"".join(parts), capture_output=True)
    assert run.returncode == 0, run.stderr.decode()


def read(path):
    """What src/gwf reads: (frame's start, its duration) -> name -> (array, rate, start_ns) or an error's text."""
    run = subprocess.run([TOOL, "read", path], capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    frames, at = {}, 0
    while at < len(run.stdout):
        end = run.stdout.index(b"\n", at)
        words = run.stdout[at:end].decode().split(" ")
        at = end + 1
        frame = frames.setdefault((int(words[0]), int(words[1])), {})
        name = bytes.fromhex(words[2]).decode()
        assert name not in frame
        if words[3] == "error":
            frame[name] = " ".join(words[4:])
            continue
        dtype, count = numpy.dtype(words[3]), int(words[6])
        array = numpy.frombuffer(run.stdout, dtype, count, at)
        at += count * dtype.itemsize
        if int(words[7]):
            bits = numpy.frombuffer(run.stdout, "uint8", (count + 7) // 8, at)
            at += len(bits)
            missing = ~numpy.unpackbits(bits, count=count, bitorder="little").astype(bool)
            array = numpy.ma.MaskedArray(array, missing)
        frame[name] = (array, float(words[4]), int(words[5]))
    return frames


def by_gwframe(path, **options):
    return gwframe.read(path, allow_invalid=True, aux_mask=True, **options)


def assert_same(array, expected):
    """Equal in type, samples and mask; what is masked may be anything."""
    assert array.dtype == expected.dtype
    missing = numpy.ma.getmaskarray(expected)
    assert numpy.array_equal(numpy.ma.getmaskarray(array), missing)
    assert numpy.array_equal(numpy.ma.getdata(array)[~missing], numpy.ma.getdata(expected)[~missing])


def everything():
    """Channels of all types, rates and masks, as (name, dtype, rate) -> samples of LENGTH seconds."""
    channels = {}
    for dtype in DTYPES:
        for rate in RATES if dtype in ("float32", "int16") else (16, 256):
            count = int(rate * LENGTH)
            for i, mask in enumerate(masks_of(count, rate)):
                array = samples_of(dtype, count, i)
                name = f"H1:GWF-{dtype.upper()}_{rate}_{i}"
                channels[name, dtype, rate] = array if mask is None else numpy.ma.MaskedArray(array, mask)
    return channels


@pytest.mark.parametrize("level", [0, 1])
def test_gwframe_reads_what_was_written(tmp_path, level):
    path, channels = tmp_path / "file.gwf", everything()
    write(path, channels, [(START, LENGTH * SECOND, channels.values())], level)
    gwframe._core.validate_frame_checksums(path.read_bytes())
    series = by_gwframe(path)
    assert set(series) == {name for name, _, _ in channels}
    ours = read(path)[START, LENGTH * SECOND]
    for (name, _, rate), expected in channels.items():
        one = series[name]
        assert_same(one.to_masked(), expected)
        assert one.start == START / SECOND and one.sample_rate == pytest.approx(rate, rel=1e-12)
        assert one.duration == pytest.approx(LENGTH, rel=1e-12) and one.type == "adc" and one.name == name
        assert_same(ours[name][0], expected)
        assert ours[name][1:] == (rate, START)


def test_what_is_missing_does_not_look_like_data_to_a_reader_without_masks(tmp_path):
    path = tmp_path / "file.gwf"
    mask = numpy.arange(16) < 5
    channels = [(f"H1:{dtype}", dtype, 16) for dtype in DTYPES]
    arrays = [numpy.ma.MaskedArray(numpy.arange(1, 17, dtype=dtype), mask) for dtype in DTYPES]
    write(path, channels, [(START, SECOND, arrays)])
    series = gwframe.read(path)
    for name, dtype, _ in channels:
        array = series[name].array
        assert (array[5:] == numpy.arange(6, 17)).all()
        if dtype.startswith("float"):
            assert numpy.isnan(array[:5]).all()
        else:
            info = numpy.iinfo(dtype)
            assert (array[:5] == (info.min if info.min < 0 else info.max)).all()


def test_frames_of_a_file_join(tmp_path):
    path, rate = tmp_path / "file.gwf", 256
    whole = numpy.ma.MaskedArray(samples_of("float64", 4 * rate), numpy.arange(4 * rate) // rate == 2)
    frames = [
        (START + i * SECOND, SECOND, [whole[i * rate : (i + 1) * rate], numpy.arange(16, dtype="uint16")])
        for i in range(4)
    ]
    write(path, [("H1:Z", "float64", rate), ("H1:A", "uint16", 16)], frames, 1)
    series = by_gwframe(path, start=START / SECOND, end=START / SECOND + 4)
    assert_same(series["H1:Z"].to_masked(), whole)
    assert_same(series["H1:A"].to_masked(), numpy.tile(numpy.arange(16, dtype="uint16"), 4))
    assert [name[0] for name in read(path)] == [START + i * SECOND for i in range(4)]
    with FrameReader(path) as reader:
        assert reader.num_frames == 4


def test_4000_channels_with_fuzzed_names(tmp_path):
    random.seed(1)
    letters = [chr(c) for c in range(33, 127)] + list(" äΩ日\t")
    names = dict.fromkeys(["X" * 65534, "a", "A", "H1:a", "H1:A"])
    while len(names) < 4000:
        names["".join(random.choices(letters, k=random.randint(1, 60)))] = None
    names = list(names)
    arrays = [numpy.arange(i, i + 16, dtype="int32") for i in range(len(names))]
    path = tmp_path / "file.gwf"
    write(path, [(name, "int32", 16) for name in names], [(START, SECOND, arrays)])
    ours = read(path)[START, SECOND]
    assert list(ours) == names
    with FrameReader(path) as reader:
        for i, name in enumerate(names):
            assert_same(ours[name][0], arrays[i])
            if i < 50 or i % 40 == 0:
                assert_same(reader.read(name).array, arrays[i])
        assert set(reader.channels) == set(names)


@pytest.mark.parametrize("level", [0, 1])
def test_gwpy_reads_the_files_by_lalframe(tmp_path, level):
    """All that lalframe has a type for, which integers of 8 bits are not; frames follow each other."""
    path = tmp_path / "H-H1_T-1400000000-8.gwf"
    channels = [(f"H1:T-{d}_{r}", d, float(r)) for d in DTYPES[1:4] + DTYPES[5:] for r in (0.5, 16, 49, 16384)]
    frames = [
        (1_400_000_000 * SECOND + i * 4 * SECOND, 4 * SECOND, [samples_of(d, int(4 * r), i) for _, d, r in channels])
        for i in range(2)
    ]
    write(path, channels, frames, level)
    names = [name for name, _, _ in channels]
    series = TimeSeriesDict.read(str(path), names, format="gwf", backend="lalframe")
    for i, (name, dtype, rate) in enumerate(channels):
        one = series[name]
        wanted = numpy.concatenate([arrays[i] for _, _, arrays in frames])
        assert one.dtype == dtype and one.value.tobytes() == wanted.tobytes(), name
        assert one.t0.value == 1_400_000_000 and one.sample_rate.value == pytest.approx(rate, rel=1e-12)


# ---------------------------------------------------------------- files of others


def write_by_gwframe(path, compression, frames=1):
    """All types as FrAdcData with masks and as FrProcData; (frame, name) -> (array, rate)."""
    expected = {}
    with warnings.catch_warnings(), FrameWriter(path, compression=compression) as writer:
        warnings.simplefilter("ignore")
        for i in range(frames):
            frame = Frame(start=1_400_000_000.0 + i * LENGTH, duration=float(LENGTH), name="L1", run=7)
            for dtype in DTYPES:
                for rate in (0.5, 16, 256):
                    for k, mask in enumerate(masks_of(int(rate * LENGTH), rate)):
                        array = samples_of(dtype, int(rate * LENGTH), i + k)
                        name = f"L1:THEIRS-{dtype.upper()}_{rate}_{k}"
                        if mask is None:
                            frame.add_channel(name + "_P", array, rate, channel_type="proc", unit="m", comment="theirs")
                            expected[i, name + "_P"] = (array, rate)
                        else:
                            array = numpy.ma.MaskedArray(array, mask)
                        frame.add_channel(name, array, rate, channel_type="adc", aux_mask=True)
                        expected[i, name] = (array, rate)
            writer.write_frame(frame)
    return expected


def assert_reads(path, expected):
    """As gwframe itself reads the file: its masks are coarser than those that it was given."""
    frames = list(read(path).items())
    assert sum(len(channels) for _, channels in frames) == len(expected)
    with FrameReader(path) as reader:
        for (i, name), (_, rate) in expected.items():
            (start, duration), channels = frames[i]
            array, our_rate, our_start = channels[name]
            assert duration == LENGTH * SECOND and start == (1_400_000_000 + i * LENGTH) * SECOND
            assert (our_rate, our_start) == (rate, start)
            theirs = reader.read(name, frame_index=i, allow_invalid=True, aux_mask=True)
            assert_same(array, theirs.to_masked())


SCHEMES = [Compression.RAW, Compression.GZIP, Compression.DIFF_GZIP, Compression.ZERO_SUPPRESS_WORD_2,
           Compression.ZERO_SUPPRESS_WORD_4, Compression.ZERO_SUPPRESS_WORD_8,
           Compression.ZERO_SUPPRESS_OTHERWISE_GZIP]  # fmt: skip


@pytest.mark.parametrize("compression", SCHEMES)
def test_what_gwframe_wrote_is_read(tmp_path, compression):
    path = tmp_path / "theirs.gwf"
    expected = write_by_gwframe(path, compression, frames=2)
    assert_reads(path, expected)


def test_differences_of_any_size_are_read(tmp_path):
    """Zero suppression of blocks of all sizes of differences, and of none."""
    path = tmp_path / "theirs.gwf"
    chance = numpy.random.default_rng(3)
    has = {}
    for compression, width in zip(SCHEMES[3:6], (2, 4, 8)):
        for dtype in (f"i{width}", f"u{width}", *([f"f{width}"] if width > 2 else [])):
            frame = Frame(start=1_400_000_000.0, duration=1.0, name="L1", run=7)
            for count in (1, 11, 12, 13, 500):
                sizes = numpy.repeat(chance.integers(0, 8 * width, 50), 10)[:count]
                words = chance.integers(0, 2**63, count, dtype="u8") >> (64 - sizes).clip(0, 63).astype("u8")
                array = numpy.cumsum(words, dtype="u8").astype(f"u{width}").view(dtype)
                has[f"L1:{dtype}-{count}"] = array
                frame.add_channel(f"L1:{dtype}-{count}", array, count)
            with FrameWriter(path, compression=compression) as writer:
                writer.write_frame(frame)
            channels = read(path)[1_400_000_000 * SECOND, SECOND]
            for name, (array, _, _) in channels.items():
                assert array.tobytes() == has[name].tobytes(), (compression, name)


def test_what_is_not_read_is_named(tmp_path):
    path = tmp_path / "theirs.gwf"
    with FrameWriter(path, compression=Compression.GZIP) as writer:
        frame = Frame(start=1_400_000_000.0, duration=1.0, name="L1", run=7)
        frame.add_channel("L1:COMPLEX", numpy.arange(256, dtype="complex64"), 256)
        writer.write_frame(frame)
    channels = read(path)[1_400_000_000 * SECOND, SECOND]
    assert "of the type 6" in channels["L1:COMPLEX"]


# ---------------------------------------------------------------- structures, field by field


SIZES = {"INT_2S": "h", "INT_2U": "H", "INT_4S": "i", "INT_4U": "I", "INT_8S": "q", "INT_8U": "Q",
         "REAL_4": "f", "REAL_8": "d", "CHAR": "c", "CHAR_U": "B"}  # fmt: skip
NOTHING = 0xFFFFFFFF  # frameCPP's count of what a table of contents does not have


class Dictionary:
    """Reads the structures of a file as its own FrSH and FrSE structures describe them."""

    def __init__(self):
        self.classes = {
            1: ("FrSH", [("name", "STRING"), ("class", "INT_2U"), ("comment", "STRING")]),
            2: ("FrSE", [("name", "STRING"), ("class", "STRING"), ("comment", "STRING")]),
        }

    def learn(self, kind, values):
        if kind == "FrSH":
            self.last = values["class"]
            self.classes[self.last] = (values["name"], [])
        elif kind == "FrSE" and values["name"] not in ("chkSum", "chkSumFile"):
            self.classes[self.last][1].append((values["name"], values["class"]))

    def element(self, data, at, name, kind, values):
        """(the value, the place behind it, the width of its numbers or None for bytes)"""
        base, *sizes = kind.replace("]", "").split("[")
        count = 1
        for size in sizes:
            count *= int(size) if size.isdigit() else values[size] if values[size] != NOTHING else 0
        items, pieces = [], []
        for _ in range(1 if base == "CHAR" and sizes else count):
            if base == "STRING":
                size = struct.unpack_from("<H", data, at)[0]
                items.append(data[at + 2 : at + 1 + size].decode())
                pieces += [(at, 2), (at + 2, -size)]
                at += 2 + size
            elif base.startswith("PTR_STRUCT"):
                items.append(struct.unpack_from("<HI", data, at))
                pieces += [(at, 2), (at + 2, 4)]
                at += 6
            elif base == "CHAR" and sizes:
                items.append(data[at : at + count])
                pieces.append((at, -count))
                at += count
            else:
                width = struct.calcsize("<" + SIZES[base])
                items.append(struct.unpack_from("<" + SIZES[base], data, at)[0])
                pieces.append((at, width))
                at += width
        return (items if sizes and base != "CHAR" else items[0]), at, pieces

    def structures(self, data):
        """(place, class, instance, values, pieces): each piece a place and the width of the number there, or
        less than 0 for so many bytes."""
        at = 40
        while at < len(data):
            length, check, number, instance = struct.unpack_from("<QBBI", data, at)
            kind, elements = self.classes[number]
            assert check == 1
            values, pieces, place = {}, [(at, 8), (at + 8, -2), (at + 10, 4)], at + 14
            for name, element in elements:
                values[name], place, more = self.element(data, place, name, element, values)
                pieces += more
            assert place + (8 if kind == "FrEndOfFile" else 4) == at + length, kind
            self.learn(kind, values)
            yield at, kind, instance, values, pieces
            at += length


def cksum(data):
    run = subprocess.run(["cksum"], input=bytes(data), capture_output=True, check=True)
    return int(run.stdout.split()[0])


def channel_structures(path):
    """kind -> its dictionary; kind -> the values of its structures."""
    dictionary, found = Dictionary(), {}
    for _, kind, instance, values, _ in dictionary.structures(path.read_bytes()):
        found.setdefault(kind, []).append((instance, values))
    return {name: elements for name, elements in dictionary.classes.values()}, found


def test_files_agree_field_by_field(tmp_path):
    """The same two channels by both: each structure that both have differs in what is listed here."""
    ours, theirs = tmp_path / "ours.gwf", tmp_path / "theirs.gwf"
    one = numpy.arange(256, dtype="int16")
    two = numpy.ma.MaskedArray(samples_of("float32", 256), numpy.arange(256) // 16 == 3)
    frame = Frame(start=1_400_000_000.0, duration=1.0, name="X1", run=0)
    with FrameWriter(theirs, compression=Compression.RAW) as writer:
        filled = numpy.ma.MaskedArray(two.filled(numpy.nan), two.mask)
        frame.add_channel("X1:ONE", one, 256, channel_type="adc")
        frame.add_channel("X1:TWO", filled, 256, channel_type="adc", aux_mask=True)
        writer.write_frame(frame)
    start = 1_400_000_000 * SECOND
    write(ours, [("X1:ONE", "int16", 256), ("X1:TWO", "float32", 256)], [(start, SECOND, [one, two])], 0, "X1")
    our_classes, our_structures = channel_structures(ours)
    their_classes, their_structures = channel_structures(theirs)
    differ = {
        "FrSH": {"name", "class", "comment"},
        "FrSE": {"name", "class", "comment"},
        "FrAdcData": {"channelNumber"},
        "FrVect": set(),
        "FrEndOfFrame": {"GTimeS"},  # 0 by frameCPP, the frame's time in the specification
        # Places; classes that are not used are not described; empty lists have the length 0.
        # frameCPP has other names for two lists.
        "FrTOC": {"positionH", "nFirstADC", "nSH", "SHid", "SHname", "nDetector", "channelID", "positionADC",
                  "nProc", "nSim", "nSer", "nSummary", "nameSum", "positionSum"},
        "FrEndOfFile": {"nBytes", "seekTOC", "chkSumFrHeader"},  # the header names no library
    }  # fmt: skip
    for kind, structures in our_structures.items():
        if kind in ("FrSH", "FrSE"):
            continue
        assert [e for _, e in our_classes[kind]] == [e for _, e in their_classes[kind]], kind
        if kind != "FrTOC":
            assert our_classes[kind] == their_classes[kind]
        assert [i for i, _ in structures] == [i for i, _ in their_structures[kind]]
        for (_, a), (_, b) in zip(structures, their_structures[kind], strict=True):
            different = {name for name in a if a[name] != b.get(name)}
            if kind == "FrVect" and a["name"] == "dataValid":
                assert different <= {"compress", "nBytes", "data"}  # always gzip, where that is shorter
                continue
            assert different <= differ.get(kind, set()), kind


def test_positions_and_checksums_hold(tmp_path):
    path = tmp_path / "file.gwf"
    names = ["X1:Z", "X1:M", "X1:A"]
    frames = [(START + i * SECOND, SECOND, [samples_of("int32", 16, k) for k in range(3)]) for i in range(2)]
    write(path, [(name, "int32", 16) for name in names], frames)
    data = path.read_bytes()
    places, adc = {}, {}
    for at, kind, instance, values, _ in Dictionary().structures(data):
        places.setdefault(kind, []).append(at)
        if kind == "FrAdcData":
            adc.setdefault(values["name"], []).append(at)
        length = struct.unpack_from("<Q", data, at)[0]
        after = 8 if kind == "FrEndOfFile" else 4
        assert struct.unpack_from("<I", data, at + length - after)[0] == cksum(data[at : at + length - after])
        if kind == "FrTOC":
            toc = values
    assert toc["positionH"] == places["FrameH"] and toc["name"] == sorted(names)
    assert toc["nFirstADC"] == adc["X1:Z"]
    assert toc["positionADC"] == [place for name in sorted(names) for place in adc[name]]
    size, seek, header_sum = struct.unpack_from("<QQI", data, len(data) - 28)
    assert size == len(data) and len(data) - seek == places["FrTOC"][0]
    assert header_sum == cksum(data[:40])
    assert struct.unpack_from("<I", data, len(data) - 4)[0] == cksum(data[:-4])


def swapped(data):
    """The same file as a machine of the other byte order would have written it."""
    out = bytearray(data)
    for at, width in ((12, 2), (14, 4), (18, 8), (26, 4), (30, 8)):
        out[at : at + width] = data[at : at + width][::-1]
    for at, kind, _, values, pieces in Dictionary().structures(data):
        length = struct.unpack_from("<Q", data, at)[0]
        for place, width in pieces:
            if width > 0:
                out[place : place + width] = data[place : place + width][::-1]
        if kind == "FrVect" and values["compress"] == 256:
            dtype = numpy.dtype({0: "i1", 1: "<i2", 2: "<f8", 3: "<f4", 4: "<i4", 5: "<i8", 9: "<u2",
                                 10: "<u4", 11: "<u8", 12: "u1"}[values["type"]])  # fmt: skip
            place = at + 14 + 2 + len(values["name"]) + 1
            struct.pack_into(">H", out, place, 0)
            numbers = numpy.frombuffer(values["data"], dtype).byteswap().tobytes()
            out[place + 20 : place + 20 + len(numbers)] = numbers
        if kind == "FrEndOfFile":
            struct.pack_into(">I", out, len(out) - 12, cksum(out[:40]))
        end = at + length - (8 if kind == "FrEndOfFile" else 4)
        struct.pack_into(">I", out, end, cksum(out[at:end]))
    struct.pack_into(">I", out, len(out) - 4, cksum(out[:-4]))
    return bytes(out)


@pytest.mark.parametrize("level", [0, 1])
def test_a_file_of_the_other_byte_order_is_read(tmp_path, level):
    """With gzip the samples stay little-endian, which the vectors tell."""
    path, other = tmp_path / "file.gwf", tmp_path / "other.gwf"
    channels = {(f"X1:{dtype}", dtype, 256): samples_of(dtype, 256) // 3 for dtype in DTYPES}
    channels["X1:M", "int16", 256] = numpy.ma.MaskedArray(samples_of("int16", 256), numpy.arange(256) == 7)
    write(path, channels, [(START, SECOND, channels.values())], level)
    other.write_bytes(swapped(path.read_bytes()))
    ours = read(other)[START, SECOND]
    theirs = by_gwframe(other)
    for (name, _, rate), expected in channels.items():
        assert_same(ours[name][0], expected)
        assert ours[name][1:] == (rate, START)
        assert_same(theirs[name].to_masked(), expected)


def test_the_same_samples_give_the_same_bytes(tmp_path):
    one, two = tmp_path / "one.gwf", tmp_path / "two.gwf"
    mask = numpy.arange(256) < 20
    for path, filler in ((one, 0), (two, 7)):
        array = numpy.ma.MaskedArray(numpy.where(mask, filler, numpy.arange(256)).astype("float32"), mask)
        write(path, [("X1:A", "float32", 256)], [(START, SECOND, [array])], 6)
    assert one.read_bytes() == two.read_bytes()
