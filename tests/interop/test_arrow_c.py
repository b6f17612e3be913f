# SPDX-License-Identifier: Apache-2.0
"""The Arrow C data and stream interfaces of the release library, with pyarrow and nanoarrow at their
other end: what they take in is what the library has, and what they hand over it reads."""

import io
import os
import threading
from pathlib import Path

import cffi
import nanoarrow
import numpy
import pyarrow
import pytest
from nanoarrow.c_array import allocate_c_array
from nanoarrow.c_array_stream import allocate_c_array_stream
from nanoarrow.c_schema import allocate_c_schema
from pyarrow.cffi import c_source
from support import ROOT, SECOND

DTYPES = "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
START = 1_400_000_000 * SECOND

ffi = cffi.FFI()
ffi.cdef(c_source)
ffi.cdef("""
typedef struct { int status; char message[508]; } arrakis_error;
typedef struct { const void *samples; const uint8_t *valid; size_t length; int data_type; } arrakis_series;
typedef struct arrakis_channels arrakis_channels;
typedef struct arrakis_channel arrakis_channel;
typedef struct arrakis_block arrakis_block;
typedef struct arrakis_reader arrakis_reader;
typedef struct arrakis_stream arrakis_stream;
typedef struct arrakis_arrow_writer arrakis_arrow_writer;
typedef struct {
    size_t struct_size;
    int64_t start_ns, end_ns, duration_ns;
    int on_gap;
    int64_t stride_ns, latency_tolerance_ns;
} arrakis_stream_options;
int arrakis_dtype_parse(const char *);
int arrakis_channel_from_json(arrakis_channel **, const char *, size_t, arrakis_error *);
void arrakis_channel_unref(arrakis_channel *);
int arrakis_channels_new(arrakis_channels **, arrakis_error *);
int arrakis_channels_add(arrakis_channels *, arrakis_channel *, arrakis_error *);
void arrakis_channels_unref(arrakis_channels *);
int arrakis_block_new(arrakis_block **, arrakis_channels *, int64_t, int64_t, const arrakis_series *,
                      arrakis_error *);
void arrakis_block_unref(arrakis_block *);
int64_t arrakis_block_start_ns(const arrakis_block *);
arrakis_series arrakis_block_series(const arrakis_block *, size_t);
int arrakis_arrow_writer_new(arrakis_arrow_writer **, const arrakis_channels *, arrakis_error *);
int arrakis_arrow_writer_schema(arrakis_arrow_writer *, const void **, size_t *, arrakis_error *);
int arrakis_arrow_writer_block(arrakis_arrow_writer *, const arrakis_block *, const void **, size_t *,
                               arrakis_error *);
void arrakis_arrow_writer_free(arrakis_arrow_writer *);
int arrakis_memory_reader_new(arrakis_reader **, arrakis_channels *, arrakis_error *);
int arrakis_memory_reader_push(arrakis_reader *, size_t, const void *, size_t, arrakis_error *);
void arrakis_memory_reader_finish(arrakis_reader *);
int arrakis_stream_open(arrakis_stream **, arrakis_reader *, const arrakis_stream_options *,
                        arrakis_error *);
int arrakis_channels_export_schema(const arrakis_channels *, struct ArrowSchema *, arrakis_error *);
int arrakis_block_export(const arrakis_block *, struct ArrowArray *, arrakis_error *);
int arrakis_rows_export_schema(int, struct ArrowSchema *, arrakis_error *);
int arrakis_block_export_rows(const arrakis_block *, int, const uint32_t *, struct ArrowArray *,
                              arrakis_error *);
int arrakis_stream_export(arrakis_stream *, struct ArrowArrayStream *, arrakis_error *);
int arrakis_block_import(arrakis_block **, arrakis_channels *, const struct ArrowSchema *,
                         const struct ArrowArray *, int64_t, arrakis_error *);
""")


