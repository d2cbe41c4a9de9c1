"""Defects of connections, of reading bodies, and of paths."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract_tests.wire.client import PIECE_BYTES
from tests.mutants.families import CHAT, edits_bytes, refuses
from tests.mutants.layer import Answer, Call, Layer, around
from tests.mutants.mutant import Mutant

REFUSED = Answer.of(400, {"error": {"message": "Bad request line.", "type": "x"}})


def _on_used_connections(spoils: Callable[[int], bool], answer: Callable[[Send], Any]) -> Layer:
    """Answers wrongly where the status of the connection's last answer is a spoiling one."""

    def layer(app: ASGIApp) -> ASGIApp:
        last: dict[Any, int] = {}

        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            client = scope["client"]

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    last[client] = message["status"]
                await send(message)

            if spoils(last.pop(client, 0)):
                await answer(send)
            else:
                await app(scope, receive, note)

        return wrapped

    return layer


async def _bad_request(send: Send) -> None:
    headers = REFUSED.headers
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSED.body})


async def _nothing(send: Send) -> None:
    """A length without a body: uvicorn closes the connection."""
    headers = [(b"content-length", b"100")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def _header(call: Call, name: bytes) -> bytes | None:
    return next((value for key, value in call.headers if key == name), None)


def _first_piece_only(app: ASGIApp) -> ASGIApp:
    """Reads one piece of a body that comes in chunks."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])

        async def once() -> Message:
            message = await receive()
            # The pieces of a quick client may come together.
            first = bytes(message.get("body", b""))[:PIECE_BYTES]
            return {**message, "body": first, "more_body": False}

        await app(scope, once if chunked else receive, send)

    return wrapped


def _without_length(call: Call) -> Answer | None:
    if _header(call, b"transfer-encoding"):
        call.body = b""
    return None


def _body_behind_an_offer(call: Call) -> Answer | None:
    if _header(call, b"http2-settings"):
        call.body = b""
    return None


def _ignores_the_coding(call: Call) -> Answer | None:
    call.headers = [pair for pair in call.headers if pair[0] != b"content-encoding"]
    return None


def _is_coded(call: Call) -> bool:
    return _header(call, b"content-encoding") is not None


def _chunks_for_all(app: ASGIApp) -> ASGIApp:
    """Sends every answer in chunks, whatever the version of the client."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def chunked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                headers.append((b"transfer-encoding", b"chunked"))
                message = {**message, "headers": headers}
            await send(message)

        await app(scope, receive, chunked)

    return wrapped


def _slashes(call: Call) -> bool:
    return call.path == f"/{CHAT}"


def _slash_at_the_end(call: Call) -> bool:
    return call.path == f"{CHAT}/"


def _moved(status: int, when: Callable[[Call], bool]) -> Layer:
    def before(call: Call) -> Answer | None:
        location = (b"location", b"/v1/chat/completions")
        return Answer(status, [location, (b"content-length", b"0")]) if when(call) else None

    return around(before=before)


SPELLINGS = (
    ("double", _slashes),
    ("inner", lambda call: call.path == "/chat//completions"),
    ("trailing", _slash_at_the_end),
)

MUTANTS = (
    Mutant(
        "http-connection-once",
        "a connection is good for one answer, and does not say so",
        _on_used_connections(lambda status: status == 200, _nothing),
        ("http.connection.reuse",),
    ),
    Mutant(
        "http-connection-spoilt",
        "after a refusal the rest of the body is read as the next request",
        _on_used_connections(lambda status: status >= 400, _bad_request),
        ("http.connection.after_refusal",),
    ),
    Mutant(
        "http-connection-unread",
        "after an unknown path the rest of the body is read as the next request",
        _on_used_connections(lambda status: status == 404, _bad_request),
        ("http.connection.after_refusal",),
    ),
    Mutant(
        "http-connection-first-chunk",
        "of a body in chunks the first one is read",
        _first_piece_only,
        ("http.request.chunked",),
    ),
    Mutant(
        "http-connection-length-only",
        "a body without a length is taken for empty",
        around(before=_without_length),
        ("http.request.chunked",),
    ),
    Mutant(
        "http-connection-no-expect",
        "an expectation is refused",
        refuses(lambda call: _header(call, b"expect") is not None, 417),
        ("http.request.expect",),
    ),
    Mutant(
        "http-connection-h2c-unread",
        "the body of a request that offers HTTP/2 is dropped",
        around(before=_body_behind_an_offer),
        ("http.request.h2c",),
    ),
    Mutant(
        "http-connection-h2c-refused",
        "an offer of HTTP/2 is refused",
        refuses(lambda call: _header(call, b"http2-settings") is not None, 426),
        ("http.request.h2c",),
    ),
    Mutant(
        "http-connection-coding-ignored",
        "a body in gzip is read as if it were not",
        around(before=_ignores_the_coding),
        ("http.request.gzip",),
    ),
    Mutant(
        "http-connection-coding-crash",
        "a body in gzip is a 500",
        refuses(_is_coded, 500),
        ("http.request.gzip", "http.request.gzip_broken"),
    ),
    Mutant(
        "http-connection-coding-guessed",
        "a body in gzip is answered unread",
        around(before=lambda call: Answer.of(200, {"id": "x"}) if _is_coded(call) else None),
        ("http.request.gzip", "http.request.gzip_broken"),
    ),
    Mutant(
        "http-connection-chunks-for-all",
        "clients of HTTP/1.0 get chunks",
        _chunks_for_all,
        ("http.http_1_0.plain", "http.http_1_0.stream"),
    ),
    Mutant(
        "http-connection-http-1-0-cut",
        "a stream to a client of HTTP/1.0 ends early",
        edits_bytes(lambda body: body[: len(body) // 2]),
        ("http.http_1_0.stream",),
    ),
    *(
        Mutant(
            f"http-connection-{name}-slash-404",
            f"a {name} slash is not found",
            refuses(when, 404),
            (f"http.path.{name}_slash",),
        )
        for name, when in SPELLINGS
    ),
    *(
        Mutant(
            f"http-connection-{name}-slash-{status}",
            f"a {name} slash is redirected with {status}, which makes the POST a GET",
            _moved(status, when),
            (f"http.path.{name}_slash",),
        )
        for name, when in SPELLINGS
        for status in (301, 302)
    ),
)
