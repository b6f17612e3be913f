# SPDX-License-Identifier: Apache-2.0
"""What a series of samples shows: whether it grows, and how sure that is."""

import dataclasses
import math

import numpy

# Samples that lie near each other in time are alike (a fault's traces stay for a while), so that the
# usual error of a straight line through all of them would be far too small. So the time is divided into
# a few spans that are long enough to be independent of each other, and the line is put through one point
# of each.
SPANS = 8
LEAST_SPAN_S = 30
# Student's t of SPANS - 2 degrees of freedom: one run in a hundred without growth is beyond it.
SURE = 3.143


@dataclasses.dataclass
class Slope:
    """Of a straight line; per hour, with its standard error."""

    per_hour: float
    error: float

    def is_above(self, limit):
        """Whether it is, and not by chance."""
        return self.per_hour - SURE * self.error > limit

    def is_below(self, limit):
        """Whether it is, and not by chance."""
        return self.per_hour + SURE * self.error < limit


def slope(samples, how):
    """The slope of what `how` (min, or a mean) makes of each span; None of too few samples. `samples`:
    (seconds, value), in order."""
    begin, end = samples[0][0], samples[-1][0]
    if end - begin < SPANS * (LEAST_SPAN_S - 1):
        return None
    spans = [[] for _ in range(SPANS)]
    for at, value in samples:
        spans[min(SPANS - 1, int((at - begin) / (end - begin) * SPANS))].append(value)
    if not all(spans):
        return None
    x = (numpy.arange(SPANS) - (SPANS - 1) / 2) * (end - begin) / SPANS / 3600
    y = numpy.array([how(values) for values in spans], float)
    gradient = (x * y).sum() / (x * x).sum()
    left = y - y.mean() - gradient * x
    error = math.sqrt((left * left).sum() / (SPANS - 2) / (x * x).sum())
    return Slope(float(gradient), error)
