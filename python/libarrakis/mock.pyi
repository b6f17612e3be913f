# SPDX-License-Identifier: Apache-2.0
from ._core import MemoryReader, MockBroker

__all__ = ["MemoryReader", "MockBroker"]
