# SPDX-License-Identifier: Apache-2.0
"""SGN pipelines with sgn-arrakis at one end: `sgn_pipeline.py publish PUBLISHER SECONDS CHANNEL...` and
`sgn_pipeline.py read START SECONDS CHANNEL...`, which prints what it got as JSON."""

import json
import logging
import sys

import numpy

logging.basicConfig(level=logging.INFO)  # before the client is imported, whose log tells what is replaced

from sgn import Pipeline  # noqa: E402
from sgn_arrakis import ArrakisSink, ArrakisSource  # noqa: E402
from sgnts.base import Offset  # noqa: E402
from sgnts.sinks import TSFrameCollectSink  # noqa: E402
from sgnts.sources import FakeSeriesSource  # noqa: E402

RATE = 256


def samples(first, count):
    """Of the sample with this number, counted from GPS 0 on."""
    return (first + numpy.arange(count)) % 997


class Counter(FakeSeriesSource):
    def create_data(self, pad, buf):
        first = Offset.tosamples(buf.offset, buf.sample_rate)
        return samples(first, buf.samples).astype("float32").reshape(buf.shape), {}


def publish(publisher, seconds, *channels):
    signals = {name: {"rate": RATE, "dtype": "float32"} for name in channels}
    source = Counter(
        source_pad_names=list(channels), signals=signals, rate=RATE, real_time=True, duration=float(seconds),
        heartbeat_interval=0.02,  # each time one block is published: more often than they come
    )
    pipeline = Pipeline()
    pipeline.connect(source, ArrakisSink(channels=list(channels), publisher_id=publisher))
    pipeline.run()


def read(start, seconds, *channels):
    pipeline = Pipeline()
    source = ArrakisSource(channels=list(channels), start=float(start), duration=float(seconds))
    sink = TSFrameCollectSink(sink_pad_names=list(channels))
    pipeline.connect(source, sink)
    pipeline.run()
    got = {}
    for name, frame in sink.out_frames().items():
        what = {"first": None, "equal": 0, "other": 0, "missing": 0}
        for buffer in frame.buffers:
            first = Offset.tosamples(buffer.offset, RATE)
            what["first"] = min(first, what["first"] or first)
            if buffer.data is None:
                what["missing"] += buffer.samples
                continue
            equal = int((numpy.asarray(buffer.data).reshape(-1) == samples(first, buffer.samples)).sum())
            what["equal"] += equal
            what["other"] += buffer.samples - equal
        got[name] = what
    print(json.dumps(got))


if __name__ == "__main__":
    {"publish": publish, "read": read}[sys.argv[1]](*sys.argv[2:])
