"""Defects of documents that were to keep to a JSON schema."""

import json
from typing import Any

from contract_tests.samples import SHAPES
from tests.mutants.families import edits, edits_calls, edits_each_chunk, ignores, puts
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant
from tests.mutants.structured import CONTENT, asks
from tests.mutants.tools_schema import mistaken

SCHEMA = asks("json_schema")


def _mistakes(shape: str) -> Layer:
    def edit(body: Any) -> None:
        wanted = (body.get("response_format") or {}).get("json_schema") or {}
        if wanted.get("schema") == SHAPES[shape]:
            wanted["schema"] = mistaken(SHAPES[shape])

    return edits_calls(edit)


def _edits(edit: Any) -> Layer:
    def rewrite(text: str) -> str:
        try:
            return json.dumps(edit(json.loads(text)))
        except ValueError:
            return text

    return puts(CONTENT, rewrite, when=SCHEMA)


def _streamed(call: Call) -> bool:
    return SCHEMA(call) and bool(call.param("stream"))


def _stops(body: Any) -> None:
    for choice in body["choices"]:
        choice["finish_reason"] = "stop"


def _spoils(chunk: Any) -> None:
    for choice in chunk["choices"]:
        if choice["finish_reason"]:
            choice["delta"]["content"] = "}"


MUTANTS = (
    Mutant(
        "structured-schemas-ignored",
        "json_schema is accepted and ignored",
        ignores("response_format", when=SCHEMA),
        ("structured.schema.forced",),
    ),
    Mutant(
        "structured-schemas-stream-ignored",
        "json_schema is ignored in streams",
        ignores("response_format", when=_streamed),
        ("structured.schema.stream",),
    ),
    Mutant(
        "structured-schemas-stream-spoilt",
        "a stream of JSON has a brace too many",
        edits_each_chunk(_spoils, when=SCHEMA),
        ("structured.schema.stream",),
    ),
    *(
        Mutant(
            f"structured-schemas-{shape.replace('_', '-')}",
            f"documents do not keep to a schema with {shape}",
            _mistakes(shape),
            (f"structured.schema.{shape}",),
        )
        for shape in SHAPES
    ),
    Mutant(
        "structured-schemas-extra",
        "documents have a key of their own",
        _edits(lambda document: {**document, "mood": "calm"}),
        ("structured.schema.no_extra", "structured.schema.forced"),
    ),
    Mutant(
        "structured-schemas-missing",
        "documents lack a key",
        _edits(lambda document: {key: document[key] for key in list(document)[1:]}),
        ("structured.schema.no_extra", "structured.schema.sdk"),
    ),
    Mutant(
        "structured-schemas-order",
        "keys come in another order",
        _edits(lambda document: dict(reversed(document.items()))),
        ("structured.schema.order",),
    ),
    Mutant(
        "structured-schemas-cut",
        'a document cut off finishes for "stop"',
        edits(_stops, when=SCHEMA),
        ("structured.schema.cut",),
    ),
)
