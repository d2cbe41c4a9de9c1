"""Several asynchronous streams as one, in the order in which their items come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


async def interleave(
    streams: Sequence[AsyncIterator[Item]], at_once: int
) -> AsyncGenerator[tuple[int, Item]]:
    """Each item with the position of its stream.

    A failure of one stream ends all of them and is raised here. At most `at_once` are asked for
    items at a time. A slow reader holds the streams back: at most one item of each waits. Closing
    this cancels what the streams are waiting for.
    """
    queue: asyncio.Queue[tuple[int, Item | None]] = asyncio.Queue()
    taken = [asyncio.Semaphore(0) for _ in streams]
    slots = asyncio.Semaphore(at_once)

    async def pump(position: int, stream: AsyncIterator[Item]) -> None:
        try:
            async with slots:
                async for item in stream:
                    queue.put_nowait((position, item))
                    await taken[position].acquire()
        finally:
            queue.put_nowait((position, None))

    pumps = [asyncio.create_task(pump(*numbered)) for numbered in enumerate(streams)]
    running = len(pumps)
    try:
        while running:
            position, item = await queue.get()
            if item is None:
                running -= 1
                await pumps[position]
            else:
                yield position, item
                taken[position].release()
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
