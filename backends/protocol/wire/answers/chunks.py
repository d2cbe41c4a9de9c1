"""The answer to a chat request in pieces."""

from typing import Literal

from backends.protocol.wire.answers.chat import FinishReason
from backends.protocol.wire.answers.logprobs import ChoiceLogprobs
from backends.protocol.wire.answers.moderations import ChatCompletionModeration
from backends.protocol.wire.answers.usage import CompletionUsage
from backends.protocol.wire.chat import ServiceTier
from backends.protocol.wire.model import Omittable, WireModel


class FunctionCallPiece(WireModel):
    """The name comes once; the pieces of the arguments are to be joined."""

    name: Omittable[str] = None
    arguments: Omittable[str] = None


class ChatCompletionMessageToolCallChunk(WireModel):
    """A piece of the call at `index`; id, type and name come with its first."""

    index: int
    id: Omittable[str] = None
    type: Omittable[Literal["function"]] = None
    function: Omittable[FunctionCallPiece] = None


class ChatCompletionStreamResponseDelta(WireModel):
    """What a chunk adds to the message."""

    role: Omittable[Literal["developer", "system", "user", "assistant", "tool"]] = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: Omittable[list[ChatCompletionMessageToolCallChunk]] = None
    function_call: Omittable[FunctionCallPiece] = None


class ChunkChoice(WireModel):
    """A piece of one of the `n` answers; only its last says why it ended."""

    index: int
    delta: ChatCompletionStreamResponseDelta
    finish_reason: FinishReason | None
    logprobs: ChoiceLogprobs | None = None


class ChatCompletionChunk(WireModel):
    """A piece of a chat; OpenAI's schema calls it CreateChatCompletionStreamResponse."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    moderation: ChatCompletionModeration | None = None
    obfuscation: Omittable[str] = None
    service_tier: ServiceTier | None = None
    system_fingerprint: Omittable[str] = None
