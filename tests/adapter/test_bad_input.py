"""Bad input is a clear 4xx in a bounded time, and the next good request works."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.adapter.envelope import CHAT, MESSAGES, error_of

BOUND_S = 5.0
GOOD = json.dumps(CHAT).encode()
Body = dict[str, Any]
USER = MESSAGES[0]
TOOL = {"type": "function", "function": {"name": "f"}}
NOT_A_SCHEMA = {"type": "object", "properties": {"a": {"type": "nope"}}}
ARRAY: list[object] = []
OBJECT: Body = {}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def refused(http: httpx.Client, path: str = "/v1/chat/completions", **request: object) -> Body:
    """The error of a request that must be refused, quickly, and leave the server well."""
    before_s = time.monotonic()
    response = http.post(path, **request)  # type: ignore[arg-type]
    assert time.monotonic() - before_s < BOUND_S
    assert 400 <= response.status_code < 500
    error = error_of(response)
    assert http.post("/v1/chat/completions", json=CHAT).status_code == 200
    return error | {"status": response.status_code}


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def schema(depth: int) -> Body:
    nested: Body = {"type": "string"}
    for _ in range(depth):
        nested = {"type": "object", "properties": {"a": nested}}
    return nested


def tool(**function: object) -> Body:
    return {"tools": [{"type": "function", "function": {"name": "f"} | function}]}


def said(*messages: object) -> Body:
    return {"messages": [*messages]}


def structured(**json_schema: object) -> Body:
    return {"response_format": {"type": "json_schema", "json_schema": json_schema}}


PENALTIES = ("frequency_penalty", "presence_penalty")
LIMITS = ("max_tokens", "max_completion_tokens")
ENUMS = ("reasoning_effort", "verbosity", "service_tier", "functions", "user")

CHAT_FIELDS: list[tuple[Body, str]] = [
    *[({name: value}, name) for name in PENALTIES for value in (-2.1, 2.1, "x")],
    *[({name: value}, name) for name in LIMITS for value in (0, -1, 1.5, "5")],
    *[({name: value}, name) for name in ENUMS for value in (5, ARRAY, OBJECT)],
    *[({"model": value}, "model") for value in (None, 5, "", ["gpt-4o"])],
    *[({"messages": value}, "messages") for value in (None, ARRAY, "hi", OBJECT, 5)],
    *[(said(value), "messages.0") for value in (123, None, "hi", ARRAY)],
    *[(said(value), "messages.0.role") for value in ({}, {"role": 123}, {"role": "robot"})],
    (said(USER, {"role": "user"}), "messages.1.content"),
    *[(said(USER | {"content": v}), "messages.0.content") for v in (None, 1, ARRAY, OBJECT)],
    (said({"role": "user", "content": [{}]}), "messages.0.content.0.type"),
    (said({"role": "user", "content": [{"type": "text"}]}), "messages.0.content.0.text"),
    (said({"role": "user", "content": ["hi"]}), "messages.0.content.0"),
    (said(USER, {"role": "tool", "content": "4"}), "messages.1.tool_call_id"),
    (said(USER, {"role": "tool", "content": "4", "tool_call_id": "x"}), "messages.1.tool_call_id"),
    (said(USER, {"role": "assistant", "tool_calls": [{}]}), "messages.1.tool_calls.0.type"),
    (said({"role": "assistant", "tool_calls": [CALL | {"id": 5}]}), "messages.0.tool_calls.0.id"),
    *[({"temperature": value}, "temperature") for value in ("hot", -0.1, 2.1, ARRAY, True)],
    *[({"top_p": value}, "top_p") for value in ("x", -0.1, 1.1)],
    *[({"n": value}, "n") for value in (0, 129, -1, 1.5, "2", True)],
    ({"max_tokens": 5, "max_completion_tokens": 5}, "max_tokens"),
    *[({"stop": value}, "stop") for value in (["a", "b", "c", "d", "e"], ARRAY, 5, OBJECT)],
    *[({"seed": value}, "seed") for value in ("x", 2**63, -(2**63) - 1, 1.5)],
    *[({"logprobs": value}, "logprobs") for value in (5, "yes")],
    *[({"logprobs": True, "top_logprobs": v}, "top_logprobs") for v in (21, -1, "3", 1.5)],
    *[({"top_logprobs": 3} | more, "top_logprobs") for more in ({}, {"logprobs": False})],
    *[({"logit_bias": {key: 1}}, f"logit_bias.{key}") for key in ("x", "-1", "999999999")],
    *[({"logit_bias": {"5": value}}, "logit_bias.5") for value in (101, -101, "x", None)],
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"metadata": {"a": 5}}, "metadata.a"),
    ({"metadata": {f"k{i}": "v" for i in range(17)}}, "metadata"),
    *[({"response_format": value}, "response_format") for value in ("json", 5, ARRAY)],
    *[({"response_format": v}, "response_format.type") for v in ({}, {"type": "xml"})],
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    (structured(name="bad name!", schema={}), "response_format.json_schema.name"),
    (structured(name="s", schema=5), "response_format.json_schema.schema"),
    (structured(name="s", schema=NOT_A_SCHEMA), "response_format.json_schema.schema"),
    (structured(name="s", schema=schema(300)), "response_format.json_schema.schema"),
    *[({"tools": value}, "tools") for value in ("f", OBJECT, [TOOL] * 129)],
    ({"tools": [5]}, "tools.0"),
    ({"tools": [{"type": "function"}]}, "tools.0.function"),
    *[(tool(name=name), "tools.0.function.name") for name in ("a b", "", "x" * 65, "é", 5)],
    *[(tool(parameters=v), "tools.0.function.parameters") for v in (5, ARRAY, NOT_A_SCHEMA)],
    (tool(parameters=schema(300)), "tools.0.function.parameters"),
    (tool() | {"tool_choice": "maybe"}, "tool_choice"),
    (tool() | {"tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
    *[({"tool_choice": value}, "tool_choice") for value in ("required", TOOL, 5)],
    (tool() | {"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"function_call": "auto"}, "function_call"),
    ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
]

FIELDS: list[tuple[str, Body, str]] = [
    ("completions", {}, "prompt"),
    *[("completions", {"prompt": v}, "prompt") for v in (ARRAY, 5, OBJECT, [10**10], [[10**10]])],
    *[("completions", {"prompt": value}, "prompt.1") for value in (["a", 5], [5, "a"], [5, -1])],
    *[("completions", {"prompt": "a", "logprobs": value}, "logprobs") for value in (6, -1, True)],
    *[("completions", {"prompt": "a", "n": value}, "n") for value in (0, 129)],
    *[("completions", {"prompt": "a", "best_of": v, "n": 2}, "best_of") for v in (1, 21)],
    ("completions", {"prompt": "a", "best_of": 2, "stream": True}, "best_of"),
    ("completions", {"prompt": ["a"] * 2049}, "n"),
    ("completions", {"prompt": "a", "logit_bias": {"999999999": 1}}, "logit_bias.999999999"),
    ("embeddings", {}, "input"),
    *[("embeddings", {"input": value}, "input") for value in ("", [], ["a"] * 2049, 5, [10**10])],
    *[("embeddings", {"input": value}, "input.1") for value in (["a", 5], [5, "a"], ["a", ""])],
    *[("embeddings", {"input": "a", "dimensions": v}, "dimensions") for v in (0, -1, 1.5, 10**6)],
    ("embeddings", {"input": "a", "encoding_format": "hex"}, "encoding_format"),
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


HEAD = b'{"model":"gpt-4o","messages":['
USERS = b",".join([b'{"role":"user","content":"a"}'] * 100_000)
BIG = (b"temperature", b"n", b"seed")
RAW: list[bytes] = [
    *(b"", b"  \n", b"{", b"{'a': 1}", b"not json", b"\x00", b"\xff\xfe"),
    b'{"model":"gpt-4o\x00"}',
    *(b'"hi"', b"[]", b"5", b"null", b"true", b"{}{}", b"\xef\xbb\xbf{}", "{}".encode("utf-16")),
    *(b'{"model":"gpt-4o",}', b'{"model":"\xff"}', b'{"model":"\\ud800"}', b'{"a":"\\udc00x"}'),
    *(GOOD[:-1] + b',"temperature":%b}' % word for word in (b"NaN", b"Infinity", b"-Infinity")),
    *(GOOD[:-1] + b',"%b":1e400}' % name for name in BIG),
    *(GOOD[:-1] + b',"%b":1%b}' % (name, b"0" * 400) for name in BIG),
    *(b"[" * 10_000 + b"]" * 10_000, b"[" * 100_000, nested(10_000), nested(1_000_000)),
    *(GOOD[:-1] + b',"%b":%b}' % (name, nested(10_000)) for name in (b"x", b"metadata", b"tools")),
    *(HEAD + messages + b"]}" for messages in (USERS, b"1," * 1_000_000 + b"1")),
]


@pytest.mark.parametrize("body", RAW, ids=lambda body: repr(body[:12] + b"..." + body[-24:]))
def test_a_body_that_is_no_request_is_400(http: httpx.Client, body: bytes) -> None:
    assert refused(http, content=body)["status"] == 400


@pytest.mark.parametrize("depth", [90, 400, 900])
@pytest.mark.parametrize("place", ["x", "metadata", "user", "schema", "tools"])
def test_depth_that_json_allows_is_no_failure(http: httpx.Client, depth: int, place: str) -> None:
    inner = json.loads(nested(depth))
    more = {"schema": structured(name="s", schema=inner), "tools": tool(parameters=inner)}
    before_s = time.monotonic()
    body = CHAT | more.get(place, {place: inner})
    assert http.post("/v1/chat/completions", json=body).status_code in {200, 400}
    assert time.monotonic() - before_s < BOUND_S


@pytest.mark.parametrize(("last", "status"), [(b"1", 200), (b"0", 400)])
def test_the_last_of_two_equal_keys_counts(http: httpx.Client, last: bytes, status: int) -> None:
    body = GOOD[:-1] + b',"n":%d,"n":%b}' % (1 - int(last), last)
    assert http.post("/v1/chat/completions", content=body).status_code == status
