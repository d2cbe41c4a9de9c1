"""Defects of validation: what is invalid is mended in silence, or breaks the server."""

from collections.abc import Callable
from typing import Any

from contract_tests.samples import CHAT, COMPLETIONS, EMBEDDINGS
from tests.mutants.families import answers, edits_calls, ignores
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant
from tests.mutants.references import MODELS

GOOD = [{"role": "user", "content": "hi"}]
MISSING: dict[str, tuple[str, str, Any]] = {
    "chat_messages": (CHAT, "messages", GOOD),
    "chat_model": (CHAT, "model", MODELS["chat"]),
    "completions_prompt": (COMPLETIONS, "prompt", "hi"),
    "completions_model": (COMPLETIONS, "model", MODELS["completions"]),
    "embeddings_model": (EMBEDDINGS, "model", MODELS["embeddings"]),
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "temperature": (int, float),
    "top_p": (int, float),
    "n": int,
    "stream": bool,
    "tools": list,
    "response_format": dict,
}
ENUMS: dict[str, tuple[str, Any]] = {
    "response_format": (CHAT, {"type": "yaml"}),
    "reasoning_effort": (CHAT, "extreme"),
    "service_tier": (CHAT, "platinum"),
    "verbosity": (CHAT, "loud"),
}
MESSAGES: dict[str, Callable[[Any], bool]] = {
    "number": lambda message: message == 123,
    "empty": lambda message: message == {},
    "role_type": lambda message: _get(message, "role") == 123,
    "role": lambda message: _get(message, "role") == "wizard",
    "content": lambda message: _get(message, "content") == 123,
}


def _get(message: Any, key: str) -> Any:
    return message.get(key) if isinstance(message, dict) else None


def _first(messages: Any) -> Any:
    return messages[0] if isinstance(messages, list) and messages else None


def _mended(path: str, field: str, value: Any, when: Callable[[Any], bool]) -> Layer:
    return edits_calls(
        lambda body: {**body, field: value}, path, lambda call: when(call.param(field))
    )


def _mistyped(field: str) -> Callable[[Call], bool]:
    kinds = TYPES[field]
    return lambda call: not isinstance(call.param(field), kinds)


def _begins(wrong: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda messages: wrong(_first(messages))


def _is(field: str, value: Any) -> Callable[[Call], bool]:
    return lambda call: bool(call.param(field) == value)


MUTANTS = (
    *(
        Mutant(
            f"validation-default-{name.replace('_', '-')}",
            f"a missing {field} has a default",
            _mended(path, field, value, lambda given: given is None),
            (f"validation.missing.{name}",),
        )
        for name, (path, field, value) in MISSING.items()
    ),
    Mutant(
        "validation-missing-500",
        "a missing field is a 500",
        answers(400, 500),
        tuple(f"validation.missing.{name}" for name in MISSING),
    ),
    *(
        Mutant(
            f"validation-any-{field.replace('_', '-')}",
            f"a {field} of a wrong type is ignored",
            ignores(field, path=CHAT, when=_mistyped(field)),
            (f"validation.type.{field}",),
        )
        for field in TYPES
    ),
    Mutant(
        "validation-any-model",
        "a model that is no text is the first one",
        _mended(CHAT, "model", MODELS["chat"], lambda given: not isinstance(given, str)),
        ("validation.type.model",),
    ),
    Mutant(
        "validation-any-messages",
        "a text is taken for messages",
        _mended(CHAT, "messages", GOOD, lambda given: isinstance(given, str)),
        ("validation.type.messages",),
    ),
    Mutant(
        "validation-type-500",
        "a wrong type is a 500",
        answers(400, 500),
        ("validation.type.temperature", "validation.message.number", "validation.prompt.object"),
    ),
    *(
        Mutant(
            f"validation-message-{name.replace('_', '-')}",
            f"a wrong message ({name}) is taken for a user's",
            _mended(CHAT, "messages", GOOD, _begins(wrong)),
            (f"validation.message.{name}",),
        )
        for name, wrong in MESSAGES.items()
    ),
    Mutant(
        "validation-no-messages",
        "no messages are taken for one",
        _mended(CHAT, "messages", GOOD, lambda given: given == []),
        ("validation.message.none",),
    ),
    *(
        Mutant(
            f"validation-enum-{field.replace('_', '-')}",
            f"an unknown {field} is ignored",
            ignores(field, path=path, when=_is(field, value)),
            (f"validation.enum.{field}",),
        )
        for field, (path, value) in ENUMS.items()
    ),
    Mutant(
        "validation-prompt-object",
        "a prompt that is an object is made a text",
        _mended(COMPLETIONS, "prompt", "hi", lambda given: isinstance(given, dict)),
        ("validation.prompt.object",),
    ),
)
