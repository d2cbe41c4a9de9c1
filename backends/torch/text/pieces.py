"""The bytes that each token stands for, so that ids become text by joining alone.

A tokenizer's own decoder looks at whole sequences, and what it says of the last token may change
with the next. Bytes do not change: a text is the bytes of its tokens, read as UTF-8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import tokenizers

METASPACE = {"Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"}
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The bytes of each id, b"" for one that is none; `leading_space`: a text's first is dropped.

    Where words carry the space before them, the first word of a text has one too many.
    """

    bytes_of: list[bytes]
    leading_space: bool


def pieces_of(tokenizer: tokenizers.Tokenizer, document: Mapping[str, Any]) -> Pieces:
    """The pieces of a tokenizer, given its `tokenizer.json` too."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    steps = list(_flat(document.get("decoder")))
    kinds = {step["type"] for step in steps}
    bytes_of = [b""] * (max(vocabulary.values(), default=-1) + 1)
    if "ByteLevel" in kinds:
        added = {token["content"] for token in document.get("added_tokens", ())}
        byte_of = _byte_alphabet()
        for piece, token in vocabulary.items():
            bytes_of[token] = piece.encode() if piece in added else _byte_level(piece, byte_of)
        return Pieces(bytes_of, leading_space=False)
    if steps and kinds <= METASPACE:
        for piece, token in vocabulary.items():
            bytes_of[token] = _metaspace(piece, steps)
        return Pieces(bytes_of, leading_space=any(map(_drops_space, steps)))
    for token in vocabulary.values():
        bytes_of[token] = _by_neighbour(tokenizer, token)
    return Pieces(bytes_of, leading_space=True)


def _flat(decoder: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if decoder is None:
        return
    if decoder["type"] == "Sequence":
        for inner in decoder["decoders"]:
            yield from _flat(inner)
    else:
        yield decoder


def _byte_alphabet() -> dict[str, int]:
    """The character by which a byte-level vocabulary writes each byte.

    A printable byte is its own Latin-1 character; the others, in order, are those from 256 on.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    shifted = {chr(256 + index): byte for index, byte in enumerate(others)}
    return {chr(byte): byte for byte in printable} | shifted


def _byte_level(piece: str, byte_of: Mapping[str, int]) -> bytes:
    try:
        return bytes([byte_of[character] for character in piece])
    except KeyError:  # no byte-level piece, so it is what it says
        return piece.encode()


def _metaspace(piece: str, steps: list[Mapping[str, Any]]) -> bytes:
    for step in steps:
        if step["type"] == "ByteFallback" and (matched := _BYTE.fullmatch(piece)):
            return bytes([int(matched[1], 16)])
        if step["type"] == "Replace" and "String" in step["pattern"]:
            piece = piece.replace(step["pattern"]["String"], step["content"])
        if step["type"] == "Metaspace":
            piece = piece.replace(step["replacement"], " ")
    return piece.encode()


def _drops_space(step: Mapping[str, Any]) -> bool:
    if step["type"] == "Metaspace":
        return bool(step.get("prepend_scheme", "always") != "never")
    return bool(step["type"] == "Strip" and step["content"] == " " and step["start"])


def _by_neighbour(tokenizer: tokenizers.Tokenizer, token: int) -> bytes:
    """What a token adds behind another one, for a decoder that is none of the known."""
    before = tokenizer.decode([0], skip_special_tokens=False)
    both = tokenizer.decode([0, token], skip_special_tokens=False)
    return both.removeprefix(before).encode()
