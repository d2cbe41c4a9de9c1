"""Defects of connections, of reading bodies, and of paths."""

from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract_tests.checks.http_connection import PIECE_BYTES
from tests.mutants.families import CHAT, refuses
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
