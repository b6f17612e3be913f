# SPDX-License-Identifier: Apache-2.0
"""Block.to_gwpy(): gwpy is imported when it is asked for."""

import numpy
from gwpy.detector import Channel
from gwpy.timeseries import TimeSeries, TimeSeriesDict

from ._core import GapError


def series_dict(block, pad):
    made = TimeSeriesDict()
    for name, channel in block.channels.items():
        samples = block[name]
        if isinstance(samples, numpy.ma.MaskedArray):
            if pad is None:
                raise GapError(
                    f"{name}: {block.missing(name)} of {len(samples)} samples are missing: "
                    "expected none, or a pad"
                )
            samples = samples.filled(pad)
        made[name] = TimeSeries(
            samples,
            t0=block.time,
            dt=1 / channel.sample_rate,
            name=name,
            channel=Channel(name, sample_rate=channel.sample_rate, dtype=channel.data_type),
        )
    return made
