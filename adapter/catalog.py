"""Which models are served, to whom, and what the backend calls them."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import translate
from time import monotonic

from adapter.allowlist import AllowList
from adapter.auth import Key
from adapter.model_list import ListedModel, ModelList
from backends.protocol import Advises, Lists, Model, TakesUnlisted
from backends.protocol.errors import APIError, ModelNotFound

KEPT_S = 30.0
UNKNOWN_KEPT_S = 1.0
NEVER_S = float("-inf")
LOG = logging.getLogger("adapter")


class Catalog:
    """The backend's models, kept for `KEPT_S` seconds, through the allow-lists.

    `model_name` serves the backend's first model under that name, and of the others only those
    that embed. A model whose id has a `*` takes any name that it matches; it is not listed.
    `model_list` adds the dynamic ones.

    A backend that takes unlisted models is asked for those too, unless `strict`. A list that is
    slow or cannot be read holds up the first request alone; later it is read in the background.
    """

    def __init__(
        self,
        backend: Lists,
        allowed: AllowList,
        model_name: str | None,
        model_list: ModelList | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self._backend = backend
        self._advice = backend.unknown_model_advice if isinstance(backend, Advises) else ""
        self._allowed = allowed
        self._model_name = model_name
        self._model_list = model_list
        self._priced: dict[str, ListedModel] = {}
        self._priced_of: Sequence[ListedModel] = ()
        self._beyond = backend if isinstance(backend, TakesUnlisted) and not strict else None
        self._asked_at_s = NEVER_S
        self._reading: asyncio.Task[None] | None = None
        self._failure: APIError | None = None  # where the list has never been read
        self._models: dict[str, Model] = {}
        self._upstream: dict[str, str] = {}
        self._globs: re.Pattern[str] | None = None

    async def list(self, key: Key) -> Sequence[Model]:
        """The models that a key may use.

        Raises:
            APIError: the list cannot be read now, and never could.
        """
        await self._refresh(UNKNOWN_KEPT_S if self._failure else KEPT_S, wait=True)
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        return [model for model in self._models.values() if key.models.allows(model.id)]

    async def find(self, name: str, key: Key, *, listed: bool = True) -> Model:
        """The model of that name, if the key may use it; without `listed`, whatever its name.

        Raises:
            ModelNotFound: there is none, or it is not for this key; which, the client is not told.
            APIError: the list cannot be read, and it alone could say.
        """
        self._require_allowed(name, key)
        await self._refresh(KEPT_S, wait=self._asked_at_s == NEVER_S)
        model = self._models.get(name)
        if model is not None:
            return model
        return Model(name) if not listed or self._takes(name) else await self._unlisted(name)

    async def listed(self, name: str, key: Key) -> Model:
        """The model of that name, if the list has it and the key may use it.

        Raises:
            ModelNotFound, APIError: as for `find`.
        """
        self._require_allowed(name, key)
        await self._refresh(KEPT_S, wait=True)
        return self._models.get(name) or await self._unlisted(name)

    def priced(self, name: str) -> ListedModel | None:
        """The model of that name on the dynamic list, which may have a price."""
        if self._model_list is None:
            return None
        if self._model_list.models is not self._priced_of:
            self._priced_of = self._model_list.models
            self._priced = {one.id: one for one in self._priced_of}
        return self._priced.get(name)

    def is_listed(self, name: str) -> bool:
        """Whether a name is one of the listed models': a bounded set, fit for a metric's label."""
        return name in self._models

    def upstream(self, name: str) -> str:
        """What the backend calls the model."""
        return self._upstream.get(name, name)

    def forget(self) -> None:
        """Ask the backend again the next time."""
        self._asked_at_s, self._reading = NEVER_S, None

    def _require_allowed(self, name: str, key: Key) -> None:
        if not (self._allowed.allows(name) and key.models.allows(name)):
            raise ModelNotFound(name, self._advice)

    def _takes(self, name: str) -> bool:
        """Whether the backend is asked for a name that is not listed."""
        if self._beyond is None or self._model_name not in {None, name}:
            return False
        return self._beyond.takes_unlisted(name)

    async def _unlisted(self, name: str) -> Model:
        """A model that was not on the list: a newer list may have it, or a pattern may match."""
        await self._refresh(UNKNOWN_KEPT_S, wait=True)
        model = self._models.get(name)
        if model is None and self._globs is not None and self._globs.match(name):
            model = Model(name)
        if model is not None:
            return model
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        raise ModelNotFound(name, self._advice)

    async def _refresh(self, kept_s: float, *, wait: bool) -> None:
        """Ask the backend again if its last answer is older, once for all who ask."""
        if monotonic() - self._asked_at_s < kept_s:
            return
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        if wait:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        """Ask the backend for its list; keep the last one if it cannot say."""
        failure = None
        models: Sequence[Model] = ()
        reading = self._reading
        try:
            models = await self._backend.models()
        except APIError as error:
            failure = error
            fields = {"error": error.code or error.type, "reason": error.reason}
            LOG.warning("the list of models cannot be read", extra={"fields": fields})
        finally:
            forgotten = self._reading is not reading
            if not forgotten:
                self._reading = None
        if forgotten:
            return
        self._asked_at_s = monotonic()
        if failure is None or self._failure is not None or not self._models:
            self._failure = failure
            self._keep(models)

    def _keep(self, models: Sequence[Model]) -> None:
        if self._model_name is not None and models:
            self._upstream = {self._model_name: models[0].id}
            named = replace(models[0], id=self._model_name)
            models = [named, *(one for one in models[1:] if one.embeds and one.id != named.id)]
        dynamic = self._model_list.models if self._model_list is not None else ()
        models = [*models, *(Model(one.id, owned_by=one.provider) for one in dynamic)]
        listed = (model for model in models if "*" not in model.id)
        self._models = {model.id: model for model in listed if self._allowed.allows(model.id)}
        globs = [translate(model.id) for model in models if "*" in model.id]
        self._globs = re.compile("|".join(globs)) if globs else None
