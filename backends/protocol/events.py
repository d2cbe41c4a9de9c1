"""What a backend yields: a few small records, one kind a class.

`choice` is the index of the answer that the record belongs to (0 unless the backend itself
makes several). `tokens` is the backend's own count for the piece; left out, the adapter counts
with its default tokenizer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(slots=True)
class TokenLogprob:
    """One token with its natural-log probability, and the likeliest tokens in its place.

    `logprob` is None for a prompt's first token, which nothing precedes. `top` is in falling
    order. `token` is what it adds to the text: a part of a character adds nothing, and the last
    part all of it, so such a token has its own bytes in `raw`. In `top`, bytes that are no
    character are lone surrogates (PEP 383).
    """

    token: str
    logprob: float | None
    top: Sequence[tuple[str, float]] = ()
    raw: bytes | None = None


@dataclass(slots=True)
class TextDelta:
    """The next piece of visible text; with `logprobs`, their tokens join to `text`.

    `prompt` marks a piece of the echoed prompt: it is shown, not counted, and no stop string is
    looked for in it.
    """

    text: str
    choice: int = 0
    tokens: int | None = None
    logprobs: Sequence[TokenLogprob] = ()
    prompt: bool = False


@dataclass(slots=True)
class TextRun:
    """Several tokens of visible text that are ready together: one piece a token, one chunk each.

    It says the same as a list of `TextDelta`, at the cost of one record.
    """

    pieces: Sequence[str]
    choice: int = 0


@dataclass(slots=True)
class ReasoningDelta:
    """The next piece of reasoning, which is counted but is not part of the answer."""

    text: str
    choice: int = 0
    tokens: int | None = None


@dataclass(slots=True)
class RefusalDelta:
    """The next piece of a refusal, given in place of an answer."""

    text: str
    choice: int = 0
    tokens: int | None = None


@dataclass(slots=True)
class ToolCallDelta:
    """The next piece of the `index`-th tool call of a choice.

    The first piece carries `name`; `arguments` pieces join to the JSON text (to the plain input
    of a custom tool). `id` is an upstream's own; left out, the adapter makes one.
    """

    index: int
    name: str | None = None
    arguments: str = ""
    id: str | None = None
    choice: int = 0
    tokens: int | None = None


@dataclass(slots=True)
class Finish:
    """A choice is complete. A backend that ends without one is taken to have stopped."""

    reason: FinishReason = "stop"
    choice: int = 0


@dataclass(slots=True)
class Usage:
    """The backend's own counts over all choices; left out, the adapter counts.

    The last one holds. One that comes early tells of the prompt, for an answer that a stop string
    cuts short.

    `reasoning_tokens` are part of `completion_tokens`, `cached_tokens` of `prompt_tokens`.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


Event = TextDelta | TextRun | ReasoningDelta | RefusalDelta | ToolCallDelta | Finish | Usage
