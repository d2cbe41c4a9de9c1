"""Whatever schema a client sends, it takes little time, in a step least of all."""

from time import perf_counter
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from backends.protocol import ResponseFormat
from backends.protocol.errors import BadRequestError
from backends.torch.grammar.grammars import Grammars
from backends.torch.grammar.matcher import GrammarMatcher
from tests.backends.torch.random_walk import STOPS


def matcher_of(grammars: Grammars, schema: dict[str, Any]) -> GrammarMatcher:
    wanted = ResponseFormat("json_schema", schema, strict=True, param="response_format.schema")
    matcher = grammars.of_format(wanted)
    assert matcher is not None
    return matcher


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 10**6, "maxLength": 10**6},
        {"type": "string", "maxLength": 10**9},
        {"type": "array", "minItems": 10**6, "items": {"type": "string"}},
        {"type": "array", "prefixItems": [{"type": "string"}] * 5_000},
        {"enum": [f"value number {n}" for n in range(5_000)]},
        {"type": "string", "pattern": "^(a+)+$"},
        {"type": "string", "pattern": "a?" * 200 + "a" * 200},
        {"type": "string", "pattern": ".*a.{60}b.{60}$"},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"anyOf": [{"type": "object", "properties": {f"k{n}": {}}} for n in range(1_000)]},
        {
            "allOf": [
                {"anyOf": [{"properties": {f"p{n}": {"const": m}}} for m in "abcde"]}
                for n in range(8)
            ]
        },
    ],
)
def test_a_hostile_schema_is_taken_or_refused_in_time(
    grammars: Grammars, schema: dict[str, Any]
) -> None:
    began_s = perf_counter()
    try:
        walk = matcher_of(grammars, schema)
    except BadRequestError as refused:
        assert refused.param == "response_format.schema"  # noqa: PT017 - either will do
    else:
        assert perf_counter() - began_s < 5
        for _ in range(20):
            step_s = perf_counter()
            allowed = np.flatnonzero(walk.mask())
            walk.consume(int(allowed[len(allowed) // 2]))
            assert perf_counter() - step_s < 0.5
    assert perf_counter() - began_s < 10


def test_an_object_may_have_a_thousand_properties_that_may_be_left_out(
    grammars: Grammars, tokenizer: Tokenizer
) -> None:
    schema = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(1_000)}}
    walk = matcher_of(grammars, schema)
    for token in tokenizer.encode('{"p7": "a", "p998": "b"}').ids:
        assert walk.mask()[token]
        walk.consume(token)
    assert walk.mask()[sorted(STOPS)].all()


def test_a_chain_of_references_is_refused_and_not_followed(grammars: Grammars) -> None:
    chain: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3_000)}
    chain["d3000"] = {"type": "null"}
    with pytest.raises(BadRequestError, match=r"\$ref"):
        matcher_of(grammars, {"$defs": chain, "$ref": "#/$defs/d0"})
