"""The models that a server offers."""

from typing import Literal

from backends.protocol.wire.model import WireModel


class Model(WireModel):
    """A model: since when it exists, whose it is, and the day it goes if one is set."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    shutdown_date: str | None = None


class ListModelsResponse(WireModel):
    """All models, on one page."""

    object: Literal["list"]
    data: list[Model]
