# SPDX-License-Identifier: Apache-2.0
"""The seam `stream`: reading, aligning and making blocks for arrakis.client.Client.stream().

That method asks the server for the channels and for where their data is, makes a reader of it, and gives the reader to a
BlockMuxStream, whose blocks it hands on. What is replaced is the last, in the module arrakis.client alone: all that a
program can see of a request is then the client's own doing, from the rounding of its times to the errors of the server.

The reader that comes is not entered: it tells what is to be read. A reader of another kind is the client's own matter.
"""

import os
import re

import libarrakis
from libarrakis import _core

from ._seam import Seam, differs

# A server may think about a request for the past for long; the client waits without limit.
REQUEST_TIMEOUT = 60.0


class _StreamSeam(Seam):
    everywhere = False

    def check(self):
        from arrakis import block, client, flight, kafka, mux
        from arrakis.stream import MultiStreamReader

        return differs(
            [
                (client.Client.stream, ("8a38715b08303023",)),
                (client._construct_stream_reader, ("56c7f47d2d288f70",)),
                (client._relay_mux_timeout, ("85c68da639cffdb6",)),
                (block.SeriesBlock, ("113237737019cc1d",)),
                (flight.ChainedFlightReader.__init__, ("bbc09a7a590d9b77",)),
                (kafka.KafkaReader.__init__, ("e1317a500f5e23db",)),
                (mux.BlockMuxStream.__init__, ("95efb7fe547ea4cc",)),
                (mux.BlockMuxStream.stream, ("24779836f7aa8bde",)),
                (MultiStreamReader.__init__, ("e2b19e1b127bf2d4",)),
            ]
        )

    def replacements(self):
        from arrakis import client

        return [
            (client, "BlockMuxStream", BlockMuxStream),
            (client, "KafkaReader", _kafka_reader(client.KafkaReader)),
        ]


SEAM = _StreamSeam()


def BlockMuxStream(reader, start=None, timeout=0, on_gap=None, stride=None, **others):  # noqa: N802
    """What Client.stream() gives its reader to: an aligned stream of the library, or the client's where it must be."""
    from arrakis import client, mux

    on_gap = mux.ONGAP_DEFAULT if on_gap is None else on_gap
    sources = None
    # A program that wants to know of each dropped block is told by the client alone.
    if not others and mux.ONDROP_DEFAULT.upper() == "IGNORE":
        sources = _Sources.of(reader, start)
    if sources is None:
        theirs = SEAM.original(client, "BlockMuxStream")
        return theirs(reader, start=start, timeout=timeout, on_gap=on_gap, stride=stride, **others)
    return _Aligned(sources, start, timeout, mux.OnGap[on_gap.upper()], stride)


class _Sources:
    """What a reader of the client is of: brokers, and endpoints at a server."""

    def __init__(self):
        self.brokers = []  # (url, channels by name)
        self.endpoints = []
        self.server = None  # options of a client of the library
        self.relayed = {}
        self.fast_forward = False

    @classmethod
    def of(cls, reader, start):
        """None: the reader is of a kind, or in a state, that is not known."""
        from arrakis.stream import MultiStreamReader

        sources = cls()
        parts = reader._readers if type(reader) is MultiStreamReader else [reader]
        try:
            fits = all(sources._add(part, start) for part in parts) and sources._are_distinct()
        except (KeyError, TypeError, ValueError):
            return None  # a ticket without channels, or with others than were described
        return sources if fits else None

    def _add(self, reader, start):
        from arrakis.flight import ChainedFlightReader

        if isinstance(reader, _Asked):
            return reader.start == start and not reader.entered and self._add_broker(reader)
        return type(reader) is ChainedFlightReader and self._add_server(reader)

    def _add_broker(self, reader):
        self.brokers.append((reader.url, dict(reader.metadata)))
        self.fast_forward = reader.asked_fast_forward
        return True

    def _add_server(self, reader):
        token = _token(reader._middleware)
        if token is None or self.server is not None or not isinstance(reader.initial_url, str):
            return False
        self.endpoints = [endpoint for _, several in reader._slices for endpoint in several]
        for endpoint in self.endpoints:
            for name in _names(endpoint):
                self.relayed[name] = reader.metadata[name]
        # The client sends its token wherever the server sends the client.
        hosts = {_host(location) for endpoint in self.endpoints for location in _locations(endpoint)}
        self.server = {
            "url": reader.initial_url,
            "token": token,
            "insecure_token": True,
            "token_hosts": sorted(filter(None, hosts)),
            "request_timeout": REQUEST_TIMEOUT,
        }
        return bool(self.relayed)

    def _are_distinct(self):
        names = [name for _, channels in self.brokers for name in channels] + list(self.relayed)
        return bool(names) and len(names) == len(set(names))

    @property
    def channels(self):
        merged = {}
        for _, channels in self.brokers:
            merged.update(channels)
        return {**merged, **self.relayed}

    def open(self, start, end, stride, tolerance, on_gap):
        server = None
        if self.server:
            endpoints = [(e.ticket.ticket, _locations(e)) for e in self.endpoints]
            server = (self.server, endpoints, self.relayed)
        debug = os.environ.get("ARRAKIS_KAFKA_DEBUG")
        return _core._align(
            self.brokers, server, start, end, stride, tolerance, on_gap, self.fast_forward,
            {"properties": {"debug": debug}} if debug else {},
        )  # fmt: skip


