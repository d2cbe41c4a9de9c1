"""The models that Anthropic lists, and in which ways each of them thinks.

Source: https://platform.claude.com/docs/en/api/models-list
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote

import orjson

from backends.anthropic.errors import refusal_of
from backends.protocol import Model
from backends.protocol.errors import APIError, BackendTimeout, BadRequestError, NotFoundError
from backends.upstream import Upstream
from backends.upstream.errors import bad_gateway
from backends.upstream.model_list import created_s, entries_of

MOST_PAGES = 20
MOST_KEPT = 1000
FAILURE_KEPT_S = 30.0
OK = 200
Answer = TypeVar("Answer")


@dataclass(slots=True, frozen=True)
class Ways:
    """The ways of thinking that a model takes; as here where it is not known."""

    adaptive: bool = False
    budget: bool = True
    disabled: bool | None = None


class Catalogue:
    """What `/v1/models` tells; `names` are served too, and alone where it tells nothing."""

    def __init__(self, upstream: Upstream, names: tuple[str, ...], timeout_s: float) -> None:
        self._upstream = upstream
        self._names = names
        self._timeout_s = timeout_s
        self._ask_again_at_s = 0.0
        self._ways: dict[str, Ways] = {}

    async def models(self) -> list[Model]:
        """The models that may be asked, retired ones left out.

        Raises:
            APIError: the list cannot be had in time, and no names are set.
        """
        try:
            found = await self._in_time(self._listed())
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
        """How a model thinks; asked for once, where it is an alias that is not listed.

        Where Anthropic cannot say now, it is not asked again for `FAILURE_KEPT_S`.
        """
        known = self._ways.get(model)
        if known is not None or monotonic() < self._ask_again_at_s:
            return known or Ways()
        try:
            ways = _ways(await self._in_time(self._get(f"/v1/models/{quote(model, safe='')}")))
        except (BadRequestError, NotFoundError):
            ways = Ways()
        except APIError:
            self._ask_again_at_s = monotonic() + FAILURE_KEPT_S
            return Ways()
        # Where any name is served, the names are the clients' to make.
        if len(self._ways) < MOST_KEPT:
            self._ways[model] = ways
        return ways

    async def _in_time(self, answer: Awaitable[Answer]) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError as error:
            raise BackendTimeout("The upstream did not list its models in time.") from error

    async def _listed(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = []
        after = ""
        for _ in range(MOST_PAGES):
            page = await self._get(f"/v1/models?limit=1000{after}")
            listed += entries_of(page)
            if not isinstance(page, dict):
                break
            last = page.get("last_id")
            if not page.get("has_more") or not _text(last):
                break
            after = f"&after_id={quote(str(last), safe='')}"
        return listed

    async def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        async with self._upstream.ask("GET", path) as response:
            if response.status != OK:
                raise await refusal_of(response, secrets=self._upstream.secrets)
            try:
                return orjson.loads(await response.read())
            except orjson.JSONDecodeError as error:
                raise bad_gateway("The upstream's list of models is not JSON.") from error


def _model(told: dict[str, Any]) -> Model:
    model = Model(told["id"], "anthropic")
    if isinstance(window := told.get("max_input_tokens"), int):
        model.context_tokens = window
    model.created = created_s(told.get("created_at")) or model.created
    return model


def _ways(told: object) -> Ways:
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
