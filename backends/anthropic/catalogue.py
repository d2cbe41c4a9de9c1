"""The models that Anthropic lists, and in which ways each of them thinks.

Source: https://platform.claude.com/docs/en/api/models-list
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from backends.anthropic.errors import refusal_of
from backends.protocol import Model
from backends.protocol.errors import APIError, BackendUnavailable, BadRequestError, NotFoundError
from backends.upstream import Upstream

MOST_PAGES = 20
MOST_KEPT = 1000
OK = 200


@dataclass(slots=True, frozen=True)
class Ways:
    """The ways of thinking that a model takes; as here where it is not known."""

    adaptive: bool = False
    budget: bool = True
    disabled: bool | None = None


class Catalogue:
    """What `/v1/models` tells; `names` are served too, and alone where it tells nothing."""

    def __init__(self, upstream: Upstream, names: tuple[str, ...]) -> None:
        self._upstream = upstream
        self._names = names
        self._ways: dict[str, Ways] = {}

    async def models(self) -> list[Model]:
        """The models that may be asked, retired ones left out.

        Raises:
            APIError: the list cannot be had, and no names are set.
        """
        try:
            found = await self._listed()
        except APIError:
            if not self._names:
                raise
            found = []
        for each in found:
            self._ways[each["id"]] = _ways(each)
        listed = [_model(each) for each in found if each.get("lifecycle") != "retired"]
        known = {model.id for model in listed}
        return listed + [Model(name, "anthropic") for name in self._names if name not in known]

    async def ways(self, model: str) -> Ways:
        """How a model thinks; asked for once, where it is an alias that is not listed."""
        known = self._ways.get(model)
        if known is not None:
            return known
        try:
            ways = _ways(await self._get(f"/v1/models/{quote(model, safe='')}"))
        except (BadRequestError, NotFoundError):
            ways = Ways()
        # Where any name is served, the names are the clients' to make.
        if len(self._ways) < MOST_KEPT:
            self._ways[model] = ways
        return ways

    async def _listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        after = ""
        for _ in range(MOST_PAGES):
            page = await self._get(f"/v1/models?limit=1000{after}")
            found = page.get("data")
            if not isinstance(found, list):
                raise BackendUnavailable("The upstream's list of models is none.")
            listed += [one for one in found if isinstance(one, dict) and _text(one.get("id"))]
            last = page.get("last_id")
            if not page.get("has_more") or not _text(last):
                break
            after = f"&after_id={quote(str(last), safe='')}"
        return listed

    async def _get(self, path: str) -> dict[str, Any]:
        async with self._upstream.ask("GET", path) as response:
            if response.status != OK:
                raise await refusal_of(response, secrets=self._upstream.secrets)
            try:
                told = orjson.loads(await response.read())
            except orjson.JSONDecodeError as error:
                raise BackendUnavailable("The upstream's models are no JSON.") from error
        return told if isinstance(told, dict) else {}


def _model(told: dict[str, Any]) -> Model:
    model = Model(told["id"], "anthropic")
    window, created = told.get("max_input_tokens"), told.get("created_at")
    if isinstance(window, int):
        model.context_tokens = window
    if isinstance(created, str):
        try:
            model.created = max(0, int(datetime.fromisoformat(created).timestamp()))
        except ValueError:
            return model
    return model


def _ways(told: dict[str, Any]) -> Ways:
    types = _at(told, "capabilities", "thinking", "types")
    if not isinstance(types, dict):
        return Ways()
    return Ways(
        adaptive=_at(types, "adaptive", "supported") is True,
        budget=_at(types, "enabled", "supported") is True,
        disabled=_at(types, "disabled", "supported") if "disabled" in types else None,
    )


def _at(value: Any, *path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
