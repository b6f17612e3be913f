# SPDX-License-Identifier: Apache-2.0
"""Messages of rows as pyarrow writes them, for tests/unit/row_decoder_test.c: python make.py

Rows are (id, samples); None stands for a null."""
import pathlib

import pyarrow as pa


def batch(time, rows, ids=pa.uint32(), dtype=pa.int32(), order=("time", "id", "data")):
    columns = {
        "time": pa.array([time] * len(rows), pa.int64()),
        "id": pa.array([row[0] for row in rows], ids),
        "data": pa.array([row[1] for row in rows], pa.list_(dtype)),
        "note": pa.array([f"row {i}" for i in range(len(rows))], pa.utf8()),
        "more": pa.array([[1.5]] * len(rows), pa.list_(pa.float64())),
    }
    return pa.record_batch([columns[name] for name in order], names=list(order))


def save(name, *batches):
    with pa.OSFile(str(pathlib.Path(__file__).with_name(name)), "wb") as file:
        with pa.ipc.new_stream(file, batches[0].schema) as writer:
            for one in batches:
                writer.write_batch(one)


S = 10**9
plain = [(0, [10, 11]), (1, [20, 21]), (2, [30, 31]), (70000, [40, 41])]
save("plain", batch(5 * S, plain))
save("int32-ids", batch(5 * S, plain, ids=pa.int32()))
save("int64-ids", batch(5 * S, plain, ids=pa.int64()))
save("columns", batch(5 * S, plain, order=("note", "data", "more", "time", "id")))
save("null-samples", batch(5 * S, [(0, [10, None]), (1, [None, None]), (2, [30, 31])]))
save("null-rows", batch(5 * S, [(0, [10, 11]), (1, None), (2, [30, 31]), (70000, [40, 41])]))
save("null-ids", batch(5 * S, [(0, [10, 11]), (None, [20, 21]), (2, [30, 31])]))
save("two-batches", batch(5 * S, plain), batch(6 * S, [(2, [32, 33]), (0, [12, 13])]))
save("empty-batch", batch(5 * S, []), batch(6 * S, plain[:1]))
save("float64", batch(5 * S, [(0, [1.0, 2.0])], dtype=pa.float64()))
save("no-time", batch(5 * S, plain, order=("note", "id", "data")))
save("no-data", batch(5 * S, plain, order=("time", "id", "note")))
one = batch(5 * S, plain[:1])
save("unsigned-time", pa.record_batch([one.column(0).cast(pa.uint64()), one.column(1), one.column(2)],
                                      names=["time", "id", "data"]))
save("flat-data", pa.record_batch([one.column(0), one.column(1), pa.array([1], pa.int32())],
                                  names=["time", "id", "data"]))
# lists that lie behind each other from the third sample on, as a slice leaves them
lists = pa.ListArray.from_arrays(pa.array([2, 4, 6], pa.int32()),
                                 pa.array([1, 2, 10, 11, 20, 21, 99], pa.int32()))
head = batch(5 * S, plain[:2])
save("offsets", pa.record_batch([head.column(0), head.column(1), lists],
                                names=["time", "id", "data"]))

# columns beside them, of every kind that is only checked
extra = {
    "flag": pa.array([True, None, False, True]),
    "at": pa.array([1, 2, 3, None], pa.timestamp("ns")),
    "where": pa.array([{"x": 1, "y": ["a"]}] * 4),
    "seen": pa.array(["a", "\u00fc", None, "d" * 20], pa.string_view()),
    "runs": pa.RunEndEncodedArray.from_arrays([1, 4], ["a", None]),
    "deep": pa.array([[[1]], [], None, [[2, 3]]]),
}
usual = batch(5 * S, plain)
save("other-columns", pa.record_batch(
    [*extra.values(), *(usual.column(i) for i in (2, 0, 1))], names=[*extra, "data", "time", "id"]))
for twice in ("time", "id", "data"):
    save(f"two-{twice}", pa.record_batch(
        [*usual.columns, usual.column(twice)], names=["time", "id", "data", twice]))
save("two-others", pa.record_batch(
    [*usual.columns, extra["flag"], extra["at"]], names=["time", "id", "data", "x", "x"]))
save("large-list", usual.set_column(2, "data", usual.column(2).cast(pa.large_list(pa.int32()))))
save("uint16-ids", usual.set_column(1, "id", pa.array([0, 1, 2, 3], pa.uint16())))
times = lambda *values: pa.array(values, pa.int64())
save("two-times", usual.set_column(0, "time", times(5 * S, 5 * S, 6 * S, 5 * S)))
save("null-time", usual.set_column(0, "time", times(5 * S, 5 * S, 5 * S, None)))
save("bad-second-batch", usual, usual.set_column(0, "time", times(6 * S, 6 * S, 6 * S, 7 * S)))
save("extra-rows", batch(5 * S, [(9, [1, 2]), *plain, (4294967295, [3, 4])]))
