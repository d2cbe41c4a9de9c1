"""Defects of parameters that do not shape the text of a reply, or that few servers have."""

from typing import Any

from tests.mutants.families import edits_calls, has, ignores, puts, refuses
from tests.mutants.layer import Answer, Call, around
from tests.mutants.mutant import Mutant

NAMES = ("user", "safety_identifier", "prompt_cache_key")
PAIR = {"purpose": "test"}


def _named(param: str) -> tuple[Mutant, ...]:
    name = param.replace("_", "-")
    return (
        Mutant(
            f"params-{name}-refused",
            f"{param} is refused",
            refuses(has(param)),
            (f"params.{param}.accepted",),
        ),
        Mutant(
            f"params-{name}-in-prompt",
            f"{param} becomes part of the reply",
            puts("choices.*.message.content", lambda old: f"contract: {old}", when=has(param)),
            (f"params.{param}.harmless",),
        ),
    )


def _unchecked(name: str, param: str, to: Any, when: Any) -> Mutant:
    """Takes a value that it does not know for another one."""

    def edit(body: Any) -> None:
        if param in body and when(body[param]):
            body[param] = to

    return Mutant(
        f"params-{name.replace('.', '-').replace('_', '-')}-accepted",
        f"{param} is not checked: {name}",
        edits_calls(edit),
        (f"params.{name}",),
    )


def _streams_on_key(call: Call, answer: Answer) -> None:
    if call.param("stream") is False:
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\ndata: [DONE]\n\n"


MUTANTS = (
    Mutant(
        "params-stream-false-streams",
        "stream: false is a stream",
        around(after=_streams_on_key),
        ("params.stream.false",),
    ),
    Mutant(
        "params-stream-options-ignored",
        "stream_options without a stream is ignored",
        ignores("stream_options", when=lambda call: not call.param("stream")),
        ("params.stream_options",),
    ),
    *(mutant for param in NAMES for mutant in _named(param)),
    _unchecked("safety_identifier.length", "safety_identifier", "x", lambda old: len(old) > 64),
    _unchecked("metadata.pairs", "metadata", PAIR, lambda old: len(old) > 16),
    _unchecked("metadata.key", "metadata", PAIR, lambda old: len(max(old, key=len)) > 64),
    _unchecked("metadata.value", "metadata", PAIR, lambda old: len(str(old)) > 512),
    _unchecked(
        "metadata.string",
        "metadata",
        PAIR,
        lambda old: not all(isinstance(value, str) for value in old.values()),
    ),
    Mutant(
        "params-reasoning-effort-none-reasons",
        "reasoning_effort: none is taken for low",
        _unchecked("", "reasoning_effort", "low", lambda old: old == "none").layer,
        ("params.reasoning_effort.none",),
    ),
    Mutant(
        "params-verbosity-ignored",
        "verbosity is accepted and ignored",
        ignores("verbosity"),
        ("params.verbosity.shows",),
    ),
    *(
        Mutant(
            f"params-{param.replace('_', '-')}-500",
            f"{param} is an error of the server",
            refuses(has(param), 500),
            (f"params.{param}.clean",),
        )
        for param in ("prediction", "modalities", "web_search_options", "store")
    ),
    Mutant(
        "params-prediction-detail",
        "prediction is refused without an error body",
        refuses(has("prediction"), 422, {"detail": "extra fields not permitted"}),
        ("params.prediction.clean",),
    ),
    Mutant(
        "params-audio-ignored",
        "a request for audio is answered with text",
        ignores("audio", "modalities"),
        ("params.audio.given",),
    ),
    Mutant(
        "params-empty-tools-refused",
        "an empty list of tools is refused",
        refuses(lambda call: call.param("tools") == []),
        ("params.tools.empty",),
    ),
)
