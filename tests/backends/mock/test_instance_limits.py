"""What no document is written for, how soon that is known, and texts for grammars."""

import re
import socket
import time
from typing import Any

import pytest

from backends.mock.instance import instance, matching
from backends.protocol.errors import BadRequestError

Schema = dict[str, Any]
SAFETY_S = 10.0
"""Not a benchmark: a hostile schema takes two seconds at the most."""
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def refusal_of(schema: Any) -> str:
    with pytest.raises(BadRequestError) as refusal:
        instance(schema)
    message = refusal.value.message
    assert len(message) < 250
    assert not re.search(r"Error|Exception|Traceback|llguidance|jsonschema_rs|0x", message)
    return message


REFUSED: list[tuple[Schema, str]] = [
    ({"type": "hiccup"}, "not valid, or too large, at '/type'"),
    ({"properties": {"a": {"type": 123}}}, "'/properties/a/type'"),
    ({"type": "string", "pattern": "("}, "'/pattern'"),
    ({"minimum": "a"}, "'/minimum'"),
    ({"$ref": "#/nope"}, "'$ref' or '$schema' points nowhere"),
    ({"$schema": "http://127.0.0.1:9/dialect"}, "'$ref' or '$schema' points nowhere"),
    ({"$ref": "http://127.0.0.1:9/schema"}, "'$ref' is followed only within the schema"),
    ({"$ref": "file:///etc/passwd"}, "'$ref' is followed only within the schema"),
    ({"$dynamicRef": "#"}, "'$dynamicRef' is not supported"),
    ({"items": {"$id": "http://a.example/b"}}, "'$id' is not supported inside a schema"),
    ({"$ref": "#"}, "nothing fits"),
    ({"required": ["a"], "properties": {"a": {"$ref": "#"}}, "type": "object"}, ": it "),
    ({"type": "string", "minLength": 2, "enum": ["a"]}, "'minLength' could not be met"),
    ({"type": "string", "pattern": "^(?=a)b$"}, "'pattern' could not be met"),
    ({"type": "null", "not": {"type": "null"}}, "'not' could not be met"),
    ({"oneOf": [INTEGER, INTEGER]}, "'oneOf' could not be met"),
    ({"enum": []}, "contradict each other"),
    ({"enum": [{1, 2}]}, "it is no JSON"),
    ({"const": 2**70}, "no JSON"),
]


@pytest.mark.parametrize(("schema", "reason"), REFUSED, ids=str)
def test_a_refusal_says_why(schema: Schema, reason: str) -> None:
    assert reason in refusal_of(schema)


def test_a_schema_makes_no_requests() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for schema in (
            {"$ref": address},
            {"$schema": address},
            {"properties": {"a": {"$ref": address}}},
            {"$id": address, "$ref": "#/$defs/a"},
            {"$id": address, "items": {"$ref": "other"}},
        ):
            refusal_of(schema)
        with pytest.raises(TimeoutError):
            server.accept()


def nested(depth: int, inner: Schema, word: str) -> Schema:
    for _ in range(depth):
        inner = (
            {word: [inner]} if word == "allOf" else {"type": "array", "minItems": 1, word: inner}
        )
    return inner


