"""Which models are served, to whom, and what the backend calls them."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import translate
from time import monotonic

from adapter.allowlist import AllowList
from adapter.auth import Key
from adapter.model_list import ListedModel, ModelList
from backends.protocol import Advises, Lists, Model
from backends.protocol.errors import APIError, ModelNotFound

KEPT_S = 30.0
UNKNOWN_KEPT_S = 1.0


class Catalog:
    """The backend's models, kept for `KEPT_S` seconds, through the allow-lists.

    `model_name` serves the backend's first model under that name, and of the others only those
    that embed. A model whose id has a `*` takes any name that it matches; it is not listed.
    `model_list` adds the dynamic ones.
    """

    def __init__(
        self,
        backend: Lists,
        allowed: AllowList,
        model_name: str | None,
        model_list: ModelList | None = None,
    ) -> None:
        self._backend = backend
        self._advice = backend.unknown_model_advice if isinstance(backend, Advises) else ""
        self._allowed = allowed
        self._model_name = model_name
        self._model_list = model_list
        self._priced: dict[str, ListedModel] = {}
        self._priced_of: Sequence[ListedModel] = ()
        self._read_at_s = -KEPT_S
        self._reading = asyncio.Lock()
        self._models: dict[str, Model] = {}
        self._upstream: dict[str, str] = {}
        self._globs: re.Pattern[str] | None = None

    async def list(self, key: Key) -> Sequence[Model]:
        """The models that a key may use."""
        await self._refresh(KEPT_S)
        return [model for model in self._models.values() if key.models.allows(model.id)]

    async def find(self, name: str, key: Key, *, listed: bool = True) -> Model:
        """The model of that name, if the key may use it; without `listed`, whatever its name.

        Raises:
            ModelNotFound: there is none, or it is not for this key; which, the client is not told.
        """
        await self._refresh(KEPT_S)
        if listed and name not in self._models:
            await self._refresh(UNKNOWN_KEPT_S)
        model = self._models.get(name)
        known = not listed or (self._globs is not None and self._globs.match(name) is not None)
        if model is None and known and self._allowed.allows(name):
            model = Model(name)
        if model is None or not key.models.allows(name):
            raise ModelNotFound(name, self._advice)
        return model

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

    async def _refresh(self, kept_s: float) -> None:
        """Ask the backend again if its last answer is older; keep that one if it cannot say."""
        if monotonic() - self._read_at_s < kept_s:
            return
        async with self._reading:
            if monotonic() - self._read_at_s < kept_s:
                return
            try:
                self._keep(await self._backend.models())
            except APIError:
                if not self._models:
                    raise
            self._read_at_s = monotonic()

    def forget(self) -> None:
        """Ask the backend again the next time."""
        self._read_at_s = -KEPT_S

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
