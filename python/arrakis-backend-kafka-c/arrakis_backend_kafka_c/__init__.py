# SPDX-License-Identifier: Apache-2.0
"""The backend `kafka-c` of arrakis-server. The README has what it is, and which licences meet here."""

import libarrakis.compat
from arrakis_backend_kafka.backend import KafkaBackend

__all__ = ["KafkaCBackend"]


class KafkaCBackend(KafkaBackend):
    """Serve timeseries data from Kafka; what it reads of Kafka's data is read by libarrakis.

    All else is the backend `kafka`.
    """

    def __init__(self, *arguments, **options):
        libarrakis.compat.install(["server"])
        super().__init__(*arguments, **options)
