# SPDX-License-Identifier: Apache-2.0
"""Mutated Kafka messages, read by pyarrow with full validation and by our decoder: what one refuses
the other refuses, and what is read is the same rows.

    python arrow_fuzz.py TOOL [--messages N] [--seed S] [--block B] [--jobs J]
    python arrow_fuzz.py --corpus DIRECTORY [--messages N]

TOOL is the program made of rows_tool.c. Messages come in blocks of a thousand; a block depends on the
seed and its number alone: `--block B` runs it again. A message on which the two disagree is left in
`disagreement-S-B-I`. Each block is of messages built by pyarrow (columns of all types, names that come
several times, several batches, nulls, both framings and versions), and of mutations of them.
"""

import argparse
import collections
import decimal
import mmap
import os
import pathlib
import random
import struct
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

BLOCK = 1000  # messages
BASES = 12  # of them built afresh
IDS = [0, 1, 2, 3, 4, 5, 70000, 4294967295]
SAMPLES = 4  # in a stride
LATEST_NS = 4_000_000_000_000_000_000

# What pyarrow reads and ours refuses on purpose, by what its error holds. docs/wire.md has the reasons.
EXCEPTIONS = {
    "dictionary-encoded": "dictionaries are not read",
    "big-endian": "samples are used where they lie, little-endian",
    "is compressed": "compressed buffers are not read",
    "by which it may be compressed": "the compression of Arrow 0.17 is not looked for",
    "fields, over 65536": "memory",
    "over 262144 fields": "memory",
    "to over 16 times its body": "buffers that overlap make work without end",
    "more text than 8 times": "texts that are shared make work without end",
}


# ---- messages as pyarrow builds them


def array_of(rng, kind, count, nulls=0.2):
    """A random array of a type, with nulls here and there."""
    if pa.types.is_run_end_encoded(kind):
        runs = sorted(rng.sample(range(1, count + 2), k=min(count, rng.randint(1, 3)))) or []
        if count:
            runs[-1] = count
            runs = sorted(set(run for run in runs if run <= count))
        ends = pa.array(runs, kind.run_end_type)
        return pa.RunEndEncodedArray.from_arrays(ends, array_of(rng, kind.value_type, len(runs)))
    if pa.types.is_union(kind):
        codes = [rng.randrange(kind.num_fields) for _ in range(count)]
        fields = [kind.field(i) for i in range(kind.num_fields)]
        names = [field.name for field in fields]
        if kind.mode == "sparse":
            children = [array_of(rng, field.type, count) for field in fields]
            return pa.UnionArray.from_sparse(pa.array(codes, pa.int8()), children, names)
        offsets, lengths = [], [0] * len(fields)
        for code in codes:
            offsets.append(lengths[code])
            lengths[code] += 1
        children = [array_of(rng, f.type, n) for f, n in zip(fields, lengths)]
        return pa.UnionArray.from_dense(
            pa.array(codes, pa.int8()), pa.array(offsets, pa.int32()), children, names
        )
    if pa.types.is_dictionary(kind):
        return array_of(rng, kind.value_type, count).dictionary_encode()
    return pa.array([value_of(rng, kind, nulls) for _ in range(count)], kind)


