"""Defects of the vectors of `POST /embeddings`."""

from base64 import b64decode, b64encode
from itertools import count
from typing import Any

from contract_tests.checks.embeddings_vectors import OTHER, TEXTS
from tests.mutants.families import edits, edits_calls, has, ignores, puts, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

EMBEDDINGS = "/embeddings"
VECTOR = "data.*.embedding"


def _is_batch(call: Call) -> bool:
    return bool(call.param("input") == TEXTS)


def _asks_other(call: Call) -> bool:
    return bool(call.param("input") == OTHER)


def _asks_base64(call: Call) -> bool:
    return bool(call.param("encoding_format") == "base64")


def _unstable() -> Layer:
    """Each answer's vectors are turned by as many places as there were answers before."""
    asked = count()

    def turn(body: Any) -> None:
        by = next(asked) * 7
        for item in body["data"]:
            vector = item["embedding"]
            item["embedding"] = vector[by:] + vector[:by]

    return edits(turn, EMBEDDINGS)


def _shuffles(body: Any) -> None:
    data = body["data"]
    vectors = [item["embedding"] for item in data]
    for item, vector in zip(data, [*vectors[1:], vectors[0]], strict=True):
        item["embedding"] = vector


def _pads(text: str) -> str:
    return b64encode(b64decode(text) * 4).decode()


MUTANTS = (
    Mutant(
        "embeddings-vectors-unstable",
        "the same text gets another vector each time",
        _unstable(),
        ("embeddings.same",),
    ),
    Mutant(
        "embeddings-vectors-constant",
        "every text gets the same vector",
        edits_calls(lambda body: {**body, "input": "fox"}, EMBEDDINGS),
        ("embeddings.different", "embeddings.batch.count"),
    ),
    Mutant(
        "embeddings-vectors-ragged",
        "one text gets a shorter vector",
        puts(VECTOR, lambda vector: vector[:100], EMBEDDINGS, _asks_other),
        ("embeddings.size",),
    ),
    Mutant(
        "embeddings-vectors-long",
        "vectors have the length 3",
        puts(VECTOR, lambda vector: [3 * value for value in vector], EMBEDDINGS),
        ("embeddings.unit",),
    ),
    Mutant(
        "embeddings-vectors-first",
        "a batch gets the embedding of its first text alone",
        puts("data", lambda data: data[:1], EMBEDDINGS, _is_batch),
        ("embeddings.batch.count",),
    ),
    Mutant(
        "embeddings-vectors-batch-refused",
        "a batch is refused",
        refuses(_is_batch, path=EMBEDDINGS),
        (
            "embeddings.batch.count",
            "embeddings.batch.index",
            "embeddings.batch.order",
            "embeddings.batch.same",
            "embeddings.batch.usage",
        ),
    ),
    Mutant(
        "embeddings-vectors-all-zero",
        "every index in a batch is 0",
        puts("data.*.index", 0, EMBEDDINGS),
        ("embeddings.batch.index",),
    ),
    Mutant(
        "embeddings-vectors-reversed",
        "a batch is listed from its end",
        puts("data", lambda data: data[::-1], EMBEDDINGS),
        ("embeddings.batch.index", "embeddings.batch.order"),
    ),
    Mutant(
        "embeddings-vectors-shuffled",
        "the vectors of a batch belong to other texts",
        edits(_shuffles, EMBEDDINGS, _is_batch),
        ("embeddings.batch.order", "embeddings.batch.same"),
    ),
    Mutant(
        "embeddings-vectors-batch-differs",
        "the vectors of a batch are cut and padded",
        puts(VECTOR, lambda vector: vector[:600] + [0.0] * 936, EMBEDDINGS, _is_batch),
        ("embeddings.batch.same",),
    ),
    Mutant(
        "embeddings-vectors-usage-of-one",
        "a batch counts a token for each text",
        puts("usage.prompt_tokens", 3, EMBEDDINGS, _is_batch),
        ("embeddings.batch.usage",),
    ),
    Mutant(
        "embeddings-vectors-dimensions-ignored",
        "dimensions are ignored",
        ignores("dimensions", path=EMBEDDINGS),
        ("embeddings.dimensions", "embeddings.dimensions.base64"),
    ),
    Mutant(
        "embeddings-vectors-dimensions-refused",
        "declared dimensions are refused",
        refuses(has("dimensions"), path=EMBEDDINGS),
        ("embeddings.dimensions", "embeddings.dimensions.unit", "embeddings.dimensions.base64"),
    ),
    Mutant(
        "embeddings-vectors-dimensions-cut",
        "a shortened vector is cut off, and not of length 1",
        puts(VECTOR, lambda vector: [value / 9 for value in vector], EMBEDDINGS, has("dimensions")),
        ("embeddings.dimensions.unit",),
    ),
    Mutant(
        "embeddings-vectors-dimensions-base64",
        "dimensions are ignored in base64",
        puts(
            VECTOR,
            _pads,
            EMBEDDINGS,
            lambda call: has("dimensions")(call) and _asks_base64(call),
        ),
        ("embeddings.dimensions.base64",),
    ),
)
