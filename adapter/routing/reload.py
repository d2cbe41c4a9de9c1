"""Reads the config file again when it changes, or on SIGHUP, without dropping a request."""

import asyncio
import logging
import signal
from contextlib import suppress
from pathlib import Path

from adapter.catalog import Catalog
from adapter.routing.config import require_routing
from adapter.routing.router import Router

LOOK_S = 1.0


async def watch(path: Path, router: Router, catalog: Catalog) -> None:
    """Goes on until it is cancelled; a file that is wrong is logged, and the old table stays."""
    log, asked = logging.getLogger("adapter"), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = await asyncio.to_thread(_stamp, path)
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await asked.wait()
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp == seen and not asked.is_set():
            continue
        asked.clear()
        seen = stamp
        try:
            config = await asyncio.to_thread(require_routing, path)
            router.load(config, await asyncio.to_thread(router.made, config))
            await router.start()
        except ValueError as error:
            log.error("the config stays as it was: %s", error)  # noqa: TRY400 - the line says all
        else:
            catalog.forget()
            log.info("the config was read again")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