def value_of(rng, kind, nulls=0.2):
    """A random Python value of a type."""
    if pa.types.is_null(kind) or rng.random() < nulls:
        return None
    if pa.types.is_boolean(kind):
        return rng.random() < 0.5
    if pa.types.is_integer(kind):
        bits = kind.bit_width - pa.types.is_signed_integer(kind)
        return rng.getrandbits(bits)
    if pa.types.is_float16(kind):
        return np.float16(rng.random())
    if pa.types.is_floating(kind):
        return rng.random()
    if pa.types.is_decimal(kind):
        return decimal.Decimal(rng.randrange(10**kind.precision)).scaleb(-kind.scale)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        unit = 86_400_000 if pa.types.is_date64(kind) else 1
        return pa.scalar(rng.randrange(10_000) * unit, pa.int64()).cast(
            pa.int32() if pa.types.is_date32(kind) else pa.int64()
        ).cast(kind)
    if pa.types.is_time(kind):
        width = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        return pa.scalar(rng.randrange(86_400), width).cast(kind)
    if kind == pa.month_day_nano_interval():
        return pa.MonthDayNano([rng.randrange(9), rng.randrange(9), rng.randrange(9)])
    if pa.types.is_fixed_size_binary(kind):
        return rng.randbytes(kind.byte_width)
    if is_text(kind):
        return "".join(rng.choice(["a", "b", "\u00fc", "\u6c34", "\U0001f30a"]) for _ in range(rng.randrange(20)))
    if is_bytes(kind):
        return rng.randbytes(rng.randrange(20))
    if pa.types.is_fixed_size_list(kind):
        return [value_of(rng, kind.value_type) for _ in range(kind.list_size)]
    if pa.types.is_map(kind):
        return [
            (value_of(rng, kind.key_type, 0), value_of(rng, kind.item_type))
            for _ in range(rng.randrange(3))
        ]
    if pa.types.is_struct(kind):
        return {f.name: value_of(rng, f.type) for f in kind}
    return [value_of(rng, kind.value_type) for _ in range(rng.randrange(4))]  # lists of any kind


def is_text(kind):
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def is_bytes(kind):
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view())


SIMPLE = [
    pa.null(), pa.bool_(), pa.int8(), pa.uint16(), pa.int32(), pa.int64(), pa.uint64(), pa.float16(),
    pa.float32(), pa.float64(), pa.decimal32(7, 2), pa.decimal64(15, 3), pa.decimal128(30, 5),
    pa.decimal256(70, 9), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"),
    pa.time64("ns"), pa.timestamp("ns"), pa.timestamp("s", "UTC"), pa.duration("ms"),
    pa.month_day_nano_interval(), pa.binary(), pa.string(), pa.large_binary(), pa.large_string(),
    pa.binary_view(), pa.string_view(), pa.binary(5), pa.binary(0),
]  # fmt: skip


def type_of(rng):
    """A random type."""
    if rng.random() < 0.55:
        return rng.choice(SIMPLE)
    plain = lambda: rng.choice(SIMPLE)
    pick = rng.randrange(13)
    if pick < 5:
        return [pa.list_, pa.large_list, pa.list_view, pa.large_list_view, lambda t: pa.list_(t, 2)][pick](plain())
    if pick == 5:
        return pa.struct([pa.field(f"f{i}", plain()) for i in range(rng.randrange(3))])
    if pick == 6:
        return pa.map_(rng.choice([pa.string(), pa.int16(), pa.binary(3)]), plain())
    if pick == 7:
        return pa.run_end_encoded(rng.choice([pa.int16(), pa.int32(), pa.int64()]), plain())
    if pick < 10:
        make = pa.sparse_union if pick == 8 else pa.dense_union
        return make([pa.field(f"u{i}", plain()) for i in range(rng.randint(1, 3))])
    if pick == 10 and rng.random() < 0.3:
        return pa.dictionary(pa.int32(), pa.string())
    return pa.list_(pa.struct([pa.field("x", plain()), pa.field("y", plain())]))


def samples_of(rng, kind, rows, length):
    lists = []
    for _ in range(rows):
        n = length if rng.random() < 0.97 else rng.randrange(7)
        lists.append([None if rng.random() < rng.choice([0, 0, 0.3]) else rng.randrange(100) for _ in range(n)])
        if rng.random() < 0.05:
            lists[-1] = None
    return pa.array(lists, kind)


def columns_of(rng):
    """Names and types: time, id, data, and others; now and then wrong, missing or twice."""
    odd = lambda usual, others: usual if rng.random() < 0.96 else rng.choice(others)
    columns = [
        ("time", odd(pa.int64(), [pa.uint64(), pa.string(), pa.timestamp("ns"), pa.int32()])),
        ("id", odd(pa.uint32(), [pa.int32(), pa.int32(), pa.int64(), pa.uint16(), pa.string()])),
        ("data", odd(pa.list_(pa.float32()), [
            pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_view(pa.float32()),
            pa.list_(pa.float32(), 4), pa.list_(pa.list_(pa.float32())), pa.float32(), pa.string()])),
    ]  # fmt: skip
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        name = rng.choice(["x", "y", "flags", "", "time\0", "data ", "\u00fc" * 30])
        columns.insert(rng.randrange(len(columns) + 1), (name, type_of(rng)))
    if rng.random() < 0.05:
        name, kind = rng.choice(columns[:])
        columns.append((name, kind if rng.random() < 0.5 else type_of(rng)))
    if rng.random() < 0.02:
        columns.pop(rng.randrange(len(columns)))
    if rng.random() < 0.3:
        rng.shuffle(columns)
    return columns


