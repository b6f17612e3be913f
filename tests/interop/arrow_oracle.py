# SPDX-License-Identifier: Apache-2.0
"""pyarrow and the reference as oracle for arrow_ipc, in both directions.

    python arrow_oracle.py TOOL [--seed N] [--cases N]   compare; exit 1 at the first difference
    python arrow_oracle.py --corpus DIRECTORY            write the fuzz corpus

TOOL is the program made of arrow_tool.c. Reading: what it says of pyarrow's bytes is what pyarrow
says of them. Writing: read and written again, the bytes are the same.
"""

import argparse
import pathlib
import random
import struct
import subprocess
import sys

import numpy
import pyarrow as pa
from arrakis import Channel, schemas
from arrakis.block import SeriesBlock
from arrakis.publish import serialize_batch

DTYPES = (
    "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64".split()
)


class Tool:
    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, mode, data):
        """(status, bytes) for one request."""
        data = bytes(data)
        self.process.stdin.write(mode.encode() + struct.pack("<I", len(data)) + data)
        self.process.stdin.flush()
        head = self.process.stdout.read(8)
        if len(head) < 8:
            raise SystemExit(f"tool ended with {self.process.wait()} at mode {mode}")
        status, size = struct.unpack("<iI", head)
        return status, self.process.stdout.read(size)

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit(f"tool ended with {self.process.returncode}")


