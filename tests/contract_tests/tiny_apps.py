"""HTTP servers of a few lines: each is one function from what was asked to a reply."""

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from tests.server import free_port


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; `target` is the path as it was written, with its query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer of JSON, unless `content` says otherwise."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None


Respond = Callable[[Asked], Awaitable[Reply]]


@dataclass
class Running:
    """A base URL, and what was asked there so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)


def says(reply: Reply) -> Respond:
    """The same reply to everything."""

    async def respond(_: Asked) -> Reply:
        return reply

    return respond


def refusal(status: int, **headers: str) -> Reply:
    """An error body with that status."""
    error = {"message": "No.", "type": "x", "param": None, "code": None}
    return Reply({"error": error}, status, headers)


@contextmanager
def running(respond: Respond) -> Iterator[Running]:
    """A server that responds so."""
    port = free_port()
    here = Running(f"http://127.0.0.1:{port}/v1")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        target = scope["raw_path"] + (
            b"?" + scope["query_string"] if scope["query_string"] else b""
        )
        headers = {name.decode("latin-1"): value.decode() for name, value in scope["headers"]}
        here.asked.append(Asked(scope["method"], target.decode("latin-1"), headers, body))
        reply = await respond(here.asked[-1])
        content = json.dumps(reply.body).encode() if reply.content is None else reply.content
        given = {
            "content-type": "application/json",
            "content-length": str(len(content)),
            **reply.headers,
        }
        pairs = [(name.encode(), value.encode()) for name, value in given.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        await send({"type": "http.response.body", "body": content})

    config = uvicorn.Config(
        app,
        port=port,
        interface="asgi3",
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield here
    finally:
        server.should_exit = True
        thread.join(10)