def batch_of(rng, schema, kinds, time_ns):
    rows = rng.choice([0, 1, 2, 3, 3, 5])
    arrays = []
    ids = rng.sample(IDS + [6, 9], k=rows)
    for (name, kind), field in zip(kinds, schema):
        if name == "time" and kind == pa.int64():
            times = [time_ns] * rows
            if rows and rng.random() < 0.04:
                times[rng.randrange(rows)] = rng.choice([None, 0, -1, 2**62, time_ns + 1])
            arrays.append(pa.array(times, kind))
        elif name == "id" and kind in (pa.uint32(), pa.int32(), pa.int64()):
            wide = [i if kind != pa.int32() or i < 2**31 else -1 for i in ids]
            arrays.append(pa.array([None if rng.random() < 0.03 else i for i in wide], kind))
        elif name == "data" and kind == pa.list_(pa.float32()):
            arrays.append(samples_of(rng, kind, rows, SAMPLES))
        else:
            arrays.append(array_of(rng, kind, rows))
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    return batch.slice(1) if rows > 1 and rng.random() < 0.1 else batch


def message_of(rng):
    """A message as pyarrow writes it."""
    kinds = columns_of(rng)
    schema = pa.schema(
        [
            pa.field(name, kind, metadata={"rate": "64"} if rng.random() < 0.1 else None)
            for name, kind in kinds
        ],
        metadata={"a": "b"} if rng.random() < 0.1 else None,
    )
    options = {}
    if rng.random() < 0.08:
        options["metadata_version"] = pa.ipc.MetadataVersion.V4
    if rng.random() < 0.08:
        options["use_legacy_format"] = True
    if rng.random() < 0.02:
        options["compression"] = rng.choice(["lz4", "zstd"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        time_ns = rng.choice([10**18, 0, rng.randrange(2**61)])
        for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2, 3])):
            batch = batch_of(rng, schema, kinds, time_ns)
            note = {"note": "x"} if rng.random() < 0.05 else None
            writer.write_batch(batch, custom_metadata=note)
    return sink.getvalue().to_pybytes()


def base_of(rng):
    while True:
        try:
            return message_of(rng)
        except (pa.ArrowException, NotImplementedError, OSError):
            continue  # what this version does not build


# ---- mutations

ODD = [0, 1, 2, 3, 4, 7, 8, 16, 24, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1,
       2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1]  # fmt: skip


def place_in(rng, data, width):
    """Where a number of that width lies: mostly aligned, mostly in a header."""
    end = max(1, len(data) - width + 1)
    at = rng.randrange(min(end, 1024)) if rng.random() < 0.5 else rng.randrange(end)
    return at - at % width if rng.random() < 0.75 else at


def mutate_once(rng, data, others):
    pick = rng.randrange(20)
    if not data:
        return
    width = 1 << rng.randrange(4)
    if pick < 2:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif pick < 4:
        data[place_in(rng, data, 1)] = rng.randrange(256)
    elif pick < 12 and len(data) >= width:
        at = place_in(rng, data, width)
        value = int.from_bytes(data[at : at + width], "little")
        value = rng.choice(ODD) if rng.random() < 0.5 else value + rng.randint(-16, 16)
        data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    elif pick < 16 and len(data) >= width:
        at, start = place_in(rng, data, width), place_in(rng, data, width)
        data[at : at + width] = data[start : start + width]
    elif pick == 16:
        del data[rng.randrange(len(data) + 1) :]
    elif pick == 17:
        at = rng.randrange(len(data))
        del data[at : at + rng.choice([1, 2, 4, 8, 8, 16, 64])]
    else:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        piece = other[start : start + rng.choice([4, 8, 8, 16, 64, len(other)])]
        at = rng.randrange(len(data) + 1)
        at -= at % 8 if rng.random() < 0.7 else 0
        data[at : at + (len(piece) if rng.random() < 0.7 else 0)] = piece


