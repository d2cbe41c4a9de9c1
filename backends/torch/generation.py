"""One request in the engine: a sequence for each choice, and their events as they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from backends.protocol import Event, GenerationRequest, TextDelta, Usage
from backends.torch.answer import Answer, token_logprob
from backends.torch.engine.engine import Engine
from backends.torch.engine.run import Progress, Run
from backends.torch.grammar.calls import CallReader
from backends.torch.grammar.matcher import GrammarMatcher
from backends.torch.local_model import LocalModel
from backends.torch.sampling.drawing import drawing_of


class Generation:
    """The choices of a request.

    `matchers` has the grammar of each choice, or None. Legacy completions may ask for no tokens at
    all, to be told the prompt's logprobs.
    """

    def __init__(
        self,
        model: LocalModel,
        request: GenerationRequest,
        prompt: Sequence[int],
        matchers: Sequence[GrammarMatcher | None],
    ) -> None:
        self._model = model
        self._request = request
        self._prompt = prompt
        self._progress: asyncio.Queue[tuple[int, Progress]] = asyncio.Queue()
        self._limit = model.window_tokens - len(prompt)
        wanted = model.max_tokens if request.max_tokens is None else request.max_tokens
        if wanted is not None:
            self._limit = min(self._limit, wanted)
        self._answers = [self._answer(choice) for choice in range(request.n)]
        self._runs = [self._run(choice, matcher) for choice, matcher in enumerate(matchers)]
        self._cached_tokens = 0

    async def events(self, engine: Engine) -> AsyncGenerator[Sequence[Event]]:
        """The events of each step together, the usage first and last.

        Raises:
            APIError: the engine takes no more, or a step failed.
        """
        try:
            for run in self._runs:
                engine.submit(run)
            async for batch in self._steps():
                yield batch
        finally:
            for run, answer in zip(self._runs, self._answers, strict=True):
                if not answer.finished:
                    engine.cancel(run)

    async def _steps(self) -> AsyncIterator[Sequence[Event]]:
        told = False
        while not all(answer.finished for answer in self._answers):
            batch = [await self._progress.get()]
            while not self._progress.empty():
                batch.append(self._progress.get_nowait())
            events = [event for choice, one in batch for event in self._take(choice, one)]
            if not told:
                # Early, for an answer that a stop string cuts short.
                events.append(Usage(len(self._prompt), 0, self._cached_tokens))
                told = True
            yield events
        made = sum(answer.tokens for answer in self._answers)
        yield [Usage(len(self._prompt), made, self._cached_tokens)]

    def _take(self, choice: int, progress: Progress) -> Sequence[Event]:
        if progress.error is not None:
            raise progress.error
        events: list[Event] = []
        if progress.cached_tokens is not None:
            self._cached_tokens = max(self._cached_tokens, progress.cached_tokens)
            if self._request.echo:
                events.append(self._echoed(choice, progress))
        return [*events, *self._answers[choice].take(progress)]

    def _echoed(self, choice: int, progress: Progress) -> TextDelta:
        """The prompt, with its logprobs where they are asked for."""
        detokenizer = self._model.detokenizer()
        pieces = [detokenizer.push(token) for token in self._prompt]
        pieces[-1] += detokenizer.flush()
        wanted = self._request.logprobs
        told = [
            token_logprob(drawn, text, wanted, self._model.tokenizer)
            for drawn, text in zip(progress.prompt, pieces, strict=bool(progress.prompt))
            if wanted is not None
        ]
        return TextDelta("".join(pieces), choice, 0, told, prompt=True)

    def _answer(self, choice: int) -> Answer:
        request = self._request
        reader = (
            CallReader(request.callable_tools, choice=choice) if request.callable_tools else None
        )
        detokenizer = self._model.detokenizer(
            calls=reader is not None, begins=bool(request.messages)
        )
        return Answer(
            self._model.tokenizer,
            detokenizer,
            choice=choice,
            logprobs=request.logprobs,
            reader=reader,
        )

    def _run(self, choice: int, matcher: GrammarMatcher | None) -> Run:
        request = self._request
        drawing = drawing_of(
            request.sampling,
            self._model.tokenizer.vocabulary,
            choice=choice,
            logprobs=request.logprobs,
            matcher=matcher,
        )

        def deliver(progress: Progress) -> None:
            self._progress.put_nowait((choice, progress))

        return Run(
            self._prompt,
            self._limit,
            drawing,
            deliver,
            self._model.tokenizer.stops,
            prompt_logprobs=request.echo and request.logprobs is not None,
            loop=asyncio.get_running_loop(),
        )
