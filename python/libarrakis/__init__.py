# SPDX-License-Identifier: Apache-2.0
"""The Arrakis client in C: channels of gravitational-wave detectors out of Apache Kafka and Arrakis servers.

    import libarrakis

    for block in libarrakis.stream(["H1:CAL-DELTAL_EXTERNAL_DQ"], kafka_url="localhost:9092"):
        print(block.time_ns, block["H1:CAL-DELTAL_EXTERNAL_DQ"].std())

Times are GPS: attributes whose names end in `_ns` are nanoseconds, arguments such as `start` are seconds (a number), a
text such as "now-90s" or "2024-05-17T16:53:02Z", or a datetime, which is UTC where it has no time zone. Durations and time
limits are seconds.

Every error of the library is an Error with its `status`; each class is also the built-in one that fits, such as
ValueError or ConnectionError. Log lines go to logging.getLogger("libarrakis"). numpy is imported when an array is asked
for; pyarrow is not, except by the parts of libarrakis.kafka that return its objects.

A process that was forked while a client, stream, reader or publisher was open cannot use the library: RuntimeError. Use
multiprocessing's "spawn" or "forkserver".
"""

import atexit as _atexit
import collections.abc as _abc

from . import _core
from ._core import (
    AuthError,
    Block,
    BrokerError,
    CanceledError,
    ChangedError,
    Channel,
    Channels,
    Client,
    ConnectError,
    DeadlineError,
    Error,
    FormatError,
    GapError,
    InputOutputError,
    InvalidArgumentError,
    MismatchError,
    NotFoundError,
    OutOfMemoryError,
    Publisher,
    PublisherStats,
    ServerError,
    Stats,
    Stream,
    UnsupportedError,
    gps_now_ns,
    version,
)

__all__ = [
    "AuthError",
    "Block",
    "BrokerError",
    "CanceledError",
    "ChangedError",
    "Channel",
    "Channels",
    "Client",
    "ConnectError",
    "DeadlineError",
    "Error",
    "FormatError",
    "GapError",
    "InputOutputError",
    "InvalidArgumentError",
    "KafkaReader",
    "MismatchError",
    "NotFoundError",
    "OutOfMemoryError",
    "Publisher",
    "PublisherStats",
    "ServerError",
    "Stats",
    "Stream",
    "UnsupportedError",
    "count",
    "describe",
    "fetch",
    "find",
    "gps_now_ns",
    "stream",
    "version",
]

__version__ = version()

_abc.Mapping.register(Block)
_abc.Mapping.register(Channels)
# Threads of the library may log, and ask for tokens, until the process ends; Python does not go on for so long.
_atexit.register(_core._stop)


def __getattr__(name):
    if name == "KafkaReader":
        from .kafka import KafkaReader

        return KafkaReader
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def find(
    pattern=None, data_type=None, min_rate=None, max_rate=None, publisher=None, *,
    time=None, replay_id=None, **source,
):  # fmt: skip
    """Return a list of the channels that match all conditions, each a Channel, in no particular order.

    pattern    regular expression, matched from the first character of the name on; None: all names
    data_type  "float32" or whatever else numpy.dtype() takes, or several of them
    min_rate, max_rate  in Hz, inclusive
    publisher  one publisher's id, or several
    time       the GPS time whose metadata is searched, in seconds or as a text; None: now. Only servers keep past
               metadata
    replay_id  None: live
    source     where to look: url=, kafka_url=, metadata= and what else Client takes

    Errors: InvalidArgumentError for a malformed pattern; ConnectError, AuthError, BrokerError, DeadlineError,
    ServerError, FormatError, UnsupportedError, InputOutputError from the source. A topic of metadata that cannot be
    read is skipped with a warning, unless all are.
    """
    with Client(**source) as client:
        return client.find(
            pattern, data_type, min_rate, max_rate, publisher, time=time, replay_id=replay_id
        )


def count(
    pattern=None, data_type=None, min_rate=None, max_rate=None, publisher=None, *,
    time=None, replay_id=None, **source,
):  # fmt: skip
    """Return how many channels match; arguments and errors as for find()."""
    with Client(**source) as client:
        return client.count(
            pattern, data_type, min_rate, max_rate, publisher, time=time, replay_id=replay_id
        )


def describe(channels, time=None, *, replay_id=None, **source):
    """Return the channels with these names: a mapping of names to Channel, in the order of `channels`.

    channels  names, or a Channel for its name
    time, replay_id, source  as for find()

    Errors: NotFoundError names the channels that do not exist; others as for find().
    """
    with Client(**source) as client:
        return client.describe(channels, time, replay_id=replay_id)


