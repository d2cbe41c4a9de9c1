"""The request for a legacy completion."""

from typing import Annotated

from pydantic import Field, Tag

from backends.protocol.wire.model import Array
from backends.protocol.wire.names import TokenId
from backends.protocol.wire.sampling import SamplingParameters
from backends.protocol.wire.unions import by_item

Prompt = Annotated[
    Annotated[str, Tag("<text>")]
    | Annotated[Array[str], Field(min_length=1), Tag("<texts>")]
    | Annotated[Array[TokenId], Field(min_length=1), Tag("<tokens>")]
    | Annotated[
        Array[Annotated[Array[TokenId], Field(min_length=1)]],
        Field(min_length=1),
        Tag("<token-arrays>"),
    ],
    by_item("a string, an array of strings, an array of token ids or an array of such arrays"),
]


class CreateCompletionRequest(SamplingParameters):
    """The body of `POST /v1/completions`; null is the same as left out."""

    prompt: Prompt | None = Field(description="Null stands for the model's own first token.")
    best_of: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = Field(None, description="16 if left out.")
    suffix: str | None = None