def chain(length: int, word: str, fan: int) -> Schema:
    """Definitions, each of which refers to the next so many times."""
    definitions = {f"d{i}": {word: [{"$ref": f"#/$defs/d{i + 1}"}] * fan} for i in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{length}": STRING}}


HOSTILE: dict[str, Schema] = {
    "five megabytes": {"enum": ["x" * 5_000_000]},
    "nested in code": nested(500, STRING, "items"),
    "nested in documents": nested(70, STRING, "items"),
    "nested allOf": nested(110, STRING, "allOf"),
    "long chain": chain(4000, "allOf", 1),
    "fan of allOf": chain(60, "allOf", 2),
    "fan of anyOf": chain(60, "anyOf", 2),
    "fan of oneOf": chain(60, "oneOf", 2),
    "loop": {"allOf": [{"$ref": "#"}]},
    "many properties": {"properties": {f"p{i}": {} for i in range(5000)}},
    "many patterns": {"allOf": [{"pattern": f"a.{{{i}}}b"} for i in range(40)]},
    "joined patterns": {"allOf": [{**STRING, "pattern": f"x{i}y"} for i in range(25)]},
    "long pattern": {**STRING, "pattern": "(a|b)" * 4000},
    "huge pattern": {**STRING, "pattern": "((a{100}){100}){100}"},
    "unicode pattern": {**STRING, "pattern": "\\p{L}{5000}"},
    "slow pattern": {**STRING, "minLength": 9000, "pattern": "(?=(a+)+!)a*$"},
    "joined steps": {"allOf": [{**INTEGER, "multipleOf": step} for step in (9, 7, 11, 13, 17, 19)]},
    "many items": {"type": "array", "minItems": 1_000_000},
    "many characters": {**STRING, "minLength": 10_000_000},
    "many members": {"type": "object", "minProperties": 1_000_000},
    "many places": {"type": "array", "prefixItems": [STRING] * 9000, "minItems": 9000},
    "product of oneOf": {"allOf": [{"oneOf": [{"properties": {f"p{i}": {"const": j}},
                                               "required": [f"p{i}"]} for j in range(20)]}
                                   for i in range(20)]},
    "product of anyOf": {"allOf": [{"anyOf": [{"properties": {f"p{i}": {"const": j}}}
                                              for j in range(3)]} for i in range(30)]},
}  # fmt: skip
HARMLESS = {"joined patterns", "long pattern", "joined steps", "product of anyOf", "nested allOf"}
"""Those that may well have a document."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_answered_soon(name: str) -> None:
    start = time.monotonic()
    try:
        instance(HOSTILE[name])
    except BadRequestError:
        pass
    else:
        assert name in HARMLESS
    assert time.monotonic() - start < SAFETY_S


@pytest.mark.parametrize("schema", [None, 3, "x", [1], {"a": object()}, {1: 2}])
def test_what_is_no_json_is_refused(schema: object) -> None:
    assert "it is no JSON" in refusal_of(schema)


ARITHMETIC = """
start: sum
sum: product (("+" | "-") product)*
product: NUMBER | "(" sum ")"
NUMBER: /[0-9]+/
"""
SQL = """
start: "SELECT " names " FROM " NAME ";"
names: NAME ("," NAME)*
NAME: /[a-z]+/
"""
TEXTS = [
    ("lark", ARITHMETIC, r"[-+()\d]+"),
    ("lark", SQL, r"SELECT [a-z,]+ FROM [a-z]+;"),
    ("lark", "%import common.NUMBER\nstart: NUMBER", r"[\d.eE+-]+"),
    ("lark", 'start: e\ne: "(" e e ")" | "x"', r"[(x)]+"),
    ("regex", r"(January|February) \d{1,2}(st|nd|th)? \d{4}", r"\w+ \w+ \d{4}"),
    ("regex", r"[a-z]+@[a-z]+\.com", r"[a-z]+@[a-z]+\.com"),
    ("regex", "a*", "a+"),
    ("regex", "", ""),
    ("regex", "[é-ü]+", "[é-ü]+"),
]


@pytest.mark.parametrize(("syntax", "definition", "expected"), TEXTS)
def test_a_text_matches_the_grammar(syntax: str, definition: str, expected: str) -> None:
    text = matching({"syntax": syntax, "definition": definition})
    assert re.fullmatch(expected, text)
    assert len(text) < 100
    assert matching({"syntax": syntax, "definition": definition}) == text


NO_GRAMMARS = {
    "regex, unclosed": ("regex", "(", "is no regex grammar"),
    "regex, half a character": ("regex", "\ud800", "is no regex grammar"),
    "regex, too large": ("regex", "((a{100}){100}){100}", "leads to no text"),
    "lark, not at all": ("lark", "start ::= x", "is no lark grammar"),
    "lark, undefined": ("lark", "start: x", "is no lark grammar"),
    "lark, endless": ("lark", 'start: "a" start', "leads to no text"),
    "lark, a schema": ("lark", 'start: %json {"$ref": "#"}', "is no lark grammar"),
    "lark, joined": ("lark", "start: A\nA: " + " & ".join(["/.*x/"] * 30), "is no lark grammar"),
    "lark, fan": (
        "lark",
        "start: A0\n" + "".join(f"A{i}: A{i + 1} A{i + 1}\n" for i in range(40)) + 'A40: "a"',
        "is no lark grammar",
    ),
    "lark, long": ("lark", 'start: "a"\n' * 10_000, "is no lark grammar"),
}


@pytest.mark.parametrize("name", NO_GRAMMARS)
def test_what_is_no_grammar_is_refused_soon(name: str) -> None:
    syntax, definition, reason = NO_GRAMMARS[name]
    start = time.monotonic()
    with pytest.raises(BadRequestError, match=reason):
        matching({"syntax": syntax, "definition": definition})
    assert time.monotonic() - start < SAFETY_S
