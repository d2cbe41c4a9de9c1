"""The answer to a moderation request, and the moderation that a chat completion carries."""

from typing import Annotated, Literal

from pydantic import Tag

from backends.protocol.wire.answers.categories import (
    Categories,
    CategoryAppliedInputTypes,
    CategoryScores,
)
from backends.protocol.wire.model import WireModel
from backends.protocol.wire.unions import by_field


class ModerationResult(WireModel):
    """What was found in one input."""

    flagged: bool
    categories: Categories
    category_scores: CategoryScores
    category_applied_input_types: CategoryAppliedInputTypes


class CreateModerationResponse(WireModel):
    """A result for each input, in the order of the inputs."""

    id: str
    model: str
    results: list[ModerationResult]


class ModerationResultBody(WireModel):
    """What was found in one side of a chat; here the categories are open."""

    type: Literal["moderation_result"]
    model: str
    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text", "image"]]]


class ChatCompletionModerationResults(WireModel):
    """One side of a chat was moderated."""

    type: Literal["moderation_results"]
    model: str
    results: list[ModerationResultBody]


class ChatCompletionModerationError(WireModel):
    """One side of a chat could not be moderated."""

    type: Literal["error"]
    code: str
    message: str


ModerationOutcome = Annotated[
    Annotated[ChatCompletionModerationResults, Tag("<moderation_results>")]
    | Annotated[ChatCompletionModerationError, Tag("<error>")],
    by_field("type"),
]


class ChatCompletionModeration(WireModel):
    """Both sides of a chat."""

    input: ModerationOutcome
    output: ModerationOutcome
