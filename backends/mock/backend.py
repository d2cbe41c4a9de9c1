"""`MockBackend`: what is asked for, in which order, at which pace."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from backends.mock.answer import full_answer, is_plain, plain_answer
from backends.mock.embedding import embed
from backends.mock.media import require_image, require_media
from backends.mock.moderation import moderate
from backends.mock.names import (
    ALL,
    FAMILIES,
    is_chat_name,
    is_embedding_name,
    is_moderation_name,
)
from backends.mock.settings import MockSettings
from backends.protocol import (
    SAMPLING,
    EmbeddingRequest,
    Embeddings,
    Event,
    GenerationRequest,
    Model,
    Moderation,
    ModerationInput,
    TextRun,
)
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.protocol.prompt import prompt_text, prompt_tokens
from backends.protocol.tokenizer import VOCABULARY, WORD_CHARACTERS, is_token


class MockBackend:
    """Echoes the last user message, deterministically, within the whole contract."""

    honours = SAMPLING | {
        "echo",
        "file",
        "frequency_penalty",
        "image_url",
        "input_audio",
        "logit_bias",
        "logprobs",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "suffix",
        "tools",
        "verbosity",
    }
    unknown_model_advice = (
        "This is the mock: MOCK_MODELS names the models that it serves, * for any name."
    )

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - pydantic checks each
        named = {f"mock_{name.removeprefix('mock_')}": value for name, value in options.items()}
        if unknown := named.keys() - MockSettings.model_fields.keys():
            shown = ", ".join(sorted(name.removeprefix("mock_") for name in unknown))
            raise TypeError(f"the mock has no {shown}")
        self._settings = MockSettings(**named)

    async def models(self) -> Sequence[Model]:
        """`MOCK_MODELS`, or the usual names and, unlisted, whatever looks like one of OpenAI's."""
        names = self._settings.mock_models or (*ALL, *FAMILIES)
        if "*" in names:
            names = (*ALL, "*")
        window = self._settings.mock_context_tokens
        return [Model(name, "mock", context_tokens=window) for name in names]

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Sequence[Event]]:
        """The answer's events, all at once or at the pace that is set.

        Raises:
            ContextLengthExceeded: the prompt does not fit.
            BadRequestError: a bias for no token, media that is none, a schema nothing satisfies.
        """
        self._require_sense(request)
        if is_plain(request):
            events = plain_answer(request)
        else:
            events = await asyncio.to_thread(full_answer, request)
        settings = self._settings
        if settings.mock_ttft_ms:
            await asyncio.sleep(settings.mock_ttft_ms / 1000)
        if not settings.mock_itl_ms:
            yield events
            return
        for number, event in enumerate(_single(events)):
            if number:
                await asyncio.sleep(settings.mock_itl_ms / 1000)
            yield [event]

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Vectors of the usual size, of length one."""
        return await asyncio.to_thread(embed, request)

    async def moderate(self, model: str, inputs: Sequence[ModerationInput]) -> list[Moderation]:
        """Judgements by a list of words."""
        if is_chat_name(model) or is_embedding_name(model):
            raise BadRequestError(
                f"The model '{model}' does not moderate.",
                param="model",
                code="unsupported_operation",
            )
        for one in inputs:
            for url in one.image_urls:
                require_image(url, "input")
        return [moderate(one) for one in inputs]

    def _require_sense(self, request: GenerationRequest) -> None:
        if is_embedding_name(request.model) or is_moderation_name(request.model):
            raise BadRequestError(
                f"The model '{request.model}' generates no text.",
                param="model",
                code="unsupported_operation",
            )
        for token in request.sampling.logit_bias:
            if not is_token(token):
                raise BadRequestError(
                    f"Token id {token} is not in the vocabulary of {VOCABULARY} ids.",
                    param=f"logit_bias.{token}",
                )
        wants_json = request.response_format.type == "json_object"
        if wants_json and "json" not in prompt_text(request).lower():
            raise BadRequestError(
                "A 'response_format' of type 'json_object' wants the word 'json' in a message.",
                param="messages",
            )
        window = self._settings.mock_context_tokens
        # A prompt that cannot fit is not counted: that would take as long as it is long.
        surely_too_long = request.prompt_characters() > window * WORD_CHARACTERS
        tokens = None if surely_too_long else prompt_tokens(request)
        if tokens is None or tokens > window:
            param = "messages" if request.messages else "prompt"
            raise ContextLengthExceeded.beyond(window, tokens, param=param)
        require_media(request.messages)


def _single(events: Sequence[Event]) -> Iterator[Event]:
    """The events with each token on its own, for a pause before each."""
    for event in events:
        if isinstance(event, TextRun):
            yield from (TextRun([piece]) for piece in event.pieces)
        else:
            yield event
