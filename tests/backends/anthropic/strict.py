"""What Anthropic's API refuses of a Messages request, as its documentation states it."""

import re
from typing import Any

Json = dict[str, Any]
MEMBERS = {
    "cache_control", "max_tokens", "messages", "metadata", "model", "output_config",
    "service_tier", "stop_sequences", "stream", "system", "temperature", "thinking", "tool_choice",
    "tools", "top_p",
}  # fmt: skip
BLOCKS = {
    "text": {"type", "text", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "title", "cache_control"},
    "tool_use": {"type", "id", "name", "input", "cache_control"},
    "tool_result": {"type", "tool_use_id", "content", "cache_control"},
}
ROLES = {"user": {"text", "image", "document", "tool_result"}, "assistant": {"text", "tool_use"}}
SOURCES = {
    ("image", "base64"): {"type", "media_type", "data"},
    ("image", "url"): {"type", "url"},
    ("document", "base64"): {"type", "media_type", "data"},
    ("document", "text"): {"type", "media_type", "data"},
}


class Refused(Exception):  # noqa: N818 - the word of the domain
    """The message of Anthropic's 400."""


def need(condition: object, message: str) -> None:
    if not condition:
        raise Refused(message)


def require_messages_request(body: Json) -> None:
    unknown = body.keys() - MEMBERS
    need(not unknown, f"{unknown}: Extra inputs are not permitted")
    need(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    need("max_tokens" in body, "max_tokens: Field required")
    need(isinstance(body["max_tokens"], int) and body["max_tokens"] > 0, "max_tokens: too small")
    need(body.get("stream") is True, "stream: these tests expect a stream")
    for name in ("temperature", "top_p"):
        need(0 <= body.get(name, 1) <= 1, f"{name}: range: 0..1")
    for stop in body.get("stop_sequences", ()):
        need(stop.strip(), "stop_sequences: each stop sequence must contain non-whitespace")
    for block in body.get("system", ()):
        need(block["type"] == "text" and block["text"].strip(), "system: text must be non-empty")
        _require_cache_control(block)
    _require_cache_control(body)
    need(body.get("metadata", {}).keys() <= {"user_id"}, "metadata: Extra inputs")
    need(body.get("service_tier", "auto") in {"auto", "standard_only"}, "service_tier: Input")
    _require_turns(body["messages"])
    _require_tools(body)
    _require_thinking(body)


def _require_cache_control(marked: Json) -> None:
    mark = marked.get("cache_control", {"type": "ephemeral"})
    need(mark.keys() <= {"type", "ttl"}, "cache_control: Extra inputs are not permitted")
    need(mark["type"] == "ephemeral", "cache_control.type: Input should be 'ephemeral'")
    need(mark.get("ttl", "5m") in {"5m", "1h"}, "cache_control.ttl: Input should be '5m' or '1h'")


def _require_turns(turns: list[Json]) -> None:
    need(turns, "messages: at least one message is required")
    need(turns[0]["role"] == "user", 'messages: first message must use the "user" role')
    called: list[str] = []
    for number, turn in enumerate(turns):
        need(turn.keys() == {"role", "content"}, f"messages.{number}: extra inputs")
        need(turn["role"] == ("user", "assistant")[number % 2], "messages: roles must alternate")
        need(turn["content"], f"messages.{number}: content must be non-empty")
        for block in turn["content"]:
            _require_block(block, turn["role"])
        kinds = [block["type"] for block in turn["content"]]
        results = [b["tool_use_id"] for b in turn["content"] if b["type"] == "tool_result"]
        need(kinds[: len(results)] == ["tool_result"] * len(results), "tool_result must be first")
        need(sorted(results) == sorted(called), "tool_use without tool_result immediately after")
        called = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        need(len(set(called)) == len(called), "tool_use ids must be unique")
    need(not called, "tool_use without tool_result immediately after")


def _require_block(block: Json, role: str) -> None:
    kind = block["type"]
    need(kind in ROLES[role], f"{kind} in the {role}'s turn")
    need(block.keys() <= BLOCKS[kind], f"{kind}: Extra inputs are not permitted")
    _require_cache_control(block)
    if kind == "text":
        need(block["text"].strip(), "messages: text content blocks must contain non-whitespace")
    elif kind in {"image", "document"}:
        source = block["source"]
        need(source.keys() == SOURCES.get((kind, source["type"])), f"{kind}.source: invalid")
    elif kind == "tool_use":
        need(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), "tool_use.id: should match pattern")
        need(isinstance(block["input"], dict), "tool_use.input: should be a valid dictionary")
    elif kind == "tool_result":
        for part in block.get("content", ()):
            need(part["type"] == "text" and part["text"].strip(), "tool_result: empty text")
            need("cache_control" not in part, "tool_result.content: cache the result as a whole")


def _require_tools(body: Json) -> None:
    names = set()
    for tool in body.get("tools", ()):
        known = {"name", "description", "input_schema", "strict", "cache_control"}
        need(tool.keys() <= known, "tools: extra")
        _require_cache_control(tool)
        need(tool["input_schema"].get("type") == "object", "tools.input_schema.type: required")
        names.add(tool["name"])
    choice = body.get("tool_choice")
    if choice is None:
        return
    need(names, "tool_choice may only be specified while providing tools")
    need(choice["type"] in {"auto", "any", "tool", "none"}, "tool_choice.type: invalid")
    need(choice["type"] != "tool" or choice["name"] in names, "tool_choice: no such tool")
    allowed = {"type"}
    allowed |= {"disable_parallel_tool_use"} if choice["type"] != "none" else set()
    allowed |= {"name"} if choice["type"] == "tool" else set()
    need(choice.keys() <= allowed, "tool_choice: Extra inputs are not permitted")


def _require_thinking(body: Json) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    if thinking["type"] == "disabled":
        return
    need("temperature" not in body, "`temperature` may only be set to 1 when thinking is enabled")
    if thinking["type"] == "adaptive":
        return
    need(thinking["budget_tokens"] >= 1024, "thinking.budget_tokens: at least 1024")
    need(thinking["budget_tokens"] < body["max_tokens"], "max_tokens must be above the budget")
    forced = body.get("tool_choice", {}).get("type") in {"any", "tool"}
    need(not forced, "Thinking may not be enabled when tool_choice forces tool use.")
    last = body["messages"][-1]["content"]
    need(last[0]["type"] != "tool_result", "Expected `thinking`, but found `tool_use`")