@pytest.fixture(scope="module")
def lib():
    program = Path(os.environ.get("ARRAKIS_RELEASE_CLI", ROOT / "build" / "arrakis-cli"))
    return ffi.dlopen(str(program.parent / "libarrakis.so"))


def ok(function, *arguments):
    err = ffi.new("arrakis_error *")
    status = function(*arguments, err)
    assert status == 0, ffi.string(err.message).decode()


def made(lib, function, kind, free, *arguments):
    """What a constructor gives, freed with the object."""
    out = ffi.new(f"{kind} **")
    ok(function, out, *arguments)
    return ffi.gc(out[0], free) if free else out[0]


class Side:
    """Channels of every data type and a block of theirs, with samples that are missing."""

    def __init__(self, lib, rates=(4, 2, 1, 16, 8)):
        self.lib = lib
        self.names = [f"X:{dtype.upper()}-{i}" for i in (1, 0) for dtype in reversed(DTYPES)]
        self.dtypes = [*reversed(DTYPES)] * 2
        self.rates = [rates[i % len(rates)] for i in range(len(self.names))]
        self.channels = made(lib, lib.arrakis_channels_new, "arrakis_channels",
                             lib.arrakis_channels_unref)  # fmt: skip
        for i, (name, dtype, rate) in enumerate(zip(self.names, self.dtypes, self.rates)):
            json = (
                f'{{"name": "{name}", "data_type": "{dtype}", "sample_rate": {rate}, '
                f'"partition_id": "{dtype}", "partition_index": {i}, "stride": {SECOND}, "max_latency": {SECOND}}}'
            ).encode()
            channel = made(lib, lib.arrakis_channel_from_json, "arrakis_channel",
                           lib.arrakis_channel_unref, json, len(json))  # fmt: skip
            ok(lib.arrakis_channels_add, self.channels, channel)

    def values(self, second=0):
        """{name: samples, None where one is missing}; one channel is wholly missing."""
        out = {}
        for i, (name, dtype, rate) in enumerate(zip(self.names, self.dtypes, self.rates)):
            samples = numpy.arange(100 * second + i, 100 * second + i + rate).astype(dtype).tolist()
            if i % 3 == 0:
                samples[i % rate] = None
            out[name] = [None] * rate if i == 5 else samples
        return out

    def block(self, second=0):
        series = ffi.new("arrakis_series[]", len(self.names))
        keep = []
        for s, (name, values), dtype in zip(series, self.values(second).items(), self.dtypes):
            array = numpy.array([0 if v is None else v for v in values], dtype=dtype)
            valid = numpy.packbits([v is not None for v in values], bitorder="little")
            keep += [array, valid]
            s.samples = ffi.cast("void *", array.ctypes.data)
            s.valid = ffi.cast("uint8_t *", valid.ctypes.data)
            s.length = len(values)
            s.data_type = self.lib.arrakis_dtype_parse(dtype.encode())
        return made(self.lib, self.lib.arrakis_block_new, "arrakis_block",
                    self.lib.arrakis_block_unref, self.channels, START + second * SECOND, SECOND,
                    series)  # fmt: skip

    def samples(self, block):
        """The same of a block of the library's."""
        out = {}
        for i, (name, dtype) in enumerate(zip(self.names, self.dtypes)):
            s = self.lib.arrakis_block_series(block, i)
            size = s.length * numpy.dtype(dtype).itemsize
            array = numpy.frombuffer(ffi.buffer(s.samples, size), dtype).tolist()
            if s.valid != ffi.NULL:
                bits = numpy.frombuffer(ffi.buffer(s.valid, s.length // 8 + 1), "uint8")
                present = numpy.unpackbits(bits, bitorder="little")
                array = [v if p else None for v, p in zip(array, present)]
            out[name] = array
        return out

    def schema(self):
        c = ffi.new("struct ArrowSchema *")
        ok(self.lib.arrakis_channels_export_schema, self.channels, c)
        return pyarrow.Schema._import_from_c(address(c))

    def batch(self, block):
        c = ffi.new("struct ArrowArray *")
        ok(self.lib.arrakis_block_export, block, c)
        batch = pyarrow.RecordBatch._import_from_c(address(c), self.schema())
        batch.validate(full=True)
        return batch


def address(pointer):
    return int(ffi.cast("uintptr_t", pointer))


def row_of(batch, row=0):
    out = batch.slice(row, 1).to_pylist()[0]
    return out.pop("time"), out


@pytest.fixture
def side(lib):
    return Side(lib)


def written(side, block):
    """What arrakis_arrow_writer makes of the block."""
    lib = side.lib
    writer = made(lib, lib.arrakis_arrow_writer_new, "arrakis_arrow_writer",
                  lib.arrakis_arrow_writer_free, side.channels)  # fmt: skip
    data, size, bytes_ = ffi.new("void **"), ffi.new("size_t *"), b""
    for call in (lib.arrakis_arrow_writer_schema, lib.arrakis_arrow_writer_block):
        arguments = (writer, block) if call == lib.arrakis_arrow_writer_block else (writer,)
        ok(call, *arguments, ffi.cast("const void **", data), size)
        bytes_ += ffi.buffer(data[0], size[0])[:]
    return pyarrow.ipc.open_stream(io.BytesIO(bytes_)).read_next_batch()


# ---------------------------------------------------------------- out


def test_pyarrow_takes_a_block(side):
    block = side.block()
    batch = side.batch(block)
    assert batch.schema.equals(written(side, block).schema, check_metadata=True)
    assert batch.equals(written(side, block))
    ffi.release(block)
    assert row_of(batch) == (START, side.values())


def test_a_column_outlives_all_else(side):
    batch = side.batch(side.block())
    column = batch.column(side.names[3])
    del batch
    assert column.to_pylist() == [side.values()[side.names[3]]]


def test_columns_are_released_by_other_threads(side):
    for _ in range(20):
        batch = side.batch(side.block())
        columns = list(batch.columns)
        del batch
        threads = [threading.Thread(target=columns.pop) for _ in range(4)]
        for t in threads:
            t.start()
        left = columns[0].to_pylist()
        for t in threads:
            t.join()
        assert left == [START]


def test_pyarrow_takes_rows(side):
    lib = side.lib
    block, values = side.block(), side.values()
    ids = ffi.new("uint32_t[]", [*range(1000, 1000 + len(side.names))])
    for dtype in DTYPES:
        number = lib.arrakis_dtype_parse(dtype.encode())
        schema, array = ffi.new("struct ArrowSchema *"), ffi.new("struct ArrowArray *")
        ok(lib.arrakis_rows_export_schema, number, schema)
        ok(lib.arrakis_block_export_rows, block, number, ids, array)
        batch = pyarrow.RecordBatch._import_from_c(address(array), address(schema))
        batch.validate(full=True)
        mine = [i for i, d in enumerate(side.dtypes) if d == dtype]
        assert batch.to_pydict() == {
            "time": [START] * len(mine),
            "id": [1000 + i for i in mine],
            "data": [values[side.names[i]] for i in mine],
        }


def test_nanoarrow_takes_a_block(side):
    lib = side.lib
    schema = allocate_c_schema()
    ok(lib.arrakis_channels_export_schema, side.channels,
       ffi.cast("struct ArrowSchema *", schema._addr()))  # fmt: skip
    array = allocate_c_array(schema)
    ok(lib.arrakis_block_export, side.block(), ffi.cast("struct ArrowArray *", array._addr()))
    row = nanoarrow.Array(array).to_pylist()[0]
    assert row.pop("time") == START
    assert row == side.values()


# ---------------------------------------------------------------- streams


def message(side, dtype, second):
    """A message of the partition of this data type, as pyarrow writes it."""
    mine = [i for i, d in enumerate(side.dtypes) if d == dtype]
    values = side.values(second)
    batch = pyarrow.record_batch({
        "time": pyarrow.array([START + second * SECOND] * len(mine), pyarrow.int64()),
        "id": pyarrow.array(mine, pyarrow.uint32()),
        "data": pyarrow.array([values[side.names[i]] for i in mine],
                              pyarrow.list_(getattr(pyarrow, dtype)())),
    })  # fmt: skip
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, batch.schema) as out:
        out.write_batch(batch)
    return sink.getvalue()


def exported_stream(side, seconds, out):
    """Export into `out` a stream over such messages; a reader has its partitions by name."""
    lib = side.lib
    reader = made(lib, lib.arrakis_memory_reader_new, "arrakis_reader", None, side.channels)
    for stream, dtype in enumerate(sorted(DTYPES)):
        for second in range(seconds):
            data = message(side, dtype, second)
            ok(lib.arrakis_memory_reader_push, reader, stream, data, len(data))
    lib.arrakis_memory_reader_finish(reader)
    options = ffi.new("arrakis_stream_options *")
    unset = -(2**63)
    options[0] = (ffi.sizeof("arrakis_stream_options"), START, START + seconds * SECOND, unset, 0,
                  unset, unset)  # fmt: skip
    stream = made(lib, lib.arrakis_stream_open, "arrakis_stream", None, reader, options)
    ok(lib.arrakis_stream_export, stream, ffi.cast("struct ArrowArrayStream *", out))


def test_pyarrow_takes_a_stream(side):
    out = ffi.new("struct ArrowArrayStream *")
    exported_stream(side, 5, out)
    reader = pyarrow.RecordBatchReader._import_from_c(address(out))
    assert reader.schema.equals(side.schema(), check_metadata=True)
    batches = list(reader)
    reader.close()
    assert [row_of(b) for b in batches] == [
        (START + s * SECOND, side.values(s)) for s in range(5)
    ]


def test_nanoarrow_takes_a_stream(side):
    stream = allocate_c_array_stream()
    exported_stream(side, 3, stream._addr())
    rows = nanoarrow.Array(stream).to_pylist()
    assert [row.pop("time") for row in rows] == [START + s * SECOND for s in range(3)]
    assert rows == [side.values(s) for s in range(3)]


# ---------------------------------------------------------------- in


def imported(side, batch, row=0):
    schema, array = ffi.new("struct ArrowSchema *"), ffi.new("struct ArrowArray *")
    batch._export_to_c(address(array), address(schema))
    try:
        return made(side.lib, side.lib.arrakis_block_import, "arrakis_block",
                    side.lib.arrakis_block_unref, side.channels, schema, array, row)  # fmt: skip
    finally:
        array.release(array)
        schema.release(schema)


def table(side, seconds, kind=pyarrow.list_):
    columns = {"time": pyarrow.array([START + s * SECOND for s in range(seconds)], pyarrow.int64())}
    for name, dtype, rate in zip(side.names, side.dtypes, side.rates):
        inner = getattr(pyarrow, dtype)()
        of = pyarrow.list_(inner, rate) if kind == "fixed" else kind(inner)
        columns[name] = pyarrow.array([side.values(s)[name] for s in range(seconds)], of)
    return pyarrow.record_batch(columns)


@pytest.mark.parametrize("kind", [pyarrow.list_, pyarrow.large_list, "fixed"])
def test_the_library_takes_what_pyarrow_has(side, kind):
    batch = table(side, 5, kind)
    for part, first in ((batch, 0), (batch.slice(2), 2), (batch.slice(3, 1), 3)):
        for row in range(part.num_rows):
            block = imported(side, part, row)
            assert side.lib.arrakis_block_start_ns(block) == START + (first + row) * SECOND
            assert side.samples(block) == side.values(first + row)


def test_a_block_goes_round(side):
    block = imported(side, side.batch(side.block(7)))
    assert side.samples(block) == side.values(7)
