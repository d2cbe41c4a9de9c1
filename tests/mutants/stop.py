"""Defects of `stop` in chat."""

import json
from typing import Any

from tests.mutants.families import (
    CHAT,
    edits_calls,
    edits_chunks,
    has,
    ignores,
    puts,
    puts_in_chunks,
    refuses,
)
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

EXACT = ("stop.string", "stop.array", "stop.four", "stop.across")
STREAMED = ("stop.stream.text", "stop.stream.across")


def _stops(call: Call) -> list[str]:
    stop = call.param("stop")
    return [stop] if isinstance(stop, str) else stop or []


def _streams(call: Call) -> bool:
    return call.param("stream") is True


def _crosses(call: Call) -> bool:
    return any(isinstance(stop, str) and " " in stop for stop in _stops(call))


def _is_string(call: Call) -> bool:
    return isinstance(call.param("stop"), str)


def _sets(pick: Any) -> Layer:
    def edit(body: Any) -> None:
        if isinstance(body.get("stop"), list):
            body["stop"] = pick(body["stop"])

    return edits_calls(edit, CHAT)


def _includes() -> Layer:
    """The text ends with the stop sequence."""

    def after(call: Call, answer: Answer) -> None:
        if answer.status == 200 and not answer.is_stream and _stops(call):
            body = json.loads(answer.body)
            body["choices"][0]["message"]["content"] += _stops(call)[-1]
            answer.body = json.dumps(body).encode()

    return around(after=after)


def _leaks(chunks: list[Any]) -> list[Any]:
    """The first letters of the stop sequence come as a chunk before the last."""
    *head, last = chunks
    leak = json.loads(json.dumps(last))
    leak["choices"][0] |= {"delta": {"content": "n "}, "finish_reason": None}
    return [*head, leak, last]


def _loses(chunks: list[Any]) -> list[Any]:
    """The last text, which was held back, never comes."""
    return [*chunks[:-2], chunks[-1]]


def _half(call: Call) -> bool:
    return any(isinstance(stop, str) and stop.endswith("qzx1") for stop in _stops(call))


MUTANTS = (
    Mutant(
        "stop-ignored",
        "stop is accepted and ignored",
        ignores("stop"),
        (*EXACT, "stop.excluded", *STREAMED, "stop.stream.excluded", "stop.five", "stop.maximum"),
    ),
    Mutant(
        "stop-string-ignored",
        "a bare string is ignored",
        ignores("stop", when=_is_string),
        ("stop.string", "stop.across", *STREAMED),
    ),
    Mutant(
        "stop-string-refused", "a bare string is refused", refuses(_is_string), ("stop.string",)
    ),
    Mutant(
        "stop-array-first",
        "only the first sequence stops",
        _sets(lambda stops: stops[:1]),
        ("stop.array", "stop.four", "stop.five", "stop.maximum"),
    ),
    Mutant(
        "stop-array-two",
        "more than two sequences are refused",
        refuses(lambda call: isinstance(call.param("stop"), list) and len(call.param("stop")) > 2),
        ("stop.four",),
    ),
    Mutant(
        "stop-included",
        "the text ends with the stop sequence",
        _includes(),
        ("stop.string", "stop.excluded"),
    ),
    Mutant(
        "stop-across-ignored",
        "a sequence of several tokens does not stop",
        ignores("stop", when=_crosses),
        ("stop.across", "stop.stream.across"),
    ),
    Mutant(
        "stop-unmatched-lost",
        "held text is lost when no stop sequence comes of it",
        puts("choices.0.message.content", lambda text: text[:-4], when=_half),
        ("stop.unmatched",),
    ),
    *(
        Mutant(
            f"stop-finish-{wrong}",
            f"a stop sequence ends with {wrong}",
            puts("choices.*.finish_reason", wrong, when=has("stop")),
            ("stop.finish",),
        )
        for wrong in ("length", "stop_sequence", "eos")
    ),
    Mutant(
        "stop-five-dropped",
        "the fifth sequence is dropped",
        _sets(lambda stops: stops[:4]),
        ("stop.five", "stop.maximum"),
    ),
    Mutant(
        "stop-five-500",
        "five sequences break the server",
        refuses(lambda call: len(_stops(call)) > 4, status=500),
        ("stop.five", "stop.maximum"),
    ),
    Mutant(
        "stop-five-accepted",
        "five sequences are accepted, and those that occur stop",
        _sets(lambda stops: stops[-4:]),
        ("stop.maximum",),
    ),
    Mutant(
        "stop-wrong-type",
        "numbers are taken for strings",
        _sets(lambda stops: [str(stop) for stop in stops]),
        ("stop.wrong_type",),
    ),
    Mutant(
        "stop-empty-list-500",
        "an empty list breaks the server",
        refuses(lambda call: call.param("stop") == [], status=500),
        ("stop.empty_list",),
    ),
    Mutant(
        "stop-stream-ignored",
        "a stream ignores stop",
        ignores("stop", when=_streams),
        (*STREAMED, "stop.stream.excluded"),
    ),
    Mutant(
        "stop-stream-leaks",
        "a stream lets out the beginning of a stop sequence that crosses its chunks",
        edits_chunks(_leaks, when=_crosses),
        ("stop.stream.across",),
    ),
    Mutant(
        "stop-stream-loses",
        "a stream loses what it held back",
        edits_chunks(_loses, when=_half),
        ("stop.stream.unmatched",),
    ),
    Mutant(
        "stop-stream-finish",
        "a stream that is stopped ends with length",
        puts_in_chunks(
            "choices.*.finish_reason", lambda old: old and "length", when=has("stop", "stream")
        ),
        ("stop.stream.finish",),
    ),
)
