"""Whatever a model prefers, what comes out under a grammar parses and fits."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from tokenizers import Tokenizer

from backends.protocol import GenerationRequest, ResponseFormat, Tool, ToolChoice
from backends.protocol.errors import BadRequestError
from backends.torch.grammar.grammars import Grammars
from backends.torch.grammar.matcher import GrammarMatcher
from tests.backends.torch.random_walk import STOPS, VOCABULARY, Walk

SCHEMAS: dict[str, dict[str, Any]] = {
    "flat": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 12},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "unit": {"enum": ["C", "F", 'naïve "quoted"']},
            "wet": {"type": ["boolean", "null"]},
        },
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
    "nested": {
        "$defs": {"point": {"type": "array", "items": {"type": "number"}, "maxItems": 3}},
        "type": "object",
        "properties": {
            "path": {"type": "array", "items": {"$ref": "#/$defs/point"}, "minItems": 1}
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    "recursive": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
                "required": ["next"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "strings": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,3}$"},
            "at": {"type": "string", "format": "date-time"},
            "host": {"type": "string", "format": "ipv4"},
            "id": {"type": "string", "format": "uuid"},
        },
        "required": ["code", "at", "host", "id"],
        "additionalProperties": False,
    },
    "open": {"type": "object", "properties": {"a": {"const": 1}}, "minProperties": 0},
    "number": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
}


def schema_format(schema: dict[str, Any]) -> ResponseFormat:
    return ResponseFormat("json_schema", schema, strict=True, param="response_format.schema")


def matcher_of(grammars: Grammars, wanted: ResponseFormat) -> GrammarMatcher:
    matcher = grammars.of_format(wanted)
    assert matcher is not None
    return matcher


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_walk_under_a_schema_fits_it(
    grammars: Grammars, tokenizer: Tokenizer, name: str
) -> None:
    validator = jsonschema_rs.validator_for(SCHEMAS[name], validate_formats=True)
    ended = 0
    for seed in range(12):
        text = Walk(tokenizer, seed).text(matcher_of(grammars, schema_format(SCHEMAS[name])))
        if text is not None:
            validator.validate(json.loads(text))
            ended += 1
    assert ended >= 9


def test_every_walk_under_json_object_is_an_object(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    texts = [
        Walk(tokenizer, seed).text(matcher_of(grammars, ResponseFormat("json_object")))
        for seed in range(20)
    ]
    ended = [json.loads(text) for text in texts if text is not None]
    assert len(ended) >= 15
    assert all(isinstance(one, dict) for one in ended)
    assert any(len(one) > 1 for one in ended)


@pytest.mark.parametrize(
    ("day", "real"),
    [("2024-02-29", True), ("2000-02-29", True), ("1900-02-29", False), ("2023-12-31", True)],
)
def test_a_date_is_one_of_the_calendar(
    grammars: Grammars, tokenizer: Tokenizer, day: str, real: bool
) -> None:
    matcher = matcher_of(grammars, schema_format({"type": "string", "format": "date"}))
    for token in tokenizer.encode(f'"{day}"').ids:
        if not matcher.mask()[token]:
            break
        matcher.consume(token)
    assert matcher.finished == real


def test_space_does_not_run_away(grammars: Grammars, tokenizer: Tokenizer) -> None:
    """A model that loves newlines above all comes to an end nevertheless."""
    matcher = matcher_of(grammars, schema_format(SCHEMAS["flat"]))
    newline, space = (tokenizer.encode(text).ids[0] for text in ("\n", " "))
    taken, run, longest = 0, 0, 0
    while not matcher.finished and taken < 100:
        mask = matcher.mask()
        token = next((one for one in (newline, space) if mask[one]), int(np.flatnonzero(mask)[0]))
        matcher.consume(token)
        taken += 1
        run = run + 1 if token in {newline, space} else 0
        longest = max(longest, run)
    assert longest <= 17


def test_the_end_may_come_only_where_the_grammar_may_end(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    matcher = matcher_of(grammars, schema_format({"type": "integer"}))
    assert not matcher.mask()[sorted(STOPS)].any()
    matcher.consume(tokenizer.encode("7").ids[0])
    assert matcher.mask()[sorted(STOPS)].all()
    assert matcher.mask().sum() > 2
    matcher.consume(2)
    assert matcher.finished
    assert np.flatnonzero(matcher.mask()).tolist() == sorted(STOPS)


def test_a_grammar_that_is_over_allows_nothing_but_the_end(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    matcher = matcher_of(grammars, schema_format({"const": True}))
    matcher.consume(tokenizer.encode("true").ids[0])
    assert matcher.finished
    assert np.flatnonzero(matcher.mask()).tolist() == sorted(STOPS)


def test_matchers_do_not_disturb_each_other(grammars: Grammars, tokenizer: Tokenizer) -> None:
    wanted = schema_format(SCHEMAS["flat"])
    alone = [Walk(tokenizer, seed).text(matcher_of(grammars, wanted)) for seed in (1, 2)]
    walks = [Walk(tokenizer, seed) for seed in (1, 2)]
    first = matcher_of(grammars, wanted)
    matchers = [first, first.copy()]
    ended: dict[int, str] = {}
    for _ in range(400):
        for index, (walk, matcher) in enumerate(zip(walks, matchers, strict=True)):
            if index not in ended:
                token = walk.next(matcher)
                matcher.consume(token)
                if token in STOPS:
                    ended[index] = tokenizer.decode(walk.tokens, skip_special_tokens=False)
                else:
                    walk.tokens.append(token)
    assert [ended.get(0), ended.get(1)] == alone


def test_text_needs_no_matcher(grammars: Grammars) -> None:
    assert grammars.of_format(ResponseFormat()) is None
    assert grammars.of_request(GenerationRequest("m", prompt="x")) is None


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"type": "string"}}, "not"),
        ({"type": "array", "contains": {"type": "string"}}, "contains"),
        ({"type": "object", "if": {}, "then": {}}, "if"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
        ({"type": "string", "format": "colour"}, "'format' colour"),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern"),
        ({"$ref": "http://example.com/schema"}, r"\$ref"),
        ({"type": "integer", "minimum": 5, "maximum": 2}, r"minimum \(5\) is greater than maximum"),
        ({"type": "integer", "multipleOf": 1234567}, "multipleOf"),
        ({"type": "string", "pattern": "a" * 2_000}, "'pattern' of 2000 characters"),
        ({"properties": {f"p{n}": {} for n in range(3_000)}}, "3000 'properties'"),
        ({"description": "x" * 200_000}, "bytes"),
        ({"const": "\ud800"}, "no JSON"),
        ({"enum": ["x" * 3_000]}, "'enum' of 3000 characters"),
        ({"patternProperties": {"^a": {}, "^ab": {}}}, "patternProperties"),
        ({"$ref": "#"}, "too complex to go on"),
        ({"type": "integer", "maximum": 10**300}, "more than 64 bits"),
        ({"allOf": [{"type": "string", "pattern": f".*{c}.*{c}.*"} for c in "abcdefg"]}, "pattern"),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_what_cannot_be_enforced_is_refused_by_name(
    grammars: Grammars, schema: dict[str, Any], keyword: str, strict: bool
) -> None:
    wanted = ResponseFormat("json_schema", schema, strict, "response_format.json_schema.schema")
    with pytest.raises(BadRequestError, match=keyword) as caught:
        grammars.of_format(wanted)
    assert caught.value.param == "response_format.json_schema.schema"
    assert "\n" not in caught.value.message


def test_a_schema_cannot_switch_the_rules_off(grammars: Grammars) -> None:
    schema = {"x-guidance": {"lenient": True}, "type": "array", "uniqueItems": True}
    with pytest.raises(BadRequestError, match="uniqueItems"):
        grammars.of_format(schema_format(schema))


@pytest.mark.parametrize("text", ["not json", "[]", '{"model": {}}'])
def test_what_is_no_tokenizer_is_one_clear_line(text: str) -> None:
    with pytest.raises(ValueError, match="the tokenizer does not fit the model: ") as caught:
        Grammars(text, VOCABULARY, STOPS)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_with_more_tokens_than_logits_is_refused(smollm2: Path) -> None:
    with pytest.raises(ValueError, match=r"does not fit the model: .*49000 vs 49152"):
        Grammars(smollm2 / "tokenizer.json", 49_000, STOPS)


def test_tools_that_are_required_but_not_there_are_refused(grammars: Grammars) -> None:
    choice = ToolChoice("required", allowed=["other"])
    request = GenerationRequest("m", tools=[Tool("one")], tool_choice=choice)
    with pytest.raises(BadRequestError) as caught:
        grammars.of_request(request)
    assert caught.value.param == "tool_choice"
