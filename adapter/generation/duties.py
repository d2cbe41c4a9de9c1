"""Drives a backend through a request, and does what it leaves to the adapter."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
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
    Usage,
)
from backends.protocol.prompt import prompt_tokens

Batch = Event | Sequence[Event]
AT_ONCE = 64
"""Choices asked for at a time: a backend that takes so many takes any number of prompts."""


def honoured(backend: Backend) -> frozenset[str]:
    """The parameters that a backend carries out itself."""
    return backend.honours if isinstance(backend, Honours) else frozenset()


async def generation(
    backend: Backend, requests: Sequence[GenerationRequest], honours: frozenset[str]
) -> AsyncGenerator[Sequence[Event]]:
    """The complete events of one answer to all the requests (several prompts, or one).

    The choices of a request follow those of the one before. Each choice ends with one `Finish`;
    the last event of all is the `Usage`. Closing this closes the backend's iterators.
    """
    run = _Run(requests, honours)
    sources = [backend.generate(call) for call in run.calls]
    if len(sources) == 1:
        source = sources[0]
        try:
            async for batch in source:
                if out := run.take(0, batch):
                    yield out
                if run.over:
                    break
        finally:
            if isinstance(source, AsyncGenerator):
                await source.aclose()
    else:
        most = max(call.n for call in run.calls)
        async with aclosing(_merged(sources, max(1, AT_ONCE // most))) as merged:
            async for position, batch in merged:
                if out := run.take(position, batch):
                    yield out
                if run.over:
                    break
    yield run.end()


async def _merged(
    sources: Sequence[AsyncIterator[Batch]], at_once: int
) -> AsyncGenerator[tuple[int, Batch]]:
    async with AsyncExitStack() as stack:
        for source in sources:
            if isinstance(source, AsyncGenerator):
                stack.push_async_callback(source.aclose)
        merged = await stack.enter_async_context(aclosing(interleave(sources, at_once)))
        async for numbered in merged:
            yield numbered


class _Run:
    """One answer in progress: the calls of the backend, and a `Choice` for each choice."""

    def __init__(self, requests: Sequence[GenerationRequest], honours: frozenset[str]) -> None:
        self._requests = requests
        self._usages: dict[int, Usage] = {}
        self._choices: list[Choice] = []
        self._offsets: list[int] = []
        self._open = 0
        self._cut = False
        self.calls = [call for request in requests for call in _calls(request, honours)]
        for call in self.calls:
            self._offsets.append(self._open)
            limit = None if "max_tokens" in honours else call.max_tokens
            stops = () if "stop" in honours else call.stop
            echo = (call.prompt or "") if call.echo and "echo" not in honours else None
            for _ in range(call.n):
                self._choices.append(Choice(self._open, limit, stops, echo))
                self._open += 1

    @property
    def over(self) -> bool:
        """Whether all is said and the adapter has cut a choice: no more need be generated."""
        return self._cut and not self._open

    def take(self, source: int, batch: Batch) -> list[Event]:
        """What may go out now that a source has yielded `batch`."""
        offset = self._offsets[source]
        out: list[Event] = []
        for event in batch if isinstance(batch, list) else _events(batch):
            if isinstance(event, Usage):
                self._usages[source] = event
                continue
            if offset:
                event = replace(event, choice=event.choice + offset)  # noqa: PLW2901 - it is the backend's
            choice = self._choices[event.choice]
            if choice.done:
                continue
            if isinstance(event, Finish):
                out += choice.finish(event.reason)
            else:
                out += choice.take(event)
                self._cut |= choice.done
            self._open -= choice.done
        return out

    def end(self) -> list[Event]:
        """The ends of the choices that the backend left open, and the usage."""
        out: list[Event] = []
        for choice in self._choices:
            if not choice.done:
                out += choice.finish("stop")
        out.append(self._usage())
        return out

    def _usage(self) -> Usage:
        if len(self._usages) == len(self.calls) and not self._cut:
            return self._reported()
        return Usage(
            sum([prompt_tokens(request) for request in self._requests]),
            sum([choice.tokens for choice in self._choices]),
            self._reported().cached_tokens if len(self._usages) == len(self.calls) else 0,
            reasoning_tokens=sum([choice.reasoning_tokens for choice in self._choices]),
        )

    def _reported(self) -> Usage:
        """The backend's counts summed; the prompt of a request asked `n` times counts once."""
        each = len(self.calls) // len(self._requests)
        firsts = [self._usages[position] for position in range(0, len(self.calls), each)]
        every = self._usages.values()
        return Usage(
            sum(usage.prompt_tokens for usage in firsts),
            sum(usage.completion_tokens for usage in every),
            sum(usage.cached_tokens for usage in firsts),
            sum(usage.reasoning_tokens for usage in every),
        )


def _events(batch: Batch) -> Sequence[Event]:
    """One event or several as several."""
    return (batch,) if isinstance(batch, Event) else batch


def _calls(request: GenerationRequest, honours: frozenset[str]) -> list[GenerationRequest]:
    """One call of the backend for each choice, unless it makes several choices itself."""
    if request.n == 1 or "n" in honours:
        return [request]
    calls = [replace(request, n=1) for _ in range(request.n)]
    if "seed" in honours:
        for number, call in enumerate(calls):
            call.sampling = replace(request.sampling, seed=(request.sampling.seed or 0) + number)
    return calls
