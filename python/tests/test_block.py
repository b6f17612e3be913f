# SPDX-License-Identifier: Apache-2.0
import collections.abc
import gc
import os
import pickle
import subprocess
import sys
import warnings

import numpy
import pytest
from samples import DTYPES, SECOND, STRIDE, T0, block, channels, values

import libarrakis
from libarrakis import Block, Channel


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_block_has_the_samples_of_each_type(dtype):
    (c,) = channels(1, dtype)
    b = block([c], T0)
    assert b[c.name].dtype == dtype and b[c.name].tolist() == values(c, T0).tolist()


def test_a_block_is_a_mapping_of_names_to_arrays():
    of = channels(3)
    b = block(of, T0)
    assert isinstance(b, collections.abc.Mapping)
    assert list(b) == list(b.keys()) == list(b.data) == list(b.channels) == [c.name for c in of]
    assert len(b) == 3 and of[0].name in b and "H1:NO-NE" not in b
    assert (b.time_ns, b.duration_ns, b.end_ns) == (T0, STRIDE, T0 + STRIDE)
    assert (b.time, b.duration) == (1.4e9, 0.0625)
    for (name, array), value in zip(b.items(), b.values()):
        assert array.tolist() == value.tolist() == b.data[name].tolist()
    with pytest.raises(KeyError, match="H1:NO-NE"):
        b["H1:NO-NE"]
    with pytest.raises(TypeError):
        b[0]
    assert b.get("H1:NO-NE") is None


def test_an_array_is_the_block_s_memory_read_only_and_keeps_it():
    of = channels(1)
    b = block(of, T0)
    array = b[of[0].name]
    assert type(array) is numpy.ndarray and array.base is b
    assert array.ctypes.data == b[of[0].name].ctypes.data
    assert not array.flags.writeable and array.flags.aligned and array.flags.c_contiguous
    with pytest.raises(ValueError):
        array.flags.writeable = True
    del b
    gc.collect()
    assert array.tolist() == values(of[0], T0).tolist()


def test_blocks_and_arrays_are_freed_without_the_collector():
    of = channels(2)
    gc.disable()
    try:
        b = block(of, T0)
        alone = sys.getrefcount(b)  # which counts the argument as well, or does not
        array = b[of[0].name]
        assert sys.getrefcount(b) == alone + 1  # array.base
        del array
        assert sys.getrefcount(b) == alone
        before = sys.getrefcount(Block)
        del b
        assert sys.getrefcount(Block) == before - 1
    finally:
        gc.enable()


def test_missing_samples_are_masked():
    of = channels(3, "int32")
    given = {c.name: values(c, T0) for c in of}
    given[of[1].name] = numpy.ma.MaskedArray(given[of[1].name], [0, 1, 0, 1])
    given[of[2].name] = None
    b = Block(T0, given, of)
    whole, part, none = (b[c.name] for c in of)
    assert type(whole) is numpy.ndarray
    assert type(part) is type(none) is numpy.ma.MaskedArray
    assert part.tolist() == [given[of[1].name][0], None, given[of[1].name][2], None]
    assert part.dtype == none.dtype == "int32" and none.mask.all() and len(none) == 4
    assert [b.missing(c.name) for c in of] == [0, 2, 4]
    assert b.mask(of[0].name) is None and b.mask(of[1].name).tolist() == [False, True, False, True]
    assert b.has_gaps and not block(of, T0).has_gaps
    assert not none.data.flags.writeable and not part.data.flags.writeable


def test_a_masked_array_is_as_numpy_makes_it():
    (c,) = channels(1)
    mask = [False, True, False, True]
    array = Block(T0, {c.name: numpy.ma.MaskedArray(values(c, T0), mask)}, [c])[c.name]
    like = values(c, T0).view(numpy.ma.MaskedArray)
    like._mask = numpy.array(mask)
    found, expected = dict(vars(array)), dict(vars(like))
    assert found.pop("_mask").tolist() == expected.pop("_mask").tolist() == mask
    assert found == expected and type(array) is type(like)
    assert found["_optinfo"] is found["_basedict"]
    again = array[1:]
    assert type(again) is numpy.ma.MaskedArray and again.mask.tolist() == mask[1:]
    assert (array * 2).tolist() == (like * 2).tolist() and array.sum() == like.sum()
    assert pickle.loads(pickle.dumps(array)).tolist() == like.tolist()
    other = array.copy()
    other.fill_value = 7
    assert array.fill_value == like.fill_value != other.fill_value


