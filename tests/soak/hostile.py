# SPDX-License-Identifier: Apache-2.0
"""Messages that no publisher sends, for topics that are being read: none of them is a block that a
reader may take in the place of a good one.

A reader cannot know that a block with a time of its own and readable samples was not meant. So what is
made here is refused, or repeats the block before it, or lies far from the present: mutations leave the
times as they are. A time ahead by more than a reader's latency is held back by it until the next good
block refutes it: that must follow at once, so such a message is put before one (`before`)."""

import struct

import arrow_fuzz

from support import SECOND, batch, payload

# Between the longest latency of a reader (soak.PATIENT_S) and the minute ahead that all refuse.
HELD_AHEAD_NS = (40 * SECOND, 55 * SECOND)
REFUSED_AHEAD_NS = 600 * SECOND


class Hostile:
    """Makes messages for one partition. `rng`: a random.Random; `make(time_ns)` its good message;
    `rows(time_ns)` the same as [(time, id, samples)]; `times`: the slice of bytes that holds the
    times."""

    def __init__(self, rng, make, rows, times, stride_ns):
        self._rng, self._make, self._rows, self._stride = rng, make, rows, stride_ns
        self._times = times
        self._after = [
            self._garbage, self._empty, self._truncated, self._mutated, self._mutated, self._mutated,
            self._other_schema, self._nulls, self._strange_ids, self._past, self._out_of_time,
            self._off_stride, self._long, self._huge_lengths, self._many_batches, self._large,
            self._again, self._part,
        ]  # fmt: skip

    def after(self, time_ns):
        """(kind, message) to follow the good block of that time."""
        make = self._rng.choice(self._after)
        return make.__name__[1:], make(time_ns)

    def before(self, time_ns):
        """(kind, message) to stand right before the good block of that time."""
        ahead = self._rng.randrange(*HELD_AHEAD_NS) // self._stride * self._stride
        return "held_ahead", self._make(time_ns + ahead)

    def _with_times(self, data, good):
        """The bytes of the times as they were, if nothing was moved."""
        if len(data) == len(good):
            times = self._times
            data[times] = good[times]

    def _garbage(self, _):
        return self._rng.randbytes(self._rng.randrange(1, 3000))

    def _empty(self, _):
        return self._rng.choice([None, b""])

    def _truncated(self, time_ns):
        good = self._make(time_ns)
        return good[: self._rng.randrange(len(good))]

    def _mutated(self, time_ns):
        good = self._make(time_ns)
        data = bytearray(good)
        for _ in range(self._rng.choice([1, 1, 1, 2, 5])):
            arrow_fuzz.mutate_once(self._rng, data, [good])
            self._with_times(data, good)
        return bytes(data)

    def _other_schema(self, _):
        return arrow_fuzz.base_of(self._rng)

    def _nulls(self, time_ns):
        which = self._rng.randrange(3)
        rows = [
            (None if which == 0 else t, None if which == 1 else i, None if which == 2 else s)
            for t, i, s in self._rows(time_ns)
        ]
        return payload(batch("int32", rows))

    def _strange_ids(self, time_ns):
        ids = [2**32 - 1, 2**31, 2**31 - 1, 10**9]
        rows = [(time_ns, i, s) for i, (_, _, s) in zip(ids, self._rows(time_ns))]
        return payload(batch("int32", rows))

    def _past(self, time_ns):
        back = self._rng.choice([self._stride, SECOND, 3600 * SECOND, 10 * 365 * 86400 * SECOND])
        return self._make((time_ns - back) // self._stride * self._stride)

    def _out_of_time(self, time_ns):
        year = 365 * 86400 * SECOND
        return self._make(self._rng.choice([
            0, -1, -(2**63), 2**63 - 1, 2**61, 2**61 + 1, time_ns + REFUSED_AHEAD_NS,
            time_ns + year, time_ns + 20 * year,
        ]))  # fmt: skip

    def _off_stride(self, time_ns):
        return self._make(time_ns - self._rng.randrange(1, self._stride))

    def _long(self, time_ns):
        rows = [(t, i, list(s) * self._rng.choice([2, 3, 100])) for t, i, s in self._rows(time_ns)]
        return payload(batch("int32", rows))

    def _huge_lengths(self, time_ns):
        """Every length that the format has, as large as can be, in one place or several."""
        good = self._make(time_ns)
        data = bytearray(good)
        for _ in range(self._rng.choice([1, 1, 3])):
            width, number = self._rng.choice(
                [("<I", 2**31 - 1), ("<I", 2**32 - 1), ("<Q", 2**63 - 1), ("<Q", 2**40)]
            )
            at = self._rng.randrange(4, len(data) - 8) // 4 * 4
            struct.pack_into(width, data, at, number)
        self._with_times(data, good)
        return bytes(data)

    def _many_batches(self, time_ns):
        return payload(*[batch("int32", self._rows(time_ns))] * self._rng.choice([2, 50, 500]))

    def _large(self, _):
        return self._rng.randbytes(1000) * 500

    def _again(self, time_ns):
        return self._make(time_ns)

    def _part(self, time_ns):
        return payload(batch("int32", self._rows(time_ns)[: self._rng.randrange(1, 3)]))
