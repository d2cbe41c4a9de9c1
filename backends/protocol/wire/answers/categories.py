"""The thirteen categories of a moderation, three times over."""

from typing import Literal

from pydantic import ConfigDict

from backends.protocol.wire.model import WireModel

TextOnly = list[Literal["text"]]
TextOrImage = list[Literal["text", "image"]]


def _wire_name(name: str) -> str:
    """`self_harm_intent` is `self-harm/intent` on the wire."""
    return name.replace("self_harm", "self-harm").replace("_", "/")


class _ByCategory(WireModel):
    model_config = ConfigDict(alias_generator=_wire_name, populate_by_name=True)


class Categories(_ByCategory):
    """Whether each category was found."""

    harassment: bool
    harassment_threatening: bool
    hate: bool
    hate_threatening: bool
    illicit: bool | None
    illicit_violent: bool | None
    self_harm: bool
    self_harm_instructions: bool
    self_harm_intent: bool
    sexual: bool
    sexual_minors: bool
    violence: bool
    violence_graphic: bool


class CategoryScores(_ByCategory):
    """How sure the model is of each category, from 0 to 1."""

    harassment: float
    harassment_threatening: float
    hate: float
    hate_threatening: float
    illicit: float
    illicit_violent: float
    self_harm: float
    self_harm_instructions: float
    self_harm_intent: float
    sexual: float
    sexual_minors: float
    violence: float
    violence_graphic: float


class CategoryAppliedInputTypes(_ByCategory):
    """What each score was drawn from."""

    harassment: TextOnly
    harassment_threatening: TextOnly
    hate: TextOnly
    hate_threatening: TextOnly
    illicit: TextOnly
    illicit_violent: TextOnly
    self_harm: TextOrImage
    self_harm_instructions: TextOrImage
    self_harm_intent: TextOrImage
    sexual: TextOrImage
    sexual_minors: TextOnly
    violence: TextOrImage
    violence_graphic: TextOrImage
