"""`response_format`: text, some JSON object, and documents that a schema describes."""

import json
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.adapter.chats import TEXT, Body, ask, chat_body, chunks_of, joined, refuse, said

PATH = "/v1/chat/completions"


def by_schema(schema: object, **more: object) -> Body:
    described = {"name": "answer", "schema": schema, **more}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def record(**properties: object) -> Body:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


NODE = record(value={"type": "integer"}, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]})
SCHEMAS: dict[str, Body] = {
    "string": record(a={"type": "string"}),
    "length": record(a={"type": "string", "minLength": 5, "maxLength": 6}),
    "pattern": record(a={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"}),
    "date": record(a={"type": "string", "format": "date"}),
    "integer": record(a={"type": "integer", "minimum": 3, "maximum": 3}),
    "exclusive": record(a={"type": "integer", "exclusiveMinimum": 41, "exclusiveMaximum": 43}),
    "multiple": record(a={"type": "integer", "minimum": 10, "multipleOf": 7}),
    "number": record(a={"type": "number", "minimum": 0.5, "maximum": 0.75}),
    "boolean": record(a={"type": "boolean"}, b={"type": "null"}),
    "enum": record(a={"enum": ["x", 2, None]}, b={"type": "string", "enum": ["only"]}),
    "const": record(a={"const": {"deep": [1]}}),
    "types": record(a={"type": ["string", "null"]}),
    "array": record(a={"type": "array", "items": {"type": "string"}, "minItems": 2}),
    "unique": record(a={"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "maxItems": 2}),
    "nested": record(a=record(b=record(c={"type": "array", "items": record(d={"const": 1})}))),
    "defs": record(a={"$ref": "#/$defs/x"}) | {"$defs": {"x": {"enum": ["in defs"]}}},
    "recursive": NODE,
    "anyOf": record(a={"anyOf": [record(k={"const": "a"}), record(k={"const": "b"})]}),
    "allOf": record(a={"allOf": [{"type": "integer"}, {"minimum": 7}]}),
    "unicode": record(**{"größe 🌍": {"const": 'quote " and \\ and 日本'}}),
    "empty": record(),
    "any": {},
    "root array": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
}


def test_text_is_the_default(http: httpx.Client) -> None:
    assert ask(http, response_format={"type": "text"})["choices"] == ask(http)["choices"]


def test_json_object_is_one_with_the_words_in_it(http: httpx.Client) -> None:
    text = 'in json, "please"\n🌍'
    content, finish = said(http, text, response_format={"type": "json_object"})
    document = json.loads(content)
    assert isinstance(document, dict)
    assert text in document.values()
    assert finish == "stop"


def test_json_object_wants_the_word(http: httpx.Client) -> None:
    wanted = {"response_format": {"type": "json_object"}}
    assert refuse(http, PATH, chat_body("hello", **wanted))["param"] == "messages"
    messages = [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": "hi"}]
    assert json.loads(said(http, messages=messages, **wanted)[0])


@pytest.mark.parametrize("strict", [True, False, None])
@pytest.mark.parametrize("name", SCHEMAS)
def test_the_document_is_valid(http: httpx.Client, name: str, strict: bool | None) -> None:
    schema = SCHEMAS[name]
    content, finish = said(http, **by_schema(schema, strict=strict))
    jsonschema_rs.validate(schema, json.loads(content), validate_formats=True)
    assert finish == "stop"


@pytest.mark.parametrize("name", ["nested", "recursive", "unicode"])
def test_the_streamed_document_is_the_same(http: httpx.Client, name: str) -> None:
    more = by_schema(SCHEMAS[name])
    assert joined(chunks_of(http, **more))["message"]["content"] == said(http, **more)[0]


def test_a_document_is_counted_and_has_logprobs(http: httpx.Client) -> None:
    answer = ask(http, logprobs=True, top_logprobs=2, **by_schema(SCHEMAS["enum"]))
    (choice,) = answer["choices"]
    tokens = [entry["token"] for entry in choice["logprobs"]["content"]]
    assert "".join(tokens) == choice["message"]["content"]
    assert answer["usage"]["completion_tokens"] == len(tokens)


def test_a_limit_within_a_document_is_length(http: httpx.Client) -> None:
    content, finish = said(http, max_tokens=2, **by_schema(SCHEMAS["nested"]))
    assert finish == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(content)


def test_a_format_without_a_schema_is_some_json(http: httpx.Client) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "a"}}
    json.loads(said(http, response_format=wanted)[0])


def test_a_model_that_refuses_gives_no_document(http: httpx.Client) -> None:
    (choice,) = ask(http, model="mock-refusal", **by_schema(SCHEMAS["enum"]))["choices"]
    assert choice["message"]["content"] is None
    assert choice["message"]["refusal"]


def test_a_tools_call_goes_before_a_document(http: httpx.Client) -> None:
    tool = {"type": "function", "function": {"name": "get_weather"}}
    more = by_schema(SCHEMAS["enum"]) | {"tools": [tool]}
    assert ask(http, "weather", **more)["choices"][0]["finish_reason"] == "tool_calls"
    json.loads(said(http, TEXT, **more)[0])


def a_format(**more: Any) -> Body:
    return {"type": "json_schema", "json_schema": more}


WRONG: list[tuple[object, str]] = [
    ({"type": "sound"}, "response_format.type"),
    ({}, "response_format.type"),
    ("json", "response_format"),
    ({"type": "json_schema"}, "response_format.json_schema"),
    (a_format(schema={}), "response_format.json_schema.name"),
    (a_format(name="bad name", schema={}), "response_format.json_schema.name"),
    (a_format(name="x" * 65, schema={}), "response_format.json_schema.name"),
    (a_format(name="a", schema="x"), "response_format.json_schema.schema"),
    (a_format(name="a", schema={"type": 123}), "response_format.json_schema.schema"),
    (a_format(name="a", schema={"type": "hiccup"}), "response_format.json_schema.schema"),
    (a_format(name="a", schema={"required": "b"}), "response_format.json_schema.schema"),
    (a_format(name="a", schema={"pattern": "["}), "response_format"),
    (a_format(name="a", schema={"$ref": "#/$defs/no"}), "response_format"),
    (a_format(name="a", schema={"$ref": "http://127.0.0.1:9/x.json"}), "response_format"),
    (a_format(name="a", schema={"$ref": "file:///etc/passwd"}), "response_format"),
    (a_format(name="a", schema={"not": {}}), "response_format"),
    (a_format(name="a", schema={"allOf": [{"const": 1}, {"const": 2}]}), "response_format"),
]


@pytest.mark.parametrize(("wanted", "param"), WRONG, ids=lambda value: str(value)[:80])
def test_what_is_no_schema_is_refused(http: httpx.Client, wanted: object, param: str) -> None:
    error = refuse(http, PATH, chat_body(response_format=wanted))
    assert (error["param"] or "").startswith(param)
    assert not any(
        word in error["message"] for word in ("Traceback", ".py", "jsonschema", "Error(")
    )
