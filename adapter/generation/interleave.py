"""Several asynchronous streams as one, in the order in which their items come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


async def interleave(streams: Sequence[AsyncIterator[Item]]) -> AsyncGenerator[tuple[int, Item]]:
    """Each item with the position of its stream. Closing this closes every stream.

    A failure of one stream ends all of them and is raised here. A slow reader holds the streams
    back: at most one item of each waits.
    """
    queue: asyncio.Queue[tuple[int, Item]] = asyncio.Queue(len(streams))

    async def pump(position: int, stream: AsyncIterator[Item]) -> None:
        async for item in stream:
            await queue.put((position, item))

    pumps = [asyncio.create_task(pump(*numbered)) for numbered in enumerate(streams)]
    ended = asyncio.gather(*pumps)
    try:
        while True:
            getting = asyncio.ensure_future(queue.get())
            await asyncio.wait((getting, ended), return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                await ended
                break
            yield getting.result()
        while not queue.empty():
            yield queue.get_nowait()
    finally:
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
