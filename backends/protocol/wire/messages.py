"""The messages of a chat, one class a role."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from backends.protocol.wire.caching import Cacheable
from backends.protocol.wire.calls import FunctionCall, ToolCall
from backends.protocol.wire.model import Array, Omittable, WireModel
from backends.protocol.wire.parts import (
    ChatCompletionRequestAssistantMessageContentPart,
    ChatCompletionRequestMessageContentPartText,
    ChatCompletionRequestUserMessageContentPart,
)
from backends.protocol.wire.unions import TextOrArray, by_field

TextContent = TextOrArray[
    Annotated[Array[ChatCompletionRequestMessageContentPartText], Field(min_length=1)]
]
UserContent = TextOrArray[
    Annotated[Array[ChatCompletionRequestUserMessageContentPart], Field(min_length=1)]
]
AssistantContent = TextOrArray[
    Annotated[Array[ChatCompletionRequestAssistantMessageContentPart], Field(min_length=1)]
]


class ChatCompletionRequestDeveloperMessage(Cacheable):
    """Instructions of the application; the newer name of `system`."""

    role: Literal["developer"]
    content: TextContent
    name: Omittable[str] = None


class ChatCompletionRequestSystemMessage(Cacheable):
    """Instructions of the application."""

    role: Literal["system"]
    content: TextContent
    name: Omittable[str] = None


class ChatCompletionRequestUserMessage(Cacheable):
    """What the user says and shows."""

    role: Literal["user"]
    content: UserContent
    name: Omittable[str] = None


class PastAudio(WireModel):
    """An earlier spoken answer."""

    id: str


class ChatCompletionRequestAssistantMessage(Cacheable):
    """An earlier answer: text, a refusal, calls, or nothing at all."""

    role: Literal["assistant"]
    content: AssistantContent | None = None
    refusal: str | None = None
    name: Omittable[str] = None
    audio: PastAudio | None = None
    tool_calls: Omittable[Array[ToolCall]] = None
    function_call: FunctionCall | None = None


class ChatCompletionRequestToolMessage(Cacheable):
    """The result of one call."""

    role: Literal["tool"]
    content: TextContent
    tool_call_id: str


class ChatCompletionRequestFunctionMessage(Cacheable):
    """The result of a legacy function call."""

    role: Literal["function"]
    content: str | None
    name: str


ChatCompletionRequestMessage = Annotated[
    Annotated[ChatCompletionRequestDeveloperMessage, Tag("<developer>")]
    | Annotated[ChatCompletionRequestSystemMessage, Tag("<system>")]
    | Annotated[ChatCompletionRequestUserMessage, Tag("<user>")]
    | Annotated[ChatCompletionRequestAssistantMessage, Tag("<assistant>")]
    | Annotated[ChatCompletionRequestToolMessage, Tag("<tool>")]
    | Annotated[ChatCompletionRequestFunctionMessage, Tag("<function>")],
    by_field("role"),
]
Messages = Annotated[Array[ChatCompletionRequestMessage], Field(min_length=1, max_length=2048)]
