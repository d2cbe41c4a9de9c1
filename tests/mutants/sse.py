"""Defects of a stream's framing."""

import json
from collections.abc import Callable

from tests.mutants.families import edits_bytes, edits_frames
from tests.mutants.layer import Layer
from tests.mutants.mutant import Mutant

DONE = b"data: [DONE]"


def _each(edit: Callable[[bytes], bytes], *, done: bool = True) -> Layer:
    """Edits every frame; that of [DONE] too, unless told otherwise."""
    return edits_frames(
        lambda frames: [edit(one) if done or one != DONE else one for one in frames]
    )


def _opens_with(frame: bytes) -> Layer:
    return edits_frames(lambda frames: [frame, *frames])


def _ends_with(*frames: bytes) -> Layer:
    """These stand in [DONE]'s place."""
    return edits_frames(lambda sent: [*sent[:-1], *frames])


def _pretty(frame: bytes) -> bytes:
    return b"data: " + json.dumps(json.loads(frame[6:]), indent=1).encode()


def _pretty_lines(frame: bytes) -> bytes:
    return _pretty(frame).replace(b"\n", b"\ndata: ")


def _infinite(frame: bytes) -> bytes:
    return frame.replace(b'"logprobs":null', b'"logprobs":-Infinity')


def _latin(body: bytes) -> bytes:
    return body.decode().encode("latin-1", errors="replace")


def _mixed(body: bytes) -> bytes:
    return body.replace(b"\n\n", b"\r\n\r\n", 1)


MUTANTS = (
    Mutant(
        "sse-unseparated",
        "no blank line stands between the events",
        edits_bytes(lambda body: body.replace(b"\n\n", b"\n") + b"\n"),
        ("sse.event.blank", "sse.event.json"),
    ),
    Mutant(
        "sse-done-unseparated",
        "[DONE] follows the last chunk without a blank line",
        edits_frames(lambda frames: [*frames[:-2], frames[-2] + b"\n" + frames[-1]]),
        ("sse.event.blank", "sse.event.json"),
    ),
    Mutant(
        "sse-comment-as-data",
        "a keep-alive comment is sent as data",
        _opens_with(b"data: : PROCESSING"),
        ("sse.event.json",),
    ),
    Mutant(
        "sse-single-quotes",
        "the chunks are printed as Python prints a dict",
        _each(lambda frame: b"data: " + repr(json.loads(frame[6:])).encode(), done=False),
        ("sse.event.json",),
    ),
    Mutant(
        "sse-infinity",
        "a number is -Infinity, which is not JSON",
        _each(_infinite),
        ("sse.event.json",),
    ),
    Mutant(
        "sse-double-prefix",
        "data: stands twice",
        _each(lambda frame: b"data: " + frame),
        ("sse.event.prefix", "sse.event.json"),
    ),
    *(
        Mutant(
            f"sse-{name}-alone",
            f"the stream opens with {frame!r} and a blank line",
            _opens_with(frame),
            ("sse.event.data",),
        )
        for name, frame in (
            ("event", b"event: message"),
            ("retry", b"retry: 3000"),
            ("id", b"id: 1"),
            ("data", b"data:"),
        )
    ),
    Mutant(
        "sse-event-then-blank",
        "a blank line stands between event: and data:",
        _each(lambda frame: b"event: message\n\n" + frame),
        ("sse.event.data",),
    ),
    Mutant(
        "sse-data-lines",
        "the JSON is spread over several data lines",
        _each(_pretty_lines, done=False),
        ("sse.event.line",),
    ),
    Mutant(
        "sse-raw-newlines",
        "the JSON has raw newlines",
        _each(_pretty, done=False),
        ("sse.line.known", "sse.event.json"),
    ),
    Mutant(
        "sse-json-lines",
        "chunks are repeated without data: before them",
        _each(lambda frame: frame + b"\n" + frame[6:], done=False),
        ("sse.line.known",),
    ),
    *(
        Mutant(
            f"sse-{name.decode()}-field",
            f"every event has the field {name.decode()}",
            _each((name + b": message\n").__add__),
            ("sse.line.plain",),
        )
        for name in (b"event", b"id")
    ),
    Mutant(
        "sse-mixed-line-ends",
        "the first event ends in CR LF, the others in LF",
        edits_bytes(_mixed),
        ("sse.line.end",),
    ),
    Mutant(
        "sse-cr",
        "lines end in CR",
        edits_bytes(lambda body: body.replace(b"\n", b"\r")),
        ("sse.line.end",),
    ),
    Mutant(
        "sse-no-last-blank",
        "no blank line follows [DONE]",
        edits_bytes(lambda body: body[:-1]),
        ("sse.end.blank",),
    ),
    Mutant(
        "sse-unended",
        "the last line has no end",
        edits_bytes(lambda body: body[:-2]),
        ("sse.end.blank",),
    ),
    Mutant(
        "sse-latin-1",
        "the stream is Latin-1",
        edits_bytes(_latin),
        ("sse.bytes.utf8",),
    ),
    Mutant(
        "sse-bom",
        "the stream begins with a byte order mark",
        edits_bytes(lambda body: b"\xef\xbb\xbf" + body),
        ("sse.bytes.bom",),
    ),
    *(
        Mutant(
            f"sse-done-{name}",
            f"the end is {data.decode()}",
            _ends_with(b"data: " + data),
            ("sse.done.literal",),
        )
        for name, data in (
            ("quoted", b'"[DONE]"'),
            ("lower", b"[done]"),
            ("bare", b"DONE"),
            ("array", b'["DONE"]'),
        )
    ),
    Mutant(
        "sse-done-twice",
        "[DONE] is sent twice",
        _ends_with(DONE, DONE),
        ("sse.done.once",),
    ),
)
