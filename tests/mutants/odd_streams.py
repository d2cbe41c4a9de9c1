"""Oddities of streams that are right: their framing, and how the deltas are cut."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.mutants.families import (
    edits_bytes,
    edits_chunks,
    edits_each_chunk,
    edits_frames,
    puts,
    stack,
)
from tests.mutants.layer import Call, Layer

ALL = "/"
DONE = b"data: [DONE]"

# --- framing ---


def _each(edit: Callable[[bytes], bytes]) -> Layer:
    return edits_frames(lambda frames: [edit(frame) for frame in frames], ALL)


def _commented(frames: list[bytes]) -> Iterator[bytes]:
    yield b":"
    for frame in frames:
        yield b": keep-alive"
        yield b": still here\n" + frame


def _data_lines(frame: bytes) -> bytes:
    if frame == DONE:
        return frame
    text = json.dumps(json.loads(frame[6:]), indent=1, ensure_ascii=False)
    return b"\n".join(b"data: " + line.encode() for line in text.split("\n"))


def _in_small_pieces(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def pieces(message: Message) -> None:
            body = message.get("body", b"")
            sizes = cycle((1, 2, 3, 5, 1, 8, 13))
            while len(body) > (size := next(sizes)):
                await send({**message, "body": body[:size], "more_body": True})
                body = body[size:]
            await send({**message, "body": body} if "body" in message else message)

        await app(scope, receive, pieces)

    return wrapped


def _null_usage(chunk: Any) -> None:
    chunk["usage"] = None


def _not_asked(call: Call) -> bool:
    return not (call.param("stream_options") or {}).get("include_usage")


# --- deltas ---


def _delta(chunk: Any) -> Any:
    return chunk["choices"][0]["delta"] if chunk["choices"] else {}


def _opening(delta: Mapping[str, Any]) -> Layer:
    """The delta with the role is that one."""

    def edit(chunk: Any) -> None:
        if "role" in _delta(chunk) and not _delta(chunk).get("tool_calls"):
            chunk["choices"][0]["delta"] = dict(delta)

    return edits_each_chunk(edit)


def _last_delta(delta: Mapping[str, Any]) -> Layer:
    """The delta with the finish_reason is that one."""

    def edit(chunk: Any) -> None:
        for choice in chunk["choices"]:
            if choice["finish_reason"]:
                choice["delta"] = dict(delta)

    return edits_each_chunk(edit)


def _mergeable(one: Any, other: Any) -> bool:
    """Whether both carry text of the same choice, or at least nothing else."""
    deltas = (_delta(one), _delta(other))
    return (
        bool(one["choices"] and other["choices"])
        and one["choices"][0]["index"] == other["choices"][0]["index"]
        and all(delta.keys() <= {"content", "role", "refusal"} for delta in deltas)
        and not any(delta.get("refusal") for delta in deltas)
    )


def _merged(one: Any, other: Any) -> Any:
    first, second = one["choices"][0], other["choices"][0]
    delta = {**first["delta"], **second["delta"]}
    texts = [choice["delta"].get("content") or "" for choice in (first, second)]
    choice = {**first, "delta": delta | {"content": "".join(texts)}}
    choice["finish_reason"] = second["finish_reason"]
    scores = [one for one in (first.get("logprobs"), second.get("logprobs")) if one]
    if scores:
        content = [entry for score in scores for entry in score["content"] or []]
        choice["logprobs"] = {**scores[-1], "content": content}
    return {**one, "choices": [choice]}


def _merge(wanted: Callable[[Any, Any], bool], most: int = 2) -> Layer:
    """Merges neighbours into one chunk, up to so many."""

    def edit(chunks: list[Any]) -> list[Any]:
        merged: list[Any] = []
        size = 0
        for chunk in chunks:
            if (
                merged
                and size < most
                and _mergeable(merged[-1], chunk)
                and wanted(merged[-1], chunk)
            ):
                merged[-1] = _merged(merged[-1], chunk)
                size += 1
            else:
                merged.append(chunk)
                size = 1
        return merged

    return edits_chunks(edit)


def _role_and_text(one: Any, other: Any) -> bool:
    return "role" in _delta(one) and bool(_delta(other).get("content"))


def _text_and_finish(one: Any, other: Any) -> bool:
    return bool(_delta(one).get("content")) and bool(other["choices"][0]["finish_reason"])


def _two_texts(one: Any, other: Any) -> bool:
    return bool(_delta(one).get("content")) and bool(_delta(other).get("content"))


def _thinking(chunks: list[Any]) -> list[Any]:
    """Thoughts come before the text, as many servers of open models send them."""
    first = chunks[0]
    if not first["choices"] or "role" not in _delta(first):
        return chunks
    thought = {**first["choices"][0], "delta": {"reasoning_content": "Hm."}}
    return [first, {**first, "choices": [thought]}, *chunks[1:]]


FRAMES = (
    ("crlf", "lines end in CR LF", edits_bytes(lambda body: body.replace(b"\n", b"\r\n"), ALL)),
    ("comments", "comments stand between and within events", edits_frames(_commented, ALL)),
    ("no-space", "no space follows data:", _each(lambda frame: frame.replace(b": ", b":", 1))),
    ("retry", "events tell when to try again", _each(lambda frame: b"retry: 3000\n" + frame)),
    ("pieces", "bodies come in pieces of a few bytes", _in_small_pieces),
)


DELTAS = (
    ("role-alone", "the first delta is the role alone", _opening({"role": "assistant"})),
    (
        "role-null",
        "the content beside the role is null",
        _opening({"role": "assistant", "content": None}),
    ),
    ("role-and-text", "the first text comes with the role", _merge(_role_and_text)),
    ("last-empty", "the last delta's content is empty", _last_delta({"content": ""})),
    ("last-null", "the last delta's content is null", _last_delta({"content": None})),
    ("coarse", "a chunk holds up to three tokens", _merge(_two_texts, 3)),
    (
        "usage-null",
        "the usage is null where none is asked for",
        edits_each_chunk(_null_usage, when=_not_asked),
    ),
    (
        "thinking",
        "thoughts come in keys of their own",
        stack(edits_chunks(_thinking), puts("choices.*.message.reasoning_content", "Hm.")),
    ),
)
DATA_LINES = _each(_data_lines)
TEXT_AND_FINISH = _merge(_text_and_finish)
