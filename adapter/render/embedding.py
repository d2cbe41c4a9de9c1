"""The list of `embedding` objects.

Source: components/schemas/CreateEmbeddingResponse; base64 as the OpenAI clients decode it.
"""

import sys
from array import array
from base64 import b64encode
from collections.abc import Sequence

import orjson

from backends.protocol import Embeddings


def embeddings_json(model: str, embeddings: Embeddings, *, base64: bool) -> bytes:
    """The answer, each vector as numbers or as base64 of little-endian float32."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _base64(vector) if base64 else [*vector],
        }
        for index, vector in enumerate(embeddings.vectors)
    ]
    tokens = embeddings.prompt_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return orjson.dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _base64(vector: Sequence[float]) -> str:
    floats = array("f", vector)
    if sys.byteorder == "big":
        floats.byteswap()
    return b64encode(floats.tobytes()).decode()
