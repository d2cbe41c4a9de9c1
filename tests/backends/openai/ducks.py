"""Things that quack like `AsyncOpenAI`: served as `ducks:make` by the tests beside."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from openai import APIConnectionError, APITimeoutError, RateLimitError, UnprocessableEntityError

from backends.openai import OpenAIBackend

# As the SDK hands it out: an envelope's `error`, or the whole body, or the text.
REFUSALS: dict[str, Any] = {
    "envelope": {"message": "No.", "code": "c"},
    "detail": {"detail": [{"loc": ["body", "n"], "msg": "No."}]},
    "array": [{"error": {"message": "No."}}],
    "text": "No.",
    "none": None,
}
REQUEST = httpx2.Request("POST", "http://duck/v1")


def choice(text: str, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text}, "finish_reason": finish}


async def quacks(text: str) -> AsyncIterator[dict[str, Any]]:
    made = {"id": "duck-1", "object": "chat.completion.chunk", "created": 1, "model": "duck"}
    try:
        for word in ("quack ", "quack"):
            yield {**made, "choices": [choice(word)], "x_new": 1}
            if text == "linger":
                await asyncio.sleep(60)
        if text == "half":
            yield {**made, "choices": [choice("", "stop") | {"index": 1}]}
        elif text != "break":
            yield {**made, "choices": [choice("", "stop")]}
    finally:
        Path("quacked").touch()  # noqa: ASYNC240 - a test looks for it


async def says_nothing(text: str) -> AsyncIterator[dict[str, Any]]:
    """Streams that are no answer: an error, or chunks without a choice."""
    yield {"error": {"message": "It broke", "code": 429}} if text == "failing" else {"choices": []}


async def chat(*, model: str, messages: list[dict[str, Any]], **more: Any) -> Any:
    text = messages[-1]["content"]
    if text == "busy":
        refusal = httpx2.Response(429, headers={"retry-after": "7"}, request=REQUEST)
        raise RateLimitError("m", response=refusal, body={"message": "Too busy.", "code": "busy"})
    if text in REFUSALS:
        response = httpx2.Response(422, request=REQUEST)
        raise UnprocessableEntityError("The SDK says.", response=response, body=REFUSALS[text])
    if text == "away":
        raise APIConnectionError(request=REQUEST)
    if text == "slow":
        raise APITimeoutError(request=REQUEST)
    if text in {"failing", "empty"}:
        if more.get("stream"):
            return says_nothing(text)
        return await anext(says_nothing(text))
    if more.get("stream"):
        return quacks(text)
    message = {"role": "assistant", "content": sorted(more)}
    done = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "duck-1", "model": model, "choices": [done], "x_new": {"a": 1.5}}


async def embed(*, model: str, input: str | list[str]) -> Any:  # noqa: A002 - OpenAI's name
    return {"object": "list", "model": model, "data": [{"index": 0, "embedding": [len(input)]}]}


def make() -> OpenAIBackend:
    """A client with two methods, and no list of models."""
    client = SimpleNamespace(
        chat=SimpleNamespace(completions=SimpleNamespace(create=chat)),
        embeddings=SimpleNamespace(create=embed),
    )
    return OpenAIBackend(client=client)