def stream(schema, batches, **options):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(**options) if options else None
    with pa.ipc.new_stream(sink, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def samples(rng, dtype, count, null_share):
    """Random samples; masked ones are zero underneath, as arrow_ipc writes them."""
    raw = rng.bytes(count * numpy.dtype(dtype).itemsize)
    values = numpy.frombuffer(raw, dtype=dtype).copy()
    if null_share is None:
        return values
    mask = rng.random(count) < null_share
    values[mask] = 0
    return numpy.ma.array(values, mask=mask)


def block(rng, dtypes, lengths, null_shares):
    data, channels = {}, {}
    for i, (dtype, length) in enumerate(zip(dtypes, lengths)):
        name = f"H1:TST-CHANNEL_{i}"
        data[name] = samples(rng, dtype, length, null_shares[i])
        channels[name] = Channel(
            name, dtype, 16 * max(length, 1), partition_id="p", partition_index=int(rng.integers(2**32))
        )
    return SeriesBlock(int(rng.integers(2**62)), data, channels)


def row_message(a_block):
    ((_, batch),) = a_block.to_row_batches(a_block.channels)
    return serialize_batch(batch).to_pybytes()


def column_message(a_block, rates):
    channels = [
        Channel(c.name, c.data_type, rate) for c, rate in zip(a_block.channels.values(), rates)
    ]
    schema = schemas.stream(channels)
    return stream(schema, [a_block.to_column_batch(schema)])


# ---- what the tool prints for an Arrow stream, as pyarrow reads it


def hex_of(scalar):
    dtype = numpy.dtype(scalar.type.to_pandas_dtype())
    return numpy.array([scalar.as_py()], dtype=dtype).tobytes().hex()


def words(scalar):
    if not scalar.is_valid:
        return "null"
    if pa.types.is_string(scalar.type):
        return f"'{scalar.as_py()}'"
    if pa.types.is_map(scalar.type):
        items = ["'%s'=%s" % (k, "null" if v is None else f"'{v}'") for k, v in scalar.as_py()]
        return "".join(["[", *(" " + item for item in items), " ]"])
    if pa.types.is_list(scalar.type):
        return "".join(["[", *(" " + words(value) for value in scalar.values), " ]"])
    return hex_of(scalar)


def is_other(kind):
    """Whether a column of that type is only checked."""
    if pa.types.is_map(kind):
        return kind.key_type != pa.string() or kind.item_type != pa.string()
    if pa.types.is_list(kind):
        return is_other(kind.value_type) or not pa.types.is_primitive(kind.value_type)
    return not (pa.types.is_string(kind) or pa.types.is_integer(kind) or kind in (pa.float32(), pa.float64()))


def kind_of(field):
    if is_other(field.type):
        return "other none"
    if pa.types.is_string(field.type):
        return "utf8 none"
    if pa.types.is_map(field.type):
        return "map none"
    if pa.types.is_list(field.type):
        return f"list {numpy.dtype(field.type.value_type.to_pandas_dtype()).name}"
    return f"primitive {numpy.dtype(field.type.to_pandas_dtype()).name}"


def describe(data):
    lines = []
    with pa.ipc.open_stream(data) as reader:
        for field in reader.schema:
            rate = (field.metadata or {}).get(b"rate", b"-").decode()
            null = "nullable" if field.nullable else "required"
            lines.append(f"field {field.name} {kind_of(field)} {null} rate={rate}")
        for batch in reader:
            lines.append(f"batch {batch.num_rows}")
            for name, column in zip(batch.schema.names, batch.columns):
                child = 0
                if pa.types.is_list(column.type) and not pa.types.is_map(column.type):
                    child = column.values.null_count
                shown = [] if is_other(column.type) else column
                text = "".join(" " + words(value) for value in shown)
                lines.append(f"column {name} nulls={column.null_count} child_nulls={child}:{text}")
    return "".join(line + "\n" for line in lines).encode()


# ---- streams of every kind that is read


def readable(rng):
    """(name, bytes)"""
    yield "empty-schema", stream(pa.schema([]), [])
    for dtype in ("float32", "uint64"):
        yield f"rows-{dtype}", row_message(block(rng, [dtype] * 3, [2] * 3, [None] * 3))
    yield "dtypes", column_message(block(rng, DTYPES, [2] * 10, [None] * 10), [32] * 10)
    yield "rows-nulls", row_message(block(rng, ["int16"] * 4, [5] * 4, [None, 0.5, 1.0, 0.5]))
    rows = pa.schema(
        [("time", pa.int64()), ("id", pa.uint32()), ("data", pa.list_(pa.float32()))]
    )
    signed = pa.schema(
        [("time", pa.int64()), ("id", pa.int32()), ("data", pa.list_(pa.int32()))]
    )

    def batch(schema, ids, data):
        return pa.record_batch([[10**18] * len(ids), ids, data], schema=schema)

    one = batch(rows, [3, 4, 5], [[1.0, None], None, [2.5]])
    two = batch(rows, [6], [[7.0, 8.0]])
    yield "rows-null-lists", stream(rows, [one])
    yield "rows-two-batches", stream(rows, [one, two])
    yield "rows-empty-batch", stream(rows, [batch(rows, [], [])])
    yield "rows-empty-lists", stream(rows, [batch(rows, [1, 2], [[], []])])
    yield "rows-slice", stream(rows, [one.slice(1, 2)])
    yield "rows-int32-ids", stream(signed, [batch(signed, [1, -2], [[1, 2], [3, None]])])
    yield "rows-old-framing", stream(rows, [one], use_legacy_format=True)
    yield "rows-v4", stream(rows, [one], metadata_version=pa.ipc.MetadataVersion.V4)
    yield "rows-null-spans", stream(rows, [null_spans(rows)])
    yield "columns", column_message(block(rng, ["float32", "int16"], [4, 2], [None] * 2), [64, 0.5])
    yield "columns-nulls", column_message(block(rng, ["float64"] * 2, [3, 9], [0.5, 1.0]), [1, 3])
    find = schemas.metadata()
    yield "metadata", stream(find, [channel_rows(find)])
    partition = schemas.metadata("partition")
    answer = pa.record_batch(
        [["H1:A-B", "H1:C"], ["float32", "int16"], [16, 1], ["p0", None], [7, None]],
        schema=partition,
    )
    yield "partition", stream(partition, [answer])
    publish = schemas.publish()
    properties = [[("bootstrap.servers", "127.0.0.1:9092"), ("empty", "")], [("null", None)], []]
    yield "properties", stream(
        publish, [pa.record_batch([pa.array(properties, publish.field(0).type)], schema=publish)]
    )
    yield "count", stream(schemas.count(), [pa.record_batch([[42]], schema=schemas.count())])
    for name, dtype in {
        "float16": pa.float16(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("ns"),
        "nested": pa.list_(pa.list_(pa.int8())),
        "struct": pa.struct([("a", pa.int8())]),
        "view": pa.string_view(),
        "map-numbers": pa.map_(pa.string(), pa.int8()),
    }.items():
        schema = pa.schema([("odd", dtype)])
        empty = pa.record_batch([pa.array([], dtype)], schema=schema)
        yield f"other-{name}", stream(schema, [empty])


def null_spans(schema):
    """Null lists that have samples all the same."""
    data = pa.ListArray.from_arrays(
        pa.array([1, 2, 4, 5], pa.int32()),
        pa.array([9.0, 1.0, 2.0, 3.0, 4.0, 5.0], pa.float32()),
        mask=pa.array([False, True, False]),
    )
    return pa.RecordBatch.from_arrays(
        [pa.array([5, 5, 5], pa.int64()), pa.array([1, 2, 3], pa.uint32()), data], schema=schema
    )


def channel_rows(schema):
    columns = {
        "channel": ["H1:SYS-A", "L1:\u00fc_\u03a9"],
        "data_type": ["float64", "uint32"],
        "sample_rate": [16384, 16],
        "partition_id": ["p0", None],
        "partition_index": [3, None],
        "publisher": ["pub", None],
        "stride": [62500000, None],
        "max_latency": [1000000000, None],
        "replay_id": [None, None],
    }
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


# ---- streams of kinds that are refused


def refused():
    """(name, bytes, what the error must name)"""
    numbers = pa.schema([("x", pa.int64())])
    long = pa.record_batch([[1] * 100], schema=numbers)
    yield "compressed-lz4", stream(numbers, [long], compression="lz4"), "LZ4"
    yield "compressed-zstd", stream(numbers, [long], compression="zstd"), "ZSTD"
    words_ = pa.array(["a", "b", "a"]).dictionary_encode()
    coded = pa.record_batch([words_], names=["coded"])
    yield "dictionary", stream(coded.schema, [coded]), "dictionary"
    big = bytearray(stream(numbers, [pa.record_batch([[1]], schema=numbers)]))
    yield "big-endian", bytes(make_big_endian(big)), "big-endian"


def make_big_endian(data):
    """pyarrow writes only its own byte order: add the field to the schema's table by hand."""
    header = 8
    message = header + struct.unpack_from("<I", data, header)[0]

    def field(table, number):
        vtable = table - struct.unpack_from("<i", data, table)[0]
        return vtable + 4 + 2 * number

    at = message + struct.unpack_from("<H", data, field(message, 2))[0]
    schema = at + struct.unpack_from("<I", data, at)[0]
    # An absent endianness has its slot all the same: point it at a byte that reads as 1.
    for offset in range(4, 64):
        if struct.unpack_from("<H", data, schema + offset)[0] == 1:
            struct.pack_into("<H", data, field(schema, 0), offset)
            return data
    raise AssertionError("no place that reads as 1")


# ---- the runs


def fail(name, wanted, found):
    sys.stderr.write(f"{name}: differs\nwanted {wanted[:2000]!r}\nfound  {found[:2000]!r}\n")
    sys.exit(1)


def check_rewritten(tool, name, mode, data):
    status, answer = tool.ask(mode, data)
    if status != 0 or answer != data:
        fail(name, data, answer)


def check_reading(tool, rng):
    count = 0
    for name, data in readable(rng):
        status, answer = tool.ask("d", data)
        if status != 0 or answer != describe(data):
            fail(name, describe(data), answer)
        for size in range(len(data)):
            status, answer = tool.ask("d", data[:size])
            if status not in (0, -4):
                fail(f"{name} cut to {size} bytes", b"0 or -4", b"%d " % status + answer)
        count += 1
    for name, data, word in refused():
        status, answer = tool.ask("d", data)
        if status != -5 or word not in answer.decode():
            fail(name, word.encode(), b"%d " % status + answer)
        count += 1
    print(f"read: {count} streams, each of them also cut at every byte")


def check_rows(tool, rng, cases):
    pick = random.Random(int(rng.integers(2**32)))
    written = 0
    for case in range(cases):
        rows = pick.choice([1, 2, 3, 7, 8, 9, 80, 100, 1000])
        length = pick.choice([0, 1, 2, 3, 7, 16, 63, 64, 65, 512, 1024, 16384])
        if rows * length > 2**18:
            rows = 2**18 // length
        lengths = [length] * rows
        if length and case % 5 == 0:
            lengths = [pick.randrange(1, 70) for _ in range(rows)]
        shares = pick.choice(
            [
                [None] * rows,
                [0.0] * rows,
                [1.0] * rows,
                [pick.choice([None, 0.0, 0.01, 0.5, 1.0]) for _ in range(rows)],
            ]
        )
        dtype = DTYPES[case % len(DTYPES)]
        data = row_message(block(rng, [dtype] * rows, lengths, shares))
        for mode in "rn":
            check_rewritten(tool, f"{rows} rows of {length} {dtype}, case {case}", mode, data)
        written += len(data)
    print(f"rows: {cases} messages, {written} bytes identical")


def check_columns(tool, rng, cases):
    pick = random.Random(int(rng.integers(2**32)))
    written = 0
    for case in range(cases):
        count = pick.choice([0, 1, 2, 5, 40, 300])
        dtypes = [pick.choice(DTYPES) for _ in range(count)]
        lengths = [pick.choice([1, 2, 3, 16, 63, 64, 65, 1000]) for _ in range(count)]
        shares = [pick.choice([None, None, 0.0, 0.5, 1.0]) for _ in range(count)]
        rates = [pick.choice([16, 16384, 0.5, 1 / 3, 1e-5, 4294967295]) for _ in range(count)]
        data = column_message(block(rng, dtypes, lengths, shares), rates)
        check_rewritten(tool, f"{count} columns, case {case}", "c", data)
        written += len(data)
    print(f"columns: {cases} streams, {written} bytes identical")


def write_corpus(directory):
    rng = numpy.random.default_rng(1)
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in readable(rng):
        (directory / name).write_bytes(data)
    for name, data, _ in refused():
        (directory / f"refused-{name}").write_bytes(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", nargs="?")
    parser.add_argument("--corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=400)
    args = parser.parse_args()
    if args.corpus:
        write_corpus(args.corpus)
        return
    tool = Tool(args.tool)
    rng = numpy.random.default_rng(args.seed)
    check_reading(tool, rng)
    check_rows(tool, rng, args.cases)
    check_columns(tool, rng, args.cases)
    tool.close()


if __name__ == "__main__":
    main()
