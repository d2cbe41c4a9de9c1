"""What every answer to a fuzzed request must keep: a rule gives the fault in words, or nothing."""

from collections.abc import Callable
from typing import Any

from contract_tests.schema.strict import Schema, strict, tally
from contract_tests.verdict import Broken
from contract_tests.wire.exchange import Exchange
from contract_tests.wire.stream import DONE, Stream

# (answer, the request's body, whether the request keeps the document) -> fault
Rule = Callable[[Exchange, Any, bool], str | None]
STREAMED = ("/chat/completions", "/completions")
BODIES = {
    "/chat/completions": "chat.ChatCompletion",
    "/completions": "Completion",
    "/embeddings": "CreateEmbeddingResponse",
    "/moderations": "ModerationCreateResponse",
}
CHUNKS = {
    "/chat/completions": "chat.ChatCompletionChunk",
    "/completions": "streamed Completion",
}
ENVELOPE = Schema(
    {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "object", "required": ["message", "type"]}},
    }
)


def server_error(answer: Exchange, _: Any, __: bool) -> str | None:
    """No request makes the server fail."""
    return answer.brief() if answer.status >= 500 and answer.status != 501 else None


def envelope(answer: Exchange, _: Any, __: bool) -> str | None:
    """A refusal has OpenAI's error body."""
    if answer.status < 400 or answer.method not in {"GET", "POST"}:
        return None
    try:
        faults = ENVELOPE.faults(answer.json)
    except Broken as broken:
        return f"{answer.status} {broken.seen}"
    return f"{answer.brief()}" if faults else None


def refuses_invalid(answer: Exchange, _: Any, valid: bool) -> str | None:
    """A request that breaks the document is refused."""
    asked = answer.method == "POST" and not valid
    return answer.brief() if asked and answer.status < 400 else None


def refuses_by_name(answer: Exchange, body: Any, valid: bool) -> str | None:
    """A valid request is answered, or refused by the name of a parameter in it."""
    if not valid or answer.status < 400 or answer.status >= 500 or not isinstance(body, dict):
        return None
    try:
        error = answer.error
    except Broken:
        return None
    told = f"{error.get('param')} {error.get('message')}"
    return None if any(name in told for name in body) else answer.brief()


def schema(answer: Exchange, _: Any, __: bool) -> str | None:
    """What is answered keeps its schema."""
    kinds = CHUNKS if answer.media_type == "text/event-stream" else BODIES
    kind = next((kinds[path] for path in kinds if answer.url.endswith(path)), None)
    if answer.method != "POST" or answer.status != 200 or kind is None:
        return None
    try:
        values = Stream(answer).chunks if kinds is CHUNKS else [answer.json]
    except Broken as broken:
        return broken.seen
    faults = [fault for value in values for fault in strict(kind).faults(value)]
    return tally(faults) or None


def stream(answer: Exchange, body: Any, _: bool) -> str | None:
    """A stream has one finish for each choice, and ends with one [DONE]."""
    asked = isinstance(body, dict) and body.get("stream") is True
    if not asked or answer.status != 200 or not answer.url.endswith(STREAMED):
        return None
    if answer.media_type != "text/event-stream":
        return f"an answer of {answer.media_type or 'no type'}"
    read = Stream(answer)
    if read.payloads.count(DONE) != 1 or read.payloads[-1] != DONE:
        return f"the stream ends with {read.payloads[-1:]}"
    try:
        indices = {choice.get("index", 0) for choice in read.choices}
        finishes = {index: len(read.finishes(index)) for index in indices}
    except (Broken, TypeError) as error:
        return str(error)
    wrong = {index: count for index, count in finishes.items() if count != 1}
    return f"finish reasons by choice: {wrong}" if wrong else None


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (server_error, envelope, refuses_invalid, refuses_by_name, schema, stream)
}
