"""A client of one's own behind the server. Usage: see `make`, at the end.

It brings its own auth (a token that is asked for anew before it expires) and its own routing (small
models here, the others there). What it does not override is the official client's.
"""

import asyncio
import os
import time
from functools import cached_property
from typing import Any

from openai import AsyncOpenAI
from openai.pagination import AsyncPage
from openai.resources.models import AsyncModels
from openai.types import Model

from backends.openai import OpenAIBackend

TOKEN_S = 300.0


class RoutedClient(AsyncOpenAI):
    """Sends `*-mini` models to one place and all others to another, with a token for each."""

    def __init__(self, small_url: str, large_url: str) -> None:
        super().__init__(base_url=large_url, api_key="unused", max_retries=0)
        self._urls = {"small": small_url.rstrip("/"), "large": large_url.rstrip("/")}
        self._tokens: dict[str, tuple[str, float]] = {}

    async def post(self, path: str, **options: Any) -> Any:  # noqa: ANN401
        """As the official client posts, but to the model's own place, with its token."""
        place = self.place_of((options.get("body") or {}).get("model", ""))
        asked = dict(options.pop("options", None) or {})
        asked["headers"] = {**(asked.get("headers") or {}), "Authorization": self._token(place)}
        send: Any = super().post
        return await send(self._urls[place] + path, options=asked, **options)

    @cached_property
    def models(self) -> AsyncModels:
        """The models of both places."""
        return RoutedModels(self)

    async def models_of(self, place: str) -> list[Model]:
        """What a place lists, of the models that are sent there."""
        page: AsyncPage[Model] = await self.get(
            f"{self._urls[place]}/models",
            cast_to=AsyncPage[Model],
            options={"headers": {"Authorization": self._token(place)}},
        )
        return [model for model in page.data if self.place_of(model.id) == place]

    @staticmethod
    def place_of(model: str) -> str:
        """Where requests for a model go."""
        return "small" if model.endswith("-mini") else "large"

    def _token(self, place: str) -> str:
        """In earnest, this asks an identity provider."""
        token, expires_s = self._tokens.get(place, ("", 0.0))
        if time.monotonic() > expires_s:
            token, expires_s = f"Bearer token-for-{place}", time.monotonic() + TOKEN_S
            self._tokens[place] = token, expires_s
        return token


class RoutedModels(AsyncModels):
    """`models.list` of a `RoutedClient`."""

    _client: RoutedClient

    async def list(self, **_: Any) -> AsyncPage[Model]:  # type: ignore[override]  # noqa: ANN401
        """The models of both places in one page."""
        lists = await asyncio.gather(*map(self._client.models_of, ("small", "large")))
        return AsyncPage(data=[model for models in lists for model in models], object="list")


def make() -> OpenAIBackend:
    """SMALL_URL=… LARGE_URL=… adapter serve --backend custom_client:make."""
    return OpenAIBackend(client=RoutedClient(os.environ["SMALL_URL"], os.environ["LARGE_URL"]))
