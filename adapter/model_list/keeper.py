"""`ModelList`: reads the list again and again, and keeps the last good one."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Literal

from adapter.model_list.document import ListedModel, ModelListError, entries_of, models_of
from adapter.model_list.saved import SavedList, load, save
from adapter.model_list.source import Reading, Stamp, source_of

RETRY_S = 30.0

log = logging.getLogger("adapter")


@dataclass(frozen=True, slots=True)
class ListState:
    """How the list stands.

    `ok`: the source gave it or confirmed it when last asked. `stale`: it is the last good one, and
    `error` says why there is none newer. `empty`: there has never been one. `fetched_at` is the
    Unix time when the source last gave or confirmed it. `error` is fit for `/readyz`.
    """

    status: Literal["ok", "stale", "empty"]
    fetched_at: float | None = None
    error: str | None = None


class ModelList:
    """The models of the list at a URL or path, read every `refresh_s` seconds.

    A source that fails is asked again after `RETRY_S` seconds, if that is sooner. With `saved`, the
    last good list is kept in that file too, and serves after a restart until the source answers.

    Raises:
        ValueError: the URL is none, or a bound is not above zero.
    """

    def __init__(
        self,
        url: str,
        *,
        refresh_s: float,
        timeout_s: float,
        max_bytes: int,
        saved: Path | None,
    ) -> None:
        if min(refresh_s, timeout_s, max_bytes) <= 0:
            raise ValueError("refresh_s, timeout_s and max_bytes of a model list are above zero")
        self._source = source_of(url, timeout_s=timeout_s, max_bytes=max_bytes)
        self._refresh_s = refresh_s
        self._saved = saved
        self._models: tuple[ListedModel, ...] = ()
        self._stamp: Stamp = {}
        self._state = ListState("empty", error="The model list has not been read yet.")
        self._reading = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None

    @property
    def models(self) -> tuple[ListedModel, ...]:
        """The last good list; the same object until the list is another."""
        return self._models

    @property
    def state(self) -> ListState:
        """How the list stands now."""
        return self._state

    async def start(self) -> None:
        """Take the saved list, read the source once, and go on reading it.

        A source that fails raises nothing: `state` tells.
        """
        if self._loop is not None:
            raise RuntimeError("a model list is started once")
        if self._saved is not None:
            found = await asyncio.to_thread(load, self._saved, self._source.name)
            if found is not None:
                saved, self._models = found
                self._stamp = saved.stamp
                self._state = ListState("stale", saved.fetched_at, "The list was saved earlier.")
        await self._refresh_and_survive()
        self._loop = asyncio.create_task(self._refresh_forever(), name="model list")

    async def refresh(self) -> None:
        """Read the source now; a list that is not to be had or is wrong changes only `state`."""
        async with self._reading:
            try:
                reading = await self._source.read(self._stamp)
                if reading is not None:
                    await self._take(reading)
            except ModelListError as error:
                self._fail(str(error))
            else:
                self._succeed()

    async def aclose(self) -> None:
        """Stop reading; `models` stay as they are."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])

    async def _take(self, reading: Reading) -> None:
        """Keep a good list; its stamp is kept with it, so that a bad one is never 'unchanged'."""
        entries, models = await asyncio.to_thread(_checked, reading.body)
        if models == self._models and reading.stamp == self._stamp:
            return
        if models != self._models:
            self._models = models
            fields = {"source": self._source.name, "models": len(models)}
            log.info("the model list has changed", extra={"fields": fields})
        self._stamp = reading.stamp
        if self._saved is not None:
            saved = SavedList(
                source=self._source.name,
                fetched_at=time(),
                stamp=dict(reading.stamp),
                models=entries,
            )
            await asyncio.to_thread(save, self._saved, saved)

    async def _refresh_forever(self) -> None:
        while True:
            failing = self._state.status != "ok"
            await asyncio.sleep(min(self._refresh_s, RETRY_S) if failing else self._refresh_s)
            await self._refresh_and_survive()

    async def _refresh_and_survive(self) -> None:
        """Refresh; a failure that nobody foresaw is logged, and is no reason to stop."""
        [failure] = await asyncio.gather(self.refresh(), return_exceptions=True)
        if failure is not None:
            self._fail("The model list could not be read, for a reason that the log tells.")
            log.error("crash", exc_info=failure, extra={"fields": {"source": self._source.name}})

    def _succeed(self) -> None:
        if self._state.status != "ok":
            fields = {"source": self._source.name, "models": len(self._models)}
            log.info("the model list is up to date", extra={"fields": fields})
        self._state = ListState("ok", time())

    def _fail(self, error: str) -> None:
        if error != self._state.error:
            fields = {"source": self._source.name, "error": error, "models": len(self._models)}
            log.warning("the model list cannot be renewed", extra={"fields": fields})
        fetched_at = self._state.fetched_at
        self._state = ListState("empty" if fetched_at is None else "stale", fetched_at, error)


def _checked(body: bytes) -> tuple[list[Any], tuple[ListedModel, ...]]:
    entries = entries_of(body)
    return entries, models_of(entries)
