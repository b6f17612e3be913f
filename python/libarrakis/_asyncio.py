# SPDX-License-Identifier: Apache-2.0
"""`async for block in stream`: the loop waits on the stream's descriptor; there is no thread."""

import asyncio
import os


async def blocks(stream):
    waiting = _Waiting(stream)
    try:
        while True:
            block = stream._poll()
            was_here = block is not False
            if not was_here:
                block = await waiting.block()
            if block is None:
                return
            yield block
            if was_here:
                await asyncio.sleep(0)  # a backlog does not keep the loop's other tasks waiting
    finally:
        waiting.close()


class _Waiting:
    """What a wait needs, kept for the next one, as it would be on the way of each block."""

    def __init__(self, stream):
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._fd = self._look = self._ready = None

    def close(self):
        if self._look is not None:
            self._look.cancel()
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._look = None

    __del__ = close  # of a loop that was closed before its generators

    async def block(self):
        """Wait for the next block; None at the end."""
        if not self._stream._hold():
            return None  # closed by another thread
        try:
            if self._fd is None:
                # A loop has one callback per descriptor, and tasks may share a stream.
                self._fd = os.dup(self._stream.fileno())
            self._loop.add_reader(self._fd, self._news)
            try:
                while True:
                    self._ready = self._loop.create_future()
                    # Another task may have taken the descriptor's news, and the last block: look again.
                    self._look = self._look or self._loop.call_later(1, self._look_again)
                    await self._ready  # asyncio.wait() would take another turn of the loop
                    block = self._stream._poll()
                    if block is not False:
                        return block
            finally:
                self._loop.remove_reader(self._fd)
        finally:
            self._stream._let_go()

    def _news(self):
        if not self._ready.done():
            self._ready.set_result(None)

    def _look_again(self):
        self._look = None
        self._news()
