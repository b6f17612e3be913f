# SPDX-License-Identifier: Apache-2.0
"""The entry point alone: pyproject.toml may not have a group with dashes in its name, and the server's has them."""

from setuptools import setup

setup(entry_points={"arrakis-server-backend": ["kafka-c = arrakis_backend_kafka_c:KafkaCBackend"]})
