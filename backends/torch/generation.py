"""One request in the engine: a sequence for each choice, and their events as they come."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from backends.protocol import Event, GenerationRequest, TextDelta, Usage
from backends.torch.answer import Answer, token_logprob
from backends.torch.engine.engine import Engine
from backends.torch.engine.run import Progress, Run
from backends.torch.grammar.calls import CallReader
from backends.torch.grammar.matcher import GrammarMatcher
from backends.torch.local_model import LocalModel
from backends.torch.sampling.drawing import drawing_of
from backends.torch.text.detokenizer import Detokenizer


class Generation:
    """The choices of a request.

    `matchers` has the grammar of each choice, or None. Legacy completions may ask for no tokens at
    all, to be told the prompt's logprobs.
    """

    def __init__(
        self,
        model: LocalModel,
        engine: Engine,
        request: GenerationRequest,
        prompt: Sequence[int],
        matchers: Sequence[GrammarMatcher | None],
    ) -> None:
        self._model = model
        self._engine = engine
        self._request = request
        self._prompt = prompt
        self._progress: asyncio.Queue[tuple[int, Progress]] = asyncio.Queue()
        self._limit = model.window_tokens - len(prompt)
        wanted = model.max_tokens if request.max_tokens is None else request.max_tokens
        if wanted is not None:
            self._limit = min(self._limit, wanted)
        self._answers = [self._answer(choice) for choice in range(request.n)]
        self._runs = [self._run(choice, matcher) for choice, matcher in enumerate(matchers)]
        self._cached_tokens: int | None = None

    async def events(self) -> AsyncGenerator[Sequence[Event]]:
        """The events of each step together, the usage first and last.

        Raises:
            APIError: the engine takes no more, or a step failed.
        """
        self._engine.submit(*self._runs)
        told = False
        try:
            while not all(answer.finished for answer in self._answers):
                batch = [await self._progress.get()]
                while not self._progress.empty():
                    batch.append(self._progress.get_nowait())
                events = [event for choice, one in batch for event in self._take(choice, one)]
                if not told:
                    # Early, for an answer that a stop string cuts short.
                    events.append(self._usage(0))
                    told = True
                if events:
                    yield events
            yield [self._usage(sum(answer.tokens for answer in self._answers))]
        finally:
            for run, answer in zip(self._runs, self._answers, strict=True):
                if not answer.finished:
                    self._engine.cancel(run)

    def _usage(self, made: int) -> Usage:
        return Usage(len(self._prompt), made, self._cached_tokens or 0)

    def _take(self, choice: int, progress: Progress) -> Sequence[Event]:
        answer = self._answers[choice]
        if answer.finished:  # a step more was under way when a stop string ended it
            return ()
        if progress.error is not None:
            raise progress.error
        events: list[Event] = []
        if progress.cached_tokens is not None:
            # What one choice computes, the others find: that is no cache to the client.
            known = self._cached_tokens
            found = progress.cached_tokens
            self._cached_tokens = found if known is None else min(known, found)
            if self._request.echo:
                events.append(self._echoed(choice, progress))
        events += answer.take(progress)
        if answer.finished and progress.finish is None:
            self._engine.cancel(self._runs[choice])
        return events

    def _echoed(self, choice: int, progress: Progress) -> TextDelta:
        """The prompt, with its logprobs where they are asked for."""
        tokenizer, wanted = self._model.tokenizer, self._request.logprobs
        detokenizer = Detokenizer(tokenizer, special=True)
        pieces = [detokenizer.push(token) for token in self._prompt]
        pieces[-1] += detokenizer.flush()
        sent = self._request.prompt
        own = self._prompt[0] in tokenizer.special
        if own and sent is not None and not sent.startswith(pieces[0]):
            pieces[0] = ""  # a beginning that the tokenizer has put there
        if wanted is None:
            return TextDelta("".join(pieces) if sent is None else sent, choice, 0, prompt=True)
        told = [
            token_logprob(drawn, text, wanted, tokenizer)
            for drawn, text in zip(progress.prompt, pieces, strict=True)
        ]
        return TextDelta("".join(pieces), choice, 0, told, prompt=True)

    def _answer(self, choice: int) -> Answer:
        request = self._request
        reader = (
            CallReader(request.callable_tools, choice=choice) if request.callable_tools else None
        )
        tokenizer = self._model.tokenizer
        # The marks of a tool call are to be seen, even where they are special.
        special = reader is not None
        return Answer(
            tokenizer,
            Detokenizer(tokenizer, special=special, begins=bool(request.messages)),
            choice=choice,
            logprobs=request.logprobs,
            reader=reader,
            stops=request.stop,
            turn_ends=self._model.chat.turn_ends if request.messages else (),
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

        queue = self._progress  # not by `self`: a circle would keep the matcher's memory for long

        def deliver(progress: Progress) -> None:
            queue.put_nowait((choice, progress))

        return Run(
            self._prompt,
            self._limit,
            drawing,
            deliver,
            self._model.tokenizer.stops,
            prompt_logprobs=request.echo and request.logprobs is not None,
            loop=asyncio.get_running_loop(),
        )
