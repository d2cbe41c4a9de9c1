"""The backends that no model of the config names: what each lists, and which takes a model."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from backends.protocol import Backend, Model, TakesUnlisted
from backends.protocol.errors import APIError

LOG = logging.getLogger("adapter")


class _Listed:
    """One list: its models, their names, and the patterns among these."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = models
        self._names = frozenset(model.id for model in models)
        self._patterns = [name for name in self._names if "*" in name]

    def has(self, model: str) -> bool:
        return model in self._names or any(fnmatchcase(model, one) for one in self._patterns)


class OwnLists:
    """The last list that each backend gave; one that cannot be read keeps none of the others."""

    def __init__(self) -> None:
        self._lists: dict[str, _Listed] = {}

    async def read(self, backends: Mapping[str, Backend]) -> list[Model]:
        """All lists in one.

        Raises:
            APIError: none of them can be read, now or before.
        """
        failures = await asyncio.gather(*(self._read(*one) for one in backends.items()))
        self._lists = {name: self._lists[name] for name in backends if name in self._lists}
        if backends and not self._lists:
            raise next(failure for failure in failures if failure is not None)
        return [model for listed in self._lists.values() for model in listed.models]

    def takers(self, model: str, backends: Mapping[str, Backend]) -> list[str]:
        """Who is asked for a model: those that list it, or else those that may know it unlisted.

        Of these, the ones whose list could not be read come alone: theirs may have it.
        """
        if listing := [name for name in backends if self._has(name, model)]:
            return listing
        takers = [
            name
            for name, backend in backends.items()
            if isinstance(backend, TakesUnlisted) and backend.takes_unlisted(model)
        ]
        return [name for name in takers if name not in self._lists] or takers

    def takes_unlisted(self, model: str, backends: Mapping[str, Backend]) -> bool:
        """Whether one backend alone may know a model, or one whose list could not be read."""
        takers = self.takers(model, backends)
        return len(takers) == 1 or any(name not in self._lists for name in takers)

    def _has(self, name: str, model: str) -> bool:
        return name in self._lists and self._lists[name].has(model)

    async def _read(self, name: str, backend: Backend) -> APIError | None:
        try:
            self._lists[name] = _Listed(await backend.models())
        except APIError as error:
            fields = {"backend": name, "error": error.code or error.type, "reason": error.reason}
            LOG.warning("the list of models cannot be read", extra={"fields": fields})
            return error
        return None
