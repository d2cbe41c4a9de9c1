"""One HTTP exchange: its request, what was learnt of it, and the one way to answer it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import getrandbits
from time import perf_counter
from types import TracebackType

from starlette.types import Message, Receive, Scope, Send

from adapter.auth import ANYONE, Key
from adapter.model_list import ListedModel
from backends.protocol import Event, Usage
from backends.protocol.errors import APIError

WATCH_AFTER_S = 0.1
CLIENT_CLOSED_REQUEST = 499


class ClientGone(Exception):  # noqa: N818 - nothing went wrong, the client left
    """The client closed the connection; its generation has been cancelled."""


@dataclass(slots=True)
class Attempt:
    """What came of asking one route: a backend, and what it calls the model."""

    backend: str
    model: str
    status: int = 0
    error: str | None = None
    reason: str | None = None
    seconds: float = 0.0
    failed: bool = False  # so that another route may do better

    def fail(self, error: BaseException) -> None:
        """Note why it failed."""
        if isinstance(error, APIError):
            self.status, self.reason = error.status, error.reason
            self.error = error.code or error.type
        elif isinstance(error, ClientGone | asyncio.CancelledError):
            self.status, self.error = CLIENT_CLOSED_REQUEST, "cancelled"
        else:
            self.status, self.error = APIError.status, "crash"


@dataclass(slots=True)
class Exchange:
    """One request and its answer, from the first byte in to the last byte out.

    `reply` sends through whatever middleware stands between the edge and the operation. The
    measurements are in seconds on the clock of `time.perf_counter`.
    """

    scope: Scope
    receive: Receive
    _send: Send
    id: str = field(default_factory=lambda: f"req_{getrandbits(128):032x}")
    key: Key = ANYONE
    started_s: float = field(default_factory=perf_counter)
    status: int = 0
    operation: str | None = None
    target: str = ""
    deployment: str | None = None  # the model, where the path names it as Azure's clients do
    body: bytes | None = None
    body_read: asyncio.Event | None = None  # of one that is handed on as it comes in
    priced: ListedModel | None = None
    tells_cost: bool = False
    model: str | None = None
    stream: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_s: float | None = None
    backend_s: float = 0.0
    error: str | None = None
    reason: str | None = None  # of a failed upstream: one of `backends.protocol.errors.REASONS`
    backend: str | None = None
    attempts: int = 0
    begun: bool = False  # whether a stream has sent more than its head and comments
    complete: bool = False  # whether the last byte has gone out
    sending: bool = False
    sent_s: float = field(default_factory=perf_counter)  # when the last message had gone out
    reply: Send = field(init=False)

    def __post_init__(self) -> None:
        self.reply = self.send

    def enter(self, receive: Receive, send: Send) -> None:
        """Go on through the middleware in between: read and answer by their wrappers."""
        self.receive = receive
        self.reply = send

    def begin(self, backend: str) -> None:
        """Note that a backend is asked now; what another one gave before it failed is forgotten."""
        self.backend = backend
        self.attempts += 1
        self.first_token_s = self.reason = None
        self.count(0)

    def count(self, prompt_tokens: int, completion_tokens: int = 0) -> None:
        """Note what the exchange took and made, for the log and the metrics, which never fall."""
        self.prompt_tokens = max(0, prompt_tokens)
        self.completion_tokens = max(0, completion_tokens)

    def note(self, events: Sequence[Event], since_s: float) -> None:
        """Note events that came now and were waited for since then."""
        now_s = perf_counter()
        self.backend_s += now_s - since_s
        if self.first_token_s is None:
            self.first_token_s = now_s
        last = events[-1]
        if isinstance(last, Usage):
            self.count(last.prompt_tokens, last.completion_tokens)

    def cost_usd(self) -> Decimal | None:
        """What the tokens counted so far cost; None where the model has no price."""
        if self.priced is None or not self.prompt_tokens:
            return None
        return self.priced.cost_usd(self.prompt_tokens, self.completion_tokens)

    @property
    def is_committed(self) -> bool:
        """Whether the client has been told what somebody else could no longer answer otherwise."""
        return bool(self.status) and (self.begun or not self.stream)

    def begin_tokens(self) -> None:
        """Note that the first token goes out now."""
        if self.first_token_s is None:
            self.first_token_s = perf_counter()

    async def send(self, message: Message) -> None:
        """Send an ASGI message to the server, with the headers that every response carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            elapsed_ms = int((perf_counter() - self.started_s) * 1000)
            own: tuple[tuple[bytes, bytes], ...] = (
                (b"x-request-id", self.id.encode()),
                (b"openai-processing-ms", b"%d" % elapsed_ms),
                (b"openai-version", b"2020-10-01"),
            )
            if self.tells_cost and not self.stream and (cost := self.cost_usd()) is not None:
                own = (*own, (b"x-adapter-cost-usd", f"{cost:f}".encode()))
            # An upstream's own take their place.
            given = {name for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(header for header in own if header[0] not in given),
            ]
        elif not message.get("more_body", False):
            self.complete = True
        self.sending = True
        try:
            await self._send(message)
        finally:
            self.sending = False
            self.sent_s = perf_counter()

    async def answer(self, body: bytes, status: int = 200) -> None:
        """Send a whole JSON body."""
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
        ]
        await self.reply({"type": "http.response.start", "status": status, "headers": headers})
        await self.reply({"type": "http.response.body", "body": body})


class ClientWatch:
    """While entered, a client that goes away cancels the body of the `async with`.

    The watch begins after `WATCH_AFTER_S`, so that an answer that is ready at once pays nothing
    for it. The request body must have been read, or be read by whoever sets `body_read`.

    Raises:
        ClientGone: on leaving, if that is what happened.
    """

    __slots__ = ("_body_read", "_gone", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, exchange: Exchange) -> None:
        self._receive = exchange.receive
        self._body_read = exchange.body_read
        self._gone = False
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError and self._task is not None:
            self._task.uncancel()
            raise ClientGone

    def _start(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        if self._body_read is not None:
            await self._body_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()
