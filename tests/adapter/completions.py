"""Legacy completions over plain HTTP."""

import json

import httpx

from backends.protocol.wire import Completion
from tests.adapter.chats import Body, stream

PATH = "/v1/completions"
PROMPT = "Hello there, wörld 🌍"


def body_of(prompt: object = PROMPT, **more: object) -> Body:
    return {"model": "mock-1", "prompt": prompt, **more}


def complete(http: httpx.Client, prompt: object = PROMPT, **more: object) -> Body:
    """A completion in one piece that is what the schema says."""
    answer = http.post(PATH, json=body_of(prompt, **more))
    assert answer.status_code == 200, answer.text[:500]
    Completion.model_validate_json(answer.content)
    body: Body = answer.json()
    return body


def ids(http: httpx.Client, text: str) -> list[int]:
    answer = http.post("/v1/tokenize", json={"model": "mock-1", "prompt": text})
    found: list[int] = answer.json()["tokens"]
    return found


def folded(http: httpx.Client, prompt: object = PROMPT, **more: object) -> tuple[list[Body], Body]:
    """The choices of a stream put together, and its usage."""
    options = {"include_usage": True}
    *chunks, last = stream(http, PATH, body_of(prompt, stream_options=options, **more))
    assert last["choices"] == []
    choices: dict[int, Body] = {}
    for chunk in chunks:
        Completion.model_validate_json(json.dumps(chunk))
        assert chunk["usage"] is None
        for piece in chunk["choices"]:
            new: Body = {"text": "", "index": piece["index"], "logprobs": None}
            choice = choices.setdefault(piece["index"], new)
            assert "finish_reason" not in choice
            choice["text"] += piece["text"]
            for name, entries in (piece["logprobs"] or {}).items():
                choice["logprobs"] = choice["logprobs"] or {}
                choice["logprobs"].setdefault(name, []).extend(entries)
            if piece["finish_reason"]:
                choice["finish_reason"] = piece["finish_reason"]
    return [choice for _, choice in sorted(choices.items())], last["usage"]
