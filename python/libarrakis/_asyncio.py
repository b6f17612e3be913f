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
        self._fd = self._look = self._wait = None
        self._watched = False

    def close(self):
        if self._look is not None:
            self._look.cancel()
        self._unwatch()
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._look = None

    __del__ = close  # of a loop that was closed before its generators

    async def block(self):
        """Wait for the next block; None at the end."""
        if not self._stream._hold():
            return None  # closed by another thread
        try:
            self._watch()
            # Another task may have taken the descriptor's news, and the last block: look again.
            self._look = self._look or self._loop.call_later(1, self._look_again)
            self._wait = _Future(self._loop)
            return await self._wait
        finally:
            self._wait = None
            self._stream._let_go()

    def _watch(self):
        if self._fd is None:
            # A loop has one callback per descriptor, and tasks may share a stream.
            self._fd = os.dup(self._stream.fileno())
        if not self._watched:
            self._loop.add_reader(self._fd, self._news)
            self._watched = True

    def _unwatch(self):
        if self._watched:
            self._loop.remove_reader(self._fd)
        self._watched = False

    def _news(self):
        """Something has arrived: most often a part of a block, and the task need not run for that."""
        if self._wait is None:
            self._unwatch()  # not before: most often the next wait begins first
        else:
            self._wait.take(self._stream._poll)

    def _look_again(self):
        self._look = None
        if self._wait is not None:
            self._look = self._loop.call_later(1, self._look_again)
            self._wait.take(self._stream._poll)


class _Future:
    """What a task waits for, as asyncio.isfuture() has it. One of asyncio's own has its task go on in the loop's
    next turn: a block that was taken would be lost where the task is canceled in between, and the turn takes longer
    than all the rest. This one has it go on within take()."""

    _asyncio_future_blocking = False

    def __init__(self, loop):
        self._loop = loop
        self._wake = self._context = self._error = self._result = None
        self._done = False

    def __await__(self):
        self._asyncio_future_blocking = True
        yield self
        return self._result

    def take(self, poll):
        """Ask `poll` for a result; False: there is none yet."""
        if self._done or self._wake is None:
            return
        try:
            self._result = poll()
        except BaseException as error:
            self._error = error
        if self._error is not None or self._result is not False:
            self._done = True
            self._context.run(self._wake, self)

    # What a task calls.

    def get_loop(self):
        return self._loop

    def add_done_callback(self, wake, *, context):
        self._wake, self._context = wake, context

    def result(self):
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            raise error
        finally:
            del error  # its traceback leads here: no cycle

    def cancel(self, msg=None):
        if self._done:
            return False
        self._done = True
        self._error = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
        # Let go of: in Python 3.10 a canceled task has its error, whose traceback leads here.
        wake, self._wake = self._wake, None
        self._loop.call_soon(wake, self, context=self._context)
        return True
