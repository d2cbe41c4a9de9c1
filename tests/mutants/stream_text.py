"""Defects of a stream's text."""

import json
from collections.abc import Callable
from typing import Any

from tests.mutants.families import edits_chunks, puts_in_chunks
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

Split = Callable[[str], tuple[str, ...]]


def _one_piece(chunks: list[Any]) -> list[Any]:
    """All of the text in one chunk, as a server sends it that only pretends to stream."""
    texts = [one for one in chunks if one["choices"] and one["choices"][0]["delta"].get("content")]
    whole = "".join(one["choices"][0]["delta"]["content"] for one in texts)
    texts[0]["choices"][0]["delta"]["content"] = whole
    return [one for one in chunks if one not in texts[1:]]


def _first_lost(chunks: list[Any]) -> list[Any]:
    return [chunks[0], *chunks[2:]]


def _cumulative(chunks: list[Any]) -> list[Any]:
    """Each delta repeats what came before."""
    so_far = ""
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get("content"):
                so_far += choice["delta"]["content"]
                choice["delta"]["content"] = so_far
    return chunks


def _splits(split: Split) -> Layer:
    """Sends each character beyond ASCII in two chunks, split in that way."""

    def edit(chunks: list[Any]) -> list[Any]:
        edited = []
        for chunk in chunks:
            choices = chunk["choices"]
            text = choices[0]["delta"].get("content") if choices else None
            if text and not text.isascii():
                for piece in split(text):
                    delta = {**choices[0], "delta": {"content": piece}}
                    edited.append({**chunk, "choices": [delta]})
            else:
                edited.append(chunk)
        return edited

    return edits_chunks(edit)


def _bytes(errors: str) -> Split:
    def split(text: str) -> tuple[str, ...]:
        encoded = text.encode()
        halves = (encoded[: len(encoded) // 2], encoded[len(encoded) // 2 :])
        return tuple(half.decode(errors=errors) for half in halves)

    return split


def _units(text: str) -> tuple[str, ...]:
    """The UTF-16 units, each as JSON escapes it."""
    escaped = json.dumps(text)[1:-1]
    places = range(0, len(escaped), 6) if escaped.startswith("\\u") else range(0)
    return tuple(json.loads(f'"{escaped[place : place + 6]}"') for place in places) or (text,)


MUTANTS = (
    Mutant(
        "stream-text-one-piece",
        "the whole text is in one chunk",
        edits_chunks(_one_piece),
        ("chat.stream.pieces",),
    ),
    Mutant(
        "stream-text-first-lost",
        "the first token is lost",
        edits_chunks(_first_lost),
        ("chat.stream.same.text",),
    ),
    Mutant(
        "stream-text-stripped",
        "each token is stripped of its spaces",
        puts_in_chunks("choices.*.delta.content", lambda text: (text or "").strip()),
        ("chat.stream.same.text",),
    ),
    Mutant(
        "stream-text-cumulative",
        "each delta repeats the text before it",
        edits_chunks(_cumulative),
        ("chat.stream.same.text",),
    ),
    Mutant(
        "stream-text-other-finish",
        "a stream that ends by itself claims to have been cut off",
        puts_in_chunks("choices.*.finish_reason", lambda old: old and "length"),
        ("chat.stream.same.finish",),
    ),
    Mutant(
        "stream-text-replaced",
        "each half of a character becomes a replacement character",
        _splits(_bytes("replace")),
        ("chat.stream.unicode.whole", "chat.stream.unicode.same"),
    ),
    Mutant(
        "stream-text-dropped",
        "halves of characters are left out",
        _splits(_bytes("ignore")),
        ("chat.stream.unicode.same",),
    ),
    Mutant(
        "stream-text-surrogates",
        "a character comes as two UTF-16 units in two chunks",
        _splits(_units),
        ("chat.stream.unicode.whole", "chat.stream.unicode.same"),
    ),
)
