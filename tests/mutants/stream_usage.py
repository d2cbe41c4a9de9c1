"""Defects of a stream's usage."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import edits_calls, edits_chunks, has, ignores
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ZEROS = dict.fromkeys(USAGE, 0)
COUNTS = tuple(USAGE)


def _asked(call: Call) -> bool:
    options = call.param("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _edits(edit: Callable[[list[Any]], Any]) -> Layer:
    """Edits the chunks of a stream whose usage is asked for."""

    def of_chunks(chunks: list[Any]) -> list[Any]:
        edited = edit(chunks)
        return chunks if edited is None else edited

    return edits_chunks(of_chunks, when=_asked)


def _usage(edit: Callable[[Any], Any]) -> Layer:
    """Edits the usage that was asked for."""

    def last(chunks: list[Any]) -> None:
        edit(chunks[-1]["usage"])

    return _edits(last)


def _others(value: Any) -> Layer:
    """Every other chunk has that usage."""
    return _edits(lambda chunks: [*({**one, "usage": value} for one in chunks[:-1]), chunks[-1]])


def _last(values: dict[str, Any]) -> Layer:
    """Those values stand in the chunk with the usage."""
    return _edits(lambda chunks: chunks[-1].update(values))


def _without(key: str) -> Layer:
    return _usage(lambda usage: usage.pop(key))


def _no_key(chunks: list[Any]) -> None:
    for chunk in chunks[:-1]:
        chunk.pop("usage", None)


def _always(body: Any) -> None:
    if body.get("stream"):
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}


def _with_finish(chunks: list[Any]) -> list[Any]:
    chunks[-2]["usage"] = chunks[-1]["usage"]
    return chunks[:-1]


def _with_choice(chunks: list[Any]) -> None:
    chunks[-1]["choices"] = [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": None}]


def _early(chunks: list[Any]) -> list[Any]:
    return [chunks[-1], *chunks[:-1]]


MUTANTS = (
    Mutant(
        "stream-usage-always",
        "the usage is sent whether asked for or not",
        edits_calls(_always),
        ("chat.stream.usage.unasked", "chat.stream.usage.declined"),
    ),
    Mutant(
        "stream-usage-by-options",
        "the usage is sent if there are any stream_options",
        edits_calls(_always, when=has("stream_options")),
        ("chat.stream.usage.declined",),
    ),
    Mutant(
        "stream-usage-ignored",
        "include_usage is ignored",
        ignores("stream_options"),
        ("chat.stream.usage.given", "chat.stream.usage.null"),
    ),
    Mutant(
        "stream-usage-with-finish",
        "the usage is in the chunk with the finish_reason",
        _edits(_with_finish),
        ("chat.stream.usage.choices",),
    ),
    Mutant(
        "stream-usage-with-choice",
        "the chunk with the usage has a choice",
        _edits(_with_choice),
        ("chat.stream.usage.choices",),
    ),
    Mutant(
        "stream-usage-null-choices",
        "the choices of the chunk with the usage are null",
        _edits(lambda chunks: chunks[-1].update(choices=None)),
        ("chat.stream.usage.choices",),
    ),
    Mutant(
        "stream-usage-no-choices",
        "the chunk with the usage has no key choices",
        _edits(lambda chunks: chunks[-1].pop("choices") or None),
        ("chat.stream.usage.choices",),
    ),
    Mutant(
        "stream-usage-early",
        "the usage comes first",
        _edits(_early),
        ("chat.stream.usage.last",),
    ),
    *(
        Mutant(
            f"stream-usage-others-{name}",
            f"the usage of the other chunks is {value!r}",
            _others(value),
            ("chat.stream.usage.elsewhere",),
        )
        for name, value in (("zeros", ZEROS), ("running", USAGE), ("empty", {}), ("false", False))
    ),
    Mutant(
        "stream-usage-no-key",
        "the other chunks have no key usage",
        _edits(_no_key),
        ("chat.stream.usage.null",),
    ),
    *(
        Mutant(
            f"stream-usage-other-{key}",
            f"the chunk with the usage has another {key}",
            _last({key: value}),
            ("chat.stream.usage.identity",),
        )
        for key, value in (("id", ""), ("created", 0))
    ),
    *(
        Mutant(
            f"stream-usage-no-{key.replace('_', '-')}",
            f"the usage has no {key}",
            _without(key),
            ("chat.stream.usage.counts",),
        )
        for key in COUNTS
    ),
    Mutant(
        "stream-usage-floats",
        "the counts are floats",
        _usage(lambda usage: usage.update({key: float(usage[key]) for key in COUNTS})),
        ("chat.stream.usage.counts",),
    ),
    Mutant(
        "stream-usage-negative",
        "the counts are -1",
        _usage(lambda usage: usage.update(dict.fromkeys(COUNTS, -1))),
        ("chat.stream.usage.counts",),
    ),
    Mutant(
        "stream-usage-zero",
        "all counts are zero",
        _usage(lambda usage: usage.update(ZEROS)),
        ("chat.stream.usage.counted", "chat.stream.usage.same"),
    ),
    Mutant(
        "stream-usage-total",
        "the total leaves the prompt out",
        _usage(lambda usage: usage.update(total_tokens=usage["completion_tokens"])),
        ("chat.stream.usage.total",),
    ),
    Mutant(
        "stream-usage-chunks",
        "the chunk with the role is counted as a token",
        _usage(
            lambda usage: usage.update(
                completion_tokens=usage["completion_tokens"] + 1,
                total_tokens=usage["total_tokens"] + 1,
            )
        ),
        ("chat.stream.usage.same",),
    ),
)
