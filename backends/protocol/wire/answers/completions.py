"""The answer to a legacy completion, in one piece or in many."""

from typing import Literal

from backends.protocol.wire.answers.logprobs import CompletionLogprobs
from backends.protocol.wire.answers.usage import CompletionUsage
from backends.protocol.wire.model import Omittable, WireModel


class CompletionChoice(WireModel):
    """One of the `n` texts of a prompt; only the pieces of a stream have no finish reason."""

    index: int
    text: str
    finish_reason: Literal["stop", "length", "content_filter"] | None
    logprobs: CompletionLogprobs | None


class Completion(WireModel):
    """A completion or a piece of one; OpenAI's schema calls it CreateCompletionResponse."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | None = None
    system_fingerprint: Omittable[str] = None