MASKED_BY_NUMPY = """
import sys, numpy
from samples import *
of = channels(1)
whole = block(of, T0)
before = "numpy.ma" in sys.modules
whole[of[0].name]
assert ("numpy.ma" in sys.modules) == before
import numpy.ma
finalize = numpy.ma.MaskedArray.__array_finalize__
def another(self, obj):
    finalize(self, obj)
    self.__dict__["_another"] = 1
numpy.ma.MaskedArray.__array_finalize__ = another
array = libarrakis.Block(T0, {of[0].name: None}, of, STRIDE)[of[0].name]
assert type(array) is numpy.ma.MaskedArray and array._another == 1 and array.mask.all()
"""


def test_where_numpy_makes_masked_arrays_otherwise_numpy_makes_them():
    done = subprocess.run(
        [sys.executable, "-c", MASKED_BY_NUMPY], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_mask_without_a_masked_sample_is_no_gap():
    of = channels(1)
    b = Block(T0, {of[0].name: numpy.ma.MaskedArray(values(of[0], T0))}, of)
    assert not b.has_gaps and b.missing(of[0].name) == 0


def test_lists_strided_and_swapped_arrays_are_copied():
    of = channels(1)
    wanted = [1.0, 2.0, 3.0, 4.0]
    for form in (wanted, (1, 2, 3, 4), numpy.arange(8, dtype="f4")[1::2] / 2 + 0.5,
                 numpy.array(wanted, ">f4")):  # fmt: skip
        assert Block(T0, {of[0].name: form}, of)[of[0].name].tolist() == wanted


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (numpy.zeros(4), libarrakis.MismatchError, "samples are float64 in 1 dimensions, expected float32"),
        (numpy.zeros((2, 2), "f4"), libarrakis.MismatchError, "in 2 dimensions"),
        (numpy.zeros(5, "f4"), libarrakis.InvalidArgumentError, "C1"),
        ([1, 2, "3", 4], libarrakis.MismatchError, "samples are <U"),
        ([1, 2, None, 4], libarrakis.MismatchError, "samples are object"),
        (numpy.ma.zeros(4), libarrakis.MismatchError, "samples are float64"),
    ],
)
def test_samples_that_do_not_fit_are_refused(data, error, text):
    of = channels(2)
    with pytest.raises(error, match=text):
        Block(T0, {of[0].name: values(of[0], T0), of[1].name: data}, of)


def test_a_list_is_neither_cut_nor_wrapped():
    (c,) = channels(1, "uint8")
    with pytest.raises(libarrakis.MismatchError, match="float64"):
        Block(T0, {c.name: [1.5, 2, 3, 4]}, [c])
    assert Block(T0, {c.name: [255, 0, True, 4]}, [c])[c.name].tolist() == [255, 0, 1, 4]


