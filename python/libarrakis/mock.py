# SPDX-License-Identifier: Apache-2.0
"""A broker in this process, for demonstrations and for tests of programs that read or publish; and streams without one."""

from ._core import MemoryReader, MockBroker

__all__ = ["MemoryReader", "MockBroker"]
