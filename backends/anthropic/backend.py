"""`AnthropicBackend`: asks Claude, and reads the answer as it comes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import orjson

from backends.anthropic.answer import Answer
from backends.anthropic.body import messages_body
from backends.anthropic.catalogue import OK, Catalogue, Ways
from backends.anthropic.errors import refusal_of
from backends.anthropic.parameters import CARRIED, PARTS
from backends.anthropic.settings import BASE_URL, AnthropicSettings
from backends.protocol import Event, GenerationRequest, Model
from backends.upstream import Upstream, server_sent_events
from backends.upstream.retry import RetryPolicy


class AnthropicBackend:
    """Claude, by Anthropic's Messages API."""

    honours = CARRIED | PARTS

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - pydantic checks each
        if unknown := options.keys() - AnthropicSettings.model_fields.keys():
            raise TypeError(f"anthropic has no {', '.join(sorted(unknown))}")
        settings = AnthropicSettings(**options)
        if not settings.anthropic_api_key and settings.anthropic_base_url == BASE_URL:
            raise ValueError("ANTHROPIC_API_KEY: not set, and Anthropic's API asks for one")
        try:
            self._upstream = Upstream(
                settings.anthropic_base_url,
                settings.headers(),
                policy=RetryPolicy(longest_wait_s=settings.anthropic_max_retry_after_s),
            )
        except ValueError as error:
            raise ValueError(f"ANTHROPIC_BASE_URL: {error}") from error
        self._catalogue = Catalogue(
            self._upstream, settings.anthropic_models, settings.anthropic_models_timeout_s
        )
        self._max_tokens = settings.anthropic_max_tokens

    async def models(self) -> Sequence[Model]:
        """Those that Anthropic lists, and `ANTHROPIC_MODELS`."""
        return await self._catalogue.models()

    def takes_unlisted(self, model: str) -> bool:
        """Always: Anthropic knows more names than it lists, such as aliases."""
        return True

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Sequence[Event]]:
        """The answer's events, as they come.

        Raises:
            UnsupportedParameter: Anthropic has no word for what is asked; nothing is sent.
            APIError: Anthropic refuses, fails, or breaks off.
        """
        ways = Ways()
        if request.reasoning_effort is not None:
            ways = await self._catalogue.ways(request.model)
        body = orjson.dumps(messages_body(request, ways, self._max_tokens))
        answer = Answer(request.model, self._upstream.secrets)
        async with self._upstream.ask("POST", "/v1/messages", body) as response:
            if response.status != OK:
                raise await refusal_of(response, request.model, self._upstream.secrets)
            pieces, max_bytes = response.content.iter_any(), self._upstream.max_event_bytes
            async with aclosing(server_sent_events(pieces, max_bytes)) as events:
                async for event in events:
                    if out := answer.take(event.data):
                        yield out
                    if answer.over:
                        break
            if not answer.over:
                yield answer.end()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._upstream.aclose()
