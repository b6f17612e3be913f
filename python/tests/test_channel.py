# SPDX-License-Identifier: Apache-2.0
import collections.abc
import pickle

import numpy
import pytest
from samples import DTYPES, channels

import libarrakis
from libarrakis import Channel, Channels

FULL = Channel(
    "H1:CAL-DELTAL_EXTERNAL_DQ", "float32", 16384, 1_400_000_000_000_000_000, "H1-CAL", "cal_0", 7,
    62_500_000, 1_000_000_000, "r1",
)  # fmt: skip


def test_a_channel_has_the_fields_that_it_was_given():
    fields = (
        "name data_type sample_rate time publisher partition_id partition_index stride max_latency replay_id"
    ).split()
    assert [getattr(FULL, field) for field in fields] == [
        "H1:CAL-DELTAL_EXTERNAL_DQ", "float32", 16384.0, 1_400_000_000_000_000_000, "H1-CAL", "cal_0",
        7, 62_500_000, 1_000_000_000, "r1",
    ]  # fmt: skip
    least = Channel("H1:A-B", "int32", 0.5)
    assert [getattr(least, field) for field in fields[3:]] == [None] * 7
    assert (FULL.domain, FULL.subsystem, str(FULL)) == ("H1", "CAL", FULL.name)
    with pytest.raises(AttributeError):
        FULL.stride = 1


def test_a_time_index_and_latency_of_zero_are_values():
    c = Channel("H1:A-B", "int32", 16, time=0, partition_index=0, max_latency=0)
    assert (c.time, c.partition_index, c.max_latency) == (0, 0, 0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_type_is_given_by_name_or_as_numpy_has_it(dtype):
    for form in (dtype, numpy.dtype(dtype), getattr(numpy, dtype)):
        assert Channel("H1:A-B", form, 16).data_type == dtype


def test_what_numpy_takes_for_a_type_is_that_type():
    for form, dtype in ((float, "float64"), ("f4", "float32"), (">i2", "int16"), (numpy.dtype("<u8"), "uint64")):
        assert Channel("H1:A-B", form, 16).data_type == dtype


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("H1:A-B", "complex64", 16), "data_type is 'complex64', expected one of"),
        (("H1:A-B", "", 16), "data_type is ''"),
        (("H1:A-B", object, 16), "data_type is 'object'"),
        (("H1:A-B", "(2,", 16), "data_type is '\\(2,'"),
        (("H1:A-B", None, 16), "data_type is 'None'"),  # numpy has it for a float
        (("nocolon", "int32", 16), "nocolon"),
        (("H1:A-B", "int32", 0), "rate"),
        (("H1:A-B", "int32", float("nan")), "rate"),
        (("H1:A-B", "int32", 16, None, None, None, -1), "partition_index"),
        (("H1:A-B", "int32", 10**400), "sample_rate: expected a number within"),
        (("H1:A-B", "int32", 16, 2**63), "time: expected an int over"),
        (("H1:A-B", "int32", 16, -(2**63)), "time: expected an int over"),  # the library's "not given"
        (("H1:A-B", "int32", 16, None, None, None, None, 10**5000), "stride: expected an int over"),
        (("H1:A-\ud800", "int32", 16), "name: expected a text without surrogates"),
        (("H1:A-B", "int32", 16, None, "P\0"), "publisher: embedded null character"),
    ],
)
def test_a_field_that_is_wrong_is_named(arguments, text):
    with pytest.raises(libarrakis.InvalidArgumentError, match=text) as found:
        Channel(*arguments)
    assert isinstance(found.value, ValueError)
    assert (found.value.status, found.value.status_name) == (-1, "ARRAKIS_EINVAL")


@pytest.mark.parametrize(
    "arguments",
    [("H1:A-B", "int32"), (1, "int32", 16), ("H1:A-B", "int32", "x"), ("H1:A-B", "int32", 16, 1.5)],
)  # fmt: skip
def test_an_argument_of_another_kind_is_a_type_error(arguments):
    with pytest.raises(TypeError):
        Channel(*arguments)


def test_channels_are_equal_where_both_have_a_field():
    least = Channel(FULL.name, "float32", 16384)
    assert least == FULL and hash(least) == hash(FULL)
    assert Channel(FULL.name, "float64", 16384) != FULL
    assert Channel(FULL.name, "float32", 16384, partition_index=8) != FULL
    assert FULL != FULL.name


def test_a_channel_survives_json_pickle_and_repr():
    assert Channel.from_json(FULL.to_json()).to_json() == FULL.to_json()
    assert pickle.loads(pickle.dumps(FULL)).to_json() == FULL.to_json()
    assert eval(repr(FULL)).to_json() == FULL.to_json()
    with pytest.raises(libarrakis.FormatError):
        Channel.from_json("{}")


def test_channels_are_a_mapping_in_order():
    of = channels(3)
    mapping = Channels(of)
    assert isinstance(mapping, collections.abc.Mapping)
    assert list(mapping) == list(mapping.keys()) == [c.name for c in of]
    assert list(mapping.values()) == of and dict(mapping) == dict(mapping.items())
    assert mapping[of[1].name] == of[1] and of[1].name in mapping and 1 not in mapping
    assert mapping.get("H1:NO-NE") is None and mapping.get("H1:NO-NE", 5) == 5
    with pytest.raises(KeyError, match="H1:NO-NE"):
        mapping["H1:NO-NE"]
    with pytest.raises(TypeError):
        mapping[0]
    assert list(pickle.loads(pickle.dumps(mapping)).values()) == of
    for form in (mapping, dict(mapping), iter(of)):
        assert list(Channels(form)) == list(mapping)


def test_two_channels_of_one_name_are_refused():
    with pytest.raises(libarrakis.InvalidArgumentError, match="C0"):
        Channels([*channels(1) * 2])


def test_a_channel_may_be_any_object_with_the_fields():
    arrakis = pytest.importorskip("arrakis")
    theirs = arrakis.Channel(**{
        f: getattr(FULL, f) for f in arrakis.Channel.fields()
    })  # fmt: skip
    assert Channels([theirs])[FULL.name].to_json() == FULL.to_json()
    with pytest.raises(TypeError, match="which has no name"):
        Channels([1])
    for form in (None, 5):
        with pytest.raises(TypeError, match=f"channels: expected a Channels, .*, found {form}"):
            Channels(form)


def test_channels_come_from_what_has_values_that_are_no_method():
    class Series(list):
        values = ()

    of = channels(2)
    assert list(Channels(Series(of))) == [c.name for c in of]


def test_channels_are_equal_when_each_channel_is():
    of = channels(3)
    a, b = libarrakis.Channels(of), libarrakis.Channels({c.name: c for c in of})
    assert a == b and hash(a) == hash(b) and len({a, b}) == 1
    for other in (libarrakis.Channels(of[:2]), libarrakis.Channels(of[::-1]), libarrakis.Channels(channels(3))):
        assert a != other
    assert a != of and a != None  # noqa: E711


@pytest.mark.parametrize("name", [n for n in libarrakis.__all__ if n.endswith("Error")])
def test_errors_come_out_of_other_processes_as_they_are(name):
    """As of multiprocessing and concurrent.futures, which pickle them."""
    kind = getattr(libarrakis, name)
    again = pickle.loads(pickle.dumps(kind("the text")))
    assert type(again) is kind and str(again) == "the text"
    if kind is not libarrakis.Error:
        assert again.status_name.startswith("ARRAKIS_E") and again.retriable in (True, False)