def block_of(seed, number):
    rng = random.Random(f"{seed}/{number}")
    bases = [base_of(rng) for _ in range(BASES)]
    messages = list(bases)
    while len(messages) < BLOCK:
        data = bytearray(rng.choice(bases))
        mutate_once(rng, data, bases)
        while rng.random() < 0.3:
            mutate_once(rng, data, bases)
        messages.append(bytes(data))
    return messages


# ---- what our tool is expected to print for a message


class Refused(Exception):
    pass


def read_by_arrow(data):
    """All batches, if every one is valid; else Refused."""
    try:
        with pa.ipc.open_stream(data) as reader:
            batches = list(reader)
        for batch in batches:
            batch.validate(full=True)
    except (pa.ArrowException, OSError, KeyError, NotImplementedError, MemoryError) as why:
        raise Refused(f"pyarrow: {why}") from None
    return reader.schema, batches


def name_of(field):
    try:
        return field.name
    except UnicodeDecodeError:
        return None


def columns_in(schema):
    names = [name_of(field) for field in schema]
    found = []
    for name in ("time", "id", "data"):
        if names.count(name) != 1:
            raise Refused(f"{names.count(name)} columns {name}")
        found.append(names.index(name))
    time, ids, data = (schema.field(i).type for i in found)
    if time != pa.int64() or ids not in (pa.uint32(), pa.int32()):
        raise Refused("another type of time or id")
    if not (type(data) is pa.ListType and data.value_type == pa.float32()):
        raise Refused("another type of data")
    return found


def wanted_rows(batch, columns):
    """As rows_tool writes them."""
    time, ids, data = (batch.column(i) for i in columns)
    rows = batch.num_rows
    if rows == 0:
        return b""
    times = np.frombuffer(time.buffers()[1], np.int64, rows).tolist()
    time_there = time.is_valid().to_pylist() if time.null_count else [True] * rows
    numbers = np.frombuffer(ids.buffers()[1], np.uint32, rows).tolist()
    offsets = np.frombuffer(data.buffers()[1], np.int32, rows + 1).tolist()
    child = data.values
    values = child.buffers()[1]
    values = memoryview(values) if values else memoryview(b"")
    there = np.ones(len(child), np.uint8)
    if child.null_count:
        bits = np.frombuffer(child.buffers()[0], np.uint8)
        there = np.unpackbits(bits, bitorder="little")[: len(child)]
    there = there.tobytes()
    id_there = ids.is_valid().to_pylist() if ids.null_count else None
    data_there = data.is_valid().to_pylist() if data.null_count else None
    out, seen, lengths, met = [], set(), set(), set()
    for i, number in enumerate(numbers):
        if number not in IDS or (id_there and not id_there[i]) or (data_there and not data_there[i]):
            continue
        if number in seen:
            raise Refused("two rows of one channel")
        seen.add(number)
        met.add(times[i] if time_there[i] else None)
        first, last = offsets[i], offsets[i + 1]
        lengths.add(last - first)
        out.append(struct.pack("<II", number, last - first))
        out.append(bytes(values[4 * first : 4 * last]))
        out.append(there[first:last])
    if len(lengths) > 1:
        raise Refused("rows of different lengths")
    if not seen:
        return b""
    if len(met) > 1 or None in met or not 0 <= min(met) <= LATEST_NS:
        raise Refused("times")
    return struct.pack("<qI", met.pop(), len(seen)) + b"".join(out)


def expect(data):
    schema, batches = read_by_arrow(data)
    columns = columns_in(schema)
    return b"".join(wanted_rows(batch, columns) for batch in batches)


# ---- comparing


