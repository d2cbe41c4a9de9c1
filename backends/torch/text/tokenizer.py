"""A model's tokenizer, read from its folder by the `tokenizers` library alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import tokenizers

from backends.protocol.errors import BadRequestError, UnsupportedParameter
from backends.torch.text.pieces import Pieces, pieces_of
from backends.torch.weights.failure import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# Prefix, suffix and middle, as families spell them.
FILLS = (
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    ("<PRE>", "<SUF>", "<MID>"),
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # noqa: RUF001 - DeepSeek's own spelling
)
QUOTED = re.compile(r"</?\w+>|\w*")
NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")
PADDING = 8  # a model may have rows to spare: up to an eighth of its vocabulary


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Text as ids and back.

    `stops` are the ids that end an answer, `special` those that are no text; `templates` are the
    chat templates by name, and `names` the special tokens that a template may call by name.
    """

    inner: tokenizers.Tokenizer
    pieces: Pieces
    stops: frozenset[int] = frozenset()
    special: frozenset[int] = frozenset()
    templates: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    fill: tuple[int, int, int] | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The tokenizer of a folder in Hugging Face layout.

        Raises:
            ValueError: there is none, or it is broken.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ValueError(f"the folder {folder} has no tokenizer.json; TOKENIZER_PATH names it")
        document = _json(path)
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
            pieces = pieces_of(inner, document)
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(f"{path} is no tokenizer: {said(error)}") from error
        inner.no_truncation()
        inner.no_padding()
        config = _json(folder / "tokenizer_config.json", optional=True)
        names = dict(_names(config))
        added = inner.get_added_tokens_decoder()
        return cls(
            inner=inner,
            pieces=pieces,
            stops=frozenset(_stops(inner, folder, names, len(pieces.bytes_of))),
            special=frozenset(token for token, about in added.items() if about.special),
            templates=_templates(folder, config),
            names=names,
            fill=_fill(inner),
        )

    @property
    def vocabulary(self) -> int:
        """How many ids there are."""
        return len(self.pieces.bytes_of)

    def check(self, vocabulary: int) -> None:
        """Compare with the number of ids that the model knows.

        Raises:
            ValueError: this tokenizer is another model's.
        """
        if not self.vocabulary <= vocabulary <= self.vocabulary * (1 + 1 / PADDING):
            raise ValueError(
                f"the tokenizer has {self.vocabulary} ids and the model {vocabulary}:"
                " they do not belong together"
            )

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """The ids of a text; with `special`, with those that the model wants around one.

        Raises:
            BadRequestError: the text has half of a character.
        """
        try:
            return self.inner.encode(text, add_special_tokens=special).ids
        except TypeError as error:  # a lone surrogate, which no UTF-8 can say
            raise BadRequestError("The text has half of a surrogate pair alone.") from error

    def encode_behind(self, text: str) -> list[int]:
        """The ids of a text that goes on from another one.

        A tokenizer whose words carry the space before them puts one where a text begins.

        Raises:
            BadRequestError: the text has half of a character.
        """
        if not self.pieces.leading_space:
            return self.encode(text)
        line, both = self.encode("\n"), self.encode("\n" + text)
        return both[len(line) :] if both[: len(line)] == line else self.encode(text)

    def encode_fill(self, prefix: str, suffix: str) -> list[int]:
        """The ids that ask for what stands between two texts.

        Raises:
            UnsupportedParameter: the model was not taught to fill in.
        """
        if self.fill is None:
            raise UnsupportedParameter(
                "This model has no tokens to fill in the middle with: leave 'suffix' out.",
                param="suffix",
            )
        before, after, middle = self.fill
        return [before, *self.encode(prefix), after, *self.encode(suffix), middle]

    def marks(self, template: str) -> set[str]:
        """The tokens by which a template orders a prompt: special ones, ends, and its own.

        Words and tags such as `<think>` are none, unless they are special: messages quote them.
        """
        return {
            about.content
            for token, about in self.inner.get_added_tokens_decoder().items()
            if about.special
            or token in self.stops
            or (about.content in template and not QUOTED.fullmatch(about.content.strip()))
        }

    def decode(self, ids: Iterable[int], *, special: bool = True) -> str:
        """The text of ids; without `special`, the special ones are left out.

        Bytes that are no UTF-8 become U+FFFD.
        """
        shown = ids if special else (token for token in ids if token not in self.special)
        content = b"".join(map(self.token_bytes, shown))
        if self.pieces.leading_space:
            content = content.removeprefix(b" ")
        return content.decode(errors="replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes of one id: none for the rows that a model has to spare."""
        return self.pieces.bytes_of[token] if 0 <= token < self.vocabulary else b""

    def token_text(self, token: int) -> str:
        """The text of one id, wherever it stands; bytes that are no UTF-8 alone are surrogates."""
        return self.token_bytes(token).decode(errors="surrogateescape")

    def require(self, ids: Iterable[int], param: str) -> None:
        """Let only ids of the vocabulary pass.

        Raises:
            BadRequestError: one is not.
        """
        for token in ids:
            if not 0 <= token < self.vocabulary:
                raise BadRequestError(
                    f"Token id {token} is not in the vocabulary of {self.vocabulary} ids.",
                    param=param,
                )


def _json(path: Path, *, optional: bool = False) -> dict[str, Any]:
    if optional and not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError, OSError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON object: {error}") from error


def _names(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in NAMES:
        value = config.get(name)
        if isinstance(value, dict):
            value = value.get("content")
        if isinstance(value, str):
            yield name, value


def _stops(
    inner: tokenizers.Tokenizer, folder: Path, names: Mapping[str, str], vocabulary: int
) -> Iterator[int]:
    """The ids that the folder's files say an answer ends with; the first file that says decides."""
    for file in ("generation_config.json", "config.json"):
        told = _json(folder / file, optional=True).get("eos_token_id")
        if told is not None:
            ids = told if isinstance(told, list) else [told]
            if not all(isinstance(one, int) for one in ids):
                raise ValueError(f"{folder / file} has an 'eos_token_id' that is no id")
            yield from (one for one in ids if 0 <= one < vocabulary)
            break
    token = inner.token_to_id(names.get("eos_token", ""))
    if token is not None:
        yield token


def _templates(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The chat templates by name; a file of its own wins over the config."""
    found = config.get("chat_template")
    listed = found if isinstance(found, list) else [{"name": "default", "template": found or ""}]
    try:
        templates = {one["name"]: one["template"] for one in listed if one["template"]}
        readable = all(isinstance(one, str) for one in templates.values())
    except (TypeError, KeyError):
        readable = False
    if not readable:
        raise ValueError(f"{folder / 'tokenizer_config.json'} has a 'chat_template' that is none")
    file = folder / "chat_template.jinja"
    try:
        return templates | ({"default": file.read_text(encoding="utf-8")} if file.is_file() else {})
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def _fill(inner: tokenizers.Tokenizer) -> tuple[int, int, int] | None:
    for spelling in FILLS:
        before, after, middle = map(inner.token_to_id, spelling)
        if before is not None and after is not None and middle is not None:
            return before, after, middle
    return None
