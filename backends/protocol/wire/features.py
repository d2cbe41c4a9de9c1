"""What a hosted service offers around a chat: speech, search, prediction, moderation."""

from typing import Annotated, Literal

from pydantic import Field

from backends.protocol.wire.model import Array, Omittable, WireModel
from backends.protocol.wire.parts import ChatCompletionRequestMessageContentPartText
from backends.protocol.wire.unions import TextOrArray, TextOrObject


class CustomVoice(WireModel):
    """A voice of the client's own."""

    id: str


class AudioParam(WireModel):
    """How a spoken answer sounds."""

    voice: TextOrObject[str, CustomVoice]
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class WebSearchLocation(WireModel):
    """A place, as precisely as the client cares to say."""

    country: Omittable[str] = None
    region: Omittable[str] = None
    city: Omittable[str] = None
    timezone: Omittable[str] = None


class UserLocation(WireModel):
    """Where the user is, roughly."""

    type: Literal["approximate"]
    approximate: WebSearchLocation


class WebSearchOptions(WireModel):
    """How the web is searched before the answer."""

    user_location: UserLocation | None = None
    search_context_size: Omittable[Literal["low", "medium", "high"]] = None


class PredictionContent(WireModel):
    """The text that much of the answer will repeat."""

    type: Literal["content"]
    content: TextOrArray[
        Annotated[Array[ChatCompletionRequestMessageContentPartText], Field(min_length=1)]
    ]


class ModerationConfigParam(WireModel):
    """What follows from a finding."""

    mode: Literal["score", "block"]


class ModerationPolicyParam(WireModel):
    """One policy for the way in, one for the way out."""

    input: ModerationConfigParam | None = None
    output: ModerationConfigParam | None = None


class ModerationParam(WireModel):
    """The model that moderates a chat."""

    model: str
    policy: ModerationPolicyParam | None = None
