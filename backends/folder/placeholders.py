"""What each placeholder of `payload.json` stands for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import time
from typing import Any
from uuid import uuid4

from backends.protocol import GenerationRequest, text_of
from backends.protocol.errors import UnsupportedParameter

SYSTEM = ("system", "developer")
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way to a provider; `apart` where `{{system}}` has its own place."""

    request: GenerationRequest
    stream: bool
    apart: bool


def _messages(asked: Asked) -> list[Message]:
    return [
        message
        for message in _all_messages(asked.request)
        if not (asked.apart and message["role"] == "system")
    ]


def _all_messages(request: GenerationRequest) -> list[Message]:
    if request.prompt is not None:
        return [{"role": "user", "content": request.prompt}]
    return [_plain(request, index) for index in range(len(request.messages))]


def _plain(request: GenerationRequest, index: int) -> Message:
    """A message with its content as one text.

    Raises:
        UnsupportedParameter: it has more to it than text.
    """
    message, param = request.messages[index], f"messages.{index}"
    if message.role in {"tool", "function"}:
        raise _unsupported(request, f"messages of role '{message.role}'", f"{param}.role")
    if message.role == "assistant":
        for name in ("tool_calls", "function_call", "audio", "refusal"):
            if getattr(message, name):
                raise _unsupported(request, f"'{name}' in messages", f"{param}.{name}")
    if isinstance(message.content, list):
        for place, part in enumerate(message.content):
            if part.type != "text":
                what = f"content of type '{part.type}'"
                raise _unsupported(request, what, f"{param}.content.{place}")
    role = "system" if message.role in SYSTEM else message.role
    plain = {"role": role, "content": text_of(message.content)}
    speaker: str | None = getattr(message, "name", None)
    return plain if speaker is None else {**plain, "name": speaker}


def _system(asked: Asked) -> str | None:
    said = [one["content"] for one in _all_messages(asked.request) if one["role"] == "system"]
    return "\n\n".join(said) or None


def _prompt(asked: Asked) -> str:
    messages = _messages(asked)
    if len(messages) == 1 and messages[0]["role"] == "user" and "name" not in messages[0]:
        text: str = messages[0]["content"]
        return text
    lines = [f"{_speaker(one)}: {one['content']}" for one in messages]
    return "\n\n".join([*lines, "assistant:"])


def _speaker(message: Message) -> str:
    role, name = message["role"], message.get("name")
    return f"{role} ({name})" if name else str(role)


PLACEHOLDERS: dict[str, Callable[[Asked], Any]] = {
    "messages": _messages,
    "prompt": _prompt,
    "system": _system,
    "model": lambda asked: asked.request.model,
    "stream": lambda asked: asked.stream,
    "max_tokens": lambda asked: asked.request.max_tokens,
    "temperature": lambda asked: asked.request.sampling.temperature,
    "top_p": lambda asked: asked.request.sampling.top_p,
    "stop": lambda asked: list(asked.request.stop) or None,
    "seed": lambda asked: asked.request.sampling.seed,
    "user": lambda asked: asked.request.user,
    "timestamp": lambda asked: int(time()),
    "id": lambda asked: uuid4().hex,
}
# These are no text, so none can be part of one.
LISTS = frozenset({"messages", "stop"})
WORDS = frozenset({"messages", "prompt"})
SAMPLING = frozenset({"temperature", "top_p"})
# The adapter sees to these where a provider does not; but it cannot know which provider it will be.
EVERY = frozenset({"max_tokens", "seed", "stop"})


def values_of(asked: Asked, names: Iterable[str]) -> dict[str, Any]:
    """What the placeholders of those names stand for; None where they have no value.

    Raises:
        UnsupportedParameter: a message has more to it than text.
    """
    return {name: PLACEHOLDERS[name](asked) for name in names}


def honoured(carried: Sequence[frozenset[str]]) -> frozenset[str]:
    """The parameters that providers honour together, each of which carries these placeholders.

    Of the temperature and `top_p` it is enough that one carries them: `require_carried` refuses
    for the others. The rest must be carried by every one.
    """
    return (frozenset.union(*carried) & SAMPLING) | (frozenset.intersection(*carried) & EVERY)


def require_carried(request: GenerationRequest, carried: frozenset[str]) -> None:
    """Refuse what a provider's payload has no place for.

    Raises:
        UnsupportedParameter: `param` names it.
    """
    wanted: Mapping[str, bool] = {
        "temperature": request.sampling.temperature != 1,
        "top_p": request.sampling.top_p != 1,
        "seed": request.sampling.seed is not None,
    }
    for name, wants in wanted.items():
        if wants and name not in carried:
            raise _unsupported(request, f"'{name}'", name)


def _unsupported(request: GenerationRequest, what: str, param: str) -> UnsupportedParameter:
    model = request.model[:100]
    return UnsupportedParameter(f"The model '{model}' does not support {what}.", param=param)
