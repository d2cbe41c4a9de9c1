"""Defects of response_format."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import answers, edits_calls, edits_chunks, ignores, puts, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

CONTENT = "choices.*.message.content"


def format_of(call: Call) -> dict[str, Any]:
    """The response_format of a call; empty if there is none."""
    wanted = call.param("response_format")
    return wanted if isinstance(wanted, dict) else {}


def asks(*types: str) -> Callable[[Call], bool]:
    return lambda call: format_of(call).get("type") in types


def _ignores(bad: Callable[[dict[str, Any]], bool]) -> Layer:
    """Ignores a response_format that it should refuse."""

    def edit(body: Any) -> None:
        wanted = body.get("response_format")
        if isinstance(wanted, dict) and bad(wanted):
            del body["response_format"]

    return edits_calls(edit)


def _json_schema(wanted: dict[str, Any]) -> dict[str, Any]:
    found = wanted.get("json_schema")
    return found if isinstance(found, dict) else {"name": "", "schema": {}}


def _value(wanted: dict[str, Any]) -> Any:
    return _json_schema(wanted).get("schema", {}).get("properties", {}).get("value", {})


def _hiccup(call: Call) -> bool:
    return _value(format_of(call)).get("type") in (123, "hiccup")


def _late(call: Call, answer: Answer) -> None:
    if call.param("stream") and answer.status == 400 and _hiccup(call):
        answer.status, answer.body = 200, b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"
        answer.set_header("content-type", "text/event-stream")


def _fence(chunks: list[Any]) -> list[Any]:
    chunks[0]["choices"][0]["delta"]["content"] = "```json\n"
    return chunks


_BAD: dict[str, Callable[[dict[str, Any]], bool]] = {
    "type": lambda wanted: wanted.get("type") == "sound",
    "no_type": lambda wanted: not wanted,
    "no_json_schema": lambda wanted: wanted == {"type": "json_schema"},
    "no_name": lambda wanted: "name" not in _json_schema(wanted),
    "name": lambda wanted: bool({" ", "."} & set(_json_schema(wanted).get("name", ""))),
    "name_length": lambda wanted: len(_json_schema(wanted).get("name", "")) > 64,
    "schema": lambda wanted: _value(wanted).get("type") in (123, "hiccup"),
    "ref": lambda wanted: _value(wanted).get("$ref") == "#/$defs/nothing",
}

MUTANTS = (
    Mutant(
        "structured-text-refused",
        "response_format text is refused",
        refuses(asks("text")),
        ("structured.text.same",),
    ),
    Mutant(
        "structured-text-trimmed",
        "response_format text changes the text",
        puts(CONTENT, lambda text: f"{text} ", when=asks("text")),
        ("structured.text.same",),
    ),
    Mutant(
        "structured-object-ignored",
        "json_object is ignored",
        ignores("response_format", when=asks("json_object")),
        ("structured.object.json", "structured.object.stream", "structured.object.word"),
    ),
    Mutant(
        "structured-object-fenced",
        "JSON stands between Markdown fences",
        puts(CONTENT, lambda text: f"```json\n{text}\n```", when=asks("json_object")),
        ("structured.object.json",),
    ),
    Mutant(
        "structured-object-array",
        "json_object gives an array",
        puts(CONTENT, lambda text: f"[{text}]", when=asks("json_object")),
        ("structured.object.json",),
    ),
    Mutant(
        "structured-object-stream-fenced",
        "a stream of JSON begins with a Markdown fence",
        edits_chunks(_fence, when=asks("json_object")),
        ("structured.object.stream",),
    ),
    *(
        Mutant(
            f"structured-takes-{name.replace('_', '-')}",
            f"a bad response_format is ignored: {name}",
            _ignores(bad),
            (f"structured.invalid.{name}",),
        )
        for name, bad in _BAD.items()
    ),
    Mutant(
        "structured-schema-500",
        "fails on what is no schema",
        answers(400, 500, _hiccup),
        ("structured.invalid.schema", "structured.invalid.schema_stream"),
    ),
    Mutant(
        "structured-schema-late",
        "a stream begins before the schema is read",
        around(after=_late),
        ("structured.invalid.schema_stream",),
    ),
    Mutant(
        "structured-refused-500",
        "json_schema is an error of the server",
        refuses(asks("json_schema"), 500),
        ("structured.schema_or_400",),
    ),
    Mutant(
        "structured-refused-vaguely",
        "json_schema is refused without a word of what is wrong",
        refuses(asks("json_schema"), body={}),
        ("structured.schema_or_400",),
    ),
    Mutant(
        "structured-strict-required",
        "a schema without strict is refused",
        refuses(
            lambda call: (
                asks("json_schema")(call) and not _json_schema(format_of(call)).get("strict")
            )
        ),
        ("structured.loose",),
    ),
    Mutant(
        "structured-refusal-twice",
        "a refusal stands in the content too",
        puts("choices.*.message.refusal", "I cannot help with that.", when=asks("json_schema")),
        ("structured.refusal",),
    ),
    Mutant(
        "structured-refusal-bool",
        "refusal is false",
        puts("choices.*.message.refusal", False, when=asks("json_schema")),
        ("structured.refusal",),
    ),
)
