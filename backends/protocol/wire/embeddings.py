"""The request for embeddings."""

from typing import Annotated, Literal

from pydantic import Field, Tag

from backends.protocol.wire.model import Array, WireModel
from backends.protocol.wire.names import ModelName, TokenId
from backends.protocol.wire.unions import by_item

_SIZE = Field(min_length=1, max_length=2048)

Text = Annotated[str, Field(min_length=1)]

EmbeddingInput = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[Array[Text], _SIZE, Tag("<texts>")]
    | Annotated[Array[TokenId], _SIZE, Tag("<tokens>")]
    | Annotated[
        Array[Annotated[Array[TokenId], Field(min_length=1)]], _SIZE, Tag("<token-arrays>")
    ],
    by_item("a string, an array of strings, an array of token ids or an array of such arrays"),
]


class CreateEmbeddingRequest(WireModel):
    """The body of `POST /v1/embeddings`; null is the same as left out."""

    input: EmbeddingInput
    model: ModelName
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
