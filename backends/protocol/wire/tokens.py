"""Our two extensions, in vLLM's shape: text to token ids, and back."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from backends.protocol.wire.messages import Messages
from backends.protocol.wire.model import Array, WireModel
from backends.protocol.wire.names import ModelName, TokenId


class TokenizeRequest(WireModel):
    """The body of `POST /v1/tokenize`: a prompt, or the messages of a chat."""

    model: ModelName
    prompt: str | None = None
    messages: Messages | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            message = "Input should have exactly one of 'prompt' and 'messages'"
            raise PydanticCustomError("one_source", message)
        return self


class DetokenizeRequest(WireModel):
    """The body of `POST /v1/detokenize`."""

    model: ModelName
    tokens: Array[TokenId]
