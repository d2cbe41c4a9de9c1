"""The passthrough to a server that speaks the OpenAI API."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from backends.openai.connection import connection, connection_of
from backends.openai.custom import CustomClient
from backends.openai.relaying import ByteRelay
from backends.openai.settings import OpenAISettings
from backends.protocol import Model, RelayRequest, RelayResponse
from backends.protocol.errors import BackendTimeout


class _Way(Protocol):
    """How exchanges are made."""

    async def models(self) -> Sequence[Model]: ...

    def relay(self, request: RelayRequest) -> AbstractAsyncContextManager[RelayResponse]: ...

    async def aclose(self) -> None: ...


class OpenAIBackend:
    """Hands exchanges on: to the upstream of the settings, or as a client of your own has it.

    For a plain `openai.AsyncOpenAI` the bytes are relayed, as for the settings. Of anything else
    that quacks like one the methods are called. `options` are the settings by name, with or without
    the prefix: `OpenAIBackend(base_url=…, api_key=…)`.

    Raises:
        TypeError: there is no such option.
        ValueError: a setting is wrong.
    """

    def __init__(self, client: Any = None, **options: Any) -> None:  # noqa: ANN401 - a duck
        settings = OpenAISettings(**{_setting(name): value for name, value in options.items()})
        self._names = settings.openai_models
        self._way = _way(client, settings)
        self._models_timeout_s = settings.openai_models_timeout_s

    async def models(self) -> Sequence[Model]:
        """`OPENAI_MODELS`, or what the upstream lists.

        Raises:
            APIError: it cannot say, or not in time.
        """
        if self._names:
            return [Model(name) for name in self._names]
        try:
            async with asyncio.timeout(self._models_timeout_s):
                return await self._way.models()
        except TimeoutError as error:
            raise BackendTimeout("The upstream did not list its models in time.") from error

    def takes_unlisted(self, model: str) -> bool:
        """Unless `OPENAI_MODELS` says what is served: an upstream may know more than it lists."""
        return not self._names

    def relay(self, request: RelayRequest) -> AbstractAsyncContextManager[RelayResponse]:
        """The upstream's answer.

        Raises:
            APIError: there is none, or none that a client can use.
        """
        return self._way.relay(request)

    async def aclose(self) -> None:
        """Closes the connections to the upstream."""
        await self._way.aclose()


def _setting(name: str) -> str:
    for known in (name, f"openai_{name}"):
        if known in OpenAISettings.model_fields:
            return known
    raise TypeError(f"there is no setting {name!r}")


def _way(client: Any, settings: OpenAISettings) -> _Way:  # noqa: ANN401 - a duck
    if client is None:
        try:
            return ByteRelay(connection(settings), settings)
        except ValueError as error:
            raise ValueError(f"OPENAI_BASE_URL: {error}") from error
    if _is_plain(client):
        return ByteRelay(connection_of(client, settings), settings)
    return CustomClient(client, forward_client_key=settings.forward_client_key)


def _is_plain(client: object) -> bool:
    """Whether nothing of a client's own would be passed by.

    One whose key is asked of a function each time has none until then.
    """
    from openai import AsyncOpenAI  # noqa: PLC0415 - half a second to import

    return type(client) is AsyncOpenAI and bool(client.api_key)
