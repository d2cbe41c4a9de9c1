"""A stream of events folded into whole choices: what a non-streaming answer is made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from backends.protocol import (
    Event,
    Finish,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextRun,
    TokenLogprob,
    ToolCallDelta,
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
    """One whole choice; `refusal` is None unless the model refused.

    The first `echoed` of the `logprobs` are the prompt's.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str | None = None
    calls: dict[int, FoldedCall] = field(default_factory=dict)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    echoed: int = 0
    finish: FinishReason = "stop"


@dataclass(slots=True)
class Folded:
    """Every choice by its index, and the usage."""

    choices: list[FoldedChoice]
    usage: Usage = field(default_factory=lambda: Usage(0, 0))

    def add(self, events: Sequence[Event]) -> None:
        """Take in the next events of the stream."""
        for event in events:
            if isinstance(event, TextDelta):
                choice = self.choices[event.choice]
                choice.text += event.text
                if event.logprobs:
                    choice.logprobs += event.logprobs
                    choice.echoed += len(event.logprobs) if event.prompt else 0
            elif isinstance(event, TextRun):
                self.choices[event.choice].text += "".join(event.pieces)
            elif isinstance(event, Usage):
                self.usage = event
            else:
                self._add_rare(event)

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
        elif isinstance(event, ToolCallDelta):
            call = choice.calls.setdefault(event.index, FoldedCall())
            call.id = event.id or call.id
            call.name = event.name or call.name
            call.arguments += event.arguments
