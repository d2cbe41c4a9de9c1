"""Whole bodies and chunks against strict schemas: all that were seen in the run, and some samples.

These checks run last, so that they see what the others asked for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contract_tests.check import MUST, Check, check
from contract_tests.samples import (
    ASK_WEATHER,
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    MODERATIONS,
    NO_MODEL,
    SCHEMA,
    WEATHER,
)
from contract_tests.schema.strict import Schema, strict, tally
from contract_tests.server import JSON, Server
from contract_tests.sources import issue, sdk, spec
from contract_tests.verdict import Broken
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import Stream

USAGE: JSON = {"stream_options": {"include_usage": True}}

# By path: the requests that make a server show every part of an answer, and what each needs.
SAMPLES: dict[str, tuple[tuple[str, JSON], ...]] = {
    CHAT: (
        ("chat", {}),
        ("chat.n", {"n": 2}),
        ("chat.logprobs", {"logprobs": True, "top_logprobs": 2}),
        ("chat.tools.required", {"tools": [WEATHER], "tool_choice": "required"}),
        ("chat.json_schema", {"response_format": {"type": "json_schema", "json_schema": SCHEMA}}),
        ("chat.stream", {"stream": True}),
        ("chat.usage", {"stream": True, **USAGE}),
        ("chat.tools.required", {"stream": True, "tools": [WEATHER], "tool_choice": "required"}),
        ("chat.logprobs", {"stream": True, "logprobs": True, "top_logprobs": 2}),
    ),
    COMPLETIONS: (
        ("completions", {}),
        ("completions.logprobs", {"logprobs": 2}),
        ("completions.echo", {"echo": True}),
        ("completions.stream", {"stream": True}),
        ("completions.usage", {"stream": True, **USAGE}),
    ),
    EMBEDDINGS: (
        ("embeddings", {}),
        ("embeddings.base64", {"encoding_format": "base64"}),
    ),
    MODERATIONS: (("moderations", {}),),
}
PROMPTS: dict[str, JSON] = {
    CHAT: {"messages": [{"role": "user", "content": ASK_WEATHER}]},
    COMPLETIONS: {"prompt": ASK_WEATHER},
    EMBEDDINGS: {"input": ASK_WEATHER},
    MODERATIONS: {"input": ASK_WEATHER},
}
MODEL_KINDS = {
    CHAT: "chat",
    COMPLETIONS: "completions",
    EMBEDDINGS: "embeddings",
    MODERATIONS: "moderations",
}


async def bodies(server: Server, path: str, *, stream: bool) -> Iterator[tuple[Exchange, Any]]:
    """Each body, or each chunk, that the server has answered on that path, with its exchange."""
    for need, params in SAMPLES.get(path, ()):
        if bool(params.get("stream")) is stream and await server.target.has(need):
            body = {"model": server.model(MODEL_KINDS[path]), **PROMPTS[path], **params}
            await server.post(path, body, fresh=False)
    return _seen(server, path, stream=stream)


def _seen(server: Server, path: str, *, stream: bool) -> Iterator[tuple[Exchange, Any]]:
    for exchange in list(server.target.exchanges):
        if exchange.url != server.target.url + path or exchange.status != 200 or exchange.fault:
            continue
        if stream and exchange.media_type == "text/event-stream":
            read = Stream(exchange)
            yield from ((exchange, chunk) for chunk in (read.chunks if read.payloads else ()))
        elif not stream and exchange.media_type == "application/json":
            yield exchange, exchange.json


async def validate(server: Server, path: str, schema: Schema, *, stream: bool) -> None:
    """Nothing, if all of them keep the schema; an error event is not judged here.

    Raises:
        Broken: one does not; it names the most frequent faults, and how often each was seen.
    """
    faults: dict[str, Exchange] = {}
    found: list[str] = []
    for exchange, value in await bodies(server, path, stream=stream):
        if isinstance(value, dict) and "error" in value:
            continue
        for fault in schema.faults(value):
            faults.setdefault(fault, exchange)
            found.append(fault)
    _judge(server, faults, found, f"what the schema of {path} says")


def _judge(server: Server, faults: dict[str, Exchange], found: list[str], expected: str) -> None:
    if found:
        server.exchanges.extend(faults.values())
        raise Broken(expected, tally(found))


@dataclass(frozen=True)
class Answer:
    """One kind of answer: its path, what it needs, the SDK's type, the document's component."""

    name: str
    what: str
    path: str
    need: str
    kind: str
    component: str

    @property
    def stream(self) -> bool:
        """Whether it is a chunk."""
        return self.name.endswith("_chunk")


CHAT_BODY = Answer(
    "chat",
    "A chat completion",
    CHAT,
    "chat",
    "chat.ChatCompletion",
    "CreateChatCompletionResponse",
)
CHAT_CHUNK = Answer(
    "chat_chunk",
    "A chunk of a chat",
    CHAT,
    "chat.stream",
    "chat.ChatCompletionChunk",
    "CreateChatCompletionStreamResponse",
)
COMPLETION_BODY = Answer(
    "completion",
    "A completion",
    COMPLETIONS,
    "completions",
    "Completion",
    "CreateCompletionResponse",
)
COMPLETION_CHUNK = Answer(
    "completion_chunk",
    "A chunk of a completion",
    COMPLETIONS,
    "completions.stream",
    "streamed Completion",
    "streamed CreateCompletionResponse",
)
EMBEDDINGS_BODY = Answer(
    "embeddings",
    "An embeddings answer",
    EMBEDDINGS,
    "embeddings",
    "CreateEmbeddingResponse",
    "CreateEmbeddingResponse",
)
MODERATION_BODY = Answer(
    "moderation",
    "A moderation",
    MODERATIONS,
    "moderations",
    "ModerationCreateResponse",
    "CreateModerationResponse",
)


def _strict(answer: Answer) -> Check:
    @check(
        f"schema.{answer.name}",
        MUST,
        f"{answer.what} keeps its schema, whatever was asked.",
        spec(answer.component.removeprefix("streamed ")),
        sdk(f"types.{answer.kind.removeprefix('streamed ')}"),
        needs=answer.need,
        clients="typed SDKs in every language",
        alone=True,
    )
    async def keeps(server: Server) -> None:
        await validate(server, answer.path, strict(answer.kind), stream=answer.stream)

    return keeps


chat = _strict(CHAT_BODY)
chat_chunk = _strict(CHAT_CHUNK)
completion = _strict(COMPLETION_BODY)
completion_chunk = _strict(COMPLETION_CHUNK)
embeddings = _strict(EMBEDDINGS_BODY)
moderation = _strict(MODERATION_BODY)


ENVELOPE = Schema(
    {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    }
)


@check(
    "schema.error",
    MUST,
    "Every refusal and failure seen in the run has OpenAI's error body, with all four keys.",
    spec("ErrorResponse"),
    spec("Error/required"),
    issue("ray-project/ray#64833", "vllm-project/vllm#12886", "sgl-project/sglang#32808"),
    clients="openai-node prints no message; typed SDKs throw inside the error handler",
    alone=True,
)
async def error(server: Server) -> None:
    await server.post(CHAT, {"model": NO_MODEL}, fresh=False)
    every = [one for one in server.target.exchanges if one.method in {"GET", "POST"}]
    # What a server does not have at all is another rule's: errors.unknown_path.
    there = {(one.method, one.url) for one in every if one.status not in {0, 404, 405, 501}}
    faults: dict[str, Exchange] = {}
    found: list[str] = []
    for exchange in every:
        if exchange.status >= 400 and (exchange.method, exchange.url) in there:
            for fault in _error_faults(exchange):
                faults.setdefault(fault, exchange)
                found.append(fault)
    _judge(server, faults, found, '{"error": {"message", "type", "param", "code"}}')


def _error_faults(exchange: Exchange) -> list[str]:
    try:
        return ENVELOPE.faults(json.loads(exchange.body))
    except ValueError:
        return [f"the body is not JSON: {exchange.brief()}"]
