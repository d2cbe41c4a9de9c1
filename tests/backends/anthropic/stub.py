"""An upstream of Anthropic's shape: strict in what it takes, obedient in what it answers."""

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.backends.anthropic.streams import answer, text
from tests.backends.anthropic.strict import Refused, require_messages_request

Json = dict[str, Any]
KEY = "sk-ant-test"


def model(name: str, *ways: str, **more: object) -> Json:
    types = {way: {"supported": way in ways} for way in ("adaptive", "enabled", "disabled")}
    capabilities = {"thinking": {"supported": bool(ways), "types": types}}
    about = {"type": "model", "id": name, "display_name": name, "capabilities": capabilities}
    return about | {"created_at": "2025-09-29T00:00:00Z", "max_input_tokens": 200000, **more}


MODELS = [
    model("claude-test", "enabled", "disabled"),
    model("claude-new", "adaptive", "disabled"),
    model("claude-always", "adaptive"),
    model("claude-plain", "disabled", created_at="not a date", max_input_tokens=None),
    model("claude-gone", "enabled", lifecycle="retired"),
]
ALIAS = model("claude-alias", "adaptive")


@dataclass
class Stub:
    """What it will answer, and what it was asked."""

    port: int = 0
    events: list[Json] = field(default_factory=list)
    failures: list[tuple[int, Json, dict[str, str]]] = field(default_factory=list)
    lists_models: bool = True
    list_wait_s: float = 0.0
    page_size: int = 2
    raw: bytes | None = None
    pause_s: float = 0.0
    resets: bool = False
    asked: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Json:
        return self.asked[-1]

    def reset(self) -> None:
        self.events = answer(*text("Hello", " there"))
        self.failures, self.lists_models, self.raw, self.pause_s = [], True, None, 0.0
        self.list_wait_s = 0.0
        self.resets = False
        self.asked, self.headers, self.looked_up = [], [], []
        self.connections = set()
        self.gone.clear()

    def fail(self, status: int, kind: str, message: str, times: int = 9, **headers: str) -> None:
        """Refuse the next requests; those that are to be asked again, at once."""
        error = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failures = [(status, error, {"retry-after-ms": "1", **named})] * times

    async def messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.connections.add(self._peer(request))
        if self.failures:
            status, error, headers = self.failures.pop(0)
            return web.json_response(error, status=status, headers=headers)
        try:
            require_messages_request(body)
        except Refused as refused:
            error = {"type": "invalid_request_error", "message": str(refused)}
            return web.json_response({"type": "error", "error": error}, status=400)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            for frame in self._frames():
                await response.write(frame)
                await asyncio.sleep(self.pause_s)
            if self.resets and request.transport:
                await asyncio.sleep(0.05)  # what was written is to arrive
                request.transport.abort()
            await response.write_eof()
        except (ConnectionResetError, asyncio.CancelledError):
            self.gone.set()
        return response

    def _peer(self, request: web.Request) -> int:
        assert request.transport
        port: int = request.transport.get_extra_info("peername")[1]
        return port

    def _frames(self) -> Iterable[bytes]:
        if self.raw is not None:
            yield self.raw
            return
        for event in self.events:
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

    async def models(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.list_wait_s)
        if not self.lists_models:
            raise web.HTTPNotFound
        ids = [one["id"] for one in MODELS]
        after = request.query.get("after_id")
        begin = ids.index(after) + 1 if after else 0
        page = MODELS[begin : begin + self.page_size]
        has_more = begin + self.page_size < len(MODELS)
        listed = {"data": page, "has_more": has_more, "last_id": page[-1]["id"]}
        return web.json_response(listed)

    async def one_model(self, request: web.Request) -> web.Response:
        self.looked_up.append(request.match_info["model"])
        await asyncio.sleep(self.list_wait_s)
        if request.match_info["model"] != ALIAS["id"]:
            error = {"type": "not_found_error", "message": "model: none"}
            return web.json_response({"type": "error", "error": error}, status=404)
        return web.json_response(ALIAS)


@contextmanager
def running() -> Iterator[Stub]:
    """A stub on a port of its own, in a thread of its own."""
    stub, loop, ready = Stub(), asyncio.new_event_loop(), threading.Event()
    stub.reset()

    async def begin() -> web.AppRunner:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/messages", stub.messages)
        app.router.add_get("/v1/models", stub.models)
        app.router.add_get("/v1/models/{model}", stub.one_model)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.port = runner.addresses[0][1]
        return runner

    def serve() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(begin())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(10)
    yield stub
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
