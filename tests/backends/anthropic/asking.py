"""Asking Claude through the adapter with the official client, whole and streamed."""

from typing import Any

import httpx
import openai

from tests.adapter.chats import refuse
from tests.backends.anthropic.stub import Stub

Json = dict[str, Any]
WEATHER: Json = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TIME: Json = {"type": "function", "function": {"name": "time"}}


def user(content: object = "Hi") -> Json:
    return {"role": "user", "content": content}


def calls(*named: tuple[str, str], content: str | None = None) -> Json:
    """An assistant's message that calls: an id and arguments each."""
    made = [
        {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": given}}
        for call_id, given in named
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def result(call_id: str, content: object = "sunny") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def chat(claude: openai.OpenAI, *messages: Json, **more: Any) -> Json:
    """The answer in one piece, which the streamed one must equal."""
    body: Json = {"model": "claude-test", "messages": list(messages) or [user()], **more}
    whole = claude.chat.completions.create(**body).model_dump()
    usage: Json = {"stream": True, "stream_options": {"include_usage": True}}
    choice: Json = whole["choices"][0]
    message = choice["message"]
    stream: Any = claude.chat.completions.create(**body, **usage)
    said = folded([chunk.model_dump() for chunk in stream])
    assert said["content"] == (message["content"] or "")
    assert said["reasoning"] == message.get("reasoning_content", "")
    assert said["refusal"] == (message["refusal"] or "")
    assert said["calls"] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message["tool_calls"] or ()
    ]
    assert said["finish"] == choice["finish_reason"]
    assert said["usage"] == whole["usage"]
    return whole


def folded(chunks: list[Json]) -> Json:
    """What the chunks of one choice add up to."""
    whole: Json = {"content": "", "reasoning": "", "refusal": "", "finish": None, "usage": None}
    made: dict[int, list[str]] = {}
    for chunk in chunks:
        whole["usage"] = chunk["usage"] or whole["usage"]
        for choice in chunk["choices"]:
            delta = choice["delta"]
            whole["content"] += delta["content"] or ""
            whole["reasoning"] += delta.get("reasoning_content") or ""
            whole["refusal"] += delta["refusal"] or ""
            whole["finish"] = choice["finish_reason"] or whole["finish"]
            for call in delta["tool_calls"] or ():
                known = made.setdefault(call["index"], ["", "", ""])
                known[0] += call["id"] or ""
                known[1] += call["function"]["name"] or ""
                known[2] += call["function"]["arguments"] or ""
    return whole | {"calls": [tuple(call) for _, call in sorted(made.items())]}


def refused(plain: httpx.Client, stub: Stub, param: str, **more: object) -> Json:
    """The error of a request of which Anthropic must not hear."""
    body = {"model": "claude-test", "messages": [user()], **more}
    error = refuse(plain, "/v1/chat/completions", body)
    assert error["param"] == param, error
    assert not stub.asked
    return error
