"""Drives a backend through a request, and does what it leaves to the adapter."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

from adapter.generation.choice import Choice
from adapter.generation.interleave import interleave
from backends.protocol import (
    Backend,
    Event,
    Finish,
    GenerationRequest,
    Honours,
    TextDelta,
    Usage,
)
from backends.protocol.prompt import prompt_tokens


def honoured(backend: Backend) -> frozenset[str]:
    """The parameters that a backend carries out itself."""
    return backend.honours if isinstance(backend, Honours) else frozenset()


async def generation(
    backend: Backend, requests: Sequence[GenerationRequest]
) -> AsyncIterator[Sequence[Event]]:
    """The complete events of one answer to all the requests (several prompts, or one).

    The choices of a request follow those of the one before. Each choice that begins ends with one
    `Finish`; the last event of all is the `Usage`. Closing this closes the backend's iterators.
    """
    run = _Run(backend, requests)
    async with AsyncExitStack() as stack:
        sources = [await stack.enter_async_context(aclosing(one)) for one in run.sources]
        if len(sources) == 1:
            async for batch in sources[0]:
                if out := run.take(0, batch):
                    yield out
                if run.over:
                    break
        else:
            merged = await stack.enter_async_context(aclosing(interleave(sources)))
            async for position, batch in merged:
                if out := run.take(position, batch):
                    yield out
                if run.over:
                    break
    yield run.end()


class _Run:
    """The state of one answer: a source for each call of the backend, a `Choice` for each choice."""

    def __init__(self, backend: Backend, requests: Sequence[GenerationRequest]) -> None:
        honours = honoured(backend)
        self._requests = requests
        self._usages: dict[int, Usage] = {}
        self._choices: list[Choice] = []
        self._offsets: list[int] = []
        self._cut = False
        self._echoes: dict[int, str] = {}
        self.sources = []
        for request in requests:
            for call in _calls(request, honours):
                self._offsets.append(len(self._choices))
                self._add_choices(call, honours)
                self.sources.append(backend.generate(call))

    def _add_choices(self, call: GenerationRequest, honours: frozenset[str]) -> None:
        for _ in range(call.n):
            index = len(self._choices)
            limit = None if "max_tokens" in honours else call.max_tokens
            self._choices.append(Choice(index, limit, () if "stop" in honours else call.stop))
            if call.echo and "echo" not in honours:
                self._echoes[index] = call.prompt or ""

    @property
    def over(self) -> bool:
        """Whether the adapter itself has ended every choice, so that no more need be generated."""
        return self._cut and all(choice.done for choice in self._choices)

    def take(self, source: int, batch: Event | Sequence[Event]) -> list[Event]:
        """What may go out now that a source has yielded `batch`."""
        offset = self._offsets[source]
        out: list[Event] = []
        for event in batch if isinstance(batch, Sequence) else (batch,):
            if isinstance(event, Usage):
                self._usages[source] = event
                continue
            event.choice += offset
            choice = self._choices[event.choice]
            if choice.done:
                continue
            if event.choice in self._echoes:
                out.append(TextDelta(self._echoes.pop(event.choice), event.choice, tokens=0))
            if isinstance(event, Finish):
                out += choice.finish(event.reason)
            elif choice.unbounded and type(event) is TextDelta and event.tokens is not None:
                choice.tokens += event.tokens
                out.append(event)
            else:
                out += choice.take(event)
                self._cut |= choice.done
        return out

    def end(self) -> list[Event]:
        """The ends of the choices that the backend left open, and the usage."""
        out: list[Event] = []
        for index, choice in enumerate(self._choices):
            if not choice.done:
                if index in self._echoes:
                    out.append(TextDelta(self._echoes.pop(index), index, tokens=0))
                out += choice.finish("stop")
        out.append(self._usage())
        return out

    def _usage(self) -> Usage:
        if len(self._usages) == len(self.sources) and not self._cut:
            return self._reported()
        return Usage(
            sum(prompt_tokens(request) for request in self._requests),
            sum(choice.tokens for choice in self._choices),
            reasoning_tokens=sum(choice.reasoning_tokens for choice in self._choices),
        )

    def _reported(self) -> Usage:
        """The backend's counts summed; the prompt of a request asked `n` times counts once."""
        calls = len(self.sources) // len(self._requests)
        firsts = [self._usages[position] for position in range(0, len(self.sources), calls)]
        every = self._usages.values()
        return Usage(
            sum(usage.prompt_tokens for usage in firsts),
            sum(usage.completion_tokens for usage in every),
            sum(usage.cached_tokens for usage in firsts),
            sum(usage.reasoning_tokens for usage in every),
        )


def _calls(request: GenerationRequest, honours: frozenset[str]) -> list[GenerationRequest]:
    """One call of the backend for each choice, unless it makes several choices itself."""
    if request.n == 1 or "n" in honours:
        return [request]
    calls = [replace(request, n=1) for _ in range(request.n)]
    if "seed" in honours:
        for number, call in enumerate(calls):
            call.sampling = replace(request.sampling, seed=(request.sampling.seed or 0) + number)
    return calls
