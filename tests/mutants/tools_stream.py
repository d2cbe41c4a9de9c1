"""Defects of tool calls in a stream."""

from collections.abc import Callable
from itertools import count
from typing import Any

from tests.mutants.families import (
    drops_in_chunks,
    edits_chunks,
    puts,
    puts_in_chunks,
)
from tests.mutants.layer import Call, Layer
from tests.mutants.mutant import Mutant

CALLS = "choices.*.delta.tool_calls.*"


def _tools(call: Call) -> bool:
    return bool(call.param("tools"))


def _edits(edit: Callable[[Any, Any], None]) -> Layer:
    """Edits each fragment, which comes with the first fragment of its call."""

    def each(chunks: list[Any]) -> list[Any]:
        begun: dict[int, Any] = {}
        for chunk in chunks:
            for choice in chunk["choices"]:
                for fragment in choice["delta"].get("tool_calls", ()):
                    first = begun.setdefault(fragment["index"], dict(fragment))
                    edit(fragment, first)
        return chunks

    return edits_chunks(each)


def _id_late(fragment: Any, first: Any) -> None:
    if fragment.pop("id", None) is None and first.get("id"):
        fragment["id"] = first.pop("id")


def _id_again(fragment: Any, first: Any) -> None:
    fragment["id"] = first["id"]


def _id_empty(fragment: Any, _: Any) -> None:
    fragment.setdefault("id", "")


def _name_again(fragment: Any, first: Any) -> None:
    fragment["function"]["name"] = first["function"]["name"]


def _last_brace(fragment: Any, _: Any) -> None:
    function = fragment["function"]
    function["arguments"] = function["arguments"].removesuffix("}")


def _one_index(fragment: Any, _: Any) -> None:
    fragment["index"] = 0


def _null_first(fragment: Any, _: Any) -> None:
    if "id" in fragment:
        fragment["function"]["arguments"] = None


def _then_stop(chunks: list[Any]) -> list[Any]:
    last = chunks[-1]
    stop = [{**choice, "finish_reason": "stop"} for choice in last["choices"]]
    return [*chunks, {**last, "choices": stop}]


def _finishes(reason: str) -> Callable[[list[Any]], list[Any]]:
    def edit(chunks: list[Any]) -> list[Any]:
        for chunk in chunks:
            for choice in chunk["choices"]:
                choice["finish_reason"] = choice["finish_reason"] and reason
        return chunks

    return edit


def _finish_early(chunks: list[Any]) -> list[Any]:
    return [*chunks[:-2], chunks[-1], chunks[-2]]


def _starts_at_one(chunks: list[Any]) -> list[Any]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            for fragment in choice["delta"].get("tool_calls", ()):
                fragment["index"] += 1
    return chunks


def _an_index_each(chunks: list[Any]) -> list[Any]:
    numbers = count()
    for chunk in chunks:
        for choice in chunk["choices"]:
            for fragment in choice["delta"].get("tool_calls", ()):
                fragment["index"] = next(numbers)
    return chunks


MUTANTS = (
    Mutant(
        "tools-stream-no-index",
        "fragments have no index",
        drops_in_chunks(f"{CALLS}.index"),
        ("tools.stream.index",),
    ),
    Mutant(
        "tools-stream-index-text",
        "the index is a text",
        puts_in_chunks(f"{CALLS}.index", str),
        ("tools.stream.index",),
    ),
    Mutant(
        "tools-stream-no-id",
        "fragments have no id",
        drops_in_chunks(f"{CALLS}.id"),
        ("tools.stream.id",),
    ),
    Mutant(
        "tools-stream-id-late",
        "the id comes with the second fragment",
        _edits(_id_late),
        ("tools.stream.id",),
    ),
    Mutant(
        "tools-stream-id-again",
        "each fragment has the id",
        _edits(_id_again),
        ("tools.stream.id_once",),
    ),
    Mutant(
        "tools-stream-id-empty",
        "later fragments have an empty id",
        _edits(_id_empty),
        ("tools.stream.id_empty",),
    ),
    Mutant(
        "tools-stream-no-type",
        "fragments have no type",
        drops_in_chunks(f"{CALLS}.type"),
        ("tools.stream.type",),
    ),
    Mutant(
        "tools-stream-no-name",
        "fragments have no name",
        drops_in_chunks(f"{CALLS}.function.name"),
        ("tools.stream.name", "tools.stream.sdk"),
    ),
    Mutant(
        "tools-stream-name-again",
        "each fragment has the name",
        _edits(_name_again),
        ("tools.stream.name", "tools.stream.sdk"),
    ),
    Mutant(
        "tools-stream-last-brace",
        "the last brace of the arguments is lost",
        _edits(_last_brace),
        ("tools.stream.arguments", "tools.stream.sdk"),
    ),
    Mutant(
        "tools-stream-arguments-object",
        "a fragment's arguments are an object",
        puts_in_chunks(f"{CALLS}.function.arguments", {}),
        ("tools.stream.arguments", "tools.stream.arguments_text"),
    ),
    Mutant(
        "tools-stream-arguments-null",
        "the first arguments are null",
        _edits(_null_first),
        ("tools.stream.arguments_text",),
    ),
    *(
        Mutant(
            f"tools-stream-finish-{reason}",
            f'streams with calls finish for "{reason}"',
            edits_chunks(_finishes(reason), when=_tools),
            ("tools.stream.finish",),
        )
        for reason in ("stop", "tool_call")
    ),
    Mutant(
        "tools-stream-finish-twice",
        'a finish_reason "stop" follows "tool_calls"',
        edits_chunks(_then_stop, when=_tools),
        ("tools.stream.finish",),
    ),
    Mutant(
        "tools-stream-finish-early",
        "the last fragment comes after the finish_reason",
        edits_chunks(_finish_early, when=_tools),
        ("tools.stream.finish_last",),
    ),
    Mutant(
        "tools-stream-index-zero",
        "all calls have the index 0",
        _edits(_one_index),
        ("tools.stream.parallel",),
    ),
    Mutant(
        "tools-stream-index-one",
        "indexes begin at 1",
        edits_chunks(_starts_at_one),
        ("tools.stream.parallel",),
    ),
    Mutant(
        "tools-stream-index-each",
        "each fragment has an index of its own",
        edits_chunks(_an_index_each),
        ("tools.stream.parallel", "tools.stream.name"),
    ),
    Mutant(
        "tools-stream-one-id",
        "all calls have one id",
        puts_in_chunks(f"{CALLS}.id", "call_0"),
        ("tools.stream.parallel",),
    ),
    Mutant(
        "tools-stream-text-lost",
        "the text before a call is lost in a stream",
        puts("choices.*.message.content", "Let me look.", when=_tools),
        ("tools.stream.same",),
    ),
    Mutant(
        "tools-stream-other-arguments",
        "a stream has other arguments",
        puts_in_chunks(f"{CALLS}.function.arguments", lambda text: text.replace("te", "")),
        ("tools.stream.same",),
    ),
)
