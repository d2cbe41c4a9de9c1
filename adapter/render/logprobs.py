"""Logprobs in the two shapes that OpenAI has for them: chat's and legacy completions'."""

from collections.abc import Sequence
from typing import Any

from backends.protocol import TokenLogprob

NO_LOGPROB = -9999.0


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """The `logprobs` of a chat choice: one entry a token, with its UTF-8 bytes."""
    content = [
        {
            **_entry(_raw(token), NO_LOGPROB if token.logprob is None else token.logprob),
            "top_logprobs": [_entry(_unescaped(text), logprob) for text, logprob in token.top],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def completion_logprobs(tokens: Sequence[TokenLogprob], offset: int) -> dict[str, Any]:
    """The `logprobs` of a legacy choice: four lists of one length.

    `offset` is where the first token starts in the choice's text, in characters. A prompt's first
    token has no logprob: null.
    """
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return {
        "tokens": [_shown(_raw(token)) for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [
            None
            if token.logprob is None
            else {_shown(_unescaped(text)): logprob for text, logprob in token.top}
            | {_shown(_raw(token)): token.logprob}
            for token in tokens
        ],
        "text_offset": offsets,
    }


def _entry(raw: bytes, logprob: float) -> dict[str, Any]:
    return {"token": _shown(raw), "logprob": logprob, "bytes": list(raw)}


def _raw(token: TokenLogprob) -> bytes:
    return token.token.encode() if token.raw is None else token.raw


def _unescaped(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _shown(raw: bytes) -> str:
    r"""Bytes as text; those that are no character as OpenAI writes them, `\xf0`."""
    return raw.decode(errors="backslashreplace")