def ask(tool, messages):
    """(status, bytes) of each message."""
    sent = b"".join(struct.pack("<I", len(data)) + data for data in messages)
    done = subprocess.run([tool], input=sent, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"the tool ended with {done.returncode}")
    answers, at = [], 0
    for _ in messages:
        status, size = struct.unpack_from("<iI", done.stdout, at)
        answers.append((status, done.stdout[at + 8 : at + 8 + size]))
        at += 8 + size
    return answers


def judge(data, status, answer, counts):
    """None, or how the two differ."""
    try:
        wanted = expect(data)
    except Refused as why:
        counts["refused by both" if status < 0 else "disagreements"] += 1
        return None if status < 0 else f"read, should be refused: {why}"
    if status < 0:
        text = answer.decode(errors="replace")
        for words in EXCEPTIONS:
            if words in text:
                counts[f"exception: {words}"] += 1
                return None
        counts["disagreements"] += 1
        return f"refused, should be read: {text}"
    if answer != wanted:
        counts["disagreements"] += 1
        return f"other rows\nwanted {wanted[:300]!r}\nfound  {answer[:300]!r}"
    counts["read by both"] += 1
    return None


def run_block(tool, seed, number, counts, progress=None, skip=()):
    messages = block_of(seed, number)
    answers = ask(tool, messages)
    for i, (data, (status, answer)) in enumerate(zip(messages, answers)):
        if progress:
            progress[0:16] = struct.pack("<qq", number, i)
        if (number, i) in skip:
            counts["exception: pyarrow ends the program"] += 1
            continue
        why = judge(data, status, answer, counts)
        if why:
            name = f"disagreement-{seed}-{number}-{i}"
            pathlib.Path(name).write_bytes(data)
            print(f"{name} ({len(data)} bytes): {why}\n{data[:4096].hex()}", flush=True)


def worker(args, first, step, last, pipe, progress, skip):
    counts = collections.Counter()
    for number in range(first, last, step):
        run_block(args.tool, args.seed, number, counts, progress, skip)
        if counts["disagreements"] > args.most:
            break
    os.write(pipe, repr(dict(counts)).encode())
    os._exit(0)


def run_worker(args, first, step, last, total):
    """In a process of its own, as pyarrow has been seen to end the program; again without the message
    that did it."""
    progress = mmap.mmap(-1, 16)
    skip = set()
    while True:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            worker(args, first, step, last, write_end, progress, skip)
        os.close(write_end)
        yield child
        with os.fdopen(read_end, "rb") as pipe:
            text = pipe.read()
        status = os.waitpid(child, 0)[1]
        if text:
            total.update(eval(text))  # a dict that this program wrote
            return
        place = struct.unpack("<qq", progress[0:16])
        if os.WIFEXITED(status) or place in skip:
            sys.exit(f"worker ended with {status} at {place}")
        print(f"pyarrow ended with signal {os.WTERMSIG(status)} at block {place[0]}, {place[1]}")
        skip.add(place)


def compare(args):
    blocks = range(-(-args.messages // BLOCK))
    if args.block is not None:
        blocks = range(args.block, args.block + 1)
    total, began = collections.Counter(), time.monotonic()
    jobs = min(args.jobs, len(blocks))
    runs = [run_worker(args, blocks.start + j, jobs, blocks.stop, total) for j in range(jobs)]
    for run in runs:
        next(run)
    for run in runs:
        for _ in run:
            pass
    count = len(blocks) * BLOCK
    print(f"{count} messages, seed {args.seed}, {time.monotonic() - began:.0f} s")
    for what, times in sorted(total.items()):
        print(f"  {what}: {times}")
    if total["disagreements"]:
        sys.exit(1)
    if not total["read by both"] or not total["refused by both"]:
        sys.exit("nothing was compared")


def write_corpus(args):
    directory = pathlib.Path(args.corpus)
    rng = random.Random(f"corpus/{args.seed}")
    for i in range(args.messages):
        (directory / f"built-{i}").write_bytes(base_of(rng))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool", nargs="?")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--block", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--most", type=int, default=10, help="disagreements before it ends")
    parser.add_argument("--corpus")
    args = parser.parse_args()
    if args.corpus:
        write_corpus(args)
    else:
        compare(args)


if __name__ == "__main__":
    main()
