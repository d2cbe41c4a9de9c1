"""Requests and answers as an upstream and its clients write them, odd spacing and all."""

import json
from typing import Any

CHAT: dict[str, Any] = {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}
STREAMED = CHAT | {"stream": True}
PATH = "/v1/chat/completions"
# Spaces, an unknown field, an escape and a number that another writer would write otherwise.
ANSWER = (
    b'{ "id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m-1", "x_new": 1.50,'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"w\\u00f6rld","refusal":null},'
    b'"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":7,"completion_tokens":3,'
    b'"total_tokens":10} }\n'
)


def event(delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    made = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return b"data: " + json.dumps({**made, "choices": [choice], **more}).encode() + b"\n\n"


FIRST = event({"role": "assistant", "content": "one "}, x_new={"a": 1.50})
SECOND = event({"content": "two"})
LAST = event({}, "stop")
USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m-1",'
    b'"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n'
)
DONE = b"data: [DONE]\n\n"
EVENTS = FIRST + SECOND + LAST + USAGE + DONE
ERROR = b'{"error":{"message":"Too busy.","type":"rate_limit_error","param":null,"code":"busy"}}'


def last_error(body: bytes) -> dict[str, Any]:
    """The error that ends a stream: one event, the last, and no `[DONE]`."""
    assert b"[DONE]" not in body
    *events, last, rest = body.split(b"\n\n")
    assert rest == b""
    assert not [one for one in events if b'"error"' in one]
    for one in events:
        json.loads(one.removeprefix(b"data: "))
    error: dict[str, Any] = json.loads(last.removeprefix(b"data: "))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error
