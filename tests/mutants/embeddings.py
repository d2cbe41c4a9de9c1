"""Defects of the answers of `POST /embeddings`."""

import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from tests.mutants.families import When, drops, edits_calls, ignores, puts, refuses
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

EMBEDDINGS = "/embeddings"
VECTOR = "data.*.embedding"


def _of(encoding: str | None) -> When:
    return lambda call: call.param("encoding_format") == encoding


def _asks_base64(call: Call) -> bool:
    return _of("base64")(call)


def _repacks(code: str) -> Layer:
    """Writes the numbers of the base64 in another format."""

    def repack(text: str) -> str:
        content = b64decode(text)
        count = len(content) // 4
        numbers = struct.unpack(f"<{count}f", content)
        return b64encode(struct.pack(code.format(count), *numbers)).decode()

    return puts(VECTOR, repack, EMBEDDINGS, _asks_base64)


def _puts(where: str, value: Any | Callable[[Any], Any]) -> Layer:
    return puts(where, value, EMBEDDINGS)


MUTANTS = (
    *(
        Mutant(
            f"embeddings-no-{name}",
            f"the answer has no {where}",
            drops(where, EMBEDDINGS),
            (check,),
        )
        for name, where, check in (
            ("object", "object", "embeddings.object.list"),
            ("item-object", "data.*.object", "embeddings.object.item"),
            ("index", "data.*.index", "embeddings.index"),
            ("model", "model", "embeddings.model"),
            ("usage", "usage", "embeddings.usage"),
            ("prompt-tokens", "usage.prompt_tokens", "embeddings.usage"),
            ("total-tokens", "usage.total_tokens", "embeddings.usage"),
        )
    ),
    *(
        Mutant(f"embeddings-{name}", f"{where} is {value!r}", _puts(where, value), (check,))
        for name, where, value, check in (
            ("wrong-object", "object", "embeddings", "embeddings.object.list"),
            ("wrong-item-object", "data.*.object", "vector", "embeddings.object.item"),
            ("index-text", "data.*.index", "0", "embeddings.index"),
            ("index-from-1", "data.*.index", 1, "embeddings.index"),
            ("model-empty", "model", "", "embeddings.model"),
            ("usage-float", "usage.prompt_tokens", 9.5, "embeddings.usage"),
            ("usage-null", "usage.total_tokens", None, "embeddings.usage"),
            ("usage-total", "usage.total_tokens", 7000, "embeddings.usage.total"),
            ("usage-completion", "usage.completion_tokens", 3, "embeddings.usage.total"),
            (
                "usage-zero",
                "usage",
                {"prompt_tokens": 0, "total_tokens": 0},
                "embeddings.usage.total",
            ),
        )
    ),
    Mutant(
        "embeddings-twice",
        "the embedding is listed twice",
        _puts("data", lambda data: data * 2),
        ("embeddings.count",),
    ),
    *(
        Mutant(
            f"embeddings-{name}-{fault}",
            f"an embedding without an encoding_format of base64 {what}",
            puts(VECTOR, value, EMBEDDINGS, _of(encoding)),
            (f"embeddings.float.{name}",),
        )
        for name, encoding in (("default", None), ("explicit", "float"))
        for fault, what, value in (
            ("base64", "is a string", "AAAAAA=="),
            ("nested", "is an array in an array", lambda vector: [vector]),
            ("empty", "is empty", []),
            ("infinite", "has an infinite number", lambda vector: [*vector[1:], 10**400]),
        )
    ),
    Mutant(
        "embeddings-float-refused",
        'encoding_format "float" is refused',
        refuses(_of("float"), path=EMBEDDINGS),
        ("embeddings.float.explicit",),
    ),
    Mutant(
        "embeddings-base64-ignored",
        "encoding_format is ignored: floats come",
        ignores("encoding_format", path=EMBEDDINGS),
        ("embeddings.base64.string",),
    ),
    Mutant(
        "embeddings-base64-garbage",
        "the string is no base64",
        puts(VECTOR, lambda text: "!" + text[1:], EMBEDDINGS, _asks_base64),
        ("embeddings.base64.string",),
    ),
    Mutant(
        "embeddings-base64-double",
        "the base64 is of float64",
        _repacks("<{}d"),
        ("embeddings.base64.size", "embeddings.base64.same", "embeddings.sdk"),
    ),
    Mutant(
        "embeddings-base64-half",
        "the base64 is of float16",
        _repacks("<{}e"),
        ("embeddings.base64.size", "embeddings.base64.same", "embeddings.sdk"),
    ),
    Mutant(
        "embeddings-base64-big-endian",
        "the base64 is big-endian",
        _repacks(">{}f"),
        ("embeddings.base64.same", "embeddings.sdk"),
    ),
    Mutant(
        "embeddings-base64-other",
        "the base64 is of another text",
        edits_calls(lambda body: {**body, "input": "another"}, EMBEDDINGS, _asks_base64),
        ("embeddings.base64.same", "embeddings.sdk"),
    ),
    Mutant(
        "embeddings-base64-refused",
        "base64, which the official client asks for, is refused",
        refuses(_asks_base64, path=EMBEDDINGS),
        ("embeddings.sdk", "embeddings.base64.string"),
    ),
    Mutant(
        "embeddings-base64-no-data",
        "an answer in base64 has no data",
        puts("data", [], EMBEDDINGS, _asks_base64),
        ("embeddings.sdk",),
    ),
)