def stream(
    channels, start=None, end=None, *, duration=None, on_gap="fill", stride=None,
    latency_tolerance=None, fast_forward=True, prefetch_bytes=None, replay_id=None,
    replay_start=None, replay_end=None, retry=None, retry_time=None, retry_tries=None,
    follow=False, fetch_wait=None, **source,
):  # fmt: skip
    """Open a Stream of aligned blocks, each with all of `channels`.

        for block in libarrakis.stream(["H1:CAL-DELTAL_EXTERNAL_DQ"], kafka_url="localhost:9092"):
            samples = block["H1:CAL-DELTAL_EXTERNAL_DQ"]

    channels   names, or a Channel for its name, such as find() returns; each block maps the names to arrays of shape
               (sample_rate * stride,)
    start      GPS seconds, a text such as "now-90s", a datetime, or None: now, live. 0: the beginning of what the topics
               hold
    end        the stream ends with the block that reaches this time; None: it goes on into live data, without end
    duration   in seconds, instead of an end
    on_gap     where no channel has data: "fill" (blocks whose samples are all masked), "skip" (no blocks) or "raise"
               (GapError). Where only some have none, their samples are masked
    stride     duration of the blocks in seconds, a multiple of the channels' own, which is the default
    latency_tolerance  how many seconds after the end of a block its data is waited for; None: the channels' max_latency
    fast_forward       a live stream that has fallen behind skips to the present
    prefetch_bytes     bytes of messages fetched ahead from Kafka; None: 1 MiB per partition, but at least 4 MiB and at most
                       64 MiB, or four answers of the broker, if those are larger
    fetch_wait         how many seconds data may lie at a Kafka broker, up to 5, which is then asked less often: with
                       hundreds of partitions most of a live stream's CPU is requests, each of which names them all.
                       Blocks come up to that much later, and a stream waits longer for late data, by twice that time. None
                       or 0: data of up to 64 partitions comes at once, and of more within 30 ms. A start more than 10 s
                       ago does without
    replay_id          a replay that publishers write; None: live
    replay_start, replay_end  a server plays the data of this span again and again as if it were live
    retry      whether a server's stream that breaks is taken up again; None: if the request has no end
    retry_time, retry_tries   after how many seconds the last try is made, and how many may fail in a row; None: no limit
    follow     go on with channels that are given another partition, type, rate or stride meanwhile: the blocks from then
               on have other `channels`, and so has the stream. False: the stream ends with ChangedError. An Arrow stream
               ends with an error where a type or rate changes, since it has one schema
    source     where the data is: url=, kafka_url=, metadata= and what else Client takes

    A request with an end always ends: what the source does not hold becomes gaps. Blocks of a live stream begin at
    multiples of the stride. Ctrl-C ends a wait for a block at once, and the opening within a second.

    Errors: NotFoundError names the channels that do not exist; InvalidArgumentError; ConnectError, AuthError,
    BrokerError, DeadlineError, ServerError, FormatError, UnsupportedError, MismatchError;
    ChangedError names the channel that has changed, what it was and what it is now.
    """
    with Client(**source) as client:
        return client.stream(
            channels, start, end, duration=duration, on_gap=on_gap, stride=stride,
            latency_tolerance=latency_tolerance, fast_forward=fast_forward,
            prefetch_bytes=prefetch_bytes, replay_id=replay_id, replay_start=replay_start,
            replay_end=replay_end, retry=retry, retry_time=retry_time, retry_tries=retry_tries,
            follow=follow, fetch_wait=fetch_wait,
        )  # fmt: skip


def fetch(
    channels, start=None, end=None, *, duration=None, on_gap="fill", stride=None,
    latency_tolerance=None, fast_forward=True, prefetch_bytes=None, replay_id=None,
    replay_start=None, replay_end=None, retry=None, retry_time=None, retry_tries=None,
    follow=False, fetch_wait=None, **source,
):  # fmt: skip
    """Return a span as one Block; waits until the data has been published, or the deadline for it has passed.

    The span is [start, end) or [start, start + duration); with only a start, one stride from it; with only a duration,
    that long from now; with neither, the next stride. Arguments and errors as for stream(), but on_gap "skip" is
    InvalidArgumentError.
    """
    with Client(**source) as client:
        return client.fetch(
            channels, start, end, duration=duration, on_gap=on_gap, stride=stride,
            latency_tolerance=latency_tolerance, fast_forward=fast_forward,
            prefetch_bytes=prefetch_bytes, replay_id=replay_id, replay_start=replay_start,
            replay_end=replay_end, retry=retry, retry_time=retry_time, retry_tries=retry_tries,
            follow=follow, fetch_wait=fetch_wait,
        )  # fmt: skip
