# SPDX-License-Identifier: Apache-2.0
"""A broker in this process, for demonstrations and for tests of programs that read or publish."""

from ._core import MockBroker

__all__ = ["MockBroker"]
