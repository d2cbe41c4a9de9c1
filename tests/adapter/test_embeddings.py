"""Embeddings: unit vectors, in order, in both encodings, from texts and token ids."""

import struct
from base64 import b64decode
from math import isclose, sqrt
from typing import Any

import httpx
import pytest

from backends.protocol.wire import CreateEmbeddingResponse
from tests.adapter.chats import Body, refuse, tokens
from tests.adapter.completions import ids

PATH = "/v1/embeddings"
MODEL = "text-embedding-3-small"
SIZES = {MODEL: 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}


def body_of(given: object, **more: object) -> Body:
    return {"model": MODEL, "input": given, **more}


def embed(http: httpx.Client, given: object, **more: object) -> Body:
    answer = http.post(PATH, json=body_of(given, **more))
    assert answer.status_code == 200, answer.text[:500]
    CreateEmbeddingResponse.model_validate_json(answer.content)
    body: Body = answer.json()
    assert [one["index"] for one in body["data"]] == list(range(len(body["data"])))
    return body


def vectors(http: httpx.Client, given: object, **more: object) -> list[list[float]]:
    return [one["embedding"] for one in embed(http, given, **more)["data"]]


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("model", "size"), SIZES.items())
def test_a_vector_has_the_models_size_and_length_one(
    http: httpx.Client, model: str, size: int
) -> None:
    (vector,) = vectors(http, "Hello there", model=model)
    assert len(vector) == size
    assert isclose(sqrt(dot(vector, vector)), 1, abs_tol=1e-5)
    assert all(isinstance(value, float) for value in vector)


def test_the_answer_names_the_model_and_counts_the_tokens(http: httpx.Client) -> None:
    answer = embed(http, "Hello there, wörld")
    count = tokens(http, "Hello there, wörld")
    assert answer["model"] == MODEL
    assert answer["usage"] == {"prompt_tokens": count, "total_tokens": count}


def test_a_batch_is_its_singles_in_order(http: httpx.Client) -> None:
    texts = [f"text number {number}" for number in range(40)] + ["twin", "twin"]
    singles = [embed(http, text) for text in texts]
    batch = embed(http, texts)
    assert [one["embedding"] for one in batch["data"]] == [
        one["data"][0]["embedding"] for one in singles
    ]
    total = sum(one["usage"]["prompt_tokens"] for one in singles)
    assert batch["usage"]["prompt_tokens"] == total


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("The cat sat on the mat", "A cat sat on a mat", "Quarterly revenue fell sharply"),
        ("how to bake bread", "baking bread at home", "install a graphics driver"),
        ("Katzen schlafen viel", "Die Katze schläft viel", "Zinsen steigen weiter"),
    ],
)
@pytest.mark.parametrize("dimensions", [None, 256])
def test_similar_texts_are_nearer_than_unrelated(
    http: httpx.Client, text: str, near: str, far: str, dimensions: int | None
) -> None:
    one, close, distant = vectors(http, [text, near, far], dimensions=dimensions)
    assert dot(one, close) > dot(one, distant) + 0.1
    assert dot(one, close) < 0.9999


@pytest.mark.parametrize("dimensions", [1, 2, 8, 256, 1536])
def test_dimensions_are_kept_at_length_one(http: httpx.Client, dimensions: int) -> None:
    (vector,) = vectors(http, "Hello there", dimensions=dimensions)
    assert len(vector) == dimensions
    assert isclose(sqrt(dot(vector, vector)), 1, abs_tol=1e-5)


@pytest.mark.parametrize("dimensions", [None, 3])
def test_base64_is_the_same_floats_little_endian(
    http: httpx.Client, dimensions: int | None
) -> None:
    texts = ["Hello", "日本語 🌍"]
    packed = vectors(http, texts, encoding_format="base64", dimensions=dimensions)
    assert all(isinstance(one, str) for one in packed)
    raw = [b64decode(str(one), validate=True) for one in packed]
    unpacked = [list(struct.unpack(f"<{len(one) // 4}f", one)) for one in raw]
    assert unpacked == vectors(http, texts, encoding_format="float", dimensions=dimensions)


def test_token_ids_are_the_same_as_their_text(http: httpx.Client) -> None:
    a, b = "Hello there, wörld", "日本 ab"
    assert embed(http, ids(http, a)) == embed(http, a)
    assert embed(http, [ids(http, a), ids(http, b)]) == embed(http, [a, b])


@pytest.mark.parametrize("text", [" ", "\x00", "\n", "🌍", "é", "!!!", "the " * 2000])
def test_any_text_has_a_vector_of_length_one(http: httpx.Client, text: str) -> None:
    (vector,) = vectors(http, text)
    assert isclose(sqrt(dot(vector, vector)), 1, abs_tol=1e-5)


def test_different_texts_have_different_vectors(http: httpx.Client) -> None:
    texts = ["a", "b", "A b", "ab", "日", "月", "!", "?", "one two", "two three"]
    assert len({tuple(vector) for vector in vectors(http, texts)}) == len(texts)


@pytest.mark.parametrize("name", ["encoding_format", "dimensions", "user"])
def test_null_is_the_same_as_left_out(http: httpx.Client, name: str) -> None:
    assert embed(http, "a", **{name: None}) == embed(http, "a")


def test_a_user_changes_nothing(http: httpx.Client) -> None:
    assert embed(http, "a", user="u") == embed(http, "a")


WRONG: list[tuple[Body, str, int]] = [
    ({"input": ""}, "input", 400),
    ({"input": []}, "input", 400),
    ({"input": [""]}, "input.0", 400),
    ({"input": [[]]}, "input.0", 400),
    ({"input": ["a", 1]}, "input.1", 400),
    ({"input": [1, "a"]}, "input.1", 400),
    ({"input": None}, "input", 400),
    ({"input": 5}, "input", 400),
    ({"input": [-1]}, "input.0", 400),
    ({"input": [2**40]}, "input", 400),
    ({"input": ["a"] * 2049}, "input", 400),
    ({"input": "word " * 9000}, "input", 400),
    ({"encoding_format": "hex"}, "encoding_format", 400),
    ({"dimensions": 0}, "dimensions", 400),
    ({"dimensions": 1537}, "dimensions", 400),
    ({"dimensions": 1.5}, "dimensions", 400),
    ({"model": "gpt-4o"}, "model", 400),
    ({"model": "omni-moderation-latest"}, "model", 400),
    ({"model": "mock-1", "dimensions": 5000}, "dimensions", 400),
    ({"model": "no-such"}, "model", 404),
    ({"model": ""}, "model", 400),
]


@pytest.mark.parametrize(("more", "param", "status"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_refused_by_name(
    http: httpx.Client, more: Any, param: str, status: int
) -> None:
    assert refuse(http, PATH, body_of("a") | more, status)["param"] == param


@pytest.mark.parametrize("size", [2048, 1])
def test_the_largest_batch_is_taken(http: httpx.Client, size: int) -> None:
    assert len(vectors(http, ["a"] * size, dimensions=2)) == size
