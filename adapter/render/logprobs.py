"""Logprobs in the two shapes that OpenAI has for them: chat's and legacy completions'."""

from collections.abc import Sequence
from typing import Any

from backends.protocol import TokenLogprob

NO_LOGPROB = -9999.0


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """The `logprobs` of a chat choice: one entry a token, with its UTF-8 bytes."""
    content = [
        {
            **_entry(token.token, NO_LOGPROB if token.logprob is None else token.logprob),
            "top_logprobs": [_entry(text, logprob) for text, logprob in token.top],
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
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [
            None if token.logprob is None else dict(token.top) | {token.token: token.logprob}
            for token in tokens
        ],
        "text_offset": offsets,
    }


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
