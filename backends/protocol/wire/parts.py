"""The parts that the content of a chat message is made of."""

from typing import Annotated, Literal

from pydantic import Tag

from backends.protocol.wire.caching import Cacheable, PromptCacheBreakpointParam
from backends.protocol.wire.model import Omittable, WireModel
from backends.protocol.wire.unions import by_field


class ChatCompletionRequestMessageContentPartText(Cacheable):
    """Text."""

    type: Literal["text"]
    text: str
    prompt_cache_breakpoint: Omittable[PromptCacheBreakpointParam] = None


class ImageURL(WireModel):
    """Where an image is, or the image itself as a data URL."""

    url: str
    detail: Omittable[Literal["auto", "low", "high"]] = None


class ChatCompletionRequestMessageContentPartImage(Cacheable):
    """An image."""

    type: Literal["image_url"]
    image_url: ImageURL
    prompt_cache_breakpoint: Omittable[PromptCacheBreakpointParam] = None


class InputAudio(WireModel):
    """Sound, in base64."""

    data: str
    format: Literal["wav", "mp3"]


class ChatCompletionRequestMessageContentPartAudio(Cacheable):
    """Speech."""

    type: Literal["input_audio"]
    input_audio: InputAudio
    prompt_cache_breakpoint: Omittable[PromptCacheBreakpointParam] = None


class InputFile(WireModel):
    """A file: its content in base64, or the id under which it was uploaded."""

    filename: Omittable[str] = None
    file_data: Omittable[str] = None
    file_id: Omittable[str] = None


class ChatCompletionRequestMessageContentPartFile(Cacheable):
    """A file."""

    type: Literal["file"]
    file: InputFile
    prompt_cache_breakpoint: Omittable[PromptCacheBreakpointParam] = None


class ChatCompletionRequestMessageContentPartRefusal(Cacheable):
    """What an assistant said when it declined."""

    type: Literal["refusal"]
    refusal: str


ChatCompletionRequestUserMessageContentPart = Annotated[
    Annotated[ChatCompletionRequestMessageContentPartText, Tag("<text>")]
    | Annotated[ChatCompletionRequestMessageContentPartImage, Tag("<image_url>")]
    | Annotated[ChatCompletionRequestMessageContentPartAudio, Tag("<input_audio>")]
    | Annotated[ChatCompletionRequestMessageContentPartFile, Tag("<file>")],
    by_field("type"),
]
ChatCompletionRequestAssistantMessageContentPart = Annotated[
    Annotated[ChatCompletionRequestMessageContentPartText, Tag("<text>")]
    | Annotated[ChatCompletionRequestMessageContentPartRefusal, Tag("<refusal>")],
    by_field("type"),
]
