# SPDX-License-Identifier: Apache-2.0
"""`async for block in stream`: the loop waits on the stream's descriptor; there is no thread."""

import asyncio
import os


async def blocks(stream):
    while True:
        block = stream._poll()
        if block is None:
            return
        if block is not False:
            yield block
            await asyncio.sleep(0)  # a backlog does not keep the loop's other tasks waiting
            continue
        await _readable(stream)


async def _readable(stream):
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    if not stream._hold():
        return  # closed by another thread
    try:
        # A loop has one callback per descriptor, and tasks may share a stream.
        fd = os.dup(stream.fileno())
        # Another task may have taken the descriptor's news, and the last block: look again.
        look = loop.call_later(1, _set, ready)
        try:
            loop.add_reader(fd, _set, ready)
            await ready  # asyncio.wait() would take another turn of the loop
        finally:
            look.cancel()
            loop.remove_reader(fd)
            os.close(fd)
    finally:
        stream._let_go()


def _set(ready):
    if not ready.done():
        ready.set_result(None)
