"""Where the official document is stricter than the SDK's types, and where it is wrong itself.

The SDK makes optional what old servers left out; `REQUIRED` undoes that where the document says
otherwise. `EXCUSED` is what the document gets wrong: every right server would break it.
"""

from typing import Any

JSON = dict[str, Any]

# Per type of the SDK: keys that must stand in it, though they may be null.
REQUIRED: dict[str, tuple[str, ...]] = {
    "chat.ChatCompletion.Choice": ("logprobs",),
    "chat.ChatCompletion.ChatCompletionMessage": ("content", "refusal"),
    "chat.ChatCompletion.ChoiceLogprobs": ("content", "refusal"),
    "chat.ChatCompletion.ChatCompletionTokenLogprob": ("bytes",),
    "chat.ChatCompletion.TopLogprob": ("bytes",),
    "chat.ChatCompletionChunk.Choice": ("finish_reason",),
    "chat.ChatCompletionChunk.ChoiceLogprobs": ("content", "refusal"),
    "chat.ChatCompletionChunk.ChatCompletionTokenLogprob": ("bytes",),
    "chat.ChatCompletionChunk.TopLogprob": ("bytes",),
    "Completion.CompletionChoice": ("logprobs",),
}

# Per type and key: another schema for it.
EXCUSED: dict[str, dict[str, JSON]] = {
    # encoding_format base64 makes a string of what is declared an array.
    "CreateEmbeddingResponse.Embedding": {
        "embedding": {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]}
    },
    # The first token of an echoed prompt has no probability.
    "Completion.Logprobs": {
        "token_logprobs": {"items": {"type": ["number", "null"]}, "type": "array"},
        "top_logprobs": {
            "items": {"type": ["object", "null"], "additionalProperties": {"type": "number"}},
            "type": ["array", "null"],
        },
    },
}

# A streamed completion is a completion whose reason may not be there yet.
STREAMED_COMPLETION: dict[str, dict[str, JSON]] = {
    "Completion.CompletionChoice": {
        "finish_reason": {"enum": ["stop", "length", "content_filter", None]}
    },
}
