"""A stream of events folded into whole choices: what a non-streaming answer is made of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from backends.protocol import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TokenLogprob,
    Usage,
)


@dataclass(slots=True)
class FoldedCall:
    """One whole tool call."""

    id: str | None = None
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class FoldedChoice:
    """One whole choice; `refusal` is None unless the model refused."""

    text: str = ""
    reasoning: str = ""
    refusal: str | None = None
    calls: dict[int, FoldedCall] = field(default_factory=dict)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: FinishReason = "stop"


@dataclass(slots=True)
class Folded:
    """Every choice by its index, and the usage."""

    choices: list[FoldedChoice]
    usage: Usage = field(default_factory=lambda: Usage(0, 0))

    def add(self, events: Sequence[Event]) -> None:
        """Take in the next events of the stream."""
        texts: dict[int, list[str]] = {}
        for event in events:
            if type(event) is TextDelta:
                texts.setdefault(event.choice, []).append(event.text)
                self.choices[event.choice].logprobs += event.logprobs
            elif type(event) is Usage:
                self.usage = event
            else:
                self._add_rare(event)
        for choice, pieces in texts.items():
            self.choices[choice].text += "".join(pieces)

    def _add_rare(self, event: Event) -> None:
        if isinstance(event, Usage):
            return
        choice = self.choices[event.choice]
        if isinstance(event, Finish):
            choice.finish = event.reason
        elif isinstance(event, ReasoningDelta):
            choice.reasoning += event.text
        elif isinstance(event, RefusalDelta):
            choice.refusal = (choice.refusal or "") + event.text
        elif not isinstance(event, TextDelta):
            call = choice.calls.setdefault(event.index, FoldedCall())
            call.id = event.id or call.id
            call.name = event.name or call.name
            call.arguments += event.arguments


async def fold(stream: AsyncIterator[Sequence[Event]], choices: int) -> Folded:
    """The whole answer of a stream of events over that many choices."""
    folded = Folded([FoldedChoice() for _ in range(choices)])
    async for events in stream:
        folded.add(events)
    return folded
