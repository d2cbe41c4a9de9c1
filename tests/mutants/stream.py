"""Defects of a stream's chunks."""

from typing import Any

from tests.mutants.families import (
    drops_in_chunks,
    edits_chunks,
    edits_each_chunk,
    edits_frames,
    puts_in_chunks,
)
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

SAME = {"id": "chatcmpl-", "created": 1700000000, "model": "model-", "system_fingerprint": "fp_"}


def _different(key: str) -> Layer:
    """Every chunk has another value."""

    def edit(chunks: list[Any]) -> list[Any]:
        for place, chunk in enumerate(chunks):
            base = SAME[key]
            chunk[key] = base + place if isinstance(base, int) else f"{base}{place}"
        return chunks

    return edits_chunks(edit)


def _empty_first(key: str) -> Layer:
    return edits_chunks(lambda chunks: [{**chunks[0], key: ""}, *chunks[1:]])


def _filter_results(chunks: list[Any]) -> list[Any]:
    return [{**chunks[0], "choices": [], "prompt_filter_results": []}, *chunks]


def _untyped(chunk: Any) -> None:
    """The delta is a text, which no client can put together."""
    for choice in chunk["choices"]:
        choice["delta"] = choice["delta"].get("content", "")


MUTANTS = (
    *(
        Mutant(
            f"stream-object-{name}",
            f"the object of the chunks is {value!r}",
            puts_in_chunks("object", value),
            ("chat.stream.object",),
        )
        for name, value in (("whole", "chat.completion"), ("empty", ""), ("null", None))
    ),
    *(
        Mutant(
            f"stream-{key}-differs",
            f"every chunk has another {key}",
            _different(key),
            (f"chat.stream.{name}",),
        )
        for key, name in (
            ("id", "id"),
            ("created", "created"),
            ("model", "model"),
            ("system_fingerprint", "fingerprint"),
        )
    ),
    *(
        Mutant(
            f"stream-no-{key}",
            f"the chunks have no {key}",
            drops_in_chunks(key),
            (f"chat.stream.{key}",),
        )
        for key in ("object", "id", "created", "model", "choices")
    ),
    *(
        Mutant(
            f"stream-empty-{key}",
            f"the first chunk's {key} is empty",
            _empty_first(key),
            (f"chat.stream.{key}",),
        )
        for key in ("id", "model")
    ),
    Mutant(
        "stream-created-float",
        "created is a float",
        puts_in_chunks("created", float),
        ("chat.stream.created",),
    ),
    Mutant(
        "stream-filter-results",
        "the stream opens with a chunk that has no choices",
        edits_chunks(_filter_results),
        ("chat.stream.choices",),
    ),
    Mutant(
        "stream-no-done",
        "the stream ends without [DONE]",
        edits_frames(lambda frames: [one for one in frames if one != b"data: [DONE]"]),
        ("chat.stream.done",),
    ),
    Mutant(
        "stream-done-early",
        "[DONE] comes before the last chunk",
        edits_frames(lambda frames: [*frames[:-2], frames[-1], frames[-2]]),
        ("chat.stream.done",),
    ),
    Mutant(
        "stream-obfuscation",
        "include_obfuscation is ignored",
        puts_in_chunks("obfuscation", "x7Gq"),
        ("chat.stream.obfuscation",),
    ),
    Mutant(
        "stream-delta-text",
        "the delta is the text itself",
        edits_each_chunk(_untyped),
        ("chat.stream.sdk",),
    ),
    Mutant(
        "stream-event-error",
        "the stream is an error with status 200",
        edits_chunks(lambda _: [{"error": {"message": "No.", "type": "server_error"}}]),
        ("chat.stream.sdk", "chat.stream.id"),
    ),
    Mutant(
        "stream-role-joined",
        "every delta has the role",
        puts_in_chunks("choices.*.delta.role", "assistant"),
        ("chat.stream.sdk",),
    ),
)
