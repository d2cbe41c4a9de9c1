"""How likely the tokens of an answer were."""

from backends.protocol.wire.model import Omittable, WireModel


class TokenLogprob(WireModel):
    """A token, its logarithmic probability and its UTF-8 bytes."""

    token: str
    logprob: float
    bytes: list[int] | None


class ChatCompletionTokenLogprob(TokenLogprob):
    """A generated token and the likeliest ones at its place."""

    top_logprobs: list[TokenLogprob]


class ChoiceLogprobs(WireModel):
    """The tokens of a chat's text, or of its refusal."""

    content: list[ChatCompletionTokenLogprob] | None
    refusal: list[ChatCompletionTokenLogprob] | None


class CompletionLogprobs(WireModel):
    """Four arrays of one length, an entry a token; an echoed first token has no probability."""

    text_offset: Omittable[list[int]] = None
    token_logprobs: Omittable[list[float | None]] = None
    tokens: Omittable[list[str]] = None
    top_logprobs: Omittable[list[dict[str, float] | None]] = None
