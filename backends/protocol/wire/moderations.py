"""The request for a moderation."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from backends.protocol.wire.model import Array, WireModel
from backends.protocol.wire.names import ModelName
from backends.protocol.wire.unions import by_field, by_item


class ModerationText(WireModel):
    """A text to judge."""

    type: Literal["text"]
    text: str


class ModerationImageURL(WireModel):
    """Where an image is, or the image itself as a data URL."""

    url: str


class ModerationImage(WireModel):
    """An image to judge."""

    type: Literal["image_url"]
    image_url: ModerationImageURL


ModerationPart = Annotated[
    Annotated[ModerationText, Tag("<text>")] | Annotated[ModerationImage, Tag("<image_url>")],
    by_field("type"),
]
ModerationInput = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[Array[str], Field(min_length=1), Tag("<texts>")]
    | Annotated[Array[ModerationPart], Tag("<objects>")],
    by_item("a string, an array of strings or an array of text and image objects"),
]


class CreateModerationRequest(WireModel):
    """The body of `POST /v1/moderations`."""

    input: ModerationInput
    model: ModelName | None = Field(None, description="The server's own if left out.")
