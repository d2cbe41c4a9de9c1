"""Many streams as one."""

import asyncio
from collections.abc import AsyncIterator

from adapter.generation.interleave import interleave

AT_ONCE = 7


async def test_no_more_than_so_many_streams_are_in_progress() -> None:
    open_now, most = 0, 0

    async def stream() -> AsyncIterator[int]:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        for item in range(3):
            await asyncio.sleep(0)
            yield item
        open_now -= 1

    streams = [stream() for _ in range(3 * AT_ONCE)]
    seen = [numbered async for numbered in interleave(streams, AT_ONCE)]
    assert sorted(seen) == [(place, item) for place in range(3 * AT_ONCE) for item in range(3)]
    assert most == AT_ONCE
