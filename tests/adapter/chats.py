"""Chats over plain HTTP: asking, reading answers and streams, being refused."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from backends.protocol.wire import ChatCompletion, ChatCompletionChunk, ErrorResponse

Body = dict[str, Any]
TEXT = "Hello there, wörld 🌍!"
DONE = "[DONE]"


def chat_body(content: object = TEXT, **more: object) -> Body:
    """A chat request of one user message; `more` replaces and adds."""
    return {"model": "mock-1", "messages": [{"role": "user", "content": content}], **more}


def ask(http: httpx.Client, content: object = TEXT, **more: object) -> Body:
    """A chat in one piece that is what the schema says."""
    answer = http.post("/v1/chat/completions", json=chat_body(content, **more))
    assert answer.status_code == 200, answer.text
    ChatCompletion.model_validate_json(answer.content)
    body: Body = answer.json()
    return body


def said(http: httpx.Client, content: object = TEXT, **more: object) -> tuple[str, str]:
    """The text of the first choice, and why it ended."""
    choice = ask(http, content, **more)["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def refuse(http: httpx.Client, path: str, body: Body, status: int = 400) -> Body:
    """The error of a request that is refused alike with and without `stream`."""
    whole = http.post(path, json=body)
    streamed = http.post(path, json=body | {"stream": True})
    assert whole.status_code == streamed.status_code == status, whole.text[:500]
    assert whole.headers["content-type"] == streamed.headers["content-type"] == "application/json"
    assert whole.json() == streamed.json()
    ErrorResponse.model_validate_json(whole.content)
    error: Body = whole.json()["error"]
    return error


def tokens(http: httpx.Client, text: str) -> int:
    count: int = http.post("/v1/tokenize", json={"model": "mock-1", "prompt": text}).json()["count"]
    return count


def events(raw: bytes) -> list[str]:
    """The data of each event, strictly: one `data:` line, a blank line, nothing else."""
    text = raw.decode()
    assert text.endswith("\n\n")
    frames = text[:-2].split("\n\n")
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames), text[:2000]
    return [frame.removeprefix("data: ") for frame in frames]


def stream(http: httpx.Client, path: str, body: Body) -> list[Body]:
    """The chunks of a stream that succeeds, of one id, time and model."""
    answer = http.post(path, json=body | {"stream": True})
    assert answer.status_code == 200, answer.text[:500]
    assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
    *data, last = events(answer.content)
    assert last == DONE
    assert DONE not in data
    chunks: list[Body] = [json.loads(one) for one in data]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    return chunks


def chunks_of(http: httpx.Client, content: object = TEXT, **more: object) -> list[Body]:
    """The chunks of a chat, each what the schema says."""
    chunks = stream(http, "/v1/chat/completions", chat_body(content, **more))
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(json.dumps(chunk))
    return chunks


def choices_of(chunks: list[Body], index: int = 0) -> Iterator[Body]:
    """The pieces of one choice, in order."""
    for chunk in chunks:
        yield from (choice for choice in chunk["choices"] if choice["index"] == index)


def joined(chunks: list[Body], index: int = 0) -> dict[str, Any]:
    """One choice put together as a client does it: messages, calls, logprobs, finish reason."""
    message: Body = {}
    calls: dict[int, Body] = {}
    logprobs: list[Body] = []
    finishes = []
    for choice in choices_of(chunks, index):
        delta = choice["delta"]
        for name in ("content", "refusal", "reasoning_content"):
            if delta.get(name) is not None:
                message[name] = message.get(name, "") + delta[name]
        for piece in delta.get("tool_calls", ()):
            call = calls.setdefault(piece["index"], {"arguments": ""})
            called = piece.get("function") or piece.get("custom") or {}
            assert not (call.keys() & {"id", "type", "name"} & {*piece, *called})
            call |= {name: piece[name] for name in ("id", "type") if name in piece}
            call |= {name: called[name] for name in ("name",) if name in called}
            call["arguments"] += called.get("arguments", called.get("input", ""))
        logprobs += (choice["logprobs"] or {}).get("content") or []
        finishes.append(choice["finish_reason"])
    *nones, finish = finishes
    assert set(nones) <= {None}
    return {"message": message, "calls": calls, "logprobs": logprobs, "finish": finish}
