"""Defects of whole bodies and chunks: a key gone, or of the wrong type, each in turn."""

from collections.abc import Iterator
from typing import Any

from tests.mutants.families import (
    drops,
    drops_in_chunks,
    edits_errors,
    puts,
    puts_in_chunks,
)
from tests.mutants.mutant import Mutant

CHAT, COMPLETIONS = "/chat/completions", "/completions"
EMBEDDINGS, MODERATIONS = "/embeddings", "/moderations"

# Per check and path: places whose key is required, and values that do not belong where they are.
REQUIRED: dict[tuple[str, str], tuple[str, ...]] = {
    ("chat", CHAT): (
        "id",
        "object",
        "created",
        "model",
        "choices",
        "choices.*.index",
        "choices.*.logprobs",
        "choices.*.message",
        "choices.*.message.role",
        "choices.*.message.content",
        "choices.*.message.refusal",
        "choices.*.finish_reason",
        "choices.*.logprobs.content.*.bytes",
        "choices.*.message.tool_calls.*.id",
        "choices.*.message.tool_calls.*.function.arguments",
        "usage.total_tokens",
    ),
    ("chat_chunk", CHAT): (
        "id",
        "object",
        "created",
        "model",
        "choices",
        "choices.*.index",
        "choices.*.delta",
        "choices.*.finish_reason",
        "choices.*.delta.tool_calls.*.index",
        "choices.*.logprobs.content.*.top_logprobs",
        "usage.prompt_tokens",
    ),
    ("completion", COMPLETIONS): (
        "id",
        "object",
        "created",
        "model",
        "choices",
        "choices.*.text",
        "choices.*.index",
        "choices.*.logprobs",
        "choices.*.finish_reason",
    ),
    ("completion_chunk", COMPLETIONS): ("id", "object", "created", "model", "choices.*.text"),
    ("embeddings", EMBEDDINGS): (
        "object",
        "model",
        "data",
        "usage",
        "usage.total_tokens",
        "data.*.index",
        "data.*.object",
        "data.*.embedding",
    ),
    ("moderation", MODERATIONS): (
        "id",
        "model",
        "results",
        "results.*.flagged",
        "results.*.categories",
        "results.*.category_scores.violence",
    ),
}
WRONG: dict[tuple[str, str], dict[str, Any]] = {
    ("chat", CHAT): {
        "object": "chat.completions",
        "created": "1735689600",
        "choices.*.finish_reason": "eos",
        "choices.*.message.role": "model",
        "choices.*.message.content": [{"type": "text", "text": "Hi"}],
        "choices.*.message.tool_calls.*.function.arguments": {},
        "choices.*.logprobs.content.*.logprob": "-0.1",
        "usage.prompt_tokens": "7",
        "system_fingerprint": 7,
    },
    ("chat_chunk", CHAT): {
        "object": "chat.completion",
        "choices.*.delta": None,
        "choices.*.index": "0",
        "choices.*.finish_reason": "",
        "choices.*.delta.tool_calls.*.function.arguments": {},
        "system_fingerprint": 7,
    },
    ("completion", COMPLETIONS): {
        "object": "text.completion",
        "choices.*.text": None,
        "choices.*.finish_reason": None,
        "choices.*.logprobs.tokens": "a b",
    },
    ("completion_chunk", COMPLETIONS): {"object": "text_completion.chunk", "choices.*.index": None},
    ("embeddings", EMBEDDINGS): {"object": "embeddings", "data.*.index": "0", "usage": {}},
    ("moderation", MODERATIONS): {"results": {}, "results.*.flagged": "no"},
}


def planted(kind: str) -> Iterator[Mutant]:
    """The mutants of `schema` or `openapi`, by kind."""
    for (name, path), places in REQUIRED.items():
        drop = drops_in_chunks if name.endswith("_chunk") else drops
        for place in places:
            yield Mutant(
                f"{kind}-{name}-no-{place}".replace(".*", "").replace("_", "-"),
                f"{place} is missing",
                drop(place, path),
                (f"{kind}.{name}",),
            )
    for (name, path), values in WRONG.items():
        put = puts_in_chunks if name.endswith("_chunk") else puts
        for place, value in values.items():
            yield Mutant(
                f"{kind}-{name}-wrong-{place}".replace(".*", "").replace("_", "-"),
                f"{place} is {value!r}",
                put(place, value, path),
                (f"{kind}.{name}",),
            )


def _flat(body: Any) -> Any:
    return body["error"]


def _detail(body: Any) -> Any:
    return {"detail": body["error"]["message"]}


def _without(key: str) -> Any:
    return lambda body: body["error"].pop(key) and None


MUTANTS = (
    *planted("schema"),
    Mutant("schema-error-detail", "errors are FastAPI's", edits_errors(_detail), ("schema.error",)),
    Mutant("schema-error-flat", "errors are flat", edits_errors(_flat), ("schema.error",)),
    *(
        Mutant(
            f"schema-error-no-{key}",
            f"errors have no {key}",
            edits_errors(_without(key)),
            ("schema.error",),
        )
        for key in ("message", "type", "param", "code")
    ),
    Mutant(
        "schema-error-int-code",
        "an error's code is its status",
        edits_errors(lambda body: body["error"].update(code=404)),
        ("schema.error",),
    ),
)
