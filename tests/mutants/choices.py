"""Defects of `n` in chat."""

from typing import Any

from tests.mutants.families import (
    CHAT,
    drops,
    edits,
    edits_calls,
    edits_chunks,
    has,
    ignores,
    puts,
    puts_in_chunks,
    refuses,
)
from tests.mutants.layer import Call
from tests.mutants.mutant import Mutant


def _many(call: Call) -> bool:
    return call.param("n") is not None and not _one(call)


def _one(call: Call) -> bool:
    return bool(call.param("n") == 1)


def _alone(call: Call) -> bool:
    return call.param("n") is None


def _copied(body: Any) -> None:
    first = body["choices"][0]
    body["choices"] = [{**first, "index": index} for index, _ in enumerate(body["choices"])]


def _second(where: str, value: Any) -> Any:
    return puts(f"choices.1.{where}", value, when=_many)


def _crossed(chunks: list[Any]) -> list[Any]:
    """Every third text comes with the other choice's index."""
    texts = [chunk for chunk in chunks if chunk["choices"][0]["delta"].get("content")]
    for chunk in texts[::3]:
        chunk["choices"][0]["index"] ^= 1
    return chunks


def _unfinished(chunks: list[Any]) -> list[Any]:
    return [
        chunk
        for chunk in chunks
        if chunk["choices"][0]["index"] == 0 or not chunk["choices"][0]["finish_reason"]
    ]


def _first_limited(body: Any) -> None:
    body["choices"][1]["finish_reason"] = "stop"


MUTANTS = (
    Mutant(
        "choices-default-two",
        "two choices come unasked",
        edits_calls(lambda body: body.update(n=2), CHAT, _alone),
        ("choices.default",),
    ),
    Mutant(
        "choices-default-index",
        "indexes begin at 1",
        puts("choices.*.index", lambda index: index + 1),
        ("choices.default", "choices.one", "choices.two"),
    ),
    Mutant(
        "choices-one-refused", "n is refused even if it is one", refuses(_one), ("choices.one",)
    ),
    Mutant(
        "choices-n-ignored",
        "n is accepted and ignored",
        ignores("n"),
        ("choices.two", "choices.stream.two", "choices.stream.finish"),
    ),
    Mutant(
        "choices-index-zero",
        "all choices have the index 0",
        puts("choices.*.index", 0),
        ("choices.two",),
    ),
    Mutant(
        "choices-index-missing",
        "choices have no index",
        drops("choices.*.index"),
        ("choices.two", "choices.default", "choices.one"),
    ),
    Mutant(
        "choices-second-empty",
        "the second choice has no text",
        _second("message.content", ""),
        ("choices.whole",),
    ),
    Mutant(
        "choices-second-unfinished",
        "the second choice has no finish_reason",
        _second("finish_reason", None),
        ("choices.whole", "choices.limit"),
    ),
    Mutant(
        "choices-second-unlimited",
        "the second choice is not cut",
        edits(_first_limited, CHAT, has("n", "max_completion_tokens")),
        ("choices.limit",),
    ),
    Mutant(
        "choices-usage-one",
        "usage counts the first choice alone",
        puts("usage.completion_tokens", lambda count: count // 2, when=_many),
        ("choices.usage",),
    ),
    Mutant(
        "choices-same",
        "the first choice is copied",
        edits(_copied, CHAT, _many),
        ("choices.differ",),
    ),
    Mutant(
        "choices-stream-merged",
        "all chunks have the index 0",
        puts_in_chunks("choices.*.index", 0),
        ("choices.stream.two", "choices.stream.finish", "choices.stream.text"),
    ),
    Mutant(
        "choices-stream-crossed",
        "some chunks have the other choice's index",
        edits_chunks(_crossed, when=_many),
        ("choices.stream.text",),
    ),
    Mutant(
        "choices-stream-unfinished",
        "the second streamed choice never finishes",
        edits_chunks(_unfinished, when=_many),
        ("choices.stream.finish",),
    ),
)
