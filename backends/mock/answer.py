"""What the answer to a request is, before any pace: events in order."""

import re
from collections.abc import Iterator
from itertools import cycle, islice

import orjson

from backends.mock.calls import call_deltas, called_tools
from backends.mock.instance import instance
from backends.mock.names import REFUSING
from backends.mock.sampler import Sampler, needs_sampler
from backends.protocol import (
    Event,
    Finish,
    GenerationRequest,
    ReasoningDelta,
    RefusalDelta,
    ResponseFormat,
    TextDelta,
    TextRun,
    text_of,
)
from backends.protocol.errors import BadRequestError
from backends.protocol.tokenizer import split

REFUSAL = "I'm sorry, but I can't help with that."
EFFORT_TOKENS = {"minimal": 8, "low": 16, "medium": 32, "high": 64, "xhigh": 96, "max": 128}
_SENTENCE = re.compile(r".*?[.!?](?=\s|$)", re.DOTALL)


def is_plain(request: GenerationRequest) -> bool:
    """Whether the answer is the echo and nothing else, which needs no thought."""
    return not (
        request.tools
        or request.echo
        or request.reasoning_effort
        or request.response_format.type != "text"
        or request.model == REFUSING
        or needs_sampler(request.sampling, request.logprobs)
    )


def plain_answer(request: GenerationRequest) -> list[Event]:
    """The echo."""
    return [TextRun(split(echo_text(request))), Finish()]


def full_answer(request: GenerationRequest) -> list[Event]:
    """Whatever was asked for. This may take a while: it belongs in a thread.

    Raises:
        BadRequestError: a schema or grammar that nothing satisfies.
    """
    events: list[Event] = [*_prompt_echo(request), *_reasoning(request)]
    if request.max_tokens == 0:
        return [*events, Finish("length")]
    text = echo_text(request)
    if request.model == REFUSING:
        refusal = (RefusalDelta(token, tokens=1) for token in split(REFUSAL))
        return [*events, *refusal, Finish()]
    if tools := called_tools(request):
        return [*events, *call_deltas(tools, text), Finish("tool_calls")]
    return [*events, *_text(request, text), Finish()]


def echo_text(request: GenerationRequest) -> str:
    """The words to echo: a tool's result that has just come, or what the user said last."""
    last = request.messages[-1] if request.messages else None
    if last is not None and last.role in {"tool", "function"}:
        text = text_of(last.content)
    else:
        text = request.last_user_text() or _shown(request)
    text += request.suffix or ""
    if request.verbosity == "low":
        first = _SENTENCE.match(text)
        return first.group() if first else text
    return f"{text} {text}" if request.verbosity == "high" else text


def _shown(request: GenerationRequest) -> str:
    """Stands for a message without text: the kinds of its parts."""
    content = request.messages[-1].content if request.messages else None
    return " ".join(f"[{part.type}]" for part in content) if isinstance(content, list) else ""


def _text(request: GenerationRequest, text: str) -> Iterator[TextDelta]:
    sampler = Sampler(request.sampling, request.logprobs)
    wanted = request.response_format
    if wanted.type == "text":
        yield from (sampler.draw(token) for token in split(text))
        return
    if wanted.type == "json_object":
        document = orjson.dumps({"echo": text}).decode()
    else:
        document = _document(wanted)
    yield from (sampler.told(token) for token in split(document))


def _document(wanted: ResponseFormat) -> str:
    try:
        return instance(wanted.schema or {"type": "object"})
    except BadRequestError as error:
        error.param = wanted.param
        raise


def _prompt_echo(request: GenerationRequest) -> Iterator[TextDelta]:
    if request.echo:
        sampler = Sampler(request.sampling, request.logprobs)
        for place, token in enumerate(split(request.prompt or "")):
            piece = sampler.told(token, first=place == 0)
            piece.prompt = True
            yield piece


def _reasoning(request: GenerationRequest) -> Iterator[ReasoningDelta]:
    tokens = EFFORT_TOKENS.get(request.reasoning_effort or "", 0)
    thought = split(f"The user says: {request.last_user_text()} ")
    return (ReasoningDelta(token, tokens=1) for token in islice(cycle(thought), tokens))
