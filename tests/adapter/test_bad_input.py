"""Bad input is a clear 4xx in a bounded time, and the next good request works."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.adapter.test_errors import CHAT, MESSAGES, error_of
from tests.conftest import Serve, Server

BOUND_S = 5.0
Body = dict[str, Any]
JSON = {"content-type": "application/json"}
USER = MESSAGES[0]
TOOL = {"type": "function", "function": {"name": "f"}}
NOT_A_SCHEMA = {"type": "object", "properties": {"a": {"type": "nope"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def refused(http: httpx.Client, path: str = "/v1/chat/completions", **request: Any) -> Body:
    """The error of a request that must be refused, quickly, and leave the server well."""
    before_s = time.monotonic()
    response = http.post(path, **request)
    assert time.monotonic() - before_s < BOUND_S
    assert 400 <= response.status_code < 500
    error = error_of(response)
    assert http.post("/v1/chat/completions", json=CHAT).status_code == 200
    return error | {"status": response.status_code}


def deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def schema(depth: int) -> Body:
    nested: Body = {"type": "string"}
    for _ in range(depth):
        nested = {"type": "object", "properties": {"a": nested}}
    return nested


def tool(**function: Any) -> Body:
    return {"tools": [{"type": "function", "function": {"name": "f"} | function}]}


def said(*messages: object) -> Body:
    return {"messages": [*messages]}


def structured(**json_schema: Any) -> Body:
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


CHAT_FIELDS: list[tuple[Body, str]] = [
    *[({"model": value}, "model") for value in (None, 5, "", ["gpt-4o"])],
    *[({"messages": value}, "messages") for value in (None, [], "hi", {}, 5)],
    *[(said(value), "messages.0") for value in (123, None, "hi", [])],
    *[(said(value), "messages.0.role") for value in ({}, {"role": 123}, {"role": "robot"})],
    (said(USER, {"role": "user"}), "messages.1.content"),
    *[(said({"role": "user", "content": v}), "messages.0.content") for v in (None, 1, [], {})],
    (said({"role": "user", "content": [{}]}), "messages.0.content.0.type"),
    (said({"role": "user", "content": [{"type": "smell"}]}), "messages.0.content.0.type"),
    (said({"role": "user", "content": [{"type": "text"}]}), "messages.0.content.0.text"),
    (said({"role": "user", "content": ["hi"]}), "messages.0.content.0"),
    (said(USER, {"role": "tool", "content": "4"}), "messages.1.tool_call_id"),
    (said(USER, {"role": "tool", "content": "4", "tool_call_id": "x"}), "messages.1.tool_call_id"),
    (said(USER, {"role": "assistant", "tool_calls": [{}]}), "messages.1.tool_calls.0.type"),
    (
        said(USER, {"role": "assistant", "tool_calls": [CALL | {"id": 5}]}),
        "messages.1.tool_calls.0.id",
    ),
    *[({"temperature": value}, "temperature") for value in ("hot", -0.1, 2.1, [], True)],
    *[({"top_p": value}, "top_p") for value in ("x", -0.1, 1.1)],
    *[({"frequency_penalty": value}, "frequency_penalty") for value in (-2.1, 2.1, "x")],
    *[({"presence_penalty": value}, "presence_penalty") for value in (-2.1, 2.1, {})],
    *[({"n": value}, "n") for value in (0, 129, -1, 1.5, "2", True)],
    *[({"max_tokens": value}, "max_tokens") for value in (0, -1, 1.5, "5")],
    *[({"max_completion_tokens": value}, "max_completion_tokens") for value in (0, -1, "5")],
    ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
    *[({"stop": value}, "stop") for value in (["a", "b", "c", "d", "e"], [], 5, {})],
    ({"stop": ["a", 5]}, "stop.1"),
    *[({"seed": value}, "seed") for value in ("x", 2**63, -(2**63) - 1, 1.5)],
    *[({"logprobs": value}, "logprobs") for value in (5, "yes")],
    *[({"logprobs": True, "top_logprobs": v}, "top_logprobs") for v in (21, -1, "3", 1.5)],
    *[({"top_logprobs": 3} | more, "top_logprobs") for more in ({}, {"logprobs": False})],
    *[({"logit_bias": {key: 1}}, f"logit_bias.{key}") for key in ("x", "-1", "999999999")],
    *[({"logit_bias": {"5": value}}, "logit_bias.5") for value in (101, -101, "x", None)],
    ({"logit_bias": [1]}, "logit_bias"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"user": 5}, "user"),
    ({"metadata": {"a": 5}}, "metadata.a"),
    ({"metadata": {"a": "v" * 513}}, "metadata.a"),
    ({"metadata": {f"k{i}": "v" for i in range(17)}}, "metadata"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"verbosity": "loud"}, "verbosity"),
    ({"service_tier": "gold"}, "service_tier"),
    ({"safety_identifier": "x" * 65}, "safety_identifier"),
    ({"modalities": ["smell"]}, "modalities.0"),
    *[({"response_format": value}, "response_format") for value in ("json", 5, [])],
    *[({"response_format": v}, "response_format.type") for v in ({}, {"type": "xml"})],
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    (structured(name="bad name!", schema={}), "response_format.json_schema.name"),
    (structured(schema={}), "response_format.json_schema.name"),
    (structured(name="s", schema=5), "response_format.json_schema.schema"),
    (structured(name="s", schema=NOT_A_SCHEMA), "response_format.json_schema.schema"),
    (structured(name="s", schema=schema(300)), "response_format.json_schema.schema"),
    *[({"tools": value}, "tools") for value in ("f", {}, [TOOL] * 129)],
    ({"tools": [5]}, "tools.0"),
    ({"tools": [{}]}, "tools.0.type"),
    ({"tools": [{"type": "function"}]}, "tools.0.function"),
    *[(tool(name=name), "tools.0.function.name") for name in ("a b", "", "x" * 65, "é", 5)],
    *[(tool(parameters=value), "tools.0.function.parameters") for value in (5, [], NOT_A_SCHEMA)],
    (tool(parameters=schema(300)), "tools.0.function.parameters"),
    (tool() | {"tool_choice": "maybe"}, "tool_choice"),
    (tool() | {"tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
    *[({"tool_choice": value}, "tool_choice") for value in ("required", TOOL, 5)],
    (tool() | {"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"functions": []}, "functions"),
    ({"functions": [{"name": "a b"}]}, "functions.0.name"),
    ({"function_call": "auto"}, "function_call"),
    ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
]

FIELDS: list[tuple[str, Body, str]] = [
    ("completions", {}, "prompt"),
    *[("completions", {"prompt": value}, "prompt") for value in ([], 5, {}, [10**10], [[10**10]])],
    *[("completions", {"prompt": value}, "prompt.1") for value in (["a", 5], [5, "a"], [5, -1])],
    *[("completions", {"prompt": "a", "logprobs": value}, "logprobs") for value in (6, -1, True)],
    *[("completions", {"prompt": "a", "n": value}, "n") for value in (0, 129)],
    *[("completions", {"prompt": "a", "best_of": v, "n": 2}, "best_of") for v in (1, 21)],
    ("completions", {"prompt": "a", "best_of": 2, "stream": True}, "best_of"),
    ("completions", {"prompt": "a", "max_tokens": -1}, "max_tokens"),
    ("completions", {"prompt": ["a"] * 2049}, "n"),
    ("completions", {"prompt": "a", "stream_options": {}}, "stream_options"),
    ("completions", {"prompt": "a", "logit_bias": {"999999999": 1}}, "logit_bias.999999999"),
    ("embeddings", {}, "input"),
    *[("embeddings", {"input": value}, "input") for value in ("", [], ["a"] * 2049, 5, [10**10])],
    *[("embeddings", {"input": value}, "input.1") for value in (["a", 5], [5, "a"], ["a", ""])],
    *[("embeddings", {"input": "a", "dimensions": v}, "dimensions") for v in (0, -1, 1.5, 10**6)],
    ("embeddings", {"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ("moderations", {}, "input"),
    ("moderations", {"input": 5}, "input"),
    ("moderations", {"input": [{"type": "smell"}]}, "input.0.type"),
    ("detokenize", {}, "tokens"),
    *[("detokenize", {"tokens": value}, "tokens") for value in ("a", [10**10])],
    *[("detokenize", {"tokens": [5, value]}, "tokens.1") for value in (-1, "a", 1.5)],
    ("tokenize", {"prompt": 5}, "prompt"),
    ("tokenize", {"messages": []}, "messages"),
]
MODELS = {"embeddings": "text-embedding-3-small", "moderations": "omni-moderation-latest"}


@pytest.mark.parametrize(("fields", "param"), CHAT_FIELDS)
def test_wrong_chat_field_is_400_naming_it_streaming_or_not(
    http: httpx.Client, fields: Body, param: str
) -> None:
    error = refused(http, json=CHAT | fields)
    assert (error["status"], error["param"]) == (400, param)
    if "stream_options" not in fields:
        assert refused(http, json=CHAT | fields | {"stream": True}) == error


@pytest.mark.parametrize(("path", "fields", "param"), FIELDS)
def test_wrong_field_of_the_others_is_400_naming_it(
    http: httpx.Client, path: str, fields: Body, param: str
) -> None:
    body = {"model": MODELS.get(path, "gpt-4o")} | fields
    error = refused(http, f"/v1/{path}", json=body)
    assert (error["status"], error["param"]) == (400, param)
