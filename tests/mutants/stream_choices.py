"""Defects of a stream's deltas, roles and finish reasons."""

from collections.abc import Callable
from typing import Any

from tests.mutants.families import drops_in_chunks, edits_chunks, puts_in_chunks
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant


def _edits(edit: Callable[[list[Any]], Any]) -> Layer:
    """Edits the chunks that have choices; what `edit` returns replaces them, None keeps them."""

    def of_chunks(chunks: list[Any]) -> list[Any]:
        full = [chunk for chunk in chunks if chunk["choices"]]
        rest = chunks[len(full) :]
        edited = edit(full)
        return [*(full if edited is None else edited), *rest]

    return edits_chunks(of_chunks)


def _choice(chunk: Any) -> Any:
    return chunk["choices"][0]


def _numbered(chunks: list[Any]) -> None:
    for place, chunk in enumerate(chunks):
        _choice(chunk)["index"] = place


def _with_message(chunks: list[Any]) -> None:
    for chunk in chunks:
        content = _choice(chunk)["delta"].get("content", "")
        _choice(chunk)["message"] = {"role": "assistant", "content": content}


def _message_only(chunks: list[Any]) -> None:
    _with_message(chunks)
    for chunk in chunks:
        del _choice(chunk)["delta"]


def _finish_at_last(chunks: list[Any]) -> None:
    for chunk in chunks[:-1]:
        del _choice(chunk)["finish_reason"]


def _late_role(chunks: list[Any]) -> None:
    del _choice(chunks[0])["delta"]["role"]
    _choice(chunks[-1])["delta"]["role"] = "assistant"


def _last_null_delta(chunks: list[Any]) -> None:
    _choice(chunks[-1])["delta"] = None


def _twice_finished(chunks: list[Any]) -> list[Any]:
    return [*chunks, chunks[-1]]


def _finished_early(chunks: list[Any]) -> list[Any]:
    return [*chunks[:-2], chunks[-1], chunks[-2]]


def _last_text_with_finish(chunks: list[Any]) -> list[Any]:
    _choice(chunks[-1])["delta"] = _choice(chunks[-2])["delta"]
    return [*chunks[:-2], chunks[-1]]


def _cut_off(chunks: list[Any]) -> list[Any]:
    return chunks[: len(chunks) // 2]


MUTANTS = (
    *(
        Mutant(
            f"stream-choices-no-{key}",
            f"the choices of chunks have no {key}",
            drops_in_chunks(f"choices.*.{key}"),
            (f"chat.stream.choice.{key}",),
        )
        for key in ("delta", "finish_reason", "index")
    ),
    Mutant(
        "stream-choices-finish-absent",
        "finish_reason is left out where it would be null",
        _edits(_finish_at_last),
        ("chat.stream.choice.finish_reason",),
    ),
    Mutant(
        "stream-choices-last-null-delta",
        "the last delta is null",
        _edits(_last_null_delta),
        ("chat.stream.choice.delta",),
    ),
    Mutant(
        "stream-choices-numbered",
        "index counts the chunks",
        _edits(_numbered),
        ("chat.stream.choice.index",),
    ),
    Mutant(
        "stream-choices-index-text",
        "index is a text",
        puts_in_chunks("choices.*.index", "0"),
        ("chat.stream.choice.index",),
    ),
    Mutant(
        "stream-choices-with-message",
        "a message stands beside the delta",
        _edits(_with_message),
        ("chat.stream.choice.message",),
    ),
    Mutant(
        "stream-choices-message-only",
        "a message stands in the delta's place",
        _edits(_message_only),
        ("chat.stream.choice.message", "chat.stream.choice.delta", "chat.stream.role.first"),
    ),
    Mutant(
        "stream-choices-no-role",
        "no delta has a role",
        drops_in_chunks("choices.*.delta.role"),
        ("chat.stream.role.first",),
    ),
    Mutant(
        "stream-choices-late-role",
        "the role comes with the last delta",
        _edits(_late_role),
        ("chat.stream.role.first",),
    ),
    Mutant(
        "stream-choices-user-role",
        "the role is that of the user",
        _edits(lambda chunks: _choice(chunks[0])["delta"].update(role="user")),
        ("chat.stream.role.first",),
    ),
    Mutant(
        "stream-choices-roles",
        "every delta has the role",
        puts_in_chunks("choices.*.delta.role", "assistant"),
        ("chat.stream.role.once",),
    ),
    *(
        Mutant(
            f"stream-choices-role-{name}",
            f"the role of later deltas is {value!r}",
            puts_in_chunks("choices.*.delta.role", lambda old, value=value: old or value),
            ("chat.stream.role.known",),
        )
        for name, value in (("empty", ""), ("model", "model"), ("number", 1))
    ),
    *(
        Mutant(
            f"stream-choices-finish-{name}",
            f"finish_reason is {value!r} until the last chunk",
            puts_in_chunks("choices.*.finish_reason", lambda old, value=value: old or value),
            ("chat.stream.finish.known",),
        )
        for name, value in (("empty", ""), ("text-null", "null"), ("false", False))
    ),
    Mutant(
        "stream-choices-finish-eos",
        'the last finish_reason is "eos"',
        puts_in_chunks("choices.*.finish_reason", lambda old: old and "eos"),
        ("chat.stream.finish.known",),
    ),
    Mutant(
        "stream-choices-unfinished",
        "no chunk has a finish_reason",
        puts_in_chunks("choices.*.finish_reason", None),
        ("chat.stream.finish.once",),
    ),
    Mutant(
        "stream-choices-cut-off",
        "the stream stops in the middle, with [DONE]",
        _edits(_cut_off),
        ("chat.stream.finish.once",),
    ),
    Mutant(
        "stream-choices-always-finished",
        "every chunk has a finish_reason",
        puts_in_chunks("choices.*.finish_reason", "stop"),
        ("chat.stream.finish.once", "chat.stream.finish.after"),
    ),
    Mutant(
        "stream-choices-twice-finished",
        "the last chunk comes twice",
        _edits(_twice_finished),
        ("chat.stream.finish.once",),
    ),
    Mutant(
        "stream-choices-early-finish",
        "text follows the finish_reason",
        _edits(_finished_early),
        ("chat.stream.finish.after",),
    ),
    Mutant(
        "stream-choices-text-with-finish",
        "the last text is in the chunk with the finish_reason",
        _edits(_last_text_with_finish),
        ("chat.stream.finish.empty",),
    ),
)
