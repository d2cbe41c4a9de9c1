"""Families of defects, each a function that makes layers.

A path within a body is written with dots: `choices.*.message.content`; `*` is every element.
A defect applies to the calls below `path` for which `when` is true.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import ASGIApp

from tests.mutants.layer import Answer, Call, Layer, around

When = Callable[[Call], bool]
CHAT = "/chat/completions"


def always(_: Call) -> bool:
    return True


# --- answers of JSON ---


def edits(edit: Callable[[Any], Any], path: str = CHAT, when: When = always) -> Layer:
    """Edits the body of each successful answer; what `edit` returns replaces it, None keeps it."""

    def after(call: Call, answer: Answer) -> None:
        if (
            answer.status == 200
            and not answer.is_stream
            and call.path.startswith(path)
            and when(call)
        ):
            answer.body = _edited(answer.body, edit)

    return around(after=after)


def edits_errors(edit: Callable[[Any], Any], when: When = always) -> Layer:
    """Edits the body of each refusal."""

    def after(call: Call, answer: Answer) -> None:
        if answer.status >= 400 and when(call):
            answer.body = _edited(answer.body, edit)

    return around(after=after)


def drops(where: str, path: str = CHAT, when: When = always) -> Layer:
    """Leaves a key out of the body."""
    return edits(_at(where, lambda parent, key: parent.pop(key, None)), path, when)


def puts(where: str, value: Any, path: str = CHAT, when: When = always) -> Layer:
    """Puts a value, or what a function makes of the old one, at a place of the body."""
    return edits(_at(where, _setter(value)), path, when)


# --- streams ---


def edits_chunks(
    edit: Callable[[list[Any]], Iterable[Any]], path: str = CHAT, when: When = always
) -> Layer:
    """Edits the list of a stream's chunks; `[DONE]` stays where it is."""

    def of_frames(frames: list[bytes]) -> Iterable[bytes]:
        done = [frame for frame in frames if frame == b"data: [DONE]"]
        chunks = [json.loads(frame[6:]) for frame in frames if frame not in done]
        return [*(b"data: " + json.dumps(chunk).encode() for chunk in edit(chunks)), *done]

    return edits_frames(of_frames, path, when)


def edits_each_chunk(edit: Callable[[Any], Any], path: str = CHAT, when: When = always) -> Layer:
    """Edits every chunk of a stream in place."""

    def each(chunks: list[Any]) -> list[Any]:
        for chunk in chunks:
            edit(chunk)
        return chunks

    return edits_chunks(each, path, when)


def drops_in_chunks(where: str, path: str = CHAT, when: When = always) -> Layer:
    """Leaves a key out of every chunk."""
    return edits_each_chunk(_at(where, lambda parent, key: parent.pop(key, None)), path, when)


def puts_in_chunks(where: str, value: Any, path: str = CHAT, when: When = always) -> Layer:
    """Puts a value at a place of every chunk."""
    return edits_each_chunk(_at(where, _setter(value)), path, when)


def edits_frames(
    edit: Callable[[list[bytes]], Iterable[bytes]], path: str = CHAT, when: When = always
) -> Layer:
    """Edits the frames of a stream, each without the blank line that ends it."""
    return edits_bytes(
        lambda body: b"".join(frame + b"\n\n" for frame in edit(body.split(b"\n\n")[:-1])),
        path,
        when,
    )


def edits_bytes(edit: Callable[[bytes], bytes], path: str = CHAT, when: When = always) -> Layer:
    """Edits the bytes of a stream."""

    def after(call: Call, answer: Answer) -> None:
        if answer.is_stream and call.path.startswith(path) and when(call):
            answer.body = edit(answer.body)

    return around(after=after)


# --- requests ---


def edits_calls(edit: Callable[[Any], Any], path: str = "/", when: When = always) -> Layer:
    """Edits the request before the healthy server sees it: a parameter is ignored, or changed."""

    def before(call: Call) -> None:
        body = call.json
        if isinstance(body, dict) and call.path.startswith(path) and when(call):
            call.body = _edited(call.body, edit)

    return around(before=before)


def ignores(*params: str, path: str = "/", when: When = always) -> Layer:
    """Accepts parameters and ignores them."""

    def edit(body: Any) -> None:
        for param in params:
            body.pop(param, None)

    return edits_calls(edit, path, when)


def refuses(when: When, status: int = 400, body: Any = None, path: str = "/") -> Layer:
    """Refuses what it should accept."""
    refused = {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}

    def before(call: Call) -> Answer | None:
        if call.path.startswith(path) and when(call):
            return Answer.of(status, {"error": refused} if body is None else body)
        return None

    return around(before=before)


def has(*params: str) -> When:
    """Whether a request names all those parameters."""
    return lambda call: all(call.param(param) is not None for param in params)


# --- status and headers ---


def answers(status: int, to: int, when: When = always) -> Layer:
    """Answers one status where another belongs."""

    def after(call: Call, answer: Answer) -> None:
        if answer.status == status and when(call):
            answer.status = to

    return around(after=after)


def sets_header(
    name: str, value: str | None, when: Callable[[Call, Answer], bool] = lambda *_: True
) -> Layer:
    """Sets a header of the answers, or removes it."""

    def after(call: Call, answer: Answer) -> None:
        if when(call, answer):
            answer.set_header(name, value)

    return around(after=after)


def stack(*layers: Layer) -> Layer:
    """Each layer around the one before it."""

    def layer(app: ASGIApp) -> ASGIApp:
        for one in layers:
            app = one(app)
        return app

    return layer


# --- places ---


def _edited(body: bytes, edit: Callable[[Any], Any]) -> bytes:
    value = json.loads(body)
    replaced = edit(value)
    return json.dumps(value if replaced is None else replaced).encode()


def _setter(value: Any) -> Callable[[Any, Any], None]:
    def put(parent: Any, key: Any) -> None:
        old = parent.get(key) if isinstance(parent, dict) else parent[key]
        parent[key] = value(old) if callable(value) else value

    return put


def _at(where: str, act: Callable[[Any, Any], Any]) -> Callable[[Any], None]:
    """Acts on each place that the path names; a place whose parent is missing is passed over."""

    def walk(value: Any, steps: list[str]) -> None:
        step, rest = steps[0], steps[1:]
        if isinstance(value, list):
            keys: list[Any] = list(range(len(value))) if step == "*" else [int(step)]
            keys = [key for key in keys if key < len(value)]
        elif isinstance(value, dict):
            keys = list(value) if step == "*" else [step]
        else:
            return
        for key in keys:
            if not rest:
                act(value, key)
            elif isinstance(value, list) or key in value:
                walk(value[key], rest)

    return lambda body: walk(body, where.split("."))
