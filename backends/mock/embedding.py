"""Vectors from words: deterministic, of length one, nearer the more words two texts share."""

import re
from array import array
from math import sqrt
from zlib import crc32

from backends.mock.names import EMBEDDING_SIZES, is_chat_name, is_moderation_name
from backends.protocol import EmbeddingRequest, Embeddings
from backends.protocol.errors import BadRequestError, ContextLengthExceeded
from backends.protocol.tokenizer import count

DEFAULT_SIZE = 1536
MAX_TOKENS = 8192
GRAM_CHARACTERS = 3
_WORD = re.compile(r"\w+|[^\w\s]")


def embed(request: EmbeddingRequest) -> Embeddings:
    """A vector for each text.

    Raises:
        BadRequestError: the model does not embed, or has fewer dimensions than asked for.
        ContextLengthExceeded: a text is too long; it is not cut.
    """
    model = request.model
    if is_chat_name(model) or is_moderation_name(model):
        raise BadRequestError(
            f"The model '{model}' has no embeddings.", param="model", code="unsupported_operation"
        )
    size = EMBEDDING_SIZES.get(model, DEFAULT_SIZE)
    if request.dimensions is not None and request.dimensions > size:
        raise BadRequestError(
            f"The model '{model}' has {size} dimensions at most.", param="dimensions"
        )
    counts = [count(text) for text in request.texts]
    for index, tokens in enumerate(counts):
        if tokens > MAX_TOKENS:
            what = f"input[{index}]"
            raise ContextLengthExceeded.beyond(MAX_TOKENS, tokens, param="input", what=what)
    vectors = [vector(text, request.dimensions or size) for text in request.texts]
    return Embeddings(vectors, sum(counts))


def vector(text: str, size: int) -> "array[float]":
    """The unit vector of a text: each word, and each three letters of it, adds one signed unit."""
    values = [0.0] * size
    for word in _WORD.findall(text.lower()) or [text]:
        _add(values, word, 1.0)
        padded = f"^{word}$"
        for start in range(len(padded) - GRAM_CHARACTERS + 1):
            _add(values, padded[start : start + GRAM_CHARACTERS], 0.4)
    length = sqrt(sum(value * value for value in values))
    if not length:
        values[0] = length = 1.0
    return array("f", (value / length for value in values))


def _add(values: list[float], feature: str, weight: float) -> None:
    digest = crc32(feature.encode())
    values[(digest >> 1) % len(values)] += weight if digest & 1 else -weight
