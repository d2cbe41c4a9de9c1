"""The answer to an embedding request."""

from typing import Literal

from backends.protocol.wire.answers.usage import EmbeddingUsage
from backends.protocol.wire.model import WireModel
from backends.protocol.wire.unions import TextOrArray


class Embedding(WireModel):
    """A vector: its numbers, or base64 of them as little-endian 32-bit floats."""

    index: int
    object: Literal["embedding"]
    embedding: TextOrArray[list[float]]


class CreateEmbeddingResponse(WireModel):
    """A vector for each input, in the order of the inputs."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage
