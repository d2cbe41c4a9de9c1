"""The answer to a chat request in one piece."""

from typing import Literal

from backends.protocol.wire.answers.logprobs import ChoiceLogprobs
from backends.protocol.wire.answers.moderations import ChatCompletionModeration
from backends.protocol.wire.answers.usage import CompletionUsage
from backends.protocol.wire.calls import FunctionCall, ToolCall
from backends.protocol.wire.chat import ServiceTier
from backends.protocol.wire.metadata import Metadata
from backends.protocol.wire.model import Omittable, WireModel

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class UrlCitation(WireModel):
    """A web page, and the characters of the answer that rest on it."""

    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(WireModel):
    """A remark on a stretch of the answer."""

    type: Literal["url_citation"]
    url_citation: UrlCitation


class SpokenAnswer(WireModel):
    """The sound of an answer in base64, what it says, and until when its id is known."""

    id: str
    data: str
    transcript: str
    expires_at: int


class ChatCompletionResponseMessage(WireModel):
    """What the model said, declined or called."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    tool_calls: Omittable[list[ToolCall]] = None
    annotations: Omittable[list[Annotation]] = None
    audio: SpokenAnswer | None = None
    function_call: Omittable[FunctionCall] = None


class ChatChoice(WireModel):
    """One of the `n` answers, and why it ended."""

    index: int
    message: ChatCompletionResponseMessage
    finish_reason: FinishReason
    logprobs: ChoiceLogprobs | None


class ChatCompletion(WireModel):
    """A chat completion; OpenAI's schema calls it CreateChatCompletionResponse."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Omittable[CompletionUsage] = None
    metadata: Metadata | None = None
    moderation: ChatCompletionModeration | None = None
    service_tier: ServiceTier | None = None
    system_fingerprint: Omittable[str] = None
