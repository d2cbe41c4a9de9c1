"""Refuses what a backend cannot honour: a requested parameter is never silently ignored."""

from collections.abc import Iterator

from backends.protocol.errors import UnsupportedParameter
from backends.protocol.wire import (
    CreateChatCompletionRequest,
    CreateCompletionRequest,
    SamplingParameters,
)

# The adapter itself carries these out, for every backend.
ADAPTER = frozenset(
    {"model", "messages", "prompt", "stream", "stream_options", "n", "stop", "echo"}
    | {"max_tokens", "max_completion_tokens"}
)

# Leaving these out changes nothing that a client can see in the answer: they label a request, or
# say how it may be billed, cached, kept or sped up. docs/adding-a-backend.md lists them. A backend
# for which one has a meaning reads it from the request, and refuses what it cannot give.
HARMLESS = frozenset(
    {"user", "metadata", "safety_identifier", "service_tier", "store", "prediction"}
    | {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "cache_control"}
)

# The value that asks for nothing. A parameter that stands here with it is as good as left out.
NEUTRAL: dict[str, object] = {
    "temperature": 1,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "tools": [],
    "tool_choice": "none",
    "modalities": ["text"],
    "suffix": "",
    "best_of": 1,
    "reasoning_effort": "none",
    "verbosity": "medium",
}

# Parameters that are one ability of a backend, under its name.
ABILITY = {
    "top_logprobs": "logprobs",
    "tool_choice": "tools",
    "parallel_tool_calls": "tools",
    "functions": "tools",
    "function_call": "tools",
    "best_of": "logprobs",
}


def require_support(body: SamplingParameters, honours: frozenset[str], model: str) -> None:
    """Refuse a request that asks for more than the adapter and the backend do.

    Raises:
        UnsupportedParameter: `param` names what cannot be honoured.
    """
    asked = body.model_fields_set - ADAPTER - HARMLESS - (body.model_extra or {}).keys()
    for name in sorted(asked):
        value = getattr(body, name)
        if ABILITY.get(name, name) in honours or value is None or _is_neutral(body, name, value):
            continue
        raise _unsupported(name, model)
    if isinstance(body, CreateChatCompletionRequest):
        for param, kind in _parts(body):
            if kind not in honours:
                raise _unsupported(param, model, f"content of type '{kind}'")


def _is_neutral(body: SamplingParameters, name: str, value: object) -> bool:
    if name == "response_format":
        return getattr(value, "type", None) == "text"
    if name == "parallel_tool_calls":
        return not getattr(body, "tools", None)
    if name == "logprobs" and isinstance(body, CreateCompletionRequest):
        return False
    return name in NEUTRAL and value == NEUTRAL[name]


def _parts(body: CreateChatCompletionRequest) -> Iterator[tuple[str, str]]:
    """The path and type of each content part that is not text."""
    for index, message in enumerate(body.messages):
        content = message.content
        if message.role == "user" and isinstance(content, list):
            for place, part in enumerate(content):
                if part.type != "text":
                    yield f"messages.{index}.content.{place}", part.type


def _unsupported(param: str, model: str, what: str | None = None) -> UnsupportedParameter:
    what = what or f"'{param}'"
    return UnsupportedParameter(f"The model '{model[:100]}' does not support {what}.", param=param)
