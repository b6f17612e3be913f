# SPDX-License-Identifier: Apache-2.0
"""What takes blocks and streams: polars and duckdb by the Arrow capsules, and gwpy."""

import math

import numpy
import pytest
from samples import DTYPES, SECOND, STRIDE, T0, block, channels, values
from test_memory import FUTURE, stream

import libarrakis

# ------------------------------------------------------------------ Arrow


def masked(of):
    """A block whose second channel lacks its second sample."""
    of = list(of)
    array = numpy.ma.MaskedArray([1, 2, 3, 4], [0, 1, 0, 0], of[1].data_type)
    return libarrakis.Block(T0, {of[0].name: values(of[0], T0), of[1].name: array}, of)


def test_polars_takes_a_block_as_one_row():
    polars = pytest.importorskip("polars")
    of = channels(2, "int16")
    frame = polars.from_arrow(masked(of)).struct.unnest()
    assert frame.columns == ["time", of[0].name, of[1].name]
    assert frame[of[0].name].dtype == polars.List(polars.Int16)
    assert frame.rows() == [(T0, values(of[0], T0).tolist(), [1, None, 3, 4])]


def test_polars_takes_a_block_as_columns_of_samples():
    polars = pytest.importorskip("polars")
    of = channels(2, "float32")
    frame = polars.DataFrame(block(of, T0))
    assert frame.to_dict(as_series=False) == {c.name: values(c, T0).tolist() for c in of}


def test_polars_takes_a_stream_of_every_type():
    polars = pytest.importorskip("polars")
    parts = [channels(2, dtype) for dtype in DTYPES]
    frame = polars.DataFrame(stream(parts, 3))
    assert frame["time"].to_list() == [FUTURE + k * STRIDE for k in range(3)]
    for of in parts:
        for c in of:
            assert frame[c.name].to_list()[2] == values(c, FUTURE + 2 * STRIDE).tolist()


def test_duckdb_takes_a_stream():
    duckdb = pytest.importorskip("duckdb")
    of = channels(2, "float64")
    live = stream([of], 5)  # duckdb finds it by its name
    with duckdb.connect() as database:
        rows = database.sql(f'SELECT time, list_max("{of[1].name}") FROM live WHERE time > {FUTURE}').fetchall()
    times = [FUTURE + k * STRIDE for k in range(1, 5)]
    assert rows == [(t, values(of[1], t).max()) for t in times]


def test_duckdb_takes_a_block():
    duckdb = pytest.importorskip("duckdb")
    of = channels(2, "int32")
    one = masked(of)
    with duckdb.connect() as database:
        rows = database.sql(f'SELECT time, unnest("{of[1].name}") FROM one').fetchall()
    assert rows == [(T0, n) for n in (1, None, 3, 4)]


# ------------------------------------------------------------------ gwpy


def test_gwpy_gets_a_series_of_each_channel():
    timeseries = pytest.importorskip("gwpy.timeseries")
    of = [c for dtype in DTYPES for c in channels(1, dtype)]
    made = block(of, T0).to_gwpy()
    assert isinstance(made, timeseries.TimeSeriesDict) and list(made) == [c.name for c in of]
    for c in of:
        series = made[c.name]
        assert isinstance(series, timeseries.TimeSeries)
        assert (series.x0.value, series.dx.value) == (T0 / SECOND, 1 / 64)
        assert str(series.x0.unit) == "s" and series.sample_rate.value == 64
        assert tuple(series.span) == (T0 / SECOND, (T0 + STRIDE) / SECOND)
        assert series.name == str(series.channel) == c.name
        assert series.channel.sample_rate.value == 64 and series.channel.dtype == c.data_type
        assert series.dtype == c.data_type and series.value.tolist() == values(c, T0).tolist()
        series[0] = 7  # its own copy
    assert block(of, T0)[of[0].name][0] == values(of[0], T0)[0]


def test_gwpy_s_series_of_two_blocks_are_joined():
    pytest.importorskip("gwpy.timeseries")
    of = channels(1)
    made = block(of, T0).to_gwpy()
    made.append(block(of, T0 + STRIDE).to_gwpy())
    joined = made[of[0].name]
    assert joined.span[1] == (T0 + 2 * STRIDE) / SECOND
    assert joined.value.tolist() == [*values(of[0], T0), *values(of[0], T0 + STRIDE)]


def test_samples_that_are_missing_need_a_pad_for_gwpy():
    pytest.importorskip("gwpy.timeseries")
    of = channels(2)
    b = masked(of)
    with pytest.raises(libarrakis.GapError, match=f"{of[1].name}: 1 of 4 samples are missing"):
        b.to_gwpy()
    padded = b.to_gwpy(pad=math.nan)
    assert numpy.isnan(padded[of[1].name].value).tolist() == [False, True, False, False]
    assert b.to_gwpy(pad=-1)[of[1].name].value.tolist() == [1, -1, 3, 4]
    with pytest.raises((TypeError, ValueError)):
        masked(channels(2, "int16")).to_gwpy(pad=math.nan)


def test_a_name_that_gwpy_cannot_take_apart_is_kept():
    pytest.importorskip("gwpy.timeseries")
    c = libarrakis.Channel("no site: a name", "float32", 16)
    (series,) = libarrakis.Block(T0, {c.name: [1.0]}, [c]).to_gwpy().values()
    assert series.name == str(series.channel) == c.name
