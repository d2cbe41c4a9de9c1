"""Layers around the healthy server: each sees a whole request and a whole answer, to edit both."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Layer = Callable[[ASGIApp], ASGIApp]


@dataclass
class Call:
    """A request, before the healthy server sees it."""

    method: str
    path: str  # below /v1
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON; None if it has none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def param(self, name: str) -> Any:
        """A parameter of the body; None if it is absent."""
        body = self.json
        return body.get(name) if isinstance(body, dict) else None


@dataclass
class Answer:
    """An answer, before the client sees it."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [(b"content-type", b"application/json")]
    )
    body: bytes = b""

    @property
    def is_stream(self) -> bool:
        return any(name == b"content-type" and b"event-stream" in v for name, v in self.headers)

    def set_header(self, name: str, value: str | None) -> None:
        """Replaces a header; None removes it."""
        self.headers = [pair for pair in self.headers if pair[0] != name.encode()]
        if value is not None:
            self.headers.append((name.encode(), value.encode()))

    @classmethod
    def of(cls, status: int, body: Any) -> "Answer":
        """An answer of JSON."""
        return cls(status, body=json.dumps(body).encode())


def around(
    before: Callable[[Call], Answer | None] = lambda _: None,
    after: Callable[[Call, Answer], None] = lambda _, __: None,
) -> Layer:
    """A layer that edits the call, or answers it itself, and then edits the answer."""

    def layer(app: ASGIApp) -> ASGIApp:
        async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
            call = Call(
                scope["method"],
                scope["path"].removeprefix("/v1"),
                list(scope["headers"]),
                await _whole(receive),
            )
            answer = before(call)
            if answer is None:
                answer = await _answer(app, scope, receive, call)
                after(call, answer)
            await _send(answer, call, send)

        return wrapped

    return layer


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _answer(app: ASGIApp, scope: Scope, outer: Receive, call: Call) -> Answer:
    answer = Answer()
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await outer()  # comes back when the client has gone
        given = True
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    headers = [(k, v) for k, v in call.headers if k != b"content-length"]
    length = (b"content-length", str(len(call.body)).encode())
    await app({**scope, "headers": [*headers, length]}, receive, send)
    return answer


async def _send(answer: Answer, call: Call, send: Send) -> None:
    headers = answer.headers
    if any(name == b"content-length" for name, _ in headers) and call.method != "HEAD":
        headers = [pair for pair in headers if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
