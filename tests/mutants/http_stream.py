"""Defects of how a stream travels; most are below the level of whole answers."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.mutants.families import CHAT, edits_bytes, ignores, sets_header
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

DONE = b"data: [DONE]\n\n"


class Severed(Exception):  # noqa: N818 - how an app makes uvicorn close the connection
    """The answer ends here, in the middle."""


def _not_severed(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], Severed))


logging.getLogger("uvicorn.error").addFilter(_not_severed)


def _streams(scope: Scope, message: Message) -> bool:
    kinds = (value for name, value in message.get("headers", ()) if name == b"content-type")
    return scope["path"].endswith(CHAT) and any(b"event-stream" in kind for kind in kinds)


def _rest_of_streams(end: str) -> Layer:
    """Sends a stream up to and with `[DONE]`, and then ends it in that way."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            body = b""
            stream = False

            async def hold(message: Message) -> None:
                nonlocal body, stream
                if message["type"] == "http.response.start":
                    stream = _streams(scope, message)
                    await send(message)
                elif not stream:
                    await send(message)
                else:
                    body += message.get("body", b"")

            await app(scope, receive, hold)
            if not stream:
                return
            part = body[: len(body) // 2] if end == "half" else body
            await send({"type": "http.response.body", "body": part, "more_body": True})
            if end == "open":
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
            # What has been sent is on its way before the connection is closed.
            await asyncio.sleep(0.01)
            raise Severed

        return wrapped

    return layer


def _severs_plain(app: ASGIApp) -> ASGIApp:
    """Closes the connection in the middle of an answer that is no stream."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        stream = False

        async def cut(message: Message) -> None:
            nonlocal stream
            if message["type"] == "http.response.start":
                stream = _streams(scope, message)
            elif not stream and scope["path"].endswith(CHAT):
                half = message["body"][:40]
                await send({"type": "http.response.body", "body": half, "more_body": True})
                await asyncio.sleep(0.01)
                raise Severed
            await send(message)

        try:
            await app(scope, receive, cut)
        except Severed:
            raise Severed from None

    return wrapped


def _is_stream(_: Call, answer: Answer) -> bool:
    return answer.is_stream


def _adds_done(call: Call, answer: Answer) -> None:
    if call.path == CHAT and not answer.is_stream:
        answer.body += b"\n\n" + DONE


def _frames_plain(call: Call, answer: Answer) -> None:
    if call.path == CHAT and not answer.is_stream:
        answer.set_header("content-type", "text/event-stream")
        answer.body = b"data: " + answer.body + b"\n\n" + DONE


def _counts(_: Call, answer: Answer) -> None:
    if answer.is_stream:
        answer.set_header("content-length", str(len(answer.body)))


def _claims_gzip(call: Call, answer: Answer) -> None:
    if answer.is_stream and any(b"gzip" in value for _, value in call.headers):
        answer.set_header("content-encoding", "gzip")


def _without_stream(call: Call) -> bool:
    return call.param("stream") is None


def _forces_stream(call: Call) -> None:
    body = call.json
    if call.path == CHAT and isinstance(body, dict) and _without_stream(call):
        call.body = call.body.rstrip()[:-1] + b', "stream": true}'


MUTANTS = (
    *(
        Mutant(
            f"http-stream-as-{kind.replace('/', '-')}",
            f"a stream is sent as {kind}",
            sets_header("content-type", kind, _is_stream),
            ("http.stream.type",),
        )
        for kind in ("application/json", "text/plain", "application/x-ndjson")
    ),
    Mutant(
        "http-stream-ignored",
        "stream is ignored",
        ignores("stream", path=CHAT),
        ("http.stream.honoured", "http.stream.type"),
    ),
    Mutant(
        "http-stream-always",
        "every answer is a stream unless it is declined",
        around(before=_forces_stream),
        ("http.plain.json",),
    ),
    Mutant(
        "http-stream-framed-plain",
        "an answer that is no stream is one event",
        around(after=_frames_plain),
        ("http.plain.json",),
    ),
    Mutant(
        "http-stream-plain-done",
        "[DONE] is glued to an answer that is no stream",
        around(after=_adds_done),
        ("http.plain.json",),
    ),
    Mutant(
        "http-stream-plain-severed",
        "the connection is closed in the middle of an answer that is no stream",
        _severs_plain,
        ("http.plain.json",),
    ),
    Mutant(
        "http-stream-length",
        "a stream has a content-length",
        around(after=_counts),
        ("http.stream.no_length",),
    ),
    *(
        Mutant(
            f"http-stream-cache-{value and value.replace('=', '-')}",
            f"a stream's Cache-Control is {value}",
            sets_header("cache-control", value, _is_stream),
            ("http.stream.no_cache",),
        )
        for value in (None, "max-age=60")
    ),
    *(
        Mutant(
            f"http-stream-accel-{value}",
            f"a stream's X-Accel-Buffering is {value}",
            sets_header("x-accel-buffering", value, _is_stream),
            ("http.stream.no_buffering",),
        )
        for value in (None, "yes")
    ),
    Mutant(
        "http-stream-fake-gzip",
        "a stream claims to be gzip and is not",
        around(after=_claims_gzip),
        ("http.stream.gzip",),
    ),
    Mutant(
        "http-stream-gzip-cut",
        "a compressed stream loses what was not flushed",
        edits_bytes(
            lambda body: body.removesuffix(DONE),
            when=lambda call: any(b"gzip" in value for _, value in call.headers),
        ),
        ("http.stream.gzip",),
    ),
    Mutant(
        "http-stream-left-open",
        "the connection stays open after [DONE]",
        _rest_of_streams("open"),
        ("http.stream.closes",),
    ),
    Mutant(
        "http-stream-unterminated",
        "the connection is closed after [DONE] without the last chunk",
        _rest_of_streams("severed"),
        ("http.stream.whole",),
    ),
    Mutant(
        "http-stream-severed",
        "the connection is closed in the middle of a stream",
        _rest_of_streams("half"),
        ("http.stream.whole",),
    ),
    Mutant(
        "http-stream-buffered",
        "the events are held back until the last one",
        around(),
        ("http.stream.incremental",),
        reference="paced",
    ),
)
