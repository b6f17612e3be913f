# SPDX-License-Identifier: Apache-2.0
"""The table that a soak ends with."""

import collections
import itertools
import statistics

import figures
import numpy

MEGABYTE = 1e6
MEMORY_LIMIT = 0.2  # MB per hour
CPU_LIMIT = 40  # % of a core, in any minute; without the sanitizers


def counted(numbers):
    """As in "32 x 5, 33"."""
    runs = [(n, len(list(same))) for n, same in itertools.groupby(numbers)]
    return ", ".join(f"{n} x {times}" if times > 1 else f"{n}" for n, times in runs) or "-"


class Verdict:
    def __init__(self, soak):
        self._soak = soak
        self._rows = []  # (what, found, wanted, held)

    def _row(self, what, found, wanted="", held=True):
        self._rows.append((what, str(found), str(wanted), held))

    def print(self):
        soak = self._soak
        self._warm()
        self._samples()
        self._published()
        for p in soak.programs:
            self._ends(p)
        for p in soak.programs:
            self._memory(p)
        for p in soak.programs:
            self._resources(p)
        self._context()
        print()
        for what, found, wanted, held in self._rows:
            mark = "    " if not wanted else "ok  " if held else "FAIL"
            print(f"{mark}  {what:48}  {found}{f'   ({wanted})' if wanted else ''}")
        failed = sum(not r[3] for r in self._rows)
        how = "interrupted, " if soak.interrupted else ""
        print(f"\n{how}{'nothing' if not failed else failed} failed, "
              f"{(soak.ended - soak.began) / 60:.1f} minutes", flush=True)  # fmt: skip
        return 1 if failed else 0

    def _warm(self):
        """The first cycle of faults, or a third of the time if that is longer, only warms up."""
        soak = self._soak
        rested, cycle = soak.faults.rested, len(soak.faults.kinds)
        self._warm_at = soak.began + (soak.ended - soak.began) / 3
        if len(rested) > cycle:
            self._warm_at = max(self._warm_at, rested[cycle])

    # ---- blocks

    def _samples(self):
        soak = self._soak
        in_faults = soak.in_faults()
        arrivals, times = soak.log()
        for r in soak.readers:
            lost, judged = soak.lost(r)
            quiet, fault = lost[:, ~in_faults].sum(), lost[:, in_faults].sum()
            if r is soak.relay:
                self._relayed(r, judged)
            else:
                self._row(f"{r.name}: blocks of a partition there in time", f"{judged.sum():,}", "some",
                          judged.any())  # fmt: skip
                self._row(f"{r.name}: not handed out, without a fault", quiet, "0", quiet == 0)
                strict = r is soak.patient
                limit = 0 if strict else judged[:, in_faults].sum() // 50
                self._row(f"{r.name}: not handed out, in a fault", fault,
                          "0" if strict else f"at most {limit} (2 %)", fault <= limit)  # fmt: skip
            self._row(f"{r.name}: wrong, in part, out of order",
                      f"{len(r.wrong)}, {len(r.partial)}, {r.disorder}", "0, 0, 0",
                      not (r.wrong or r.partial or r.disorder))  # fmt: skip
            self._row(f"{r.name}: ends of its streams", len(r.ends),
                      "" if r is soak.relay else "0", r is soak.relay or not r.ends)  # fmt: skip
            self._row(f"{r.name}: its own counts", r.stats)
        twice = int((times[: soak.plan.foreign] > 1).sum())
        self._row("log: messages of the other producer twice", twice, "0", not twice)

    def _relayed(self, r, judged):
        soak = self._soak
        had = numpy.frombuffer(soak.reference_had, numpy.uint8).reshape(len(soak.plan.relayed), -1) > 0
        ours = judged & had & ~r.handed
        theirs = judged & r.handed & ~had
        neither = judged & ~had & ~r.handed
        both = judged & had & r.handed
        self._row("relay: blocks that it and the reference had",
                  f"{both.sum():,}", "some", both.any())  # fmt: skip
        # Each has a consumer of its own in the server, which is late with now the one, now the other.
        limit = theirs.sum() + max(8, both.sum() // 50)
        self._row("relay: the reference alone had, it alone", f"{ours.sum()}, {theirs.sum()}",
                  f"at most {limit}: as many, and 2 %", ours.sum() <= limit)  # fmt: skip
        self._row("relay: neither had, and there in time", neither.sum())

    def _published(self):
        soak, p = self._soak, self._soak.publisher
        _, times = soak.log()
        ours = times[soak.plan.foreign :]
        confirmed, missing = p.confirmed, soak.unread()
        twice = int((ours > 1).sum())
        self._row("publisher: blocks confirmed", f"{confirmed.sum():,}", "some", confirmed.any())
        self._row("publisher: confirmed and not in the log", missing, "0", not missing)
        self._row("publisher: messages twice in the log", twice, "0", not twice)
        others = ", ".join(f"{n} {name}" for name, n in p.failed.items()) or "none"
        self._row("publisher: not confirmed; times 20 s behind", f"{others}; {p.skipped}")

    # ---- programs

    def _ends(self, p):
        soak = self._soak
        how = "by itself" if p.name in soak.dead else "at SIGINT"
        self._row(f"{p.name}: ended {how}, with", p.status, "0, at SIGINT",
                  p.status == 0 and p.name not in soak.dead)  # fmt: skip

    def _sanitized(self):
        return self._soak.arguments.sanitized

    def _after_warm(self, samples):
        return [(at, value) for at, value in samples if at >= self._warm_at]

    def _memory(self, p):
        if not p.rss or self._sanitized():
            return
        for what, samples, how in (("in use (malloc)", p.heap, min),
                                   ("resident", p.rss, statistics.fmean)):  # fmt: skip
            warm = self._after_warm(samples)
            if not warm or not any(v for _, v in warm):
                continue
            values = [v / MEGABYTE for _, v in warm]
            s = figures.slope(warm, how)
            text = f"{values[0]:.3f} to {values[-1]:.3f} MB"
            if s is None:
                self._row(f"{p.name}: {what}", text)
                continue
            limit, above = MEMORY_LIMIT * MEGABYTE, f"below {MEMORY_LIMIT} MB/h"
            sure = "" if s.is_below(limit) or s.is_above(limit) else " (not told apart)"
            self._row(f"{p.name}: {what}",
                      f"{text}, {s.per_hour / MEGABYTE:+.3f} +- {s.error / MEGABYTE:.3f} MB/h",
                      above + sure, not s.is_above(limit))  # fmt: skip

    def _resources(self, p):
        soak = self._soak
        if not p.rss:
            return
        cycle = len(soak.faults.kinds)
        for what, samples in (("descriptors", p.descriptors), ("threads", p.threads)):
            rested = [max((s for s in samples if s[0] <= at), default=(0, 0))[1]
                      for at in soak.faults.rested]  # fmt: skip
            first, after = rested[: cycle + 1], rested[cycle + 1 :]
            most = max(v for _, v in samples)
            text = f"at rest {counted(first)}, then {counted(after)}; {most} at most"
            self._row(f"{p.name}: {what}", text, "no more than at first" if after else "",
                      not after or max(after) <= max(first))  # fmt: skip
        minutes = []
        for begin in numpy.arange(soak.began, soak.ended - 30, 60):
            span = [(at, v) for at, v in p.cpu if begin <= at < begin + 60]
            if len(span) > 1 and span[-1][0] - span[0][0] > 20:
                minutes.append(100 * (span[-1][1] - span[0][1]) / (span[-1][0] - span[0][0]))
        if minutes:
            self._row(f"{p.name}: CPU in a minute, median and most",
                      f"{statistics.median(minutes):.1f} %, {max(minutes):.1f} %",
                      "" if self._sanitized() else f"below {CPU_LIMIT} %",
                      self._sanitized() or max(minutes) < CPU_LIMIT)  # fmt: skip

    # ---- the rest

    def _context(self):
        soak = self._soak
        counts = collections.Counter(name for name, _, _ in soak.faults.done)
        self._row("faults", ", ".join(f"{n} {name}" for name, n in counts.items()))
        self._row("faults: trouble with making them", soak.faults.error or "none", "none",
                  not soak.faults.error)  # fmt: skip
        good, hostile, undelivered = soak.counts
        self._row("other producer: good, hostile, not delivered",
                  f"{good:,}, {hostile:,}, {undelivered}", "hostile ones", hostile > 0)  # fmt: skip
        ended = [name for name in soak.dead if name not in [p.name for p in soak.programs]]
        self._row("others that ended by themselves", ", ".join(ended) or "none", "none", not ended)
        self._row("reference: began again", soak.reference_restarts.value)
        self._row("other consumer: messages handed to it again", soak.witnessed_again.value)