class Wrapped:
    """An array inside of an object, as those of other packages are."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


@pytest.mark.parametrize(
    ("data_type", "data"),
    [
        ("uint8", [256, 2, 3, 4]),
        ("uint8", [numpy.int64(-1), 2, 3, 4]),
        ("int8", [numpy.array(300), 2, 3, 4]),
        ("int64", [numpy.uint64(2**63)] * 4),
        ("int8", Wrapped(numpy.full(4, 300))),
        ("int8", memoryview(numpy.full(4, 300))),
        ("float32", [1e300, 2, 3, 4]),
        ("float32", [3.4028236e38, 2, 3, 4]),
        ("float32", Wrapped(numpy.full(4, -1e300))),
    ],
)
def test_a_number_out_of_range_is_refused(data_type, data):
    (c,) = channels(1, data_type)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(libarrakis.MismatchError, match=f"{c.name}: a sample is out of the range of {data_type}"):
            Block(T0, {c.name: data}, [c])


def test_numbers_of_other_types_are_taken_where_they_are_in_range():
    for data_type, data in (
        ("int8", Wrapped(numpy.array([-128, 1, 2, 127]))),
        ("uint64", [numpy.int64(5), 0, 1, 2]),
        ("float32", [3.4028235e38, float("inf"), float("-inf"), 4]),
        ("float32", Wrapped(numpy.array([0.5, 2, 3, 4]))),
        ("float32", [numpy.longdouble(0.5), 2, 3, 4]),
    ):
        (c,) = channels(1, data_type)
        found = Block(T0, {c.name: data}, [c])[c.name]
        assert found.tolist() == numpy.array(data.array if isinstance(data, Wrapped) else data, data_type).tolist()


def test_the_mask_of_an_array_inside_of_an_object_counts():
    (c,) = channels(1)
    data = Wrapped(numpy.ma.array(numpy.arange(4, dtype="f4"), mask=[0, 1, 0, 0]))
    assert Block(T0, {c.name: data}, [c]).mask(c.name).tolist() == [False, True, False, False]


def test_a_block_needs_all_its_channels_and_a_duration():
    of = channels(2)
    with pytest.raises(KeyError):
        Block(T0, {of[0].name: values(of[0], T0)}, of)
    nothing = dict.fromkeys((c.name for c in of))
    with pytest.raises(libarrakis.InvalidArgumentError, match="duration_ns"):
        Block(T0, nothing, of)
    assert Block(T0, nothing, of, SECOND)[of[0].name].mask.sum() == 64
    with pytest.raises(libarrakis.InvalidArgumentError, match="1e-12 Hz gives no whole number of samples"):
        Block(0, {"H1:A-B": [1]}, [Channel("H1:A-B", "int8", 1e-12)])  # longer than a time can be


def test_a_block_survives_pickle():
    of = channels(2)
    b = Block(T0, {of[0].name: values(of[0], T0), of[1].name: None}, of)
    again = pickle.loads(pickle.dumps(b))
    assert again.data[of[0].name].tolist() == b[of[0].name].tolist()
    assert again.missing(of[1].name) == 4 and again.time_ns == T0
    assert list(again.channels.values()) == of


def test_a_repr_shows_what_is_in_the_block():
    of = channels(10)
    text = repr(Block(T0, {c.name: None if i == 1 else values(c, T0) for i, c in enumerate(of)}, of))
    assert text.splitlines()[0] == (
        "<Block GPS 1400000000.000000000 (2024-05-17T16:53:02.000Z), 0.0625 s, 10 channels, 1 with gaps>"
    )
    assert f"{of[1].name}: 4 float32, 4 missing" in text and text.endswith("... and 2 more")
    early = repr(Block(-1_500_000_000, {c.name: values(c, T0) for c in of}, of))
    assert early.startswith("<Block GPS -1.500000000 (1980-01-05T23:59:58.500Z), ")
    repr(Block(T0, {"H1:" + "x" * 900: [0]}, [Channel("H1:" + "x" * 900, "int8", 1)]))


def test_arrow_takes_a_block_as_one_row():
    pyarrow = pytest.importorskip("pyarrow")
    nanoarrow = pytest.importorskip("nanoarrow")
    of = channels(2, "int16")
    b = Block(T0, {of[0].name: values(of[0], T0), of[1].name: numpy.ma.MaskedArray([1, 2, 3, 4], [0, 1, 0, 0], "i2")}, of)
    batch = pyarrow.record_batch(b)
    batch.validate(full=True)
    assert batch.to_pylist() == [
        {"time": T0, of[0].name: values(of[0], T0).tolist(), of[1].name: [1, None, 3, 4]}
    ]
    assert pyarrow.schema(b) == batch.schema
    assert batch.schema.field(1).metadata == {b"rate": b"64"}
    assert nanoarrow.Array(b).to_pylist()[0]["time"] == T0
    # A capsule that nobody takes is released.
    for _ in range(100):
        b.__arrow_c_array__()
        b.__arrow_c_schema__()


def test_neither_import_nor_a_block_brings_numpy(tmp_path):
    import subprocess

    script = (
        "import sys, libarrakis\n"
        "c = libarrakis.Channel('H1:A-B', 'float32', 16)\n"
        "assert libarrakis.Channels([c])['H1:A-B'] == c and repr(c)\n"
        "found = {'numpy', 'pyarrow', 'asyncio', 'logging', 'json'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_mask_of_another_length_is_an_error():
    (c,) = channels(1)
    samples = numpy.ma.masked_array(values(c, T0), mask=[True, False, False, False])
    samples._mask = numpy.zeros(2, bool)
    with pytest.raises(libarrakis.MismatchError, match="2 values, expected one per sample: 4"):
        libarrakis.Block(T0, {c.name: samples}, [c])


def test_a_key_with_a_nul_is_the_name_of_no_channel():
    of = channels(1)
    b = block(of, T0)
    key = of[0].name + "\0"
    for mapping in (b, b.channels):
        assert key not in mapping and mapping.get(key) is None
        with pytest.raises(KeyError):
            mapping[key]