class _Aligned:
    """The part of a BlockMuxStream that Client.stream() uses."""

    def __init__(self, sources, start, timeout, on_gap, stride):
        import math

        self._sources = sources
        self._start = start
        self._on_gap = {"FILL": 0, "SKIP": 1, "RAISE": 2}[on_gap.name]
        strides = [channel.stride for channel in sources.channels.values()]
        native = math.lcm(*strides)
        if stride is not None and (stride <= 0 or stride % native):
            raise ValueError(
                f"stride {stride:_} ns: expected a positive integer multiple of the native stride, {native:_} ns"
            )
        self._stride = stride
        # Theirs counts from the begin of a block, the library's from its end.
        self._tolerance = timeout - max(strides) if timeout else None

    def stream(self, end_ns=None):
        from arrakis.block import SeriesBlock

        opened = None
        try:
            opened = self._sources.open(
                self._start, end_ns, self._stride, self._tolerance, self._on_gap
            )
            channels = self._sources.channels
            make = _core._BlockMaker(SeriesBlock, {name: channels[name] for name in opened.channels})
            yield from make.over(opened)
        except libarrakis.Error as error:
            theirs = _translated(error, opened is not None, self._sources)
            if theirs is error:
                raise
            raise theirs from error
        finally:
            if opened is not None:
                opened.close()


# ---------------------------------------------------------------- readers


class _Asked:
    """Marks a KafkaReader that was made and not used yet."""


def _kafka_reader(theirs):
    """The class of what Client.stream() makes for a broker: their KafkaReader, which connects when somebody uses it."""
    their_init = theirs.__init__

    class KafkaReader(theirs, _Asked):
        __doc__ = theirs.__doc__
        __module__ = theirs.__module__
        __qualname__ = theirs.__qualname__

        def __new__(cls, *args, **keywords):
            if theirs.__init__ is not their_init:  # somebody watches what is made
                return theirs(*args, **keywords)
            return super().__new__(cls)

        def __init__(self, url, metadata, start=None, *, fast_forward=False):
            for channel in metadata.values():
                assert channel.partition_id is not None
                assert channel.partition_index is not None
            self.url = url
            self.metadata = metadata
            self.start = start
            self.asked_fast_forward = fast_forward
            self.entered = False

        def __getattr__(self, name):
            """What only a complete reader has."""
            if self.__dict__.get("entered", True) or name.startswith("__"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            self.entered = True
            their_init(
                self, self.url, self.metadata, self.start, fast_forward=self.asked_fast_forward
            )
            return getattr(self, name)

        def close(self):
            if self.entered:
                super().close()

    return KafkaReader


def _token(middleware):
    """The token that a client's calls carry; "": none; None: they carry something else."""
    from arrakis.auth import BearerClientMiddlewareFactory

    if not middleware:
        return ""
    if len(middleware) == 1 and type(middleware[0]) is BearerClientMiddlewareFactory:
        return middleware[0]._token
    return None


def _names(endpoint):
    import json

    return json.loads(endpoint.ticket.ticket)["args"]["channels"]


def _locations(endpoint):
    return [location.uri.decode() for location in endpoint.locations]


def _host(location):
    from urllib.parse import urlparse

    return urlparse(location).hostname


# ---------------------------------------------------------------- errors

# The library puts the server's address before what the server wrote.
_ADDRESS = re.compile(r"^grpc(\+\w+)?://[^ ]+: ")


def _translated(error, opened, sources):
    """The exception that the client would have raised."""
    text = str(error)
    if isinstance(error, libarrakis.GapError):
        from arrakis.mux import GapError

        return GapError(text)
    if _ADDRESS.match(text):
        return _flight_error(error, _ADDRESS.sub("", text))
    if sources.brokers and not opened:
        code = _KAFKA_CODES.get(type(error))
        if code is not None:
            from confluent_kafka import KafkaError, KafkaException

            return KafkaException(KafkaError(getattr(KafkaError, code), text))
    if isinstance(error, libarrakis.BrokerError | libarrakis.ConnectError | libarrakis.AuthError):
        return RuntimeError(text)
    return error


_KAFKA_CODES = {
    libarrakis.ConnectError: "_TRANSPORT",
    libarrakis.DeadlineError: "_TIMED_OUT",
    libarrakis.AuthError: "_AUTHENTICATION",
}


def _flight_error(error, text):
    if isinstance(error, libarrakis.DeadlineError):
        from arrakis.errors import EndpointStalledError

        return EndpointStalledError(text)
    from pyarrow import flight

    for ours, theirs in (
        (libarrakis.ConnectError, flight.FlightUnavailableError),
        (libarrakis.NotFoundError, flight.FlightUnavailableError),
        (libarrakis.AuthError, flight.FlightUnauthenticatedError),
        (libarrakis.ServerError, flight.FlightServerError),
        (libarrakis.InvalidArgumentError, flight.FlightServerError),
        (libarrakis.UnsupportedError, flight.FlightServerError),
    ):
        if isinstance(error, ours):
            return theirs(text)
    return error
