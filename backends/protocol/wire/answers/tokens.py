"""The answers to our two extensions."""

from backends.protocol.wire.model import WireModel


class TokenizeResponse(WireModel):
    """The token ids of a text, their number, and how many the model can take."""

    count: int
    max_model_len: int | None
    tokens: list[int]


class DetokenizeResponse(WireModel):
    """The text of the token ids."""

    prompt: str
