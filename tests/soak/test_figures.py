# SPDX-License-Identifier: Apache-2.0
"""What a soak makes of memory samples: a leak is seen, and noise is not taken for one."""

import random
import statistics

import figures
import pytest

LIMIT = 200_000  # bytes per hour


def samples(seconds=1200, per_hour=0.0, noise=0.0, memory=0.0, seed=1):
    """A sample each second: a straight line and noise, of which each has `memory` of the last one."""
    rng = random.Random(seed)
    out, left = [], 0.0
    for at in range(seconds):
        left = memory * left + rng.gauss(0, noise)
        out.append((at, 8e6 + per_hour * at / 3600 + left))
    return out


def test_a_straight_line_has_its_slope_and_no_error():
    found = figures.slope(samples(per_hour=500_000), statistics.fmean)
    assert found.per_hour == pytest.approx(500_000, rel=1e-3)
    assert found.error < 1
    assert found.is_above(LIMIT)


def test_too_short_a_time_has_no_slope():
    assert figures.slope(samples(seconds=figures.LEAST_SPAN_S * (figures.SPANS - 1)), min) is None


def test_the_least_of_a_span_does_not_see_what_comes_and_goes():
    """Blocks that wait for a while are no leak."""
    rows = [(at, v + (300_000 if at % 30 < 25 and at > 900 else 0)) for at, v in samples()]
    assert abs(figures.slope(rows, min).per_hour) < 1
    assert figures.slope(rows, statistics.fmean).per_hour > LIMIT


@pytest.mark.parametrize("memory", [0, 0.9, 0.99])
def test_noise_is_seldom_taken_for_a_leak(memory):
    """Also where each sample is much like the one before, as after a fault."""
    alarms = sum(
        figures.slope(samples(noise=30_000, memory=memory, seed=seed), statistics.fmean).is_above(0)
        for seed in range(200)
    )
    assert alarms <= 12  # six in a hundred where a fault is remembered for minutes


def test_a_leak_is_seen_through_noise():
    found = [
        figures.slope(samples(per_hour=800_000, noise=10_000, memory=0.9, seed=seed), statistics.fmean)
        for seed in range(50)
    ]
    assert sum(s.is_above(LIMIT) for s in found) >= 45
