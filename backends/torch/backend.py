"""`TorchBackend`: the engine behind the seam. Requests in, events out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from backends.protocol import (
    SAMPLING,
    EmbeddingRequest,
    Embeddings,
    Event,
    GenerationRequest,
    Measure,
    Model,
    Tokenization,
)
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.torch.engine.engine import Engine
from backends.torch.generation import Generation
from backends.torch.grammar.matcher import GrammarMatcher
from backends.torch.local_model import EMBEDDING, LocalModel
from backends.torch.measures import measures
from backends.torch.prompt import prompt_ids
from backends.torch.settings import TorchSettings

SHORT = 4_000  # characters that are tokenised in less than a millisecond


class TorchBackend:
    """A model on this machine, and one for embeddings beside it.

    The files are checked when this is made; `start` begins to load the weights, on the engine's
    own thread.

    Raises:
        ValueError: there is no such model, or it cannot run here; one line for the operator.
    """

    honours = SAMPLING | {
        "echo",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "n",
        "presence_penalty",
        "response_format",
        "suffix",
        "tools",
    }

    def __init__(
        self,
        model_path: str | None = None,
        tokenizer_path: str | None = None,
        device: str = "auto",
        quantize: str = "none",
        **options: Any,  # noqa: ANN401 - pydantic checks each
    ) -> None:
        named = {f"torch_{name.removeprefix('torch_')}": value for name, value in options.items()}
        if unknown := named.keys() - TorchSettings.model_fields.keys():
            raise TypeError(f"the engine has no {', '.join(sorted(unknown))}")
        settings = TorchSettings(**named)
        self._settings = settings
        self._model = LocalModel(model_path, tokenizer_path, device, quantize, settings)
        self._engine: Engine | None = None

    async def start(self) -> None:
        """Begin to load the weights."""
        if self._engine is None:
            self._engine = Engine(
                self._model.load,
                max_running=self._settings.torch_max_running,
                max_waiting=self._settings.torch_max_waiting,
                stall_s=self._settings.torch_stall_ms / 1000,
            )

    async def ready(self) -> bool:
        """Whether the weights are loaded, and a first pass is through."""
        return self._engine is not None and self._engine.ready

    async def models(self) -> Sequence[Model]:
        """The model that generates, and the one that embeds, if there is one."""
        window = self._model.window_tokens
        found = [Model(self._model.name, "local", context_tokens=window)]
        if self._model.embedding_name is not None:
            found.append(Model(self._model.embedding_name, "local", embeds=True))
        return found

    async def generate(self, request: GenerationRequest) -> AsyncIterator[Sequence[Event]]:
        """The events of all choices, those of a step together.

        Raises:
            APIError: the request cannot be honoured, or the queue is full.
        """
        engine = await self._engine_for(request.model)
        prompt = await self._prompt(request)
        window = self._model.window_tokens
        if len(prompt) >= window:
            param = "messages" if request.messages else "prompt"
            raise ContextLengthExceeded.beyond(window, len(prompt), param=param)
        request.prompt_tokens = len(prompt)
        matchers = await self._matchers(request)
        generation = Generation(self._model, engine, request, prompt, matchers)
        async with aclosing(generation.events()) as batches:
            async for batch in batches:
                yield batch

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Vectors of length one, by the embedding model.

        Raises:
            BadRequestError: the model is not the one that embeds; `param` is `model`.
        """
        embedder = self._model.embedder
        if embedder is None or request.model != self._model.embedding_name:
            there_is_none = f" `adapter models pull {EMBEDDING}` brings one that does."
            raise BadRequestError(
                f"The model '{request.model}' makes no embeddings."
                + (there_is_none if embedder is None else ""),
                param="model",
                code="unsupported_operation",
            )
        return await embedder.embed(request)

    async def tokenize(self, request: GenerationRequest) -> Tokenization:
        """The ids that the model would read.

        Raises:
            BadRequestError: the model that embeds is sent messages.
        """
        embedder = self._model.embedder
        if embedder is not None and request.model == self._model.embedding_name:
            if request.messages:
                raise BadRequestError(
                    f"The model '{request.model}' reads no messages: send a 'prompt'.",
                    param="messages",
                )
            encode = partial(embedder.tokenizer.encode, request.prompt or "", special=True)
            return Tokenization(await asyncio.to_thread(encode), embedder.context_tokens)
        return Tokenization(await self._prompt(request), self._model.window_tokens)

    async def detokenize(self, model: str, tokens: Sequence[int]) -> str:
        """The text of ids; those that an embedding model puts around a text are left out."""
        tokenizer = self._model.tokenizer_of(model)
        special = model != self._model.embedding_name

        def text() -> str:
            tokenizer.require(tokens, "tokens")
            return tokenizer.decode(tokens, special=special)

        return text() if len(tokens) < SHORT else await asyncio.to_thread(text)

    def measures(self) -> Sequence[Measure]:
        """The engine's numbers, under vLLM's names."""
        if self._engine is None:
            return ()
        return measures(self._engine.stats, self._model.name)

    async def aclose(self) -> None:
        """End the engine's thread."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        self._model.close()

    async def _engine_for(self, model: str) -> Engine:
        if model == self._model.embedding_name:
            raise BadRequestError(
                f"The model '{model}' generates no text.",
                param="model",
                code="unsupported_operation",
            )
        await self.start()
        assert self._engine is not None  # noqa: S101 - it has just been made
        return self._engine

    async def _prompt(self, request: GenerationRequest) -> list[int]:
        """The prompt's ids; on a thread where that takes long."""
        make = partial(prompt_ids, request, self._model.tokenizer, self._model.chat)
        called = any(getattr(message, "tool_calls", None) for message in request.messages)
        short = request.prompt_characters() < SHORT and not request.tools and not called
        return make() if short else await asyncio.to_thread(make)

    async def _matchers(self, request: GenerationRequest) -> Sequence[GrammarMatcher | None]:
        """A grammar for each choice, where the request keeps the text to a form."""
        if request.response_format.type == "text" and not request.callable_tools:
            return [None] * request.n
        grammars = await self._model.grammars()
        matcher = await asyncio.to_thread(grammars.of_request, request)
        if matcher is None:
            return [None] * request.n
        return [matcher, *(matcher.copy() for _ in range(request.n - 1))]
