# SPDX-License-Identifier: Apache-2.0
"""The backend `kafka-c` of arrakis-server. The README has what it is, and which licences meet here."""

import argparse
import os

import libarrakis.compat
from arrakis_backend_kafka.backend import KafkaBackend

__all__ = ["KafkaCBackend"]

VARIABLE = "LIBARRAKIS_FETCH_WAIT"


def _seconds(text):
    seconds = float(text)
    if not 0 <= seconds <= 5:
        raise argparse.ArgumentTypeError(f"expected 0 to 5 seconds, found {text}")
    return seconds


class KafkaCBackend(KafkaBackend):
    """Serve timeseries data from Kafka; what it reads of Kafka's data is read by libarrakis.

    All else is the backend `kafka`.
    """

    def __init__(self, *arguments, **options):
        libarrakis.compat.install(["server"])
        super().__init__(*arguments, **options)

    @staticmethod
    def add_arguments(parser):
        KafkaBackend.add_arguments(parser)
        parser.add_argument(
            "--fetch-wait",
            type=_seconds,
            metavar="SECONDS",
            help="how long live data may lie at the Kafka brokers, 0 to 5 seconds, so that they are asked less often; "
            f"blocks reach clients up to that much later. Default: {VARIABLE}, or 0, which is up to 30 ms",
        )

    @classmethod
    def from_args(cls, args):
        if args.fetch_wait is not None:
            os.environ[VARIABLE] = str(args.fetch_wait)
        return super().from_args(args)
